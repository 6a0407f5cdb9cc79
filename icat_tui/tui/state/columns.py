"""Columns of the tree: one for each status that occurs, as far as there is room, with the rarest folded into one.

What must stay true: counts stand below each other; which columns there are follows from what is in view and from the
width alone, so that they do not change while one scrolls.
"""

from typing import NamedTuple

from icat_tui.domain.status import Status
from icat_tui.domain.summary import STATUSES, Counts

NARROWEST = 60
"""Columns of the screen below which counts stand right behind the names, each with its glyph."""
NAME = 26
"""Columns that are left to names, at least."""
OTHER, AGE, FIT, CATEGORY = 7, 4, 9, 12
"""Widths of the columns that are no numbers of one status."""
CATEGORY_FROM = 100
"""Columns of the tree from which on the category stands there in words."""
LEAST = 3
"""Width of a number, at least."""


class Columns(NamedTuple):
    """Columns right of the names, by their widths; 0: it is not there."""

    statuses: tuple[tuple[int, int], ...] = ()
    """Place among the statuses, and width."""
    other: int = 0
    age: int = 0
    fit: int = 0
    category: int = 0

    @property
    def width(self) -> int:
        """The width of all, with a space before each."""
        widths = [width for _, width in self.statuses] + [self.other, self.age, self.fit, self.category]
        return sum(width + 1 for width in widths if width)


def columns_for(totals: Counts, width: int) -> Columns:
    """Return the columns for what is in view, in so many columns of the screen; none where that is too narrow."""
    if width < NARROWEST:
        return Columns()
    category = CATEGORY if width >= CATEGORY_FROM else 0
    fixed = Columns(age=AGE, fit=FIT, category=category)
    room = width - NAME - fixed.width
    occurring = [(place, max(LEAST, len(f"{number:,}"))) for place, number in enumerate(totals) if number]
    if sum(size + 1 for _, size in occurring) <= room:
        return fixed._replace(statuses=tuple(occurring))
    room -= OTHER + 1
    kept = set()
    for place, size in sorted(occurring, key=lambda each: -totals[each[0]]):
        room -= size + 1
        if room < 0:
            break
        kept.add(place)
    return fixed._replace(statuses=tuple(each for each in occurring if each[0] in kept), other=OTHER)


Cell = tuple[str, str]
"""A text and its colour name."""


def count_cells(columns: Columns, counts: Counts) -> list[Cell]:
    """Return the numbers of a row, one for each column, a space before each."""
    of_status = dict(enumerate(counts))
    cells = [
        (f" {_number(of_status.pop(place, 0)):>{width}}", STATUSES[place].colour) for place, width in columns.statuses
    ]
    if columns.other:
        parts = [f"{STATUSES[place].glyph}{number:,}" for place, number in of_status.items() if number]
        text = " ".join(parts)
        if len(text) > columns.other:
            text = f"{text[: columns.other - 1]}…"
        cells.append((f" {text:>{columns.other}}", ""))
    return cells


def _number(number: int) -> str:
    return f"{number:,}" if number else ""


def row_cells(columns: Columns, counts: Counts, age: str, fit: str, category: str) -> list[Cell]:
    """Return all cells of a row."""
    words = [(age, columns.age), (fit, columns.fit), (category, columns.category)]
    return [*count_cells(columns, counts), *((f" {text:>{width}}", "") for text, width in words if width)]


def head_cells(columns: Columns) -> list[Cell]:
    """Return the names of the columns: the glyph of a status, else a word."""
    statuses: list[tuple[Status, int]] = [(STATUSES[place], width) for place, width in columns.statuses]
    cells = [(f" {status.glyph:>{width}}", status.colour) for status, width in statuses]
    words = {"other": columns.other, "age": columns.age, "fit": columns.fit, "category": columns.category}
    return [*cells, *((f" {word:>{width}}", "") for word, width in words.items() if width)]

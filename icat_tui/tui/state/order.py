"""Order of the tree: by path, or sessions and their groups by what presses most, what is new, what is missing.

What must stay true: a session keeps its rank until the tree is sorted anew, so that nothing moves while a scan fills it
in; a group stands where the first of its sessions would; and what is equal is in the order of the paths.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import cast

from icat_tui.domain.status import ACTIONABLE, Category
from icat_tui.domain.summary import STATUSES, SessionRow
from icat_tui.tui.state.nodes import PRESSING, Level, Place, after

Key = tuple[object, ...]
"""What places are sorted by; that of a group is the beginning of those within it."""


class SortBy(StrEnum):
    """What the tree is sorted by; each is followed by the next with the key that sorts."""

    PATH = "path"
    URGENCY = "urgency"
    DATE = "date"
    MISSING = "missing"
    CHANGE = "last change"

    @property
    def next(self) -> "SortBy":
        """The order after this one."""
        orders = list(SortBy)
        return orders[(orders.index(self) + 1) % len(orders)]


def _urgency(row: SessionRow) -> float:
    """Return what a person can do now first, then what wants attention, then the rest; not scanned is last."""
    return len(PRESSING) if row.category is None else _URGENCY[row.category]


_FIRST = (Category.TODO, Category.HAS_INVALID, Category.TODO_ONGOING)
_URGENCY = {category: place for place, category in enumerate(dict.fromkeys((*_FIRST, *PRESSING)))}
_ACTIONABLE = tuple(number for number, status in enumerate(STATUSES) if status in ACTIONABLE)


def _date(row: SessionRow) -> float:
    """Return the newest session first."""
    return -int(row.directory.date) if row.directory.date.isdecimal() else 0.0


def _missing(row: SessionRow) -> float:
    """Return the session first of which most datasets can be registered."""
    return -sum(row.counts[number] for number in _ACTIONABLE) if row.counts else 0.0


def _change(row: SessionRow) -> float:
    """Return the session first whose data are the newest."""
    return -row.changed_at.timestamp() if row.changed_at else 0.0


_RANKS: dict[SortBy, Callable[[SessionRow], float]] = {
    SortBy.URGENCY: _urgency,
    SortBy.DATE: _date,
    SortBy.MISSING: _missing,
    SortBy.CHANGE: _change,
}


class Order:
    """Order of places, by the ranks that sessions and groups had when they were sorted."""

    def __init__(self, by: SortBy, rows: Mapping[str, SessionRow], places: Iterable[Place] = ()) -> None:
        """Sort by the rows that sessions have now, by path; those at `places`, more by `add`."""
        self.by, self._rows = by, rows
        self._ranks: dict[Place | str, float] = {}
        """Of groups by their places, and of sessions by their paths."""
        self.add(places, sort_groups=True)

    def add(self, places: Iterable[Place], *, sort_groups: bool = False) -> None:
        """Give sessions their ranks, at which they stay; groups that are there stay where they are."""
        if self.by == SortBy.PATH:
            return
        rank, ranks = _RANKS[self.by], self._ranks
        known = set() if sort_groups else set(ranks)
        for place in places:
            of_session = ranks.setdefault(place[3], rank(self._rows[place[3]]))
            for group in (place[: Level.OUTER], place[: Level.INNER]):
                if group not in known:
                    ranks[group] = min(of_session, ranks.get(group, of_session))

    def key(self, place: Place) -> Key:
        """Return what a place is sorted by."""
        if self.by == SortBy.PATH:
            return place
        ranks = self._ranks
        parts: list[object] = [ranks.get(place[: Level.OUTER], 0.0), place[0]]
        if len(place) >= Level.INNER:
            parts += [ranks.get(place[: Level.INNER], 0.0), place[1]]
        if len(place) >= Level.SESSION:
            parts += [ranks.get(place[3], 0.0), *place[2:]]
        return tuple(parts)

    def after(self, place: Place) -> Key:
        """Return what comes after all that lies below a place."""
        if self.by == SortBy.PATH:
            return after(place)
        key = self.key(place)
        return (*key[:-1], f"{cast('str', key[-1])}\0")

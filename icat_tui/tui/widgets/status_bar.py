"""The status line: totals, age of the data, servers, progress.

What must stay true: it has no clock of its own; the same state is the same line, and what does not fit is left out from
the end.
"""

from collections.abc import Iterator
from datetime import timedelta

from msgspec import Struct
from textual.content import Content
from textual.widget import Widget

from icat_tui.domain.summary import STATUSES, Counts
from icat_tui.text import visible
from icat_tui.tui.theme import style

GAP = "  "
TROUBLE = "red"
"""The colour name of what is wrong."""
SAYS_SOMETHING = 20
"""Columns in which the beginning of a text says something."""


class ColouredText(Struct, frozen=True):
    """Text with its colour name."""

    text: str
    colour: str = ""


class BarState(Struct, frozen=True, kw_only=True):
    """Everything that the status line shows."""

    counts: Counts = ()
    """Datasets by status, of all sessions."""
    progress: tuple[int, int] | None = None
    """How many are done, and of how many; None: nothing is going on."""
    doing: str = ""
    """The work under way: `scanning`, `sending`; with or without progress."""
    marks: int = 0
    range_begun: bool = False
    """Whether a range of marks is begun and not ended."""
    planned: ColouredText | None = None
    """How many messages of this user wait to be resumed, and by which key."""
    filtered: ColouredText | None = None
    """The filter, or what is wrong with it."""
    icatplus: ColouredText | None = None
    broker: ColouredText | None = None
    age: timedelta | None = None
    """How long ago ICAT was asked about the sessions in view, the oldest."""


class StatusBar(Widget):
    """Status line."""

    DEFAULT_CSS = "StatusBar { height: 1; background: $panel; color: $foreground; }"

    def __init__(self, state: BarState | None = None, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show a state, or nothing yet."""
        super().__init__(id=id)
        self._state = state or BarState()

    def show(self, state: BarState) -> None:
        """Show another state; nothing is drawn where it is the same."""
        if state != self._state:
            self._state = state
            self.refresh()

    def render(self) -> Content:
        """Return what there is room for."""
        return bar(self._state, self.size.width)


def bar(state: BarState, width: int) -> Content:
    """Return the line in at most `width` columns: the parts that fit, in the order of their weight.

    What is wrong is cut off rather than left out, as long as its beginning says something.
    """
    fitting = Content()
    for part in _parts(state):
        longer = Content.assemble(fitting, GAP, part) if fitting else part
        if longer.cell_length > width:
            cut = not fitting or (part in _troubles(state) and width - fitting.cell_length >= SAYS_SOMETHING)
            return longer.truncate(width, ellipsis=True) if cut else fitting
        fitting = longer
    return fitting


def _parts(state: BarState) -> Iterator[Content]:
    if state.progress is not None:
        done, total = state.progress
        yield Content(f"{visible(state.doing)} {done:,}/{total:,}, {max(0, total - done):,} left".lstrip())
    elif state.doing:
        yield Content(f"{visible(state.doing)} …")
    yield from _troubles(state)
    if state.filtered is not None:
        yield _content(state.filtered)
    if state.range_begun:
        yield Content("range begun: v ends it, esc drops it")
    if state.marks:
        yield Content(f"{state.marks:,} marked")
    totals = [
        Content.styled(f"{status.glyph}{number:,}", style(status.colour))
        for status, number in zip(STATUSES, state.counts, strict=False)
        if number
    ]
    if totals:
        yield Content(" ").join(totals)
    for said in (state.planned, state.icatplus, state.broker):
        if said is not None and said.colour != TROUBLE:
            yield _content(said)
    if state.age is not None:
        yield Content(f"data {age_text(state.age)} old")


def _troubles(state: BarState) -> list[Content]:
    """Return what is wrong with the servers."""
    return [_content(said) for said in (state.icatplus, state.broker) if said is not None and said.colour == TROUBLE]


def _content(said: ColouredText) -> Content:
    return Content.styled(visible(said.text), style(said.colour))


def age_text(age: timedelta) -> str:
    """Return a length of time in its largest whole unit: `3 d`, `2 h`, `5 min`, `0 min`."""
    minutes = max(0, int(age.total_seconds() // 60))
    for unit, length in (("d", 24 * 60), ("h", 60)):
        if minutes >= length:
            return f"{minutes // length} {unit}"
    return f"{minutes} min"

"""What the tree shows: the filter that is typed, the statuses that are hidden, and "only attention".

What must stay true: a filter with a mistake in it changes nothing; what is wrong with it is said where it is typed.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec import structs

from icat_tui.domain.status import Status
from icat_tui.settings.schema import HomeUnknownError, own_directory
from icat_tui.text import counted
from icat_tui.tui.host import Host
from icat_tui.tui.state.filter_history import (
    FILE,
    ORDER_FILE,
    FilterHistory,
    keep_filter,
    keep_order,
    read_filters,
    read_order,
)
from icat_tui.tui.state.filter_words import FilterError
from icat_tui.tui.state.filtering import FilterChoice
from icat_tui.tui.state.order import SortBy
from icat_tui.tui.widgets.filter_line import FilterLine
from icat_tui.tui.widgets.session_tree import SessionTree
from icat_tui.tui.workspace import Workspace


class Narrowing:
    """Choice of what is shown, applied to the tree as it changes."""

    def __init__(
        self, host: Host, workspace: Workspace, tree: Callable[[], SessionTree], line: Callable[[], FilterLine]
    ) -> None:
        """Show everything; the widgets are asked for once they are there."""
        self._host, self._workspace, self._tree, self._line = host, workspace, tree, line
        self.choice = FilterChoice()
        self._file, self._order_file = _own_file(FILE), _own_file(ORDER_FILE)

    def begin(self) -> None:
        """Read which filters were kept before, and the order of the tree."""
        if self._order_file is not None:
            self._host.background("reading the order", partial(read_order, self._order_file), self._sort_by)
        if self._file is not None:
            self._host.background("reading earlier filters", partial(read_filters, self._file), self._take)

    def _take(self, filters: list[str]) -> None:
        self._line().history = FilterHistory([*filters, *self._line().history.filters])

    def _sort_by(self, by: SortBy) -> None:
        if by != self._tree().model.sessions.order.by:
            self._tree().sort(by)
            self._host.show_state()

    def sort(self) -> None:
        """Sort by what comes next, at the next start too."""
        by = self._tree().model.sessions.order.by.next
        self._sort_by(by)
        if self._order_file is not None:
            self._host.background("keeping the order", partial(keep_order, self._order_file, by), lambda _: None)

    @property
    def active(self) -> bool:
        """Whether there is anything to leave or to clear."""
        return self._line().display or self.choice != FilterChoice(now=self.choice.now)

    def open(self) -> None:
        """Have a filter typed."""
        self._line().open()
        self.tell()

    def type(self, text: str) -> None:
        """Show what a filter lets through that has been typed so far."""
        now = self._workspace.now().astimezone(self._workspace.facility.zone)
        self._choose(structs.replace(self.choice, text=text, now=now))

    def keep(self, text: str) -> None:
        """Leave the filter as it is, and remember it."""
        if self._file is not None and text.strip():
            self._host.background("keeping the filter", partial(keep_filter, self._file, text), lambda _: None)
        self._tree().focus()

    def toggle_status(self, key: int) -> None:
        """Show or hide a status."""
        self._choose(structs.replace(self.choice, hidden=self.choice.hidden ^ {list(Status)[key - 1]}))

    def toggle_attention(self) -> None:
        """Show only what wants attention, or everything."""
        self._choose(structs.replace(self.choice, attention=not self.choice.attention))

    def clear(self) -> None:
        """Show everything."""
        self._tree().focus()
        self._choose(FilterChoice())

    def _choose(self, choice: FilterChoice) -> None:
        """Show what a filter lets through; one with a mistake in it changes nothing."""
        self.choice = choice
        try:
            wanted = choice.filter
        except FilterError:
            pass
        else:
            if wanted != self._tree().model.filter:
                self._tree().narrow(wanted)
        self.tell()
        self._host.show_state()

    def tell(self) -> None:
        """Say beside the field what is wrong with the filter, or how many sessions it finds."""
        model = self._tree().model
        number = len(model.sessions.shown_places())
        if self.choice.trouble:
            self._line().tell(self.choice.trouble, wrong=True)
        elif not model.filter.active:
            self._line().tell("enter keeps, esc clears, ↑ earlier")
        elif model.searching:
            self._line().tell(f"{counted(number, 'session')} so far")
        else:
            self._line().tell(counted(number, "session") if number else "no session matches")


def _own_file(name: str) -> Path | None:
    try:
        return own_directory("state") / name
    except HomeUnknownError:
        return None

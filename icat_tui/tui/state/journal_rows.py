"""The rows of the journal on screen: which are open, and which one the cursor is on.

What must stay true: the cursor stays on what it is on, whatever comes or goes above it, also where a message has come
into another order since; what is open stays open.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from icat_tui.journal.sendings import PENDING_STATES, MessageState
from icat_tui.tui.state.journal_entries import JournalShown, OrderEntry, SessionEntry
from icat_tui.tui.state.journal_message import CAN_BE_SETTLED, JournalMessage, StateCounts

Place = tuple[str, ...]
"""Where a row is: nothing for all, an order, a session in it, a message in that."""


class RowLevel(IntEnum):
    """Kind of a row, by how deep it lies."""

    ALL = 0
    ORDER = 1
    SESSION = 2
    MESSAGE = 3


class JournalRow(NamedTuple):
    """Row of the journal."""

    place: Place
    level: RowLevel
    tally: StateCounts
    is_open: bool | None = None
    """None: there is nothing in it."""
    order: OrderEntry | None = None
    session: SessionEntry | None = None
    """Of an order with a single one too, which is folded into it."""
    message: JournalMessage | None = None


class JournalRows:
    """Rows of what is shown, with what is open and the cursor; used in the UI's thread."""

    def __init__(self) -> None:
        """Begin with nothing, and the cursor on all."""
        self.shown = JournalShown()
        self.cursor = 0
        self.rows: list[JournalRow] = []
        self._open: set[Place] = set()
        self._moved = False
        """Whether the cursor was moved, or all was read once: before that it is on the newest order."""
        self.take(self.shown)

    @property
    def row(self) -> JournalRow:
        """The row that the cursor is on."""
        return self.rows[self.cursor]

    def take(self, shown: JournalShown) -> None:
        """Show something else; the cursor stays on what it is on."""
        under = self.row if self.rows else None
        self.shown = shown
        self._fill()
        if under is not None:
            self._find(under)
        if not self._moved:
            self.cursor = min(1, len(self.rows) - 1)
            self._moved = bool(shown.orders) and not shown.reading

    def move_to(self, at: int) -> None:
        """Put the cursor on a row, or on the closest there is."""
        self._moved = True
        self.cursor = min(max(at, 0), len(self.rows) - 1)

    # -- opening ---------------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Open what the cursor is on, or close it."""
        if self.row.is_open is not None:
            self._set_open(self.row.place, is_open=not self.row.is_open)

    def go_in(self) -> None:
        """Open what the cursor is on; where it is open go to what is in it first."""
        if self.row.is_open:
            self.move_to(self.cursor + 1)
        elif self.row.is_open is False:
            self._set_open(self.row.place, is_open=True)

    def go_out(self) -> None:
        """Close what the cursor is on; where it is closed go to what it lies in."""
        row = self.row
        if row.is_open:
            self._set_open(row.place, is_open=False)
        elif row.place:
            above = row.place[:-1]
            places = [each.place for each in self.rows]
            self.move_to(places.index(above if above in places else above[:-1]))

    def _set_open(self, place: Place, *, is_open: bool) -> None:
        self._moved = True
        (self._open.add if is_open else self._open.discard)(place)
        self._fill()

    # -- what is meant ---------------------------------------------------------------------------------------------

    def messages(self) -> Iterable[JournalMessage]:
        """Return all messages of what the cursor is on, as far as they are shown."""
        return self.messages_of(self.row)

    def messages_of(self, row: JournalRow) -> Iterable[JournalMessage]:
        """Return all messages of a row, as far as they are shown."""
        if row.message is not None:
            return (row.message,)
        if row.level == RowLevel.SESSION and row.session is not None:
            return row.session.messages
        if row.order is not None:
            return row.order.messages
        return (message for order in self.shown.orders for message in order.messages)

    def chosen(self, states: frozenset[MessageState]) -> tuple[JournalMessage, ...]:
        """Return the messages of what the cursor is on that are in one of some states."""
        if not self.row.tally.of(states):
            return ()
        return tuple(message for message in self.messages() if message.state in states)

    def to_settle(self) -> tuple[JournalMessage, ...]:
        """Return the messages of what the cursor is on that a person may settle; of several only what is pending."""
        return self.chosen(CAN_BE_SETTLED if self.row.message is not None else PENDING_STATES)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        self.rows = [JournalRow((), RowLevel.ALL, self.shown.tally), *self._rows()]
        self.cursor = min(self.cursor, len(self.rows) - 1)

    def _rows(self) -> Iterator[JournalRow]:
        for order in self.shown.orders:
            place = (order.key,)
            is_open = place in self._open
            only = order.sessions[0] if len(order.sessions) == 1 else None
            yield JournalRow(place, RowLevel.ORDER, order.tally, is_open, order, only)
            if is_open:
                yield from _messages(order, only) if only else self._sessions(order)

    def _sessions(self, order: OrderEntry) -> Iterator[JournalRow]:
        for session in order.sessions:
            place = (order.key, session.path)
            is_open = place in self._open
            yield JournalRow(place, RowLevel.SESSION, session.tally, is_open, order, session)
            if is_open:
                yield from _messages(order, session)

    def _find(self, under: JournalRow) -> None:
        """Put the cursor on what it was on, or on what that lies in; where it is gone it stays at its place."""
        if self.row.place == under.place:
            return
        places = {row.place: at for at, row in enumerate(self.rows)}
        if under.place not in places and under.message is not None:
            self._follow(under.message)
            places = {row.place: at for at, row in enumerate(self.rows)}
            if (at := next((at for place, at in places.items() if place[2:] == (under.message.id,)), None)) is not None:
                self.cursor = at
                return
        for length in range(len(under.place), 0, -1):
            if (at := places.get(under.place[:length])) is not None:
                self.cursor = at
                return
        if not under.place:
            self.cursor = 0

    def _follow(self, message: JournalMessage) -> None:
        """Open the order that a message has come into: it was sent by another confirmation."""
        for order in self.shown.orders:
            for session in order.sessions:
                if session.path == message.session and any(each.id == message.id for each in session.messages):
                    self._open |= {(order.key,), (order.key, session.path)}
                    self._fill()
                    return


def _messages(order: OrderEntry, session: SessionEntry) -> Iterator[JournalRow]:
    for message in session.messages:
        place = (order.key, session.path, message.id)
        tally = StateCounts(((message.state, 1),))
        yield JournalRow(place, RowLevel.MESSAGE, tally, None, order, session, message)

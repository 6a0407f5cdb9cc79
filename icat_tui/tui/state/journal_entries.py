"""The journal as it is shown: orders ▸ sessions ▸ messages, with what became of each.

Pure over what the journal says of messages. What must stay true: every message that the journal has is in exactly one
order; only orders that changed are made anew, as a journal of years has hundreds of thousands of messages.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from icat_tui.tui.state.journal_filter import JournalFilter
from icat_tui.tui.state.journal_message import JournalMessage, OrderKey, StateCounts, sum_of_tallies, tally_of


class SessionEntry(Struct, frozen=True, gc=False):
    """Messages of one order about one session."""

    path: str
    messages: tuple[JournalMessage, ...]
    tally: StateCounts

    @property
    def label(self) -> str:
        """Proposal, beamline and date; it is to be made visible where it is shown."""
        return " ".join(self.path.rsplit("/", 3)[1:]) if self.path else "in no session"


class OrderEntry(Struct, frozen=True, gc=False):
    """Messages that were confirmed together, by session."""

    key: OrderKey
    time: datetime
    """Of its first message."""
    user: str
    host: str
    sessions: tuple[SessionEntry, ...]
    tally: StateCounts

    @property
    def messages(self) -> Iterable[JournalMessage]:
        """All messages."""
        return (message for session in self.sessions for message in session.messages)


class JournalShown(Struct, frozen=True):
    """Everything of a journal that is shown, at one time."""

    orders: tuple[OrderEntry, ...] = ()
    """Of what the filter lets through, the newest first."""
    tally: StateCounts = StateCounts()
    messages: int = 0
    """How many there are, filter or not."""
    troubles: tuple[str, ...] = ()
    """What is wrong with parts of it."""
    broken: str = ""
    """Why it can't be read; empty: it can."""
    reading: bool = False
    """Whether parts of it were not read yet."""


class JournalEntries:
    """Orders of a journal, as far as it was read, and what a filter lets through of them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._shards: dict[str, dict[OrderKey, tuple[JournalMessage, ...]]] = {}
        self._orders: dict[OrderKey, dict[str, tuple[JournalMessage, ...]]] = {}
        """By order, then by shard."""
        self._entries: dict[OrderKey, OrderEntry] = {}
        """Of what the filter lets through."""
        self._changed: set[OrderKey] = set()
        self._filter = JournalFilter()
        self._sorted: tuple[OrderEntry, ...] = ()
        self.messages = 0
        """How many there are."""

    def put(self, shard: str, messages: Iterable[JournalMessage]) -> None:
        """Take in the messages of a shard, in place of those that it had before."""
        before, grouped = self._shards.get(shard, {}), _by_order(messages)
        self._shards[shard] = grouped
        self.messages += _number(grouped) - _number(before)
        for key in before.keys() | grouped.keys():
            if before.get(key) == grouped.get(key):
                continue
            self._changed.add(key)
            of_shards = self._orders.setdefault(key, {})
            if key in grouped:
                of_shards[shard] = grouped[key]
            else:
                del of_shards[shard]

    def narrow(self, wanted: JournalFilter) -> None:
        """Let through what a filter does."""
        if wanted != self._filter:
            self._filter = wanted
            self._changed.update(self._orders)

    def shown(self) -> tuple[OrderEntry, ...]:
        """Return what the filter lets through, the newest order first."""
        if not self._changed:
            return self._sorted
        for key in self._changed:
            self._entries.pop(key, None)
            if not self._orders[key]:
                del self._orders[key]
            elif entry := self._entry(key):
                self._entries[key] = entry
        self._changed.clear()
        self._sorted = tuple(sorted(self._entries.values(), key=lambda each: (each.time, each.key), reverse=True))
        return self._sorted

    def _entry(self, key: OrderKey) -> OrderEntry | None:
        matches = self._filter.matches
        of_sessions: dict[str, list[JournalMessage]] = {}
        for messages in self._orders[key].values():
            for message in messages:
                if matches(message):
                    of_sessions.setdefault(message.session, []).append(message)
        if not of_sessions:
            return None
        sessions = tuple(
            SessionEntry(path, tuple(sorted(members, key=lambda each: (each.dataset, each.id))), tally_of(members))
            for path, members in sorted(of_sessions.items())
        )
        first = min((message for members in of_sessions.values() for message in members), key=lambda each: each.time)
        tally = sum_of_tallies(session.tally for session in sessions)
        return OrderEntry(key, first.time, first.user, first.host, sessions, tally)


def _by_order(messages: Iterable[JournalMessage]) -> dict[OrderKey, tuple[JournalMessage, ...]]:
    grouped: dict[OrderKey, list[JournalMessage]] = {}
    for message in messages:
        grouped.setdefault(message.order, []).append(message)
    return {key: tuple(members) for key, members in grouped.items()}


def _number(grouped: dict[OrderKey, tuple[JournalMessage, ...]]) -> int:
    return sum(map(len, grouped.values()))

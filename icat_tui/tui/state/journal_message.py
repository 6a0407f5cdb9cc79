"""Messages of the journal as they are shown, with the glyph and the word for what became of each.

Pure over what the journal says of messages.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from icat_tui.domain.formats import session_of
from icat_tui.domain.message import Action
from icat_tui.journal.sendings import PENDING_STATES, MessageState, Sending

OrderKey = str
NO_SESSION = ""


class StateLook(NamedTuple):
    """Glyph, word and colour of what became of a message."""

    glyph: str
    word: str
    colour: str


LOOKS = {
    MessageState.PLANNED: StateLook("!", "planned", "magenta"),
    MessageState.INTENDED: StateLook("?", "no receipt yet", "reverse"),
    MessageState.UNKNOWN: StateLook("?", "no receipt", "reverse"),
    MessageState.REJECTED: StateLook("x", "rejected", "red"),
    MessageState.ACCEPTED: StateLook("~", "pending", "blue"),
    MessageState.SKIPPED: StateLook("-", "not sent", "grey"),
    MessageState.LOST: StateLook("_", "settled as lost", "grey"),
    MessageState.SEEN: StateLook("=", "in ICAT", "green"),
}
"""In the order in which they want attention."""
CAN_BE_RESUMED = frozenset({MessageState.PLANNED})
CAN_BE_VERIFIED = PENDING_STATES
CAN_BE_SETTLED = PENDING_STATES | {MessageState.SEEN, MessageState.LOST}
"""States of which a person may know better; of several messages at once only what is pending is meant."""


class StateCounts(NamedTuple):
    """Number of messages by state, without those that are none."""

    counts: tuple[tuple[MessageState, int], ...] = ()

    @property
    def total(self) -> int:
        """How many messages there are."""
        return sum(number for _, number in self.counts)

    def of(self, states: Iterable[MessageState]) -> int:
        """Return how many messages are in one of some states."""
        wanted = set(states)
        return sum(number for state, number in self.counts if state in wanted)


class JournalMessage(Struct, frozen=True, gc=False):
    """Message as the journal has it, without its body."""

    id: str
    shard: str
    order: OrderKey
    """That of the confirmation; of messages without one, their user, host and day."""
    action: Action
    dataset: str
    session: str
    """The path of its session; empty: it lies in none."""
    proposal: str
    """As ICAT was told, or by the path."""
    beamline: str
    icat_id: int | None
    investigation: int | None
    destination: str
    state: MessageState
    time: datetime
    user: str
    host: str
    words: str
    has_body: bool
    """Whether the journal holds it byte for byte."""

    @property
    def name(self) -> str:
        """The dataset in its session, or its path."""
        below = self.dataset.removeprefix(f"{self.session}/") if self.session else self.dataset
        return below.removeprefix("RAW_DATA/")


def message_of(shard: str, sending: Sending, zone: tzinfo) -> JournalMessage:
    """Return a message of a shard as it is shown; equal texts of many messages are kept once."""
    session = _session_of(sending.dataset.rsplit("/", 1)[0])
    *_, proposal, beamline, _ = ("", "", *session.rsplit("/", 3)) if session else ("", "", "")
    day = "" if sending.order else f"{sending.time.astimezone(zone):%Y-%m-%d}"
    order = sending.order or f"{sending.user} {sending.host} {day}"
    return JournalMessage(
        id=sending.id,
        shard=sys.intern(shard),
        order=sys.intern(order),
        action=sending.action,
        dataset=sending.dataset,
        session=session,
        proposal=sys.intern(sending.proposal or proposal),
        beamline=sys.intern(sending.beamline or beamline),
        icat_id=sending.icat_id,
        investigation=sending.investigation,
        destination=sys.intern(sending.destination),
        state=sending.state,
        time=sending.time,
        user=sys.intern(sending.user),
        host=sys.intern(sending.host),
        words=sending.words,
        has_body=sending.plan is not None,
    )


@lru_cache(maxsize=4096)
def _session_of(collection: str) -> str:
    return session_of(collection) or NO_SESSION


def tally_of(messages: Sequence[JournalMessage]) -> StateCounts:
    """Return how many messages are in which state."""
    numbers: dict[MessageState, int] = {}
    for message in messages:
        numbers[message.state] = numbers.get(message.state, 0) + 1
    return StateCounts(tuple((state, numbers[state]) for state in LOOKS if state in numbers))


def sum_of_tallies(tallies: Iterable[StateCounts]) -> StateCounts:
    """Return several tallies together."""
    numbers: dict[MessageState, int] = {}
    for tally in tallies:
        for state, number in tally.counts:
            numbers[state] = numbers.get(state, 0) + number
    return StateCounts(tuple((state, numbers[state]) for state in LOOKS if state in numbers))

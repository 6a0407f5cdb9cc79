"""What becomes of confirmed messages, counted while it happens.

What must stay true: each message counts once, by the last that is known of it, and "accepted" is never called
"registered".
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from icat_tui.domain.message import Message
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, MessageUnknown
from icat_tui.sync.plan import Plan
from icat_tui.sync.submit import MessageSkipped, RegisterEvent
from icat_tui.sync.verify import MessageConfirmed, VerifyEvent


class Fate(StrEnum):
    """What became of a message in this run."""

    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    NOT_SENT = "not sent"
    """Planned in the journal, where `--resume` finds it."""


class KnownFates:
    """What is known of the fates of all messages that were confirmed."""

    def __init__(self) -> None:
        """Know of none."""
        self._fates: dict[str, Fate] = {}
        """By the id of the message."""
        self._open: dict[str, Message] = {}
        """What went out and was not seen in ICAT."""

    def __len__(self) -> int:
        """Return how many messages were confirmed."""
        return len(self._fates)

    @property
    def counts(self) -> Counter[Fate]:
        """How many messages have each fate."""
        return Counter(list(self._fates.values()))  # a copy: another thread may be at it

    @property
    def open(self) -> Sequence[Message]:
        """What ICAT is to be asked about."""
        return list(self._open.values())

    def of(self, message: str) -> Fate:
        """Return the fate of a message by its id."""
        return self._fates[message]

    def plan(self, plan: Plan) -> None:
        """Count what was confirmed."""
        self._fates.update((offer.message.id, Fate.NOT_SENT) for offer in plan.offers)

    def hear(self, event: RegisterEvent) -> None:
        """Take up what has happened to a message; what is about none is passed over."""
        match event:
            case MessageAccepted(message=message):
                self._fates[message.id], self._open[message.id] = Fate.ACCEPTED, message
            case MessageUnknown(message=message):
                self._fates[message.id], self._open[message.id] = Fate.UNKNOWN, message
            case MessageRejected(message=message):
                self._fates[message.id] = Fate.REJECTED
                self._open.pop(message.id, None)
            case MessageSkipped(message=message):
                self._fates[message.id] = Fate.SKIPPED
            case _:
                pass

    def confirm(self, event: VerifyEvent) -> None:
        """Take up what ICAT shows of a message."""
        if isinstance(event, MessageConfirmed):
            self._fates[event.message.id] = Fate.CONFIRMED
            self._open.pop(event.message.id, None)

    def how_far(self, to_go: int = 0) -> str:
        """Return how far sending came: "k sent, m not sent, j unknown"; `to_go` of these will still be sent."""
        counts = self.counts
        sent, unknown = counts[Fate.ACCEPTED] + counts[Fate.CONFIRMED], counts[Fate.UNKNOWN]
        not_sent = counts.total() - sent - unknown - to_go
        told = f"{sent:,} sent, {not_sent:,} not sent, {unknown:,} unknown"
        return f"{to_go:,} to go, {told}" if to_go else told

"""What becomes of confirmed messages, counted while it happens.

What must stay true: each message counts once, by the last that is known of it, and "accepted" is never called
"registered".
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from icat_tui.domain.message import Message
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, MessageUnknown
from icat_tui.sync.plan import Plan
from icat_tui.sync.submit import MessageSkipped
from icat_tui.sync.verify import MessageConfirmed, VerifyEvent


class MessageOutcome(StrEnum):
    """State that a message has reached in this run."""

    CONFIRMED = "confirmed"
    """ICAT lists its dataset."""
    ACCEPTED = "accepted"
    """By the broker."""
    REJECTED = "rejected"
    """By the broker."""
    UNKNOWN = "unknown"
    """It went out, and there was no receipt."""
    SKIPPED = "skipped"
    """Not sent: changed since it was planned, or ICAT has it already."""
    NOT_SENT = "not sent"
    """Planned in the journal, where `--resume` finds it."""


class Outcomes:
    """Outcomes of all messages that were confirmed in one run, and the reasons for them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._outcomes: dict[str, MessageOutcome] = {}
        """By the id of the message; of a request without a message by what it is about."""
        self._reasons: dict[str, str] = {}
        self._open: dict[str, Message] = {}
        """What went out and was not seen in ICAT."""

    def __len__(self) -> int:
        """Return how many messages were confirmed."""
        return len(self._outcomes)

    @property
    def counts(self) -> Counter[MessageOutcome]:
        """How many messages have each outcome."""
        return Counter(list(self._outcomes.values()))  # a copy: another thread may be changing them

    @property
    def open(self) -> Sequence[Message]:
        """What ICAT is to be asked about."""
        return list(self._open.values())

    def of(self, message: str) -> MessageOutcome:
        """Return the outcome of a message by its id."""
        return self._outcomes.get(message, MessageOutcome.NOT_SENT)

    def reason(self, message: str) -> str:
        """Return why a message has its outcome, by its id; empty where that goes without saying."""
        return self._reasons.get(message, "")

    def plan(self, plan: Plan) -> None:
        """Count what was confirmed."""
        self._outcomes.update((offer.message.id, MessageOutcome.NOT_SENT) for offer in plan.offers)

    def skip(self, subject: str, reason: str) -> None:
        """Count a request that no message was made for, by what it is about."""
        self._set(subject, MessageOutcome.SKIPPED, reason)

    def add(self, event: Struct) -> None:
        """Take up an event of sending; one that is about no message changes nothing."""
        match event:
            case MessageAccepted(message=message):  # also after a receipt that came late
                self._set(message.id, MessageOutcome.ACCEPTED)
                self._open[message.id] = message
            case MessageUnknown(message=message, reason=reason):
                self._set(message.id, MessageOutcome.UNKNOWN, reason)
                self._open[message.id] = message
            case MessageRejected(message=message, words=words):
                self._set(message.id, MessageOutcome.REJECTED, words)
                self._open.pop(message.id, None)
            case MessageSkipped(message=message, reason=reason):
                self._set(message.id, MessageOutcome.SKIPPED, reason)
            case _:
                pass

    def confirm(self, event: VerifyEvent) -> None:
        """Take up what ICAT shows of a message, or why it could not be asked."""
        if isinstance(event, MessageConfirmed):
            self._set(event.message.id, MessageOutcome.CONFIRMED, f"in investigation {event.investigation}")
            self._open.pop(event.message.id, None)
        else:
            self._reasons.setdefault(event.message.id, event.reason)

    def how_far(self, to_go: int = 0) -> str:
        """Return how far sending came: "k sent, m not sent, j unknown"; `to_go` of these will still be sent."""
        counts = self.counts
        sent = counts[MessageOutcome.ACCEPTED] + counts[MessageOutcome.CONFIRMED]
        unknown = counts[MessageOutcome.UNKNOWN]
        not_sent = counts.total() - sent - unknown - to_go
        told = f"{sent:,} sent, {not_sent:,} not sent, {unknown:,} unknown"
        return f"{to_go:,} to go, {told}" if to_go else told

    def _set(self, identity: str, outcome: MessageOutcome, reason: str = "") -> None:
        self._outcomes[identity] = outcome
        self._reasons.pop(identity, None)
        if reason:
            self._reasons[identity] = reason

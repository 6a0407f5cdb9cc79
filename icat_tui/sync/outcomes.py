"""Outcomes of confirmed messages, counted while they are sent and verified.

What must stay true: each message counts once, by its last known outcome, and "accepted" is never called "registered".
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

    SEEN = "seen"
    """ICAT lists its dataset."""
    ACCEPTED = "accepted"
    """By the broker."""
    REJECTED = "rejected"
    """By the broker."""
    UNKNOWN = "unknown"
    """Sent, without a receipt."""
    SKIPPED = "skipped"
    """Not sent: changed since it was planned, or ICAT has it already."""
    NOT_SENT = "not sent"
    """Planned in the journal, where `--resume` finds it."""


class Outcomes:
    """Outcomes of all messages that were confirmed in one run, and the reasons for them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._outcomes: dict[str, MessageOutcome] = {}
        """By the id of the message; of a request without a message by its subject."""
        self._reasons: dict[str, str] = {}
        self._unconfirmed: dict[str, Message] = {}
        """Messages that were sent and not seen in ICAT, by id."""

    def __len__(self) -> int:
        """Return how many messages were confirmed."""
        return len(self._outcomes)

    @property
    def counts(self) -> Counter[MessageOutcome]:
        """Number of messages by outcome."""
        return Counter(list(self._outcomes.values()))  # a copy: another thread may be changing them

    @property
    def open(self) -> Sequence[Message]:
        """Messages that were sent and not seen in ICAT."""
        return list(self._unconfirmed.values())

    def of(self, message: str) -> MessageOutcome:
        """Return the outcome of a message by its id."""
        return self._outcomes.get(message, MessageOutcome.NOT_SENT)

    def reason(self, message: str) -> str:
        """Return the reason for the outcome of a message by its id; empty where it needs none."""
        return self._reasons.get(message, "")

    def plan(self, plan: Plan) -> None:
        """Add the messages of a confirmed plan, as not sent."""
        self._outcomes.update((offer.message.id, MessageOutcome.NOT_SENT) for offer in plan.offers)

    def expect(self, message: str) -> None:
        """Add a message that is planned, by its id, as not sent."""
        self._set(message, MessageOutcome.NOT_SENT)

    def skip(self, subject: str, reason: str) -> None:
        """Add a request that no message was made for, by its subject, as skipped."""
        self._set(subject, MessageOutcome.SKIPPED, reason)

    def add(self, event: Struct) -> None:
        """Record the outcome in an event of sending; an event about no message changes nothing."""
        match event:
            case MessageAccepted(message=message):  # also after a receipt that came late
                self._set(message.id, MessageOutcome.ACCEPTED)
                self._unconfirmed[message.id] = message
            case MessageUnknown(message=message, reason=reason):
                self._set(message.id, MessageOutcome.UNKNOWN, reason)
                self._unconfirmed[message.id] = message
            case MessageRejected(message=message, words=words):
                self._set(message.id, MessageOutcome.REJECTED, words)
                self._unconfirmed.pop(message.id, None)
            case MessageSkipped(message=message, reason=reason):
                self._set(message.id, MessageOutcome.SKIPPED, reason)
            case _:
                pass

    def confirm(self, event: VerifyEvent) -> None:
        """Record that ICAT lists what a message was about, or why that could not be found out."""
        if isinstance(event, MessageConfirmed):
            self._set(event.message.id, MessageOutcome.SEEN, f"in investigation {event.investigation}")
            self._unconfirmed.pop(event.message.id, None)
        else:
            self._reasons.setdefault(event.message.id, event.reason)

    def how_far(self, to_go: int = 0) -> str:
        """Return how far sending came: "k sent, m not sent, j unknown"; `to_go` of these will still be sent."""
        counts = self.counts
        sent = counts[MessageOutcome.ACCEPTED] + counts[MessageOutcome.SEEN]
        unknown = counts[MessageOutcome.UNKNOWN]
        not_sent = counts.total() - sent - unknown - to_go
        text = f"{sent:,} sent, {not_sent:,} not sent, {unknown:,} unknown"
        return f"{to_go:,} to go, {text}" if to_go else text

    def _set(self, identity: str, outcome: MessageOutcome, reason: str = "") -> None:
        self._outcomes[identity] = outcome
        self._reasons.pop(identity, None)
        if reason:
            self._reasons[identity] = reason

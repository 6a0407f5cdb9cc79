"""Orders of this run: what a person confirmed at one time, and what has become of its messages.

What must stay true: the numbers of an order are about its own messages and add up to what was confirmed.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from icat_tui.cancel import Cancellation
from icat_tui.domain.formats import session_of
from icat_tui.domain.message import Message
from icat_tui.domain.model import SessionDirectory
from icat_tui.journal.sendings import Sending
from icat_tui.sync.outcomes import MessageOutcome, Outcomes
from icat_tui.sync.plan import Plan, Terms
from icat_tui.sync.site import Site
from icat_tui.sync.store import AcceptedRequest
from icat_tui.sync.submit import OrderJournal


class PlanOrder(Struct, frozen=True):
    """Plans that were confirmed together."""

    plans: tuple[Plan, ...]
    terms: Terms

    @property
    def directories(self) -> list[SessionDirectory]:
        """The sessions that it is about."""
        return [plan.session.directory for plan in self.plans]

    @property
    def messages(self) -> list[Message]:
        """What was confirmed, in the order of sending."""
        return [offer.message for plan in self.plans for offer in plan.offers]


class HandOrder(Struct, frozen=True):
    """Dataset that a person registers by hand, with the message that was confirmed."""

    accepted: AcceptedRequest
    site: Site
    """The site that the message was made at, with the time that is in it where the dataset has none."""
    directory: SessionDirectory
    """The session that it lies in."""

    @property
    def directories(self) -> list[SessionDirectory]:
        """The sessions that it is about."""
        return [self.directory]

    @property
    def messages(self) -> list[Message]:
        """What was confirmed."""
        return [self.accepted.message]


class ResumeOrder(Struct, frozen=True):
    """Messages that were planned before, by this run or another, and were never sent."""

    planned: tuple[Sending, ...]
    directories: tuple[SessionDirectory, ...] = ()
    """The sessions that it is about, as far as they are in the tree."""

    def by_message(self) -> dict[str, SessionDirectory]:
        """Return the session of each message, by the message's id."""
        of_paths = {directory.path: directory for directory in self.directories}
        sessions = ((sending.id, of_paths.get(session_of(sending.dataset) or "")) for sending in self.planned)
        return {identity: directory for identity, directory in sessions if directory is not None}


Order = PlanOrder | HandOrder | ResumeOrder


class OrderNumbers(NamedTuple):
    """Number of messages of an order by what has become of them."""

    in_icat: int = 0
    pending: int = 0
    """Accepted by the broker, not seen in ICAT."""
    unknown: int = 0
    """Sent, without a receipt."""
    rejected: int = 0
    changed: int = 0
    """Not sent, as something was not as it was when they were confirmed."""
    to_go: int = 0
    """Waiting to be sent."""
    planned: int = 0
    """Not sent, and still planned in the journal."""
    dropped: int = 0
    """Not sent, and not in the journal, as that could not be written."""

    @property
    def confirmed(self) -> int:
        """How many there are in all."""
        return sum(self)

    @property
    def sent(self) -> int:
        """How many the broker accepted."""
        return self.in_icat + self.pending

    @property
    def not_sent(self) -> int:
        """How many did not reach the broker, and will not by themselves."""
        return self.rejected + self.changed + self.planned + self.dropped

    def how_far(self) -> str:
        """Return how far sending came: "2 to go, 7 sent, 3 not sent, 1 unknown (4 in ICAT, 3 pending)"."""
        to_go = f"{self.to_go:,} to go, " if self.to_go else ""
        parts = {
            "in ICAT": self.in_icat,
            "pending": self.pending,
            "rejected": self.rejected,
            "changed meanwhile": self.changed,
            "still planned": self.planned,
            "not in the journal": self.dropped,
        }
        told = ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)
        text = f"{to_go}{self.sent:,} sent, {self.not_sent:,} not sent, {self.unknown:,} unknown"
        return text + (f" ({told})" if told else "")


def sum_of(numbers: Sequence[OrderNumbers]) -> OrderNumbers:
    """Return the numbers of several orders together."""
    return OrderNumbers(*map(sum, zip(*numbers, strict=True))) if numbers else OrderNumbers()


class RunningOrder:
    """Order of this run with the outcomes of its messages; changed by the thread that sends, read by any."""

    def __init__(self, number: int, order: Order, given_at: datetime) -> None:
        """Count from 1; nothing has become of it yet."""
        self.number, self.order, self.given_at = number, order, given_at
        self.since = time.monotonic()
        self.cancellation = Cancellation()
        self.outcomes = Outcomes()
        self.journal: OrderJournal | None = None
        """The writer that has its messages in the journal already."""
        self.in_journal = isinstance(order, ResumeOrder)
        """Whether its messages are known to be planned in the journal."""
        self.finished = False
        """Whether no more of it is sent."""
        self.looked_for = True
        """Whether ICAT is still asked for what was sent."""
        match order:
            case PlanOrder(plans=plans):
                for plan in plans:
                    self.outcomes.plan(plan)
            case HandOrder(accepted=accepted):
                self.outcomes.expect(accepted.message.id)
            case ResumeOrder(planned=planned):
                for sending in planned:
                    self.outcomes.expect(sending.id)

    @property
    def waiting(self) -> frozenset[str]:
        """The ids of its messages that are still to be sent, as far as they are made."""
        order = self.order
        confirmed = order.planned if isinstance(order, ResumeOrder) else order.messages
        made = [each.id for each in confirmed]
        return frozenset() if self.finished else frozenset(each for each in made if self._is_to_go(each))

    def _is_to_go(self, message: str) -> bool:
        return self.outcomes.of(message) is MessageOutcome.NOT_SENT

    @property
    def numbers(self) -> OrderNumbers:
        """How many of its messages became what."""
        counts = self.outcomes.counts
        not_sent = counts[MessageOutcome.NOT_SENT]
        return OrderNumbers(
            in_icat=counts[MessageOutcome.SEEN],
            pending=counts[MessageOutcome.ACCEPTED],
            unknown=counts[MessageOutcome.UNKNOWN],
            rejected=counts[MessageOutcome.REJECTED],
            changed=counts[MessageOutcome.SKIPPED],
            to_go=0 if self.finished else not_sent,
            planned=not_sent if self.finished and self.in_journal else 0,
            dropped=not_sent if self.finished and not self.in_journal else 0,
        )


class OrderDone(Struct, frozen=True):
    """Event: an order was sent as far as possible; `trouble` says why it ended early.

    Whether ICAT has understood is looked for afterwards.
    """

    order: RunningOrder
    trouble: str = ""
    went_out: int = 0
    """How many of its messages went out, with a receipt or without."""


class OrderSettled(Struct, frozen=True):
    """Event: ICAT is not asked any more for what was sent of an order: it lists all, or the wait is over."""

    order: RunningOrder


class LookFailed(Struct, frozen=True):
    """Event: a session could not be looked at after something of it was sent."""

    reason: str

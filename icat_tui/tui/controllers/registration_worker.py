"""The thread that sends: confirmed orders one after the other, each looked for in ICAT afterwards.

What must stay true: one thread sends, whatever was confirmed and however, so that messages keep their order and their
pace; what waits to be sent goes before what waits to be seen in ICAT. It knows no widget: everything is told by events.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial

from msgspec import Struct

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.domain.errors import IcatTuiError, UsageError, unexpected
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, MessageUnknown
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.outcomes import MessageOutcome, Outcomes
from icat_tui.sync.plan import Plan, Terms
from icat_tui.sync.register import register
from icat_tui.sync.site import Site
from icat_tui.sync.store import AlreadyRegistered, Refused, StoreEvent, store
from icat_tui.sync.store_request import Request
from icat_tui.sync.submit import OrderJournal, Submission, look_again
from icat_tui.sync.verify import FIRST_PAUSE, LONGEST_PAUSE, MessageConfirmed, VerifyEvent, VerifyFailed, verify

log = logging.getLogger(__name__)

SHORTEST_PAUSE = 0.05
"""Seconds between two looks at ICAT, at least."""


HANDLED = (AlreadyRegistered, Refused, MessageAccepted, MessageRejected, MessageUnknown)
"""Events after which an order by hand is not waited for: it is refused, or its message is counted."""


class PlanOrder(Struct, frozen=True):
    """Plans that were confirmed together."""

    plans: tuple[Plan, ...]
    terms: Terms

    @property
    def directories(self) -> list[SessionDirectory]:
        """The sessions that it is about."""
        return [plan.session.directory for plan in self.plans]


class HandOrder(Struct, frozen=True):
    """Dataset that a person registers by hand."""

    request: Request
    directory: SessionDirectory
    """The session that it lies in."""

    @property
    def directories(self) -> list[SessionDirectory]:
        """The sessions that it is about."""
        return [self.directory]


Order = PlanOrder | HandOrder


class _Planned(Struct, frozen=True):
    """Order that is to be sent next, with the writer that has it in the journal already."""

    order: Order
    cancellation: Cancellation
    """Of the orders that were given together."""
    journal: OrderJournal | None = None


class OrderDone(Struct, frozen=True):
    """Event: an order was sent as far as possible; `trouble` says why it ended early.

    Whether ICAT has understood is looked for afterwards.
    """

    order: Order
    trouble: str = ""
    went_out: int = 0
    """How many of its messages went out, with a receipt or without."""


RegistrationEvent = StoreEvent | VerifyEvent | SessionScanned | OrderDone


class RegistrationWorker:
    """Thread that sends what is confirmed, with the outcomes of it."""

    def __init__(
        self,
        submission: Callable[[], Submission],
        site: Callable[[], Site],
        tell: Callable[[RegistrationEvent], object],
    ) -> None:
        """Report everything to `tell`, which is called from the worker's thread: it must neither wait nor raise.

        `submission` and `site` are called there too, for each order, as they know what time it is, and a submission's
        catalogue is closed when sending is cancelled; what they raise is the trouble of that order.
        """
        self._submission, self._site, self._tell = submission, site, tell
        self._confirmed: queue.SimpleQueue[tuple[Order, Cancellation] | None] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[_Planned | None] = queue.SimpleQueue()
        self._unfinished: list[Order] = []
        self._sending = Cancellation()
        """Of the orders that were given so far."""
        self._ending = Cancellation()
        self.outcomes = Outcomes()
        self._directories: dict[str, SessionDirectory] = {}
        """Of each message, by its id."""
        self._verify_wait = timedelta()
        threading.Thread(target=self._plan, daemon=True, name="icat-tui planning").start()
        self._thread = threading.Thread(target=self._work, daemon=True, name="icat-tui registration")
        self._thread.start()

    # -- orders ----------------------------------------------------------------------------------------------------

    def confirm(self, plans: Sequence[Plan], terms: Terms) -> None:
        """Have plans sent, after what was confirmed before."""
        for plan in plans:
            self.outcomes.plan(plan)
            self._directories.update((offer.message.id, plan.session.directory) for offer in plan.offers)
        self._give(PlanOrder(tuple(plans), terms))

    def confirm_by_hand(self, request: Request, directory: SessionDirectory) -> None:
        """Have a dataset of a session sent that a person registers by hand, after what was confirmed before."""
        self.outcomes.expect(request.subject)
        self._give(HandOrder(request, directory))

    def _give(self, order: Order) -> None:
        self._unfinished.append(order)
        self._confirmed.put((order, self._sending))

    def cancel(self) -> None:
        """Stop sending what was confirmed so far: what has not gone out stays planned in the journal.

        What has gone out is looked for in ICAT all the same.
        """
        cancelled, self._sending = self._sending, Cancellation()
        cancelled.cancel()

    def stop(self, seconds: float) -> None:
        """Stop sending and looking, and end; give receipts that are under way as long to come."""
        self._confirmed.put(None)
        self._ending.cancel()
        self.cancel()
        self._thread.join(seconds)

    @property
    def to_go(self) -> int:
        """How many confirmed messages are still to be sent."""
        unfinished = list(self._unfinished)
        planned = [order for order in unfinished if isinstance(order, PlanOrder)]
        offers = [offer.message.id for order in planned for plan in order.plans for offer in plan.offers]
        by_hand = [order.request.subject for order in unfinished if isinstance(order, HandOrder)]
        return sum(self.outcomes.of(each) is MessageOutcome.NOT_SENT for each in (*offers, *by_hand))

    def summary(self) -> str:
        """Return "k sent, m not sent, j unknown", and what became of these as far as it is known."""
        counts = self.outcomes.counts
        parts = {
            "in ICAT": counts[MessageOutcome.SEEN],
            "pending": counts[MessageOutcome.ACCEPTED],
            "rejected": counts[MessageOutcome.REJECTED],
            "changed meanwhile": counts[MessageOutcome.SKIPPED],
        }
        told = ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)
        return self.outcomes.how_far(self.to_go) + (f" ({told})" if told else "")

    # -- the threads -----------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        """Write what is confirmed to the journal at once, whatever is being sent, and pass it on."""
        while (given := self._confirmed.get()) is not None:
            order, cancellation = given
            journal = None
            if isinstance(order, PlanOrder):
                with suppress(Exception):  # the thread that sends meets it again, and tells it
                    journal = self._planned(order)
            self._orders.put(_Planned(order, cancellation, journal))
        self._orders.put(None)

    def _planned(self, order: PlanOrder) -> OrderJournal:
        with self._connected() as (submission, _):
            return submission.plan(offer.message for plan in order.plans for offer in plan.offers)

    def _work(self) -> None:
        while (given := self._next()) is not None:
            order = given.order
            happened: list[StoreEvent] = []
            trouble = _trouble_of(partial(self._send, given, happened))
            self._unfinished.remove(order)
            if isinstance(order, HandOrder) and any(isinstance(event, HANDLED) for event in happened):
                self.outcomes.forget(order.request.subject)
            unseen = _trouble_of(partial(self._look_at, order.directories))
            went_out = {event.message.id for event in happened if isinstance(event, MessageAccepted | MessageUnknown)}
            self._tell(OrderDone(order, trouble or unseen, len(went_out)))

    def _next(self) -> _Planned | None:
        """Return the next order; while there is none, look whether ICAT has understood those before."""
        until, pause, last = time.monotonic() + self._verify_wait.total_seconds(), 0.0, False
        while self.outcomes.open and not last and not self._ending:
            try:
                return self._orders.get(timeout=pause) if pause else self._orders.get_nowait()
            except queue.Empty:
                last = time.monotonic() >= until
            if trouble := _trouble_of(partial(self._verify, last=last)):
                self._report([VerifyFailed(message, trouble) for message in self.outcomes.open])
                last = True
            pause = max(min(2 * pause or FIRST_PAUSE, LONGEST_PAUSE, until - time.monotonic()), SHORTEST_PAUSE)
        return self._orders.get()

    @contextmanager
    def _connected(self) -> Iterator[tuple[Submission, Catalogue]]:
        """Give what sending works with, and ICAT+ to ask; its connections are closed at the end."""
        submission = self._submission()
        if submission.catalogue is None:
            raise UsageError("no ICAT+ is known that could be asked before anything is sent")
        with closing(submission.catalogue):
            yield submission, submission.catalogue

    def _send(self, given: _Planned, happened: list[StoreEvent]) -> None:
        """Send an order, and add what happens to `happened`."""
        order = given.order
        with self._connected() as (submission, _):
            self._verify_wait = submission.verify_wait
            for event in self._events(given, submission):
                self.outcomes.add(event)
                happened.append(event)
                if isinstance(event, MessageAccepted | MessageUnknown):
                    self._directories.setdefault(event.message.id, order.directories[0])
                self._tell(event)

    def _events(self, given: _Planned, submission: Submission) -> Iterator[StoreEvent]:
        order, cancellation = given.order, given.cancellation
        if isinstance(order, PlanOrder):
            yield from register(order.plans, order.terms, submission, cancellation, given.journal)
            return
        try:
            yield from store([order.request], submission, self._site(), cancellation)
        except Cancelled:
            raise IcatTuiError(f"{order.request.subject} was not sent, as sending was stopped") from None

    def _verify(self, *, last: bool) -> None:
        """Look once whether ICAT has understood; only what nobody can tell at the `last` look has failed."""
        with self._connected() as (submission, catalogue):
            facility = submission.surroundings.facility
            looked = list(verify(self.outcomes.open, catalogue, facility, timedelta(), self._ending))
        confirmed = [event for event in looked if isinstance(event, MessageConfirmed)]
        seen = {event.message.id for event in confirmed}
        submission.journal.record_seen([(event.message, event.icat_id) for event in confirmed])
        self._report(looked if last else confirmed)
        self._look_at(self._directories[message] for message in seen)

    def _report(self, events: Iterable[VerifyEvent]) -> None:
        for event in events:
            self.outcomes.confirm(event)
            self._tell(event)

    def _look_at(self, directories: Iterable[SessionDirectory]) -> None:
        """Tell how sessions are now, and let the cache know."""
        wanted = dict.fromkeys(directories)
        if not wanted or self._ending:
            return
        with self._connected() as (submission, _):
            for directory in wanted:
                if (now := look_again(directory, submission, self._ending, keep=True)) is not None:
                    self._tell(SessionScanned(now))


def _trouble_of(work: Callable[[], None]) -> str:
    """Return why work did not come to its end; empty where it did."""
    try:
        work()
    except IcatTuiError as error:
        return str(error)
    except Exception as error:
        log.exception("a registration broke")
        return unexpected(error)
    return ""

"""The thread that sends: confirmed orders one after the other, each looked for in ICAT afterwards.

What must stay true: one thread sends, whatever was confirmed and however, so that messages keep their order and their
pace; what waits to be sent goes before what waits to be seen in ICAT. It knows no widget: everything is told by events.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import IcatTuiError, UsageError, unexpected
from icat_tui.domain.message import Message
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.ingest.send_events import MessageAccepted, MessageUnknown
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.register import register
from icat_tui.sync.resume import resume
from icat_tui.sync.site import Site
from icat_tui.sync.store import store_confirmed
from icat_tui.sync.submit import OrderJournal, Submission, SubmitEvent, look_again
from icat_tui.sync.verify import FIRST_PAUSE, LONGEST_PAUSE, MessageConfirmed, VerifyEvent, VerifyFailed, verify
from icat_tui.tui.controllers.orders import (
    HandOrder,
    LookFailed,
    Order,
    OrderDone,
    OrderNumbers,
    OrderSettled,
    PlanOrder,
    ResumeOrder,
    RunningOrder,
    sum_of,
)

log = logging.getLogger(__name__)

SHORTEST_PAUSE = 0.05
"""Seconds between two looks at ICAT, at least."""


RegistrationEvent = SubmitEvent | VerifyEvent | SessionScanned | OrderDone | OrderSettled | LookFailed


class RegistrationWorker:
    """Thread that sends what is confirmed, with the orders of this run."""

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
        self.orders: list[RunningOrder] = []
        """Of this run, in the order in which they were given."""
        self._confirmed: queue.SimpleQueue[RunningOrder | None] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[RunningOrder | None] = queue.SimpleQueue()
        self._ending = Cancellation()
        self._looking = Cancellation()
        """Of the looks at ICAT for what was sent so far."""
        self._directories: dict[str, SessionDirectory] = {}
        """Of each message, by its id."""
        self._verify_wait = timedelta()
        self._planning = threading.Thread(target=self._plan, daemon=True, name="icat-tui planning")
        self._planning.start()
        self._thread = threading.Thread(target=self._work, daemon=True, name="icat-tui registration")
        self._thread.start()

    # -- orders ----------------------------------------------------------------------------------------------------

    def give(self, order: Order) -> RunningOrder:
        """Have an order sent, after those that were given before."""
        if isinstance(order, PlanOrder):
            for plan in order.plans:
                self._directories.update((offer.message.id, plan.session.directory) for offer in plan.offers)
        elif isinstance(order, ResumeOrder):
            self._directories.update(order.by_message())
        running = RunningOrder(len(self.orders) + 1, order, datetime.now(UTC))
        self.orders.append(running)
        self._confirmed.put(running)
        return running

    def cancel(self) -> None:
        """Stop sending what was confirmed so far: what has not gone out stays planned in the journal.

        What has gone out is looked for in ICAT all the same.
        """
        for running in self.orders:
            running.cancellation.cancel()

    def stop_looking(self) -> None:
        """Ask ICAT no more for what was sent so far: it stays pending."""
        for running in self.orders:
            if running.finished:
                running.looked_for = False
        looking, self._looking = self._looking, Cancellation()
        looking.cancel()

    def stop(self, plans: float, receipts: float) -> None:
        """Stop sending and looking, and end; give plans and receipts so many seconds to be written and to come."""
        self._confirmed.put(None)
        self._planning.join(plans)
        self._ending.cancel()
        self.cancel()
        self._looking.cancel()
        self._thread.join(receipts)

    @property
    def unfinished(self) -> list[RunningOrder]:
        """Orders of which more is to be sent, or whose last receipts are awaited."""
        return [running for running in list(self.orders) if not running.finished]

    @property
    def to_go(self) -> int:
        """How many confirmed messages are still to be sent."""
        return self.numbers.to_go

    @property
    def numbers(self) -> OrderNumbers:
        """How many messages of all orders of this run became what."""
        return sum_of([running.numbers for running in list(self.orders)])

    @property
    def looked_for(self) -> list[RunningOrder]:
        """Orders that are sent, and whose messages ICAT is asked for."""
        orders = list(self.orders)
        return [running for running in orders if running.finished and running.looked_for and running.outcomes.open]

    def summary(self) -> str:
        """Return "k sent, m not sent, j unknown" of this run, and what became of these as far as it is known."""
        return self.numbers.how_far()

    # -- the threads -----------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        """Write what is confirmed to the journal at once, whatever is being sent, and pass it on."""
        while (running := self._confirmed.get()) is not None:
            if isinstance(running.order, PlanOrder | HandOrder):
                with suppress(Exception):  # the thread that sends meets it again, and tells it
                    running.journal = self._planned(running.order)
                    running.in_journal = True
            self._orders.put(running)
        self._orders.put(None)

    def _planned(self, order: PlanOrder | HandOrder) -> OrderJournal:
        with self._connected() as (submission, _):
            return submission.plan(order.messages)

    def _work(self) -> None:
        while (running := self._next()) is not None:
            order = running.order
            happened: list[SubmitEvent] = []
            trouble = _trouble_of(partial(self._send, running, happened))
            running.in_journal = running.in_journal or not trouble
            running.finished = True
            went_out = {event.message.id for event in happened if isinstance(event, MessageAccepted | MessageUnknown)}
            self._tell(OrderDone(running, trouble, len(went_out)))
            if unseen := _trouble_of(partial(self._look_at, order.directories)):
                self._tell(LookFailed(unseen))
            if not running.outcomes.open:
                self._tell(OrderSettled(running))

    def _next(self) -> RunningOrder | None:
        """Return the next order; while there is none, look whether ICAT has understood those before."""
        until, pause, last = time.monotonic() + self._verify_wait.total_seconds(), 0.0, False
        while (looked_for := self.looked_for) and not self._ending:
            try:
                return self._orders.get(timeout=pause) if pause else self._orders.get_nowait()
            except queue.Empty:
                last = time.monotonic() >= until
            if trouble := _trouble_of(partial(self._verify, looked_for, last=last)):
                self._report(looked_for, [VerifyFailed(message, trouble) for message in _open(looked_for)])
                last = True
            self._settle(looked_for, last=last)
            pause = max(min(2 * pause or FIRST_PAUSE, LONGEST_PAUSE, until - time.monotonic()), SHORTEST_PAUSE)
        return self._orders.get()

    def _settle(self, looked_for: Iterable[RunningOrder], *, last: bool) -> None:
        """Tell which orders ICAT is not asked for any more."""
        for running in looked_for:
            if last or not running.looked_for or not running.outcomes.open:
                running.looked_for = False
                self._tell(OrderSettled(running))

    @contextmanager
    def _connected(self) -> Iterator[tuple[Submission, Catalogue]]:
        """Give what sending works with, and ICAT+ to ask; its connections are closed at the end."""
        submission = self._submission()
        if submission.catalogue is None:
            raise UsageError("no ICAT+ is known that could be asked before anything is sent")
        with closing(submission.catalogue):
            yield submission, submission.catalogue

    def _send(self, running: RunningOrder, happened: list[SubmitEvent]) -> None:
        """Send an order, and add what happens to `happened`."""
        with self._connected() as (submission, _):
            self._verify_wait = submission.verify_wait
            for event in self._events(running, submission):
                running.outcomes.add(event)
                happened.append(event)
                if isinstance(event, MessageAccepted | MessageUnknown) and isinstance(running.order, HandOrder):
                    self._directories.setdefault(event.message.id, running.order.directory)
                self._tell(event)

    def _events(self, running: RunningOrder, submission: Submission) -> Iterator[SubmitEvent]:
        order, cancellation = running.order, running.cancellation
        match order:
            case PlanOrder(plans=plans, terms=terms):
                yield from register(plans, terms, submission, cancellation, running.journal)
            case ResumeOrder(planned=planned):
                yield from resume(planned, submission, self._site(), cancellation)
            case HandOrder(accepted=accepted, site=site):
                yield from store_confirmed(accepted, submission, site, cancellation, running.journal)

    def _verify(self, looked_for: list[RunningOrder], *, last: bool) -> None:
        """Look once whether ICAT has understood; only what nobody can tell at the `last` look has failed."""
        with self._connected() as (submission, catalogue):
            facility = submission.surroundings.facility
            looked = list(verify(_open(looked_for), catalogue, facility, timedelta(), self._looking))
        confirmed = [event for event in looked if isinstance(event, MessageConfirmed)]
        seen = {event.message.id for event in confirmed}
        submission.journal.record_seen([(event.message, event.icat_id) for event in confirmed])
        self._report(looked_for, looked if last else confirmed)
        self._look_at(self._directories[message] for message in seen if message in self._directories)

    def _report(self, looked_for: list[RunningOrder], events: Iterable[VerifyEvent]) -> None:
        of = {message.id: running for running in looked_for for message in running.outcomes.open}
        for event in events:
            of[event.message.id].outcomes.confirm(event)
            self._tell(event)

    def _look_at(self, directories: Iterable[SessionDirectory]) -> None:
        """Tell how sessions are now, and let the cache know."""
        wanted, looking = dict.fromkeys(directories), self._looking
        if not wanted or self._ending:
            return
        with self._connected() as (submission, _):
            for directory in wanted:
                if (now := look_again(directory, submission, looking, keep=True)) is not None:
                    self._tell(SessionScanned(now))


def _open(orders: Iterable[RunningOrder]) -> list[Message]:
    """Return the messages of some orders that were sent and not seen in ICAT."""
    return [message for running in orders for message in running.outcomes.open]


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

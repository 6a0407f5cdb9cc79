"""What becomes of confirmed messages: into the rows, the marks, the log and the notices.

What must stay true: a row changes as its message is accepted, not at the end; what was not sent stays marked; and every
number that is told is of the order that it is told about.
"""

import time
from collections import defaultdict
from collections.abc import Callable

from msgspec import Struct

from icat_tui.domain.message import Message
from icat_tui.domain.model import Session
from icat_tui.domain.scan_events import SavingFailed, SessionScanned
from icat_tui.domain.server_report import BrokerReport
from icat_tui.domain.status import Status
from icat_tui.ingest.send_events import (
    BrokerConnected,
    BrokerLost,
    MessageAccepted,
    MessageRejected,
    MessageUnknown,
    SendingFinished,
)
from icat_tui.sync.outcomes import MessageOutcome
from icat_tui.sync.submit import MessageSkipped, SessionLocked
from icat_tui.sync.verify import MessageConfirmed, VerifyFailed
from icat_tui.text import counted, visible
from icat_tui.tui.controllers.orders import LookFailed, OrderDone, OrderSettled, PlanOrder, RunningOrder
from icat_tui.tui.host import Host
from icat_tui.tui.state.marks import Mark
from icat_tui.tui.state.session_store import SessionStore

SOON = 0.3
"""Seconds for which messages are collected before the rows that they are about change."""

Unmark = Callable[[list[Mark]], None]


class RegistrationResults:
    """Controller of what is told of orders under way."""

    def __init__(self, host: Host, store: SessionStore, unmark: Unmark, command: Callable[[Message], str]) -> None:
        """Show on a host; `command` returns what one would type in a shell for a message."""
        self._host, self._store, self._unmark, self._command = host, store, unmark, command
        self.broker: BrokerReport | None = None
        """How the brokers were seen last; None: not yet."""
        self._sessions: dict[str, Session] = {}
        """The session of each dataset that was confirmed, by the path of the dataset."""
        self._sent: dict[str, str] = {}
        """Why datasets are pending whose rows do not say so yet, by path."""

    def expect(self, session: Session) -> None:
        """Remember the session of datasets that are going to be sent."""
        self._sessions.update((dataset.path, session) for dataset in session.datasets)

    def handle(self, event: Struct) -> None:
        """Show what became of a message, and take in how a session is now."""
        host = self._host
        self._note_broker(event)
        match event:
            case SessionScanned(session=session):
                self._flush()  # or what was sent before this look would be put over it
                self._store.take(sessions=[session])
            case SessionLocked(path=path, holder=holder):
                host.complain(f"{visible(path)} is being registered by {holder}: nothing of it was sent")
            case SendingFinished(trouble=trouble) if trouble:
                host.complain(trouble)
            case OrderDone(order=running, trouble=trouble):
                self._done(running, trouble)
            case OrderSettled(order=running):
                self._settled(running)
            case SavingFailed(reason=reason) | BrokerLost(reason=reason) | LookFailed(reason=reason):
                host.say(reason, Status.INVALID.colour)
            case BrokerConnected(broker=broker):
                host.say(f"connected to {broker}")
            case _:
                self._handle_message(event)
        host.show_state()

    def _note_broker(self, event: Struct) -> None:
        """Remember what an event says of the brokers."""
        match event:
            case BrokerConnected() | MessageAccepted() | MessageRejected():
                self.broker = BrokerReport(time.monotonic())
            case BrokerLost(reason=reason):
                self.broker = BrokerReport(time.monotonic(), reason)
            case SendingFinished(connected=False, trouble=reason) if reason:
                self.broker = BrokerReport(time.monotonic(), reason)

    def _handle_message(self, event: Struct) -> None:
        host = self._host
        match event:
            case MessageAccepted(message=message):
                self._went_out(message, "accepted by the broker just now")
                host.say(f"accepted: {message.dataset}", Status.PENDING.colour, self._command(message))
            case MessageRejected(message=message, words=words):
                host.complain(f"rejected by the broker: {message.dataset}: {words}")
            case MessageUnknown(message=message, reason=reason):
                self._went_out(message, f"sent just now, without a receipt: {reason}")
                host.complain(f"no receipt: {message.dataset}: {reason}")
            case MessageSkipped(message=message, reason=reason):
                host.say(f"not sent: {message.dataset}: {reason}", Status.NOT_UPLOADED.colour)
            case MessageConfirmed(message=message, investigation=investigation):
                host.say(f"ICAT has it, in {investigation}: {message.dataset}", Status.REGISTERED.colour)
            case VerifyFailed(message=message, reason=reason):
                host.say(f"not looked for: {message.dataset}: {reason}", Status.UNKNOWN.colour)

    # -- rows and marks --------------------------------------------------------------------------------------------

    def _went_out(self, message: Message, reason: str) -> None:
        if not self._sent:
            self._host.set_timer(SOON, self._flush)
        self._sent[message.dataset] = reason

    def _flush(self) -> None:
        """Have the rows say what went out since the last time, and take off its marks."""
        if not self._host.is_open:
            return
        sent, self._sent = self._sent, {}
        of_sessions: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path, reason in sent.items():
            if path in self._sessions:
                of_sessions[self._sessions[path].directory.path][path] = reason
        for reasons in of_sessions.values():
            self._store.sent(self._sessions[next(iter(reasons))], reasons)
        self._unmark([Mark(session, path) for session, reasons in of_sessions.items() for path in reasons])

    def _unmark_whole(self, running: RunningOrder) -> None:
        """Take the marks off sessions of which all that was confirmed went out."""
        if not isinstance(running.order, PlanOrder):
            return
        out = {MessageOutcome.ACCEPTED, MessageOutcome.SEEN, MessageOutcome.UNKNOWN}
        done = [
            Mark(plan.session.directory.path)
            for plan in running.order.plans
            if all(running.outcomes.of(offer.message.id) in out for offer in plan.offers)
        ]
        self._unmark(done)

    # -- words -----------------------------------------------------------------------------------------------------

    def _done(self, running: RunningOrder, trouble: str) -> None:
        self._flush()
        self._unmark_whole(running)
        if trouble:
            self._host.complain(trouble)
        self._host.hint(f"{_name(running)}: {running.numbers.how_far()}")

    def _settled(self, running: RunningOrder) -> None:
        """Say how an order ended, once nothing more of it is looked for."""
        numbers = running.numbers
        if not numbers.sent and not numbers.unknown:
            return  # nothing was looked for
        if numbers.in_icat == numbers.confirmed:
            self._host.hint(f"{_name(running)}: ICAT has {_all(numbers.in_icat)}")
        elif numbers.pending or numbers.unknown:
            self._host.hint(f"{_name(running)}: {numbers.how_far()}; what is pending is looked for again by J, V")
        else:
            self._host.hint(f"{_name(running)}: {numbers.how_far()}")


def _name(running: RunningOrder) -> str:
    return f"order {running.number}, {counted(running.numbers.confirmed, 'message')} confirmed"


def _all(number: int) -> str:
    return "it" if number == 1 else f"all {number:,}"

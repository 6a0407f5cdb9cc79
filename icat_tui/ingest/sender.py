"""Sending a plan: intent in the journal, SEND with a receipt, outcome in the journal (interface.md, "Journal").

What must stay true (promises.md 4): nothing goes out before its intent is on the disk; what went out and has no receipt
is `unknown` in the journal, and is never sent again from here; an event is told after it was written down.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from icat_tui.domain.message import Message
from icat_tui.ingest.broker import (
    Broker,
    BrokerError,
    Closed,
    Connection,
    Heard,
    MaybeSentError,
    NotSentError,
    Receipt,
    Refusal,
    connect,
)
from icat_tui.ingest.send_events import (
    BrokerConnected,
    BrokerLost,
    MessageAccepted,
    MessageRejected,
    MessageUnknown,
    SendEvent,
    SendingFinished,
)
from icat_tui.journal.records import SendOutcome
from icat_tui.journal.writer import Journal

WINDOW = 16
"""Messages without a receipt at any time, at most."""
POLL = 0.1
"""Seconds until somebody who cancels is heard."""
PATIENCE = 2.0
"""Seconds that receipts under way have when everything else is over."""

Outcomes = list[tuple[Message, SendOutcome, str]]


def _never() -> bool:
    return False


def send(
    messages: Iterable[Message],
    broker: Broker,
    journal: Journal,
    *,
    cancelled: Callable[[], bool] = _never,
    window: int = WINDOW,
) -> Iterator[SendEvent]:
    """Send messages that were planned, and yield what becomes of them; the last event is `SendingFinished`.

    `messages` is drawn from just before each is sent, so that it may look again whether to send it. A lost connection
    is made again, with every broker of the list; what had gone out on it is unknown. Raises JournalError where the
    journal can't be written: nothing more is sent then.
    """
    sender = _Sender(broker, journal, cancelled, window)
    try:
        yield from sender.run(iter(messages))
    finally:
        sender.abandon()


class _Sender:
    def __init__(self, broker: Broker, journal: Journal, cancelled: Callable[[], bool], window: int) -> None:
        self.broker = broker
        self.journal = journal
        self.cancelled = cancelled
        self.window = window
        self.interval = 1 / broker.rate if broker.rate > 0 else 0.0
        self.next_at = 0.0
        self.connection: Connection | None = None
        self.answers = 0
        """Messages that this connection's broker said anything about."""
        self.used = False
        """Whether a message was to go out on this connection."""
        self.words = ""
        """An error on this connection that was about no message of ours."""
        self.fruitless = 0
        """Connections in a row whose brokers said nothing about any message."""
        self.leaving = False
        """Nothing more is sent on this connection: the broker refused something or did not answer in time."""
        self.next_broker = 0
        self.connections = 0
        self.outstanding: dict[str, tuple[Message, float]] = {}
        """What is out without a receipt, and until when it is waited for."""
        self.late: dict[str, Message] = {}
        """Unknown by now, but the connection is still there, and so may be the receipt."""
        self.waiting: deque[Message] = deque()
        """Drawn, and not sent yet."""
        self.drained = False
        self.counts: Counter[SendOutcome] = Counter()
        self.trouble = ""

    # -- the loop ------------------------------------------------------------------------------------------------------

    def run(self, source: Iterator[Message]) -> Iterator[SendEvent]:
        while True:
            over = bool(self.trouble) or self.cancelled()
            if over:
                self.hurry()
            elif self.leaving and not self.outstanding:
                yield from self.leave()
                continue
            batch = [] if over else self.draw(source)
            if batch:
                yield from self.dispatch(batch)
            elif not self.outstanding and (over or (self.drained and not self.waiting)):
                break
            yield from self.listen(self.pause(over=over))
        yield from self.leave()
        yield SendingFinished(
            accepted=self.counts[SendOutcome.ACCEPTED],
            rejected=self.counts[SendOutcome.REJECTED],
            unknown=self.counts[SendOutcome.UNKNOWN],
            connected=self.connections > 0,
            cancelled=self.cancelled(),
            trouble=self.trouble,
        )

    def draw(self, source: Iterator[Message]) -> list[Message]:
        """Return what may go out now: as much as the window and the rate leave room for."""
        free = self.window - len(self.outstanding)
        if self.leaving:
            return []
        if self.interval:
            free = min(free, 1) if time.monotonic() >= self.next_at else 0
        while len(self.waiting) < free and not self.drained:
            if (message := next(source, None)) is None:
                self.drained = True
            else:
                self.waiting.append(message)
        return [self.waiting.popleft() for _ in range(min(free, len(self.waiting)))]

    def pause(self, *, over: bool) -> float:
        """Return how long to wait for the broker before there is something else to do."""
        room = len(self.outstanding) < self.window and not self.leaving and not over
        if room and self.interval and (self.waiting or not self.drained):
            return min(POLL, max(0.0, self.next_at - time.monotonic()))
        return POLL if self.outstanding else 0.0

    def hurry(self) -> None:
        """Give what is under way a last, short time."""
        last = time.monotonic() + PATIENCE
        for message, until in list(self.outstanding.values()):
            self.outstanding[message.id] = message, min(until, last)

    # -- sending -------------------------------------------------------------------------------------------------------

    def dispatch(self, batch: list[Message]) -> Iterator[SendEvent]:
        if self.connection is None:
            yield from self.reach()
            if self.connection is None:
                self.waiting.extendleft(reversed(batch))
                return
        self.used = True
        self.journal.record_intents(batch)
        for place, message in enumerate(batch):
            self.outstanding[message.id] = message, time.monotonic() + self.broker.receipt_timeout
            try:
                self.connection.send(message.id, message.destination, message.body)
            except NotSentError:
                del self.outstanding[message.id]
                self.put_back(batch[place:])
                return
            except MaybeSentError:
                self.connection.close()  # half a frame is out: nothing can follow it
                self.put_back(batch[place + 1 :])
                return
            self.next_at = max(self.next_at, time.monotonic() - self.interval) + self.interval

    def put_back(self, messages: list[Message]) -> None:
        """Make intents plans again: of these not a byte went out."""
        self.leaving = True
        self.journal.record_plans(messages)
        self.waiting.extendleft(reversed(messages))

    def reach(self) -> Iterator[SendEvent]:
        """Connect; once there was a connection, with patience. Sets `trouble` where no broker can be reached."""
        until = time.monotonic() + (self.broker.reconnect_for if self.connections else 0.0)
        wait = POLL
        while not self.cancelled():
            try:
                self.connection = connect(self.broker, self.next_broker)
            except BrokerError as error:
                if time.monotonic() + wait > until:
                    self.trouble = str(error)
                    return
                self.rest(wait)
                wait *= 2
                continue
            self.next_broker = (self.broker.addresses.index(self.connection.address) + 1) % len(self.broker.addresses)
            self.connections += 1
            self.answers, self.used, self.leaving, self.words = 0, False, False, ""
            yield BrokerConnected(str(self.connection.address))
            return

    def rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.cancelled():
            time.sleep(min(left, POLL))

    # -- hearing -------------------------------------------------------------------------------------------------------

    def listen(self, timeout: float) -> Iterator[SendEvent]:
        if self.connection is None:
            self.rest(timeout)
            return
        address = str(self.connection.address)
        outcomes: Outcomes = []
        lost = False
        for heard in self.connection.hear(timeout):
            lost = lost or isinstance(heard, Closed)
            outcomes += self.judge(heard)
        reason = self.words or "the connection was lost"
        if lost:
            outcomes += self.give_up(reason)
        else:
            outcomes += self.overdue()
        yield from self.conclude(outcomes)
        if lost:
            self.forget()
            yield BrokerLost(address, reason)

    def judge(self, heard: Heard) -> Outcomes:
        """Return what became of the message that the broker spoke of; nothing where it was about none of ours."""
        if isinstance(heard, Closed):
            return []
        if isinstance(heard, Refusal):  # ActiveMQ leaves the connection open and answers nothing more on it
            self.leaving = True
            self.hurry()
        message = self.late.pop(heard.id or "", None)
        if message is not None:
            self.counts[SendOutcome.UNKNOWN] -= 1
        elif heard.id in self.outstanding:
            message, _ = self.outstanding.pop(heard.id)
        if message is None:  # also stomp.py's own receipt, of its DISCONNECT
            self.words = heard.words if isinstance(heard, Refusal) else self.words
            return []
        self.answers += 1
        if isinstance(heard, Receipt):
            return [(message, SendOutcome.ACCEPTED, "")]
        return [(message, SendOutcome.REJECTED, heard.words)]

    def overdue(self) -> Outcomes:
        now = time.monotonic()
        over = [message for message, until in self.outstanding.values() if until <= now]
        for message in over:
            del self.outstanding[message.id]
            self.late[message.id] = message
            self.leaving = True
        return [(message, SendOutcome.UNKNOWN, "no receipt in time") for message in over]

    def give_up(self, reason: str) -> Outcomes:
        messages = [message for message, _ in self.outstanding.values()]
        self.outstanding.clear()
        return [(message, SendOutcome.UNKNOWN, reason) for message in messages]

    def conclude(self, outcomes: Outcomes) -> Iterator[SendEvent]:
        self.journal.record_outcomes(outcomes)
        for message, outcome, words in outcomes:
            self.counts[outcome] += 1
            match outcome:
                case SendOutcome.ACCEPTED:
                    yield MessageAccepted(message)
                case SendOutcome.REJECTED:
                    yield MessageRejected(message, words)
                case SendOutcome.UNKNOWN:
                    yield MessageUnknown(message, words)

    # -- the end of a connection ---------------------------------------------------------------------------------------

    def leave(self) -> Iterator[SendEvent]:
        """Say good-bye to the broker, and hear what it still has to say."""
        if self.connection is None:
            self.leaving = False
            return
        self.connection.disconnect()
        until = time.monotonic() + PATIENCE
        while self.connection is not None and time.monotonic() < until:
            for event in self.listen(POLL):
                if not isinstance(event, BrokerLost):  # it is we who leave
                    yield event
        self.forget()

    def forget(self) -> None:
        if self.connection is None:
            return
        self.connection.close()
        self.connection = None
        self.leaving = False
        self.late.clear()
        self.fruitless = 0 if self.answers else self.fruitless + self.used
        if self.fruitless >= len(self.broker.addresses) and not (self.drained and not self.waiting):
            self.trouble = "No broker confirms what it is sent: nothing more was sent. Ask those who run the broker"

    def abandon(self) -> None:
        """Leave everything as it is, with the truth in the journal."""
        try:
            self.journal.record_outcomes(self.give_up("sending stopped before a receipt came"))
        finally:
            if self.connection is not None:
                self.connection.close()

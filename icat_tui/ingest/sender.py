"""Sending of planned messages: intent in the journal, SEND with a receipt, outcome in the journal.

Source: interface.md, "Sending". What must stay true (promises.md 4): nothing goes out before its intent is on the disk;
a message that went out and has no receipt is `unknown` in the journal, and is never sent again from here; the event of
an outcome comes after its record in the journal.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from icat_tui.domain.message import Message
from icat_tui.ingest.broker import (
    Broker,
    BrokerConnection,
    BrokerError,
    BrokerEvent,
    Closed,
    MaybeSentError,
    NotSentError,
    Receipt,
    Refusal,
    connect_unless,
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
from icat_tui.journal.records import JournalError, SendOutcome
from icat_tui.journal.writer import Journal

POLL = 0.1
"""Seconds between two checks whether sending was cancelled."""
CLOSE_TIMEOUT = 2.0
"""Seconds for outstanding receipts when sending ends, and for the broker to close a connection."""

Outcomes = list[tuple[Message, SendOutcome, str]]
"""Messages with their outcome, and the broker's text or the reason."""


def _not_cancelled() -> bool:
    return False


def _all_valid(messages: list[Message]) -> list[Message]:
    return messages


def send(
    messages: Iterable[Message],
    broker: Broker,
    journal: Journal,
    *,
    cancelled: Callable[[], bool] = _not_cancelled,
    recheck: Callable[[list[Message]], list[Message]] = _all_valid,
) -> Iterator[SendEvent]:
    """Send messages that were planned, and yield their outcomes as events; the last event is `SendingFinished`.

    `messages` is drawn from just before each is sent, so that it can check once more whether to send it; `recheck` is
    given those that go out next, and returns those that still may: some had to wait for a connection. A lost connection
    is made again, with every broker of the list; the messages that had gone out on it are unknown. Raises JournalError
    where the journal can't be written: nothing more is sent then, and what is out is told as unknown.
    """
    sender = _Sender(iter(messages), broker, journal, cancelled, recheck)
    try:
        yield from sender.run()
    except JournalError:
        for message in sender.unrecorded():
            yield MessageUnknown(message, "the journal could not be written while it was out")
        raise
    finally:
        sender.abandon()


class _MessageSource:
    """Messages still to be sent: those drawn from an iterator and not sent, then the rest of the iterator."""

    def __init__(self, messages: Iterator[Message]) -> None:
        self._messages = messages
        self._drawn: deque[Message] = deque()
        self._at_end = False

    @property
    def empty(self) -> bool:
        """Whether no message is left; False as long as the end of the iterator has not been reached."""
        return self._at_end and not self._drawn

    def take(self, count: int) -> list[Message]:
        """Return up to `count` messages; draw no more from the iterator than they need."""
        while len(self._drawn) < count and not self._at_end:
            if (message := next(self._messages, None)) is None:
                self._at_end = True
            else:
                self._drawn.append(message)
        return [self._drawn.popleft() for _ in range(min(count, len(self._drawn)))]

    def put_back(self, messages: list[Message]) -> None:
        """Put messages back that were not sent; they come first again."""
        self._drawn.extendleft(reversed(messages))


class _RateLimit:
    """Limit on the messages a second; a rate of 0 is no limit."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate if rate > 0 else 0.0
        self._next_at = 0.0

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self._interval > 0

    def seconds_left(self) -> float:
        """Return the seconds until the next message may go out."""
        return max(0.0, self._next_at - time.monotonic())

    def count_message(self) -> None:
        """Note that a message went out now."""
        self._next_at = max(self._next_at, time.monotonic() - self._interval) + self._interval


class _ActiveConnection:
    """Connection to a broker, with the messages that went out on it and have no outcome that is certain."""

    def __init__(self, connection: BrokerConnection) -> None:
        self.connection = connection
        self.outstanding: dict[str, tuple[Message, float]] = {}
        """Messages without a receipt, and until when it is awaited (of `time.monotonic`)."""
        self.late: dict[str, Message] = {}
        """Messages that became unknown, and whose receipt may still come."""
        self.used = False
        """Whether a message was to go out on this connection."""
        self.answered = 0
        """Number of messages that the broker confirmed or rejected."""
        self.error = ""
        """Text of an error that was about none of the messages."""
        self.draining = False
        """Whether nothing more is sent here: the broker sent an error, did not answer in time, or is gone."""

    def shorten_deadlines(self) -> None:
        """Await outstanding receipts for `CLOSE_TIMEOUT` from now on, at most."""
        last = time.monotonic() + CLOSE_TIMEOUT
        for message, until in list(self.outstanding.values()):
            self.outstanding[message.id] = message, min(until, last)

    def outcomes_of(self, event: BrokerEvent) -> Outcomes:
        """Return the outcome of the message that an event is about; none where it is about none of these messages."""
        if isinstance(event, Closed):
            return []
        if isinstance(event, Refusal):  # ActiveMQ leaves the connection open and answers nothing more on it
            self.draining = True
            self.shorten_deadlines()
        message = self.late.pop(event.id or "", None)
        if message is None and event.id in self.outstanding:
            message, _ = self.outstanding.pop(event.id)
        if message is None:  # also stomp.py's own receipt, of its DISCONNECT
            self.error = event.words if isinstance(event, Refusal) else self.error
            return []
        self.answered += 1
        if isinstance(event, Receipt):
            return [(message, SendOutcome.ACCEPTED, "")]
        return [(message, SendOutcome.REJECTED, event.words)]

    def expire_overdue(self) -> Outcomes:
        """Return messages whose receipt did not come in time as unknown; it may still come late."""
        now = time.monotonic()
        overdue = [message for message, until in self.outstanding.values() if until <= now]
        for message in overdue:
            del self.outstanding[message.id]
            self.late[message.id] = message
            self.draining = True
        return [(message, SendOutcome.UNKNOWN, "no receipt in time") for message in overdue]

    def expire_all(self, reason: str) -> Outcomes:
        """Return all messages without a receipt as unknown: no receipt can come any more."""
        messages = [message for message, _ in self.outstanding.values()]
        self.outstanding.clear()
        return [(message, SendOutcome.UNKNOWN, reason) for message in messages]


class _Sender:
    """State machine of one call of `send`."""

    def __init__(
        self,
        messages: Iterator[Message],
        broker: Broker,
        journal: Journal,
        cancelled: Callable[[], bool],
        recheck: Callable[[list[Message]], list[Message]],
    ) -> None:
        self.source = _MessageSource(messages)
        self.broker = broker
        self.journal = journal
        self.cancelled = cancelled
        self.recheck = recheck
        self.rate_limit = _RateLimit(broker.rate)
        self.active: _ActiveConnection | None = None
        self.next_broker = 0
        """Index of the broker to try first."""
        self.connections = 0
        """Number of connections so far."""
        self.unanswered = 0
        """Number of connections in a row whose brokers confirmed and rejected nothing that was sent to them."""
        self.counts: Counter[SendOutcome] = Counter()
        self.trouble = ""
        """The reason why nothing more is sent, for a person."""

    @property
    def outstanding(self) -> int:
        """Number of messages without a receipt."""
        return len(self.active.outstanding) if self.active else 0

    @property
    def draining(self) -> bool:
        """Whether nothing more is sent on the current connection."""
        return self.active is not None and self.active.draining

    # -- the loop ------------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[SendEvent]:
        while True:
            ending = bool(self.trouble) or self.cancelled()
            if ending:
                if self.active is not None:
                    self.active.shorten_deadlines()
            elif self.draining and not self.outstanding:
                yield from self.disconnect()
                continue
            batch = [] if ending else self.next_batch()
            if batch:
                yield from self.send_batch(batch)
            elif not self.outstanding and (ending or self.source.empty):
                break
            yield from self.receive(self.receive_timeout(ending=ending))
        yield from self.disconnect()
        yield SendingFinished(
            accepted=self.counts[SendOutcome.ACCEPTED],
            rejected=self.counts[SendOutcome.REJECTED],
            unknown=self.counts[SendOutcome.UNKNOWN],
            connected=self.connections > 0,
            cancelled=self.cancelled(),
            trouble=self.trouble,
        )

    def next_batch(self) -> list[Message]:
        """Return the messages that may go out now: as many as the window and the rate limit allow."""
        free = self.broker.window - self.outstanding
        if self.draining:
            return []
        if self.rate_limit.limited:
            free = 0 if self.rate_limit.seconds_left() else min(free, 1)
        return self.source.take(free)

    def receive_timeout(self, *, ending: bool) -> float:
        """Return the seconds to wait for events of the broker before there is something else to do."""
        may_send = self.outstanding < self.broker.window and not self.draining and not ending
        if may_send and self.rate_limit.limited and not self.source.empty:
            return min(POLL, self.rate_limit.seconds_left())
        return POLL if self.outstanding else 0.0

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until sending is cancelled."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.cancelled():
            time.sleep(min(left, POLL))

    # -- sending -------------------------------------------------------------------------------------------------------

    def send_batch(self, batch: list[Message]) -> Iterator[SendEvent]:
        """Record the intents of messages and send them; connect first where there is no connection."""
        if self.active is None:
            yield from self.connect()
            if self.active is None:
                self.source.put_back(batch)
                return
        batch = self.recheck(batch)
        if not batch:
            return
        active = self.active
        active.used = True
        self.journal.record_intents(batch)
        for place, message in enumerate(batch):
            active.outstanding[message.id] = message, time.monotonic() + self.broker.receipt_timeout
            try:
                active.connection.send(message.id, message.destination, message.body)
            except NotSentError:
                del active.outstanding[message.id]
                self.plan_again(active, batch[place:])
                return
            except MaybeSentError:
                active.connection.close()  # half a frame is out: nothing can follow it
                self.plan_again(active, batch[place + 1 :])
                return
            self.rate_limit.count_message()

    def plan_again(self, active: _ActiveConnection, messages: list[Message]) -> None:
        """Record messages as planned again that have an intent: of these not a byte went out."""
        active.draining = True
        self.journal.record_plans(messages)
        self.source.put_back(messages)

    def connect(self) -> Iterator[SendEvent]:
        """Connect to a broker; set `trouble` where none can be reached.

        The first connection is tried once with each broker; later ones are tried again for `reconnect_for` seconds.
        """
        until = time.monotonic() + (self.broker.reconnect_for if self.connections else 0.0)
        pause = POLL
        while not self.cancelled():
            try:
                connection = connect_unless(self.cancelled, self.broker, self.next_broker)
            except BrokerError as error:
                if time.monotonic() + pause > until:
                    self.trouble = str(error)
                    return
                self.wait(pause)
                pause *= 2
                continue
            if connection is None:
                return
            self.active = _ActiveConnection(connection)
            address = self.active.connection.address
            self.next_broker = (self.broker.addresses.index(address) + 1) % len(self.broker.addresses)
            self.connections += 1
            yield BrokerConnected(str(address))
            return

    # -- receiving -----------------------------------------------------------------------------------------------------

    def receive(self, timeout: float) -> Iterator[SendEvent]:
        """Receive events of the broker for up to `timeout` seconds, and record the outcomes they bring.

        Receipts that are overdue and the end of the connection bring outcomes too.
        """
        if self.active is None:
            self.wait(timeout)
            return
        active = self.active
        outcomes: Outcomes = []
        lost = False
        for event in active.connection.receive(timeout):
            if isinstance(event, Closed):
                lost = True
            elif event.id in active.late:
                self.counts[SendOutcome.UNKNOWN] -= 1  # now it gets another outcome
            outcomes += active.outcomes_of(event)
        reason = active.error or "the connection was lost"
        outcomes += active.expire_all(reason) if lost else active.expire_overdue()
        yield from self.record_outcomes(outcomes)
        if lost:
            self.drop_connection()
            yield BrokerLost(str(active.connection.address), reason)

    def record_outcomes(self, outcomes: Outcomes) -> Iterator[SendEvent]:
        """Record outcomes in the journal, then count them and yield their events."""
        try:
            self.journal.record_outcomes(outcomes)
        except JournalError:
            if self.active is not None:  # by the journal these are out without a receipt, and so they are told
                self.active.outstanding.update((message.id, (message, 0.0)) for message, _, _ in outcomes)
            raise
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

    def disconnect(self) -> Iterator[SendEvent]:
        """Ask the broker to end the connection, and receive its last events."""
        if self.active is None:
            return
        self.active.connection.disconnect()
        until = time.monotonic() + CLOSE_TIMEOUT
        while self.active is not None and time.monotonic() < until:
            for event in self.receive(POLL):
                if not isinstance(event, BrokerLost):  # its end was asked for
                    yield event
        self.drop_connection()

    def drop_connection(self) -> None:
        """Close the connection; set `trouble` once no broker answers messages while there are more to send."""
        if self.active is None:
            return
        active = self.active
        active.connection.close()
        self.active = None
        self.unanswered = 0 if active.answered else self.unanswered + active.used
        if self.unanswered >= len(self.broker.addresses) and not self.source.empty:
            self.trouble = "No broker confirms what it is sent: nothing more was sent. Ask those who run the broker"

    def unrecorded(self) -> list[Message]:
        """Return the messages that are out and whose outcome is not in the journal."""
        return [message for message, _ in self.active.outstanding.values()] if self.active else []

    def abandon(self) -> None:
        """Record messages without a receipt as unknown, and close the connection, wherever sending was left."""
        if self.active is None:
            return
        try:
            self.journal.record_outcomes(self.active.expire_all("sending stopped before a receipt came"))
        finally:
            self.active.connection.close()

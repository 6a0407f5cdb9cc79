"""Connections to a message broker: STOMP 1.1, to one broker at a time.

Source: icat.md, "Bytes on the wire", "Connections and receipts". What must stay true: the caller gets an event for each
message, by its id, that the broker has or refused, and one when the connection is gone; nothing here waits without a
time limit, sends a message twice or connects again by itself, and no broker gets a login that is not for it.
"""

import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from msgspec import Struct

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import ExitCode, IcatTuiError

HEART_BEATS = (10_000, 10_000)
"""Intervals of heart-beats offered to the broker and wanted from it, in milliseconds; the broker may have none."""
POLL = 0.1
"""Seconds between two checks whether connecting was cancelled."""
JOIN_TIMEOUT = 1.0
"""Seconds that the thread of a closed connection has to end."""


class BrokerError(IcatTuiError):
    """Failure to connect: no broker took the connection."""

    code = ExitCode.NOTHING


class NotSentError(IcatTuiError):
    """Failure before the first byte of a message: the connection was gone."""


class MaybeSentError(IcatTuiError):
    """Failure while a message went out: the broker may have it."""


class Login(Struct, frozen=True):
    """User name and passcode at the broker; texts of it mask the passcode."""

    user: str
    passcode: str

    def __repr__(self) -> str:
        """Return a text without the passcode."""
        return f"Login({self.user!r}, ***)"


WINDOW = 16
"""Messages without a receipt at any time, at most."""


class Broker(Struct, frozen=True, kw_only=True):
    """Addresses, login and limits for sending to a broker. Times in seconds."""

    addresses: tuple[BrokerAddress, ...]
    """Brokers in the order in which they are tried; without a default, so that none is used by accident."""
    login: Login | None = None
    login_for: frozenset[BrokerAddress] = frozenset()
    """Brokers that get the login; all others are connected to without it."""
    connect_timeout: float = 5.0
    """For each broker to take the connection: TCP, TLS and STOMP together."""
    receipt_timeout: float = 30.0
    """For the receipt of each message, which is `unknown` after it."""
    reconnect_for: float = 30.0
    """For any broker to come back once a connection was lost."""
    rate: float = 10.0
    """Messages a second, at most; 0: no limit."""
    window: int = WINDOW
    """Messages without a receipt at any time, at most."""

    def login_at(self, address: BrokerAddress) -> Login | None:
        """Return the login for a broker; None where it gets none."""
        return self.login if address in self.login_for else None


class Receipt(Struct, frozen=True):
    """Confirmation that the broker has the message of this id."""

    id: str


class Refusal(Struct, frozen=True):
    """Error sent by the broker, which will close the connection."""

    id: str | None
    """Id of the message that it is about; None: the broker does not say."""
    words: str
    """The broker's text."""


class Closed(Struct, frozen=True):
    """End of the connection: the last event of each."""


BrokerEvent = Receipt | Refusal | Closed


class BrokerConnection:
    """Open connection to a broker."""

    def __init__(self, address: BrokerAddress, broker: Broker) -> None:
        """Connect; raise BrokerError with the reason where this broker does not take the connection."""
        self.address = address
        self._listener = _Listener()
        self._stomp: Any = _stomp().StompConnection(address, broker.connect_timeout, HEART_BEATS)
        self._stomp.set_listener("icat-tui", self._listener)
        try:
            self._open(broker)
        except BaseException:
            self.close()
            raise

    def _open(self, broker: Broker) -> None:
        deadline = time.monotonic() + broker.connect_timeout
        login = broker.login_at(self.address)
        headers = {"username": login.user, "passcode": login.passcode} if login else {}
        try:
            # Never with wait=True: it waits for ever for a broker that does not answer.
            self._stomp.connect(with_connect_command=True, **headers)
        except TimeoutError as error:
            raise BrokerError(f"took no connection within {broker.connect_timeout:g} s") from error
        except (_stomp().StompException, OSError) as error:
            raise BrokerError(error.strerror or str(error) or "no connection") from error
        self._limit_sending(broker.receipt_timeout)
        if not self._listener.answered.wait(max(0.0, deadline - time.monotonic())):
            raise BrokerError(f"took the connection, but said nothing for {broker.connect_timeout:g} s")
        if not self._listener.connected:
            refusals = [event.words for event in self.receive(0) if isinstance(event, Refusal)]
            raise BrokerError(f"refused: {refusals[0]}" if refusals else "closed the connection at once")

    def _limit_sending(self, seconds: float) -> None:
        """Set a time limit on sending: for a broker that stops reading, `sendall` would wait for ever."""
        if (opened := self._stomp.transport.socket) is not None:
            limit = struct.pack("@ll", *divmod(max(1, round(seconds * 1_000_000)), 1_000_000))
            with suppress(OSError):  # closed already: the listener has the event
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, receipt: str, destination: str, body: bytes) -> None:
        """Send a message to a queue and ask for a receipt by this id.

        Raises NotSentError or MaybeSentError. Its outcome comes with the events of `receive`.
        """
        stomp = _stomp()
        if self._listener.closed.is_set():
            raise NotSentError(f"The connection to {self.address} is gone: send the message again")
        try:
            self._stomp.send(f"/queue/{destination}", body, persistent="true", receipt=receipt)
        except stomp.NotConnectedException as error:
            raise NotSentError(f"The connection to {self.address} is gone: send the message again") from error
        except (OSError, AttributeError) as error:  # stomp.py may take its socket away while it sends
            raise MaybeSentError(
                f"The connection to {self.address} broke ({error}): look whether ICAT has it"
            ) from error

    def receive(self, timeout: float) -> list[BrokerEvent]:
        """Return the events since the last call; where there are none, wait for the first up to `timeout` seconds."""
        events: list[BrokerEvent] = []
        with suppress(queue.Empty):
            waiting = self._listener.events
            events.append(waiting.get(timeout=timeout) if timeout > 0 else waiting.get_nowait())
            while True:
                events.append(waiting.get_nowait())
        return events

    def disconnect(self) -> None:
        """Ask the broker to end the connection.

        The broker answers the messages before this request, then closes: call `receive` until it returns `Closed`.
        """
        # Without a receipt id: with one, stomp.py waits for the answer without a time limit. It makes its own.
        # The errors mean that the connection is gone: the listener has the event.
        with suppress(OSError, AttributeError, _stomp().NotConnectedException):
            self._stomp.disconnect()

    def close(self) -> None:
        """Close the socket at once, whatever state the connection is in."""
        transport = self._stomp.transport
        transport.running = False
        if (opened := transport.socket) is not None:
            # Also keeps stomp.py from waiting for the other side's end of TLS.
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        thread = transport.io_thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_TIMEOUT)


class _Listener:
    """Listener of stomp.py. Nothing here may raise: an exception in a listener closes the socket."""

    def __init__(self) -> None:
        # Not a SimpleQueue: a signal that comes just as its time-out ends makes that wait for ever (Python 3.11).
        self.events: queue.Queue[BrokerEvent] = queue.Queue()
        self.answered = threading.Event()
        """Set once the broker has sent a frame that answers, or closed the connection."""
        self.connected = False
        self.closed = threading.Event()

    def on_connected(self, _frame: Any) -> None:
        self.connected = True
        self.answered.set()

    def on_receipt(self, frame: Any) -> None:
        self.events.put(Receipt(frame.headers.get("receipt-id", "")))

    def on_error(self, frame: Any) -> None:
        message, body = frame.headers.get("message", ""), (frame.body or "").strip().split("\n", 1)[0]
        words = body if message in body else f"{message}: {body}".removesuffix(": ")
        self.events.put(Refusal(frame.headers.get("receipt-id"), words or "an error without words"))
        self.answered.set()

    def on_disconnected(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.events.put(Closed())
        self.answered.set()

    def on_heartbeat_timeout(self) -> None:
        self.on_disconnected()

    def on_send(self, _frame: Any) -> None:
        pass


def _stomp() -> ModuleType:
    """Return our connection of stomp.py, imported at the first call."""
    from icat_tui.ingest import stomp_transport  # noqa: PLC0415 - late: a run that sends nothing does not load it

    return stomp_transport


def connect(broker: Broker, first: int = 0) -> BrokerConnection:
    """Return a connection to the first broker that takes one, each tried once, starting with the one at index `first`.

    Raises BrokerError with every broker's reason.
    """
    if not broker.addresses:
        raise BrokerError("Nothing can be sent: no broker is known. Name one with --queue HOST:PORT")
    reasons = []
    for place in range(len(broker.addresses)):
        address = broker.addresses[(first + place) % len(broker.addresses)]
        try:
            return BrokerConnection(address, broker)
        except BrokerError as error:
            reasons.append(f"{address} {error}")
    raise BrokerError(f"No broker took the connection ({'; '.join(reasons)}): see --queue, or try again later")


def connect_unless(cancelled: Callable[[], bool], broker: Broker, first: int = 0) -> BrokerConnection | None:
    """Return a connection as `connect` does; None once it is cancelled, which waits for no broker. Raises BrokerError.

    A connection that is made after that is closed.
    """
    made: queue.Queue[BrokerConnection | Exception] = queue.Queue()
    abandoned = threading.Event()

    def make() -> None:
        try:
            made.put(connect(broker, first))
        except Exception as error:  # noqa: BLE001 - raised by the caller
            made.put(error)
        if abandoned.is_set():
            _close_left(made)

    threading.Thread(target=make, name="icat-tui connect", daemon=True).start()
    while not cancelled():
        with suppress(queue.Empty):
            result = made.get(timeout=POLL)
            if isinstance(result, Exception):
                raise result
            return result
    abandoned.set()
    _close_left(made)
    return None


def _close_left(made: "queue.Queue[BrokerConnection | Exception]") -> None:
    with suppress(queue.Empty):
        left = made.get_nowait()
        if isinstance(left, BrokerConnection):
            left.close()

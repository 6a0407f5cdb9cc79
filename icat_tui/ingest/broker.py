"""The way to a message broker: one STOMP 1.1 connection to one broker at a time (icat.md, "Bytes on the wire", "Connections and receipts").

What must stay true: whoever sends learns by name which messages the broker has, which it refused, and that the
connection is gone; nothing here waits without an end, sends a message twice or connects again by itself. stomp.py is
imported here only, with the first connection.
"""

import logging
import os
import queue
import socket
import struct
import threading
import time
from contextlib import suppress
from types import ModuleType
from typing import Any, Self

from msgspec import Struct

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import ExitCode, IcatTuiError

HEART_BEATS = (10_000, 10_000)
"""What we can send and would like to get, in milliseconds; the broker may have none."""
CLOSING = 1.0
"""Seconds that the thread of a closed connection has to end."""


class BrokerError(IcatTuiError):
    """No broker took the connection."""

    code = ExitCode.NOTHING


class NotSentError(IcatTuiError):
    """Not a byte of the message went out: the connection was gone before."""


class MaybeSentError(IcatTuiError):
    """The connection broke while the message went out: the broker may have it."""


class Login(Struct, frozen=True):
    """Who we are to the broker."""

    user: str
    passcode: str

    def __repr__(self) -> str:
        """Return what may be shown."""
        return f"Login({self.user!r}, ***)"


class Broker(Struct, frozen=True, kw_only=True):
    """Where messages go and how long we wait there. Times in seconds."""

    addresses: tuple[BrokerAddress, ...]
    """Tried in this order; there is no default, production brokers least of all."""
    login: Login | None = None
    connect_timeout: float = 5.0
    """For each broker to take the connection: TCP, TLS and STOMP together."""
    receipt_timeout: float = 30.0
    """For each message until it is `unknown`."""
    reconnect_for: float = 30.0
    """For any broker to come back once a connection was lost."""
    rate: float = 10.0
    """Messages a second, at most; 0: no limit."""
    read_only: bool = False
    """No connection is opened and nothing is sent (promises.md 6)."""


class Receipt(Struct, frozen=True):
    """The broker has the message of this id."""

    id: str


class Refusal(Struct, frozen=True):
    """The broker sent an error, and will close the connection."""

    id: str | None
    """The message it is about; None: the broker does not say."""
    words: str


class Closed(Struct, frozen=True):
    """The connection is gone; nothing comes after this."""


Heard = Receipt | Refusal | Closed


class Connection:
    """A connection that a broker has taken."""

    def __init__(self, stomp: ModuleType, address: BrokerAddress, broker: Broker) -> None:
        """Connect, or raise BrokerError saying why this broker did not take the connection."""
        self.address = address
        self._inbox = _Inbox()
        self._stomp: Any = stomp.StompConnection11(
            [(address.host, address.port)],
            prefer_localhost=False,
            try_loopback_connect=False,
            reconnect_attempts_max=1,
            reconnect_sleep_initial=0,
            reconnect_sleep_max=0,
            reconnect_sleep_jitter=0,
            timeout=broker.connect_timeout,
            heartbeats=HEART_BEATS,
            vhost=address.host,
            auto_content_length=False,  # with a length ActiveMQ makes it a BytesMessage, which ICAT never got (icat.md, "Bytes on the wire")
        )
        if address.tls:
            self._stomp.set_ssl(for_hosts=[(address.host, address.port)])
        self._stomp.set_listener("icat-tui", self._inbox)
        try:
            self._open(stomp, broker)
        except BaseException:
            self.close()
            raise

    def _open(self, stomp: ModuleType, broker: Broker) -> None:
        deadline = time.monotonic() + broker.connect_timeout
        login = {"username": broker.login.user, "passcode": broker.login.passcode} if broker.login else {}
        with _Reasons() as reasons:
            try:
                # Never with wait=True: it waits for ever for a broker that says nothing.
                self._stomp.connect(with_connect_command=True, **login)
            except (stomp.exception.StompException, OSError) as error:
                raise BrokerError(reasons.first or str(error) or "no connection") from error
        self._limit_sending(broker.receipt_timeout)
        if not self._inbox.answered.wait(max(0.0, deadline - time.monotonic())):
            raise BrokerError(f"took the connection, but said nothing for {broker.connect_timeout:g} s")
        if not self._inbox.connected:
            said = [heard.words for heard in self.hear(0) if isinstance(heard, Refusal)]
            raise BrokerError(f"refused: {said[0]}" if said else "closed the connection at once")

    def _limit_sending(self, seconds: float) -> None:
        """Make a broker that stops reading an error: without a time limit `sendall` would wait for ever."""
        if (opened := self._stomp.transport.socket) is not None:
            limit = struct.pack("@ll", *divmod(max(1, round(seconds * 1_000_000)), 1_000_000))
            with suppress(OSError):  # closed already: the inbox says so
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, receipt: str, destination: str, body: bytes) -> None:
        """Send a message to a queue and ask for a receipt by this id.

        Raises NotSentError or MaybeSentError. What becomes of it is heard with `hear`.
        """
        stomp = _stomp()
        if self._inbox.closed.is_set():
            raise NotSentError(f"The connection to {self.address} is gone: send the message again")
        try:
            self._stomp.send(f"/queue/{destination}", body, persistent="true", receipt=receipt)
        except stomp.exception.NotConnectedException as error:
            raise NotSentError(f"The connection to {self.address} is gone: send the message again") from error
        except (OSError, AttributeError) as error:  # stomp.py may take its socket away while it sends
            raise MaybeSentError(
                f"The connection to {self.address} broke ({error}): look whether ICAT has it"
            ) from error

    def hear(self, timeout: float) -> list[Heard]:
        """Return what the broker said since the last time; where that is nothing, wait for it up to `timeout` s."""
        heard: list[Heard] = []
        with suppress(queue.Empty):
            heard.append(self._inbox.said.get(timeout=timeout) if timeout > 0 else self._inbox.said.get_nowait())
            while True:
                heard.append(self._inbox.said.get_nowait())
        return heard

    def disconnect(self) -> None:
        """Say good-bye. The broker answers whatever is before it in the line, then closes: hear until `Closed`."""
        # Without a receipt of ours: with one, stomp.py waits for the answer without an end. It asks for its own.
        with suppress(OSError, AttributeError, _stomp().exception.NotConnectedException):  # gone: the inbox says so
            self._stomp.disconnect()

    def close(self) -> None:
        """Cut the connection, whatever state it is in."""
        transport = self._stomp.transport
        transport.running = False
        if (opened := transport.socket) is not None:
            # Also keeps stomp.py from waiting for the other side's end of TLS.
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        thread = transport.io_thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSING)


class _Inbox:
    """Listens to stomp.py. Nothing here may raise: an exception in a listener closes the socket."""

    def __init__(self) -> None:
        # Not a SimpleQueue: a signal that comes just as its time-out ends makes that wait for ever (Python 3.11).
        self.said: queue.Queue[Heard] = queue.Queue()
        self.answered = threading.Event()
        """The broker said something, or closed."""
        self.connected = False
        self.closed = threading.Event()

    def on_connected(self, _frame: Any) -> None:
        self.connected = True
        self.answered.set()

    def on_receipt(self, frame: Any) -> None:
        self.said.put(Receipt(frame.headers.get("receipt-id", "")))

    def on_error(self, frame: Any) -> None:
        message, body = frame.headers.get("message", ""), (frame.body or "").strip().split("\n", 1)[0]
        words = body if message in body else f"{message}: {body}".removesuffix(": ")
        self.said.put(Refusal(frame.headers.get("receipt-id"), words or "an error without words"))
        self.answered.set()

    def on_disconnected(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.said.put(Closed())
        self.answered.set()

    def on_heartbeat_timeout(self) -> None:
        self.on_disconnected()

    def on_send(self, _frame: Any) -> None:
        pass


class _Reasons(logging.Handler):
    """Catches why this thread's connection failed: stomp.py tells its log, and its caller nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.first = ""

    def __enter__(self) -> Self:
        logging.getLogger("stomp.py").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("stomp.py").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        errors = [argument for argument in arguments if isinstance(argument, OSError)]
        if record.thread == self._thread and errors and not self.first:
            self.first = errors[0].strerror or str(errors[0])


def _stomp() -> ModuleType:
    # stomp.py looks up this host's names when it is imported, which can take seconds.
    os.environ.setdefault("STOMP_SKIP_HOSTNAME_SCAN", "1")
    import stomp  # noqa: PLC0415 - late: a run that sends nothing does not load it

    # Its log goes nowhere: its errors reach us in other ways, and its debug lines hold the passcode.
    logger = logging.getLogger("stomp.py")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    module: ModuleType = stomp
    return module


def connect(broker: Broker, first: int = 0) -> Connection:
    """Return a connection to the first broker of the list that takes one, each tried once, from the one at `first` on.

    Raises BrokerError with every broker's reason.
    """
    if broker.read_only:
        raise BrokerError("Nothing can be sent: this run is read-only. Leave out --read-only to send")
    if not broker.addresses:
        raise BrokerError("Nothing can be sent: no broker is known. Name one with --queue HOST:PORT")
    stomp = _stomp()
    reasons = []
    for place in range(len(broker.addresses)):
        address = broker.addresses[(first + place) % len(broker.addresses)]
        try:
            return Connection(stomp, address, broker)
        except BrokerError as error:
            reasons.append(f"{address} {error}")
    raise BrokerError(f"No broker took the connection ({'; '.join(reasons)}): see --queue, or try again later")

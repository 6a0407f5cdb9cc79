"""Fake message broker on loopback, with as much of STOMP 1.1 as producers need.

Source: icat.md, "Bytes on the wire", "Connections and receipts". What must stay true: a receipt is sent only after the
message was handed over; an incomplete or unknown frame is not handed over. stomp.py parses the frames, and is imported
with the first of them.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_WR
from socketserver import BaseRequestHandler
from threading import Event
from typing import Any, NamedTuple

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.sandbox.local_server import serving

AcceptMessage = Callable[[str, bytes], None]
"""Function that gets the name of a queue and the body of a message, and returns once it has kept the message."""

BEAT = 0.1
"""Shortest interval of heart-beats in seconds; those of clients are not monitored: a connection on loopback breaks."""
LONGEST_HEAD = 16 * 1024
LARGEST_FRAME = 16 * 1024 * 1024
"""Bytes of a command with its headers, and of a whole frame."""
PATIENCE = 5.0
"""Seconds that a client has to read an answer, and to close the connection after an error."""
RECEIVE_SIZE = 1 << 16
"""Bytes that are received at once, at most."""

_HEAD_END = re.compile(rb"\n\n|\r\n\r\n")
_LENGTH = re.compile(rb"^content-length:([^\r\n]*)", re.MULTILINE)
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", ":": r"\c"})


class FrameError(ValueError):
    """Protocol error of a client: not STOMP, or a frame that is too large."""


class Frame(NamedTuple):
    """Complete frame as it was sent."""

    command: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def serve(accept: AcceptMessage, port: int = 0) -> Iterator[BrokerAddress]:
    """Accept messages on 127.0.0.1 while the context lasts; yield the address. Port 0 is any free one.

    No login is checked. Raises OSError where the port is taken.
    """
    closing = Event()

    class BrokerHandler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError, TimeoutError):  # the client has gone, or reads no answer
                _ClientConnection(self.request, accept, closing).handle_frames()

    with serving(BrokerHandler, port, "broker") as bound:
        try:
            yield BrokerAddress("127.0.0.1", bound)
        finally:
            closing.set()


class _ClientConnection:
    """Connection of one client."""

    def __init__(self, connection: Any, accept: AcceptMessage, closing: Event) -> None:
        self.connection, self.accept, self.closing = connection, accept, closing
        self.connected = False
        self.beat: float | None = None
        """Seconds between two heart-beats, at most; None: the client wants none."""
        self.last_sent = time.monotonic()

    def handle_frames(self) -> None:
        """Answer frames until the client disconnects, an error occurs, or the broker closes."""
        about = None
        try:
            for frame in frames(self.received()):
                about = frame
                self.answer(frame)
                if frame.command == "DISCONNECT":
                    break
                about = None
        except FrameError as error:
            self.send_error(str(error), about)
        self.close_gracefully()

    def received(self) -> Iterator[bytes]:
        """Yield the bytes that the client sends, until it closes the connection or the broker does."""
        while not self.closing.is_set():
            if self.beat and time.monotonic() - self.last_sent >= self.beat:
                self.send(b"\n")
            self.connection.settimeout(self.beat)
            try:
                data = self.connection.recv(RECEIVE_SIZE)
            except TimeoutError:
                continue
            if not data:
                return
            yield data

    def answer(self, frame: Frame) -> None:
        """Carry out a frame, and send a receipt where it requests one. Raises FrameError."""
        if frame.command in ("CONNECT", "STOMP"):
            self.connect(frame)
            return
        command = frame.command[:20]
        if not self.connected:
            raise FrameError(f"{command!a} before CONNECT")
        match frame.command:
            case "SEND":
                self.accept(_queue(frame), frame.body)
            case "DISCONNECT":
                pass
            case _:
                raise FrameError(f"{command!a} is not understood here: this broker takes messages, and no more")
        if receipt := frame.headers.get("receipt"):
            self.send(_frame("RECEIPT", {"receipt-id": receipt}))

    def connect(self, frame: Frame) -> None:
        if self.connected:
            raise FrameError("connected already")
        if "1.1" not in frame.headers.get("accept-version", "1.0").split(","):
            raise FrameError("only version 1.1 of STOMP is spoken here")
        wanted = re.fullmatch("[0-9]{1,9},([0-9]{1,9})", frame.headers.get("heart-beat", "0,0"))
        if wanted is None:
            raise FrameError("heart-beat must be two numbers of milliseconds")
        self.connected = True
        # Half the interval that the client expects: it takes a late heart-beat for a lost connection.
        self.beat = max(int(wanted[1]) / 1000, BEAT) / 2 if int(wanted[1]) else None
        headers = {"version": "1.1", "heart-beat": f"{BEAT * 1000:.0f},0", "server": "icat-tui-sandbox"}
        self.send(_frame("CONNECTED", headers))

    def send_error(self, why: str, frame: Frame | None) -> None:
        """Send an ERROR frame with the reason, and with the receipt id of the frame that it is about."""
        receipt = frame.headers.get("receipt") if frame else None
        about = {"receipt-id": receipt} if receipt else {}
        self.send(_frame("ERROR", {"message": why, "content-type": "text/plain", **about}, why))

    def send(self, data: bytes) -> None:
        self.connection.settimeout(PATIENCE)
        self.connection.sendall(data)
        self.last_sent = time.monotonic()

    def close_gracefully(self) -> None:
        """Close the connection so that sent data arrives: closed with unread input, it would be reset."""
        with suppress(OSError):  # the client was faster
            self.connection.shutdown(SHUT_WR)
        until = time.monotonic() + PATIENCE
        while not self.closing.is_set() and (left := until - time.monotonic()) > 0:
            self.connection.settimeout(left)
            if not self.connection.recv(RECEIVE_SIZE):
                return


# -- frames ----------------------------------------------------------------------------------------------------------


def frames(received: Iterable[bytes]) -> Iterator[Frame]:
    """Yield the frames in received bytes, however they are split; an incomplete last one is left out.

    Raises FrameError for bytes that can't become a frame, or that are too many for one.
    """
    buffer = bytearray()
    for data in received:
        buffer += data
        while frame := _take_first(buffer):
            yield frame


def _take_first(buffer: bytearray) -> Frame | None:
    """Remove the first frame from a buffer and return it; return None where it is incomplete."""
    if buffer.startswith((b"\n", b"\r")):  # heart-beats
        del buffer[: len(buffer) - len(buffer.lstrip(b"\r\n"))]
    head = _HEAD_END.search(buffer, 0, LONGEST_HEAD)
    if b"\0" in buffer[: head.start() if head else LONGEST_HEAD]:
        raise FrameError("a frame without an empty line after its headers")
    if head is None:
        if len(buffer) >= LONGEST_HEAD:
            raise FrameError(f"more than {LONGEST_HEAD:,} bytes of headers")
        return None
    stated = _LENGTH.search(buffer, 0, head.end())
    end = buffer.find(b"\0", head.end()) if stated is None else head.end() + _number(stated[1])
    if max(end, len(buffer) if end < 0 else 0) > LARGEST_FRAME:
        raise FrameError(f"a frame of more than {LARGEST_FRAME:,} bytes")
    if end < 0 or end >= len(buffer):
        return None
    if buffer[end] != 0:
        raise FrameError("a frame does not end where its content-length says")
    parsed = _stomp_utils().parse_frame(bytes(buffer[:end]))
    del buffer[: end + 1]
    return Frame(parsed.cmd, parsed.headers, parsed.body)


def _number(text: bytes) -> int:
    if not re.fullmatch(b"[0-9]{1,18}", text):
        raise FrameError("content-length must be a number of bytes")
    return int(text)


def _queue(frame: Frame) -> str:
    """Return the name of the queue that a message is for. Raises FrameError."""
    destination = frame.headers.get("destination", "")
    if not destination.startswith("/queue/"):
        raise FrameError(f"destination must be /queue/NAME, and not {destination[:80]!a}")
    if "transaction" in frame.headers:
        raise FrameError("there are no transactions here")
    return destination.removeprefix("/queue/")


def _frame(command: str, headers: dict[str, str], body: str = "") -> bytes:
    lines = [command, *(f"{name}:{value.translate(_ESCAPES)}" for name, value in headers.items()), "", body]
    return "\n".join(lines).encode() + b"\0"


def _stomp_utils() -> Any:
    # stomp.py looks up this host's names when it is imported, which can take seconds.
    os.environ.setdefault("STOMP_SKIP_HOSTNAME_SCAN", "1")
    import stomp.utils  # noqa: PLC0415 - late: a demo that sends nothing does not load it

    return stomp.utils

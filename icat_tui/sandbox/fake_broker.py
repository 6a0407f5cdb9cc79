"""A message broker on loopback: as much of STOMP 1.1 as producers need (icat.md, "Bytes on the wire", "Connections and receipts").

What must stay true: a receipt means that the message is with whoever takes messages; what is not a whole frame, or not
understood, reaches nobody. stomp.py parses the frames, and is imported with the first of them.
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

Take = Callable[[str, bytes], None]
"""Gets the name of a queue and the body of a message; it returns once the message is in its keeping."""

BEAT = 0.1
"""Seconds between heart-beats that can be kept up; what clients send is not missed: a connection on loopback breaks."""
LONGEST_HEAD = 16 * 1024
LARGEST_FRAME = 16 * 1024 * 1024
"""Bytes of a command with its headers, and of a whole frame."""
PATIENCE = 5.0
"""Seconds that a client has to take an answer, and after it was told of an error to hang up."""
AT_ONCE = 1 << 16

_HEAD_END = re.compile(rb"\n\n|\r\n\r\n")
_LENGTH = re.compile(rb"^content-length:([^\r\n]*)", re.MULTILINE)
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", ":": r"\c"})


class FrameError(ValueError):
    """What a client sent is not STOMP, or more of it than anybody means."""


class Frame(NamedTuple):
    """A whole frame, as it was sent."""

    command: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def serve(take: Take, port: int = 0) -> Iterator[BrokerAddress]:
    """Take messages on 127.0.0.1 while the context lasts; yield where. Port 0 is any free one.

    Whoever can connect may send. Raises OSError where the port is taken.
    """
    closing = Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError, TimeoutError):  # the client has gone, or takes no answer
                _Conversation(self.request, take, closing).hold()

    with serving(Handler, port, "broker") as bound:
        try:
            yield BrokerAddress("127.0.0.1", bound)
        finally:
            closing.set()


class _Conversation:
    """The connection of one client."""

    def __init__(self, connection: Any, take: Take, closing: Event) -> None:
        self.connection, self.take, self.closing = connection, take, closing
        self.connected = False
        self.beat: float | None = None
        """Seconds until something must have been said; None: the client does not wait for it."""
        self.spoken = time.monotonic()

    def hold(self) -> None:
        """Answer frames until one of the two has enough."""
        about = None
        try:
            for frame in frames(self.received()):
                about = frame
                self.answer(frame)
                if frame.command == "DISCONNECT":
                    break
                about = None
        except FrameError as error:
            self.refuse(str(error), about)
        self.hang_up()

    def received(self) -> Iterator[bytes]:
        """Yield what the client sends, until it hangs up or the broker closes."""
        while not self.closing.is_set():
            if self.beat and time.monotonic() - self.spoken >= self.beat:
                self.say(b"\n")
            self.connection.settimeout(self.beat)
            try:
                data = self.connection.recv(AT_ONCE)
            except TimeoutError:
                continue
            if not data:
                return
            yield data

    def answer(self, frame: Frame) -> None:
        """Do what a frame asks for, and confirm it where that is asked for too. Raises FrameError."""
        if frame.command in ("CONNECT", "STOMP"):
            self.connect(frame)
            return
        command = frame.command[:20]
        if not self.connected:
            raise FrameError(f"{command!a} before CONNECT")
        match frame.command:
            case "SEND":
                self.take(_queue(frame), frame.body)
            case "DISCONNECT":
                pass
            case _:
                raise FrameError(f"{command!a} is not understood here: this broker takes messages, and no more")
        if receipt := frame.headers.get("receipt"):
            self.say(_frame("RECEIPT", {"receipt-id": receipt}))

    def connect(self, frame: Frame) -> None:
        if self.connected:
            raise FrameError("connected already")
        if "1.1" not in frame.headers.get("accept-version", "1.0").split(","):
            raise FrameError("only version 1.1 of STOMP is spoken here")
        wanted = re.fullmatch("[0-9]{1,9},([0-9]{1,9})", frame.headers.get("heart-beat", "0,0"))
        if wanted is None:
            raise FrameError("heart-beat must be two numbers of milliseconds")
        self.connected = True
        # Half the time that the client counts on: what it hears late is a lost connection to it.
        self.beat = max(int(wanted[1]) / 1000, BEAT) / 2 if int(wanted[1]) else None
        headers = {"version": "1.1", "heart-beat": f"{BEAT * 1000:.0f},0", "server": "icat-tui-sandbox"}
        self.say(_frame("CONNECTED", headers))

    def refuse(self, why: str, frame: Frame | None) -> None:
        """Say why there is no going on, and with which frame if it was whole."""
        receipt = frame.headers.get("receipt") if frame else None
        about = {"receipt-id": receipt} if receipt else {}
        self.say(_frame("ERROR", {"message": why, "content-type": "text/plain", **about}, why))

    def say(self, data: bytes) -> None:
        self.connection.settimeout(PATIENCE)
        self.connection.sendall(data)
        self.spoken = time.monotonic()

    def hang_up(self) -> None:
        """End the connection such that what was said arrives: while something is unread, closing would take it back."""
        with suppress(OSError):  # the client was faster
            self.connection.shutdown(SHUT_WR)
        until = time.monotonic() + PATIENCE
        while not self.closing.is_set() and (left := until - time.monotonic()) > 0:
            self.connection.settimeout(left)
            if not self.connection.recv(AT_ONCE):
                return


# -- frames ----------------------------------------------------------------------------------------------------------


def frames(received: Iterable[bytes]) -> Iterator[Frame]:
    """Yield the frames in what is received, in whatever pieces; one that has no end is left out.

    Raises FrameError for what can't become a frame any more, or is too large for one.
    """
    buffer = bytearray()
    for data in received:
        buffer += data
        while frame := _take_first(buffer):
            yield frame


def _take_first(buffer: bytearray) -> Frame | None:
    """Take the first frame off a buffer; None where it is not there to its end."""
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

"""A broker on loopback that does with each message what the script of a test says: for faults of every kind."""

import importlib
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest.broker import Broker

os.environ["STOMP_SKIP_HOSTNAME_SCAN"] = "1"  # or its import looks up the names of this host
parse_frame = importlib.import_module("stomp.utils").parse_frame


CONNECTED = b"CONNECTED\nversion:1.1\nheart-beat:0,0\n\n\0"


@dataclass(frozen=True)
class Frame:
    command: str
    headers: dict[str, str]
    body: bytes


class Hangup(Exception):  # noqa: N818 - a fact, not an error
    """Raised in a script: the broker closes the connection."""


class Client:
    """The connection of one client, as a script sees it."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.sends = 0

    def write(self, frame: bytes) -> None:
        self.request.sendall(frame)

    def receipt(self, frame: Frame) -> None:
        self.write(f"RECEIPT\nreceipt-id:{frame.headers['receipt']}\n\n\0".encode())

    def error(self, words: str, frame: Frame | None = None) -> None:
        about = f"receipt-id:{frame.headers['receipt']}\n" if frame else ""
        self.write(f"ERROR\n{about}message:{words}\n\n\0".encode())
        # Closed with something unread, the connection would be reset, and the error might never be read.
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(2)
            while self.request.recv(65536):
                pass
        raise Hangup


Script = Callable[[Client, Frame], None]


def accept(client: Client, frame: Frame) -> None:
    client.receipt(frame)


@dataclass
class ScriptedBroker:
    """A broker on loopback that does with each SEND what its script says, and remembers every frame."""

    script: Script = accept
    on_connect: Script = lambda client, _frame: client.write(CONNECTED)
    on_disconnect: Script = accept
    frames: list[Frame] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    beats: int = 0
    port: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def address(self) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self.port)

    @property
    def sent(self) -> list[Frame]:
        return [frame for frame in self.frames if frame.command == "SEND"]

    @property
    def ids(self) -> list[str]:
        return [frame.headers["receipt"] for frame in self.sent]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout=10)

    def serve(self, request: Any) -> None:
        with self.changed:
            self.connections += 1
            self.open += 1
        with suppress(OSError, Hangup):
            self.converse(request)
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def converse(self, request: Any) -> None:
        client, buffer = Client(request), b""
        while data := request.recv(65536):
            self.beats += data == b"\n"
            buffer += data
            while b"\0" in buffer:
                raw, _, buffer = buffer.partition(b"\0")
                parsed = parse_frame(raw.lstrip(b"\n"))
                self.take(client, Frame(parsed.cmd, parsed.headers, parsed.body))

    def take(self, client: Client, frame: Frame) -> None:
        with self.changed:
            self.frames.append(frame)
            self.changed.notify_all()
        if frame.command == "SEND":
            client.sends += 1
            self.script(client, frame)
        else:
            {"CONNECT": self.on_connect, "DISCONNECT": self.on_disconnect}[frame.command](client, frame)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def serving_broker(broker: ScriptedBroker) -> Iterator[ScriptedBroker]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            broker.serve(self.request)

    with _Server(("127.0.0.1", broker.port), Handler) as server:
        broker.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield broker
        finally:
            server.shutdown()
            thread.join()


def broker_at(*addresses: BrokerAddress, **changes: Any) -> Broker:
    defaults = {"rate": 0.0, "connect_timeout": 2.0, "receipt_timeout": 5.0, "reconnect_for": 0.0}
    return Broker(addresses=addresses, **(defaults | changes))


def scripted(*scripts: Callable[[Client, Frame], None]) -> Callable[[Client, Frame], None]:
    """Return a script that does with the n-th message what the n-th of these says; with all further ones the last."""
    turn = iter(range(1_000_000))

    def script(client: Client, frame: Frame) -> None:
        scripts[min(next(turn), len(scripts) - 1)](client, frame)

    return script


def reject(client: Client, frame: Frame) -> None:
    """Be a broker that wants nothing."""
    client.error("no room left", frame)

"""Brokers to send to: a scripted one for faults, a real ActiveMQ, and messages to send."""

import importlib
import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest.broker import Broker

os.environ["STOMP_SKIP_HOSTNAME_SCAN"] = "1"  # or its import looks up this host's names
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
class FakeBroker:
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
def serving(broker: FakeBroker) -> Iterator[FakeBroker]:
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


@pytest.fixture
def fake() -> Iterator[FakeBroker]:
    with serving(FakeBroker()) as broker:
        yield broker


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
    raise TimeoutError(port)


def broker_at(*addresses: BrokerAddress, **changes: Any) -> Broker:
    defaults = {"rate": 0.0, "connect_timeout": 2.0, "receipt_timeout": 5.0, "reconnect_for": 0.0}
    return Broker(addresses=addresses, **(defaults | changes))


class ActiveMQ:
    """A real broker with its store in a directory."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.address = BrokerAddress("127.0.0.1", port)

    def script(self, action: str) -> None:
        subprocess.run(
            [ACTIVEMQ_SCRIPT, action, self.directory, str(self.address.port)], check=True, timeout=90,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @contextmanager
    def running_with(self, plugins: str) -> Iterator[None]:
        """Run it with plugins in its configuration, otherwise as the script does."""
        self.script("start")
        self.script("stop")
        configuration = self.directory / "conf" / "broker.xml"
        text = configuration.read_text().replace(
            "<persistenceAdapter>", f"<plugins>{plugins}</plugins><persistenceAdapter>"
        )
        configuration.write_text(text)
        command = ["java", "-Xmx256m", "-Dactivemq.home=/usr/share/activemq", f"-Dactivemq.base={self.directory}",
                   f"-Dactivemq.conf={configuration.parent}", f"-Dactivemq.data={self.directory}/data", "-jar",
                   str(JAR), "start", f"xbean:file:{configuration}"]  # fmt: skip
        with (self.directory / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_for_port(self.address.port)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def kill(self) -> None:
        process = int((self.directory / "pid").read_text())
        os.kill(process, 9)
        while Path(f"/proc/{process}").exists() and "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]:
            pass
        (self.directory / "pid").unlink()


JAR = Path("/usr/share/activemq/bin/activemq.jar")
ACTIVEMQ_SCRIPT = Path(__file__).parents[1] / "fieldkit" / "activemq.sh"


@pytest.fixture(scope="session")
def activemq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveMQ]:
    broker = ActiveMQ(tmp_path_factory.mktemp("activemq"), free_port())
    broker.script("start")
    yield broker
    broker.script("stop")

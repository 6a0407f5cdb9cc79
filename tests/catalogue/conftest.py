"""Scripted HTTP servers, ports that do not answer, and clients of ICAT+ that are closed afterwards."""

import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator

import pytest

from icat_tui.catalogue import transport
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from tests.support.icatplus_client import KEY, PARIS, QUICK
from tests.support.scripted_http_server import Server


@pytest.fixture
def start_server() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*, tls: bool = False) -> Server:
        server = Server(tls)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server()


@pytest.fixture
def connect() -> Iterator[Callable[..., IcatPlus]]:
    clients: list[IcatPlus] = []

    def make(url: str, *, key: str = KEY, jobs: int = 8, limits: Limits = QUICK) -> IcatPlus:
        clients.append(IcatPlus(url, key, zone=PARIS, jobs=jobs, limits=limits))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(server: Server, connect: Callable[..., IcatPlus]) -> IcatPlus:
    return connect(server.url)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the tests says about the way to other hosts."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def blackhole() -> Iterator[str]:
    """Return the URL of a port where a connect neither succeeds nor fails: nobody accepts and the backlog is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(8):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for connection in waiting:
            connection.close()


@pytest.fixture
def refusing() -> Iterator[str]:
    """Return the URL of a port that nobody listens on, and nobody else can take."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


@pytest.fixture
def tracebacks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what a traceback of every error inside would show, the values of all variables among it."""
    shown: list[str] = []
    explain = transport.explain

    def looked_at(error: BaseException, late: str) -> transport.FailedAttempt:
        exception = traceback.TracebackException.from_exception(error)
        shown.append("".join(exception.format()) + repr(error))
        return explain(error, late)

    monkeypatch.setattr(transport, "explain", looked_at)
    return shown


@pytest.fixture
def caplog_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def tls_server(start_server: Callable[..., Server]) -> Server:
    return start_server(tls=True)

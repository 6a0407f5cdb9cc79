"""A close ends whatever waits, and ICAT+ once given up is left alone."""

import socket
import threading
from collections.abc import Callable

import pytest
from msgspec import structs

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Call, Limits, RequestLimiter, SocketHandle, Stopped
from icat_tui.domain.model import Outcome
from tests.support.icatplus_client import Asking, seconds_to_close
from tests.support.scripted_http_server import (
    CERTIFICATE,
    Reply,
    Server,
    hang,
    listing,
    text,
    trickle,
    trickle_headers,
    trickle_until_closed,
)

SLOW = Limits(connect=60.0, read=60.0, answer=60.0, backoff=60.0)
"""Nothing but a close ends a wait."""
AT_ONCE = 0.2
"""Seconds within which every call ends after a close."""
Connect = Callable[..., IcatPlus]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("reply", [hang, trickle, trickle_headers, trickle_until_closed])
def test_a_close_ends_calls_whatever_the_server_does(
    reply: Reply, tls: bool, start_server: Callable[..., Server], connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    server = start_server(tls=tls)
    server.script = [reply]
    client = connect(server.url, jobs=3, limits=SLOW)
    calls = [Asking(lambda: client.datasets(7)) for _ in range(6)]
    server.until(lambda: server.in_flight == 3)
    assert seconds_to_close(client, calls) < AT_ONCE
    if reply is hang:
        assert len(server.paths) == 3, "those that waited for a place have asked all the same"


def test_a_close_ends_a_call_on_a_kept_connection(server: Server, connect: Connect) -> None:
    server.script = [listing([]), hang]
    client = connect(server.url, limits=SLOW)
    assert client.datasets(7).outcome == Outcome.EMPTY
    call = Asking(lambda: client.datasets(7))
    server.until(lambda: server.in_flight == 1 and len(server.paths) == 2)
    assert seconds_to_close(client, [call]) < AT_ONCE
    assert server.connections == 1


def test_a_close_ends_a_connect(blackhole: str, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled = threading.Event()
    connect_socket = RequestLimiter.connect

    def connect_and_say(limiter: RequestLimiter, call: Callable[[], socket.socket]) -> socket.socket:
        dialled.set()
        return connect_socket(limiter, call)

    monkeypatch.setattr(RequestLimiter, "connect", connect_and_say)
    client = connect(blackhole, limits=structs.replace(SLOW, connect=2.0))
    call = Asking(lambda: client.datasets(7))
    assert dialled.wait(10)
    assert seconds_to_close(client, [call]) < AT_ONCE


def test_a_close_ends_a_name_look_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    looking, found = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        looking.set()
        found.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = connect("http://icat.invalid", limits=SLOW)
    call = Asking(lambda: client.datasets(7))
    assert looking.wait(10)
    assert seconds_to_close(client, [call]) < AT_ONCE
    found.set()


def test_a_close_ends_a_tls_handshake(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = connect(f"https://127.0.0.1:{listener.getsockname()[1]}", limits=SLOW)
        call = Asking(lambda: client.datasets(7))
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1), "the handshake has begun"
            assert seconds_to_close(client, [call]) < AT_ONCE


def test_a_close_ends_the_wait_for_a_retry(server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    pause = RequestLimiter.pause

    def pause_and_say(limiter: RequestLimiter, seconds: float) -> None:
        waiting.set()
        pause(limiter, seconds)

    monkeypatch.setattr(RequestLimiter, "pause", pause_and_say)
    server.script = [text(500, "")]
    client = connect(server.url, limits=SLOW)
    call = Asking(lambda: client.datasets(7))
    assert waiting.wait(10)
    assert seconds_to_close(client, [call]) < AT_ONCE
    assert len(server.paths) == 1


def test_nothing_is_asked_after_a_close(server: Server, client: IcatPlus) -> None:
    client.close()
    client.close()
    answer = client.datasets(7)
    assert (answer.outcome, answer.reason, server.connections) == (Outcome.UNAVAILABLE, "cancelled", 0)


def test_a_close_is_no_failure_of_icat_plus(server: Server, connect: Connect) -> None:
    server.script = [hang]
    client = connect(server.url, limits=structs.replace(SLOW, failures=1))
    call = Asking(lambda: client.datasets(7))
    server.until(lambda: server.in_flight == 1)
    seconds_to_close(client, [call])
    assert client.datasets(7).reason == "cancelled"


def test_a_close_leaves_no_thread_and_no_socket(server: Server, connect: Connect) -> None:
    before = set(threading.enumerate())
    client = connect(server.url)
    assert client.datasets(7).usable
    ours = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("ICAT+")]
    assert ours
    client.close()
    for thread in ours:
        thread.join(10)
        assert not thread.is_alive()
    server.until(lambda: server.open_connections == 0)


def test_giving_up_ends_the_waits_of_the_others() -> None:
    limiter = RequestLimiter(1, SLOW)
    reasons: list[str] = []

    def wait(action: Callable[[], object]) -> None:
        with pytest.raises(Stopped) as raised:
            action()
        reasons.append(str(raised.value))

    def ask() -> None:
        with limiter.request():
            pytest.fail("a request was let through")

    with limiter.request():
        waiting = [threading.Thread(target=wait, args=(action,)) for action in (ask, lambda: limiter.pause(60))]
        for thread in waiting:
            thread.start()
        for _ in range(SLOW.failures):
            limiter.record_failure("connection refused")
        for thread in waiting:
            thread.join(10)
    assert len(reasons) == 2
    assert all("does not answer" in reason and "connection refused" in reason for reason in reasons)
    limiter.close()


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_gate_that_nothing_could_pass_is_refused(jobs: int) -> None:
    with pytest.raises(ValueError, match="at once"):
        RequestLimiter(jobs, SLOW)


def test_a_pause_lasts_as_long_as_it_should() -> None:
    limiter = RequestLimiter(1, SLOW)
    limiter.pause(0.01)
    assert not limiter.closed


def test_a_connection_that_comes_too_late_is_closed() -> None:
    limiter = RequestLimiter(1, Limits(connect=0.01))
    left = threading.Event()
    ours, other = socket.socketpair()

    def connect() -> socket.socket:
        left.wait(10)
        return ours

    with other:
        other.settimeout(10)
        with pytest.raises(TimeoutError):
            limiter.connect(connect)
        left.set()
        assert other.recv(1) == b""


def test_a_line_shuts_the_connection_under_the_hands_of_its_reader() -> None:
    ours, other = socket.socketpair()
    with ours, other:
        handle = SocketHandle(ours)
        reading = Asking(lambda: ours.recv(1))
        handle.shut_down()
        assert reading.answer() == b""
        handle.retire()
        handle.shut_down()


def test_a_line_that_is_in_use_is_closed_after_that() -> None:
    limiter = RequestLimiter(1, SLOW)
    ours, other = socket.socketpair()
    with other:
        other.settimeout(10)
        with limiter.request() as call:
            handle = SocketHandle(ours)
            limiter.attach(call, handle)
            ours.close()
            handle.retire()
            limiter.close()
            assert other.recv(1) == b"", "the handle could not be shut any more"


@pytest.mark.parametrize("overdue", [False, True])
def test_a_line_that_comes_after_the_end_is_shut(overdue: bool) -> None:
    limiter, call = RequestLimiter(1, SLOW), Call(0.0)
    call.overdue = overdue
    if not overdue:
        limiter.close()
    ours, other = socket.socketpair()
    with ours, other:
        handle = SocketHandle(ours)
        limiter.attach(call, handle)
        other.settimeout(10)
        assert other.recv(1) == b""
        handle.release()
        handle.retire()


def test_a_line_that_was_left_for_another_one_is_closed() -> None:
    limiter = RequestLimiter(1, SLOW)
    ours, other = socket.socketpair()
    with other, limiter.request() as call:
        other.settimeout(10)
        first = SocketHandle(ours)
        limiter.attach(call, first)
        with socket.socket() as elsewhere:
            second = SocketHandle(elsewhere)
            limiter.attach(call, second)
        ours.close()
        first.retire()
        assert other.recv(1) == b""
        second.retire()
    limiter.close()

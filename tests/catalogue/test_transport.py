"""How a question ends: statuses, errors, retries, redirects, proxies and TLS, each in words for a person."""

import errno
import gzip
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from msgspec import structs

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits, RequestLimiter
from icat_tui.catalogue.transport import displayed_url, explain, stays_on_server
from icat_tui.domain.model import Outcome
from tests.support.icatplus_client import QUICK, Asking
from tests.support.loopback_addresses import black_hole, give_addresses
from tests.support.scripted_http_server import (
    CERTIFICATE,
    Handler,
    Reply,
    Server,
    cut,
    garbage,
    hang,
    hang_up,
    lingering,
    listing,
    redirect,
    text,
    trickle,
    trickle_headers,
    trickle_until_closed,
)

ONE = listing([{"id": 1, "location": "/data/x"}])
ONCE = structs.replace(QUICK, retries=0)
Connect = Callable[..., IcatPlus]


# -- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_unauthorised(status: int, server: Server, client: IcatPlus) -> None:
    server.script = [text(status, '{"message": "who\\nare you"}')]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.UNAUTHORISED
    assert f"ICAT+ refuses the API key: HTTP {status} " in answer.reason
    assert "(who are you)" in answer.reason


@pytest.mark.parametrize("status", [400, 404, 405, 408, 410, 418, 429, 499])
def test_another_4xx_is_unavailable_and_not_asked_again(status: int, server: Server, client: IcatPlus) -> None:
    server.script = [text(status, "no such thing")]
    answer = client.investigations("id99", "hg333")
    assert answer.outcome == Outcome.UNAVAILABLE
    assert f"HTTP {status}" in answer.reason
    assert "the investigations of hg333 at id99 (no such thing)" in answer.reason
    assert len(server.paths) == 1


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206])
def test_only_200_brings_a_complete_answer(status: int, server: Server, client: IcatPlus) -> None:
    server.script = [text(status, "" if status == 204 else "[]")]
    answer = client.datasets(7)
    assert (answer.outcome, len(server.paths)) == (Outcome.MALFORMED, 1)
    assert f"HTTP {status}" in answer.reason


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_5xx_is_asked_again(status: int, server: Server, client: IcatPlus) -> None:
    server.script = [text(status, "<html>"), text(status, ""), text(status, "{}"), ONE]
    assert client.datasets(7).outcome == Outcome.OK
    assert len(server.paths) == 4


def test_a_5xx_that_stays_is_unavailable_after_3_retries(server: Server, client: IcatPlus) -> None:
    server.script = [text(503, "<html>gateway</html>")]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert answer.reason == f"ICAT+ at {server.url}: HTTP 503 Service Unavailable"
    assert len(server.paths) == 4


def test_a_long_speech_of_a_server_is_cut(server: Server, client: IcatPlus) -> None:
    server.script = [text(400, "x" * 10_000)]
    assert len(client.datasets(7).reason) < 500


# -- what goes wrong on the way --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "limits", "words"),
    [
        (hang, {"read": 0.1}, "no answer within 0.1 s"),
        (trickle, {"answer": 0.2}, "the answer was not complete after 0.2 s"),
        (trickle_headers, {"answer": 0.2}, "the answer was not complete after 0.2 s"),
        (trickle_until_closed, {"answer": 0.2}, "the answer was not complete after 0.2 s"),
        (hang_up, {}, "the connection was closed before the answer was complete"),
        (cut, {}, "the connection was closed before the answer was complete"),
    ],
)
def test_an_outage_is_unavailable_and_asked_again(
    reply: Reply, limits: dict[str, float], words: str, server: Server, connect: Connect
) -> None:
    server.script = [reply]
    client = connect(server.url, limits=structs.replace(QUICK, retries=1, **limits))
    answer = Asking(lambda: client.datasets(7)).answer()
    assert (answer.outcome, answer.rows) == (Outcome.UNAVAILABLE, ())
    assert answer.reason == f"ICAT+ at {server.url}: {words}"
    assert len(server.paths) == 2


@pytest.mark.parametrize(
    ("reply", "limits"), [(hang, {"read": 0.5}), (hang_up, {}), (cut, {}), (trickle, {"answer": 0.5})]
)
def test_an_outage_that_passes_leaves_no_trace(
    reply: Reply, limits: dict[str, float], server: Server, connect: Connect
) -> None:
    server.script = [reply, ONE]
    client = connect(server.url, limits=structs.replace(QUICK, **limits))
    assert Asking(lambda: client.datasets(7)).answer().outcome == Outcome.OK


@pytest.mark.parametrize(
    ("reply", "words"),
    [(garbage, "not HTTP"), (text(200, "[]", {"Content-Encoding": "gzip"}), "can't be decompressed")],
)
def test_garbage_is_malformed_and_not_asked_again(reply: Reply, words: str, server: Server, client: IcatPlus) -> None:
    server.script = [reply]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.MALFORMED
    assert words in answer.reason
    assert len(server.paths) == 1


def test_a_compressed_answer_is_read(server: Server, client: IcatPlus) -> None:
    server.script = [text(200, gzip.compress(b'[{"id": 1, "location": "/x"}]'), {"Content-Encoding": "gzip"})]
    assert client.datasets(7).rows[0].location == "/x"


def test_a_refused_connection_says_so(refusing: str, connect: Connect) -> None:
    answer = connect(refusing).datasets(7)
    assert (answer.outcome, answer.reason) == (Outcome.UNAVAILABLE, f"ICAT+ at {refusing}: connection refused")


def test_a_connect_without_an_answer_ends(blackhole: str, connect: Connect) -> None:
    answer = connect(blackhole, limits=structs.replace(ONCE, connect=0.2)).datasets(7)
    assert (answer.outcome, answer.reason) == (Outcome.UNAVAILABLE, f"ICAT+ at {blackhole}: no connection within 0.2 s")


@pytest.mark.parametrize(
    ("number", "attempts", "words"),
    [(socket.EAI_NONAME, 1, "host name not known, nobody home"), (socket.EAI_AGAIN, 4, "nobody home")],
)
def test_an_unknown_host_says_so(
    number: int, attempts: int, words: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def look_up(host: object, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(number, "nobody home")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    answer = connect("http://icat.invalid").datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert answer.reason.startswith("ICAT+ at http://icat.invalid: ")
    assert words in answer.reason
    assert asked == ["icat.invalid"] * attempts


@pytest.mark.parametrize("host", ["a..b", "*.host", "x" * 70])
def test_a_host_that_can_not_be_one_is_unavailable(host: str, connect: Connect) -> None:
    answer = connect(f"http://{host}").datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert "URL" in answer.reason


def test_a_server_whose_first_address_does_not_answer_is_reached_by_the_next(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.server_address[1]
    give_addresses(monkeypatch, "icat.example", "127.0.0.2", "127.0.0.1")
    limits = structs.replace(QUICK, connect=0.6)
    with black_hole("127.0.0.2", port):
        assert connect(f"http://icat.example:{port}", limits=limits).datasets(7).outcome == Outcome.EMPTY
    assert len(server.paths) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectionError(ssl.SSLError(1, "odd")), "TLS failed, odd; is the URL right?"),
        (requests.ConnectionError(OSError(errno.EHOSTUNREACH, "No route to host")), "No route to host"),
        (requests.ConnectionError("odd"), "odd"),
        (ValueError("odd"), "odd"),
    ],
)
def test_every_error_has_words(error: Exception, words: str) -> None:
    assert explain(error, "late").words == words


# -- retries ---------------------------------------------------------------------------------------------------------


def test_pauses_grow_and_differ(server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(RequestLimiter, "pause", lambda _, seconds: pauses.append(seconds))
    server.script = [text(500, "")]
    connect(server.url, limits=Limits(retries=6)).datasets(7)
    assert len(pauses) == 6
    factors = [pause / (0.5 * 2**retry) for retry, pause in enumerate(pauses)]
    assert all(0.5 <= factor <= 1.5 for factor in factors)
    assert len(set(factors)) == len(factors)


@pytest.mark.parametrize(
    ("named", "granted"), [("3", 3.0), ("0", 0.0), ("9999", 10.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("-1", 0.0)]
)
def test_a_pause_that_a_server_asks_for_is_granted_within_reason(
    named: str, granted: float, server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(RequestLimiter, "pause", lambda _, seconds: pauses.append(seconds))
    server.script = [text(503, "", {"Retry-After": named}), ONE]
    connect(server.url, limits=Limits(backoff=0.0)).datasets(7)
    assert pauses == [granted]


def test_after_5_failed_requests_in_a_row_nothing_more_is_asked_in_this_run(server: Server, connect: Connect) -> None:
    server.script = [text(500, "")]
    client = connect(server.url, limits=ONCE)
    reasons = [client.datasets(7).reason for _ in range(5)]
    assert set(reasons) == {f"ICAT+ at {server.url}: HTTP 500 Internal Server Error"}
    server.script = [ONE]
    for answer in (client.datasets(7), client.investigations("id99", "hg333")):
        assert answer.outcome == Outcome.UNAVAILABLE
        assert answer.reason.startswith("ICAT+ does not answer")
        assert "HTTP 500" in answer.reason
    assert len(server.paths) == 5
    assert connect(server.url).datasets(7).outcome == Outcome.OK


@pytest.mark.parametrize("relief", [ONE, text(404, ""), text(403, ""), text(200, "<html>"), garbage])
def test_failures_count_in_a_row_only(relief: Reply, server: Server, connect: Connect) -> None:
    failure = text(500, "")
    server.script = [*[failure] * 4, relief, *[failure] * 4, ONE]
    client = connect(server.url, limits=ONCE)
    outcomes = [client.datasets(7).outcome for _ in range(10)]
    assert outcomes[-1] == Outcome.OK
    assert len(server.paths) == 10


def test_a_request_that_was_answered_in_the_end_is_no_failure(server: Server, client: IcatPlus) -> None:
    server.script = [step for _ in range(10) for step in (text(500, ""), ONE)]
    assert {client.datasets(7).outcome for _ in range(10)} == {Outcome.OK}


def test_refused_connections_open_the_circuit_too(refusing: str, connect: Connect) -> None:
    client = connect(refusing)
    reasons = [client.datasets(7).reason for _ in range(6)]
    assert reasons[4].endswith("connection refused")
    assert reasons[5].startswith("ICAT+ does not answer")


# -- how hard ICAT+ is hit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_never_more_than_jobs_requests_at_once(jobs: int, server: Server, connect: Connect) -> None:
    server.script = [lingering(ONE), lingering(text(500, "")), lingering(ONE), lingering(hang_up), lingering(ONE)]
    client = connect(server.url, jobs=jobs)
    calls = [Asking(lambda: client.datasets(7)) for _ in range(16)]
    assert {call.answer().outcome for call in calls} == {Outcome.OK}
    assert server.most_in_flight == jobs
    assert len(server.paths) == 18


def test_connections_are_kept_and_closed_at_the_end(server: Server, connect: Connect) -> None:
    server.script = [lingering(ONE)]
    with connect(server.url, jobs=3) as client:
        for call in [Asking(lambda: client.datasets(7)) for _ in range(12)]:
            assert call.answer().outcome == Outcome.OK
        assert server.connections == server.open_connections == 3
    server.until(lambda: server.open_connections == 0)


def test_a_kept_connection_that_was_closed_meanwhile_does_no_harm(server: Server, client: IcatPlus) -> None:
    def last(handler: Handler) -> None:
        handler.close_connection = True
        ONE(handler)

    server.script = [last, last, ONE]
    assert [client.datasets(7).outcome for _ in range(3)] == [Outcome.OK] * 3
    assert server.connections == 3


# -- redirects -------------------------------------------------------------------------------------------------------


def test_a_redirect_on_the_same_server_is_followed_with_the_key(server: Server, client: IcatPlus) -> None:
    def move(handler: Handler) -> None:
        redirect(f"/v2{handler.path}")(handler)

    server.script = [move, ONE]
    assert client.datasets(7).outcome == Outcome.OK
    assert server.paths[1] == f"/v2{server.paths[0]}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_is_not_followed(
    status: int, server: Server, client: IcatPlus, start_server: Callable[..., Server]
) -> None:
    other = start_server()
    server.script = [redirect(f"{other.url}/login?next=x", status)]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert f"HTTP {status}" in answer.reason
    assert f"leads to {other.url};" in answer.reason
    assert (other.paths, len(server.paths)) == ([], 1)


@pytest.mark.parametrize("location", ["", "//[", "ftp://x/", "http://[::1", "http://127.0.0.1:x/", "http:///"])
def test_a_redirect_to_nowhere_is_unavailable(location: str, server: Server, client: IcatPlus) -> None:
    server.script = [redirect(location)]
    assert client.datasets(7).outcome == Outcome.UNAVAILABLE


@pytest.mark.parametrize("location", ["/a b", "/\xe9%zz", "?", "#", "/\x7f", "/%", ";x", "/[", "/***/", "\\"])
def test_an_odd_redirect_is_no_exception(location: str, server: Server, client: IcatPlus) -> None:
    server.script = [redirect(location), ONE]
    assert client.datasets(7).outcome in (Outcome.OK, Outcome.UNAVAILABLE)


def test_redirects_in_circles_end(server: Server, client: IcatPlus) -> None:
    server.script = [redirect("/again")]
    assert client.datasets(7).outcome == Outcome.UNAVAILABLE
    assert len(server.paths) == 6


@pytest.mark.parametrize(
    ("url", "onward", "stay"),
    [
        ("http://h/a", "http://h/b", True),
        ("http://h/a", "https://h/a", True),
        ("http://h:80/a", "https://h:443/a", True),
        ("https://h/a", "http://h/a", False),
        ("https://h/a", "https://h:8443/a", False),
        ("https://h/a", "https://h.evil/a", False),
        ("https://h/a", "https://h@evil/a", False),
        ("https://h/a", "https://h:99999/a", False),
        ("https://h/a", "", False),
    ],
)
def test_a_redirect_stays_with_the_server_or_moves_on_to_tls(url: str, onward: str, stay: bool) -> None:
    assert stays_on_server(url, onward) is stay


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:password@h:1/path?q", "https://h:1"),
        ("user:password@proxy:3128", "proxy:3128"),
        ("http://[", "an unreadable address"),
    ],
)
def test_of_a_url_the_server_is_shown(url: str, host: str) -> None:
    assert displayed_url(url) == host


# -- TLS and proxies -------------------------------------------------------------------------------------------------


def test_tls_that_is_trusted_is_used(
    tls_server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    tls_server.script = [ONE]
    client = connect(tls_server.url)
    assert [client.datasets(7).outcome for _ in range(2)] == [Outcome.OK] * 2
    assert tls_server.connections == 1


def test_a_certificate_that_is_not_trusted_says_so(tls_server: Server, connect: Connect) -> None:
    answer = connect(tls_server.url).datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert "its certificate is not trusted, self" in answer.reason
    assert "REQUESTS_CA_BUNDLE" in answer.reason
    assert (tls_server.connections, tls_server.paths) == (1, [])


def test_a_bundle_that_is_not_there_says_so(
    tls_server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    answer = connect(tls_server.url).datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert "/nowhere/bundle.pem" in answer.reason


def test_tls_with_a_server_that_has_none_says_so(server: Server, connect: Connect) -> None:
    answer = connect(server.url.replace("http", "https")).datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert "TLS failed" in answer.reason


def test_a_question_goes_through_the_proxy_with_the_key(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.script = [ONE]
    assert connect("http://icat.invalid", key="k").datasets(7).outcome == Outcome.OK
    assert server.paths == ["http://icat.invalid/dataacquisition/k/dataset?investigationId=7"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_says_so(
    scheme: str, refusing: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", refusing.replace("://", "://user:password@"))
    answer = connect(f"{scheme}://icat.invalid").datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert answer.reason == f"ICAT+ at {scheme}://icat.invalid, through the proxy {refusing}: connection refused"


def test_a_proxy_that_refuses_says_so(server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    server.script = [text(407, "")]
    answer = connect("https://icat.invalid").datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert "407 Proxy Authentication Required" in answer.reason


@pytest.mark.parametrize(
    ("proxy", "words"),
    [("socks5://h:1", "SOCKS proxy can't be used"), ("http://", "the URL of the proxy can't be used")],
)
def test_a_proxy_that_can_not_be_used_says_so(
    proxy: str, words: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    answer = connect("http://icat.invalid").datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert words in answer.reason


def test_the_environment_is_read_once(server: Server, client: IcatPlus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.datasets(7).usable

    def again(*_: Any, **__: Any) -> None:
        pytest.fail("the environment was read again")

    for name in ("get_environ_proxies", "get_netrc_auth", "should_bypass_proxies"):
        monkeypatch.setattr(f"requests.utils.{name}", again)
        monkeypatch.setattr(f"requests.sessions.{name}", again, raising=False)
    assert client.datasets(7).usable


def test_the_limits_are_those_that_were_promised() -> None:
    limits = Limits()
    assert (limits.connect, limits.read, limits.answer, limits.retries, limits.failures) == (5, 30, 120, 3, 5)


def test_no_test_server_outlives_its_test(start_server: Callable[..., Server]) -> None:
    server = start_server()
    server.script = [hang]
    with socket.create_connection(server.server_address[:2]) as connection:  # type: ignore[arg-type]  # IPv4
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        server.until(lambda: server.in_flight == 1)
        begin = time.monotonic()
        server.stop()
    assert time.monotonic() - begin < 2

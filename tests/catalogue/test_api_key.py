"""The API key is in every URL, and in nothing that anybody reads (promises.md 10)."""

import json
import traceback
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.catalogue import transport
from icat_tui.catalogue.api_key import PLACEHOLDER, ApiKey
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from tests.support.icatplus_client import KEY, Asking
from tests.support.scripted_http_server import (
    Handler,
    Reply,
    Server,
    cut,
    garbage,
    hang,
    hang_up,
    listing,
    redirect,
    text,
    trickle,
)

SPELLINGS = [KEY, quote(KEY, safe=""), quote(KEY), quote_plus(KEY), quote(KEY, safe="").lower(), KEY.upper()]
CORE = "0000aaaa-12"
"""The part of the key that is the same in every spelling."""
IMPATIENT = Limits(connect=2.0, read=0.1, answer=0.15, retries=1, backoff=0.001)


def echo(status: int, header: str = "") -> Reply:
    """Say again all that was asked, in the body and in a header."""

    def reply(handler: Handler) -> None:
        body = json.dumps({"message": f"no {handler.path} for {KEY} {'.'.join(SPELLINGS)}"})
        text(status, body, {header: f"http://other.invalid{handler.path}"} if header else None)(handler)

    return reply


@given(st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs"]), min_size=1, max_size=12), st.data())
def test_a_key_is_masked_in_every_mixture_of_spellings(key: str, data: st.DataObject) -> None:
    spellings = [data.draw(st.sampled_from([letter, quote(letter, safe=""), quote_plus(letter)])) for letter in key]
    assert ApiKey(key).mask(f"<{''.join(spellings)}>") == f"<{PLACEHOLDER}>"


def test_a_key_shows_itself_to_nobody() -> None:
    assert KEY not in f"{ApiKey(KEY)!r} {ApiKey(KEY)}"


def test_without_a_key_nothing_is_masked() -> None:
    assert ApiKey("").mask("text") == "text"


def test_the_key_is_filled_in_once_and_where_it_belongs() -> None:
    assert ApiKey("a/b").fill("http://h/dataacquisition/***/x?y=1") == "http://h/dataacquisition/a%2Fb/x?y=1"
    assert ApiKey("k").fill("http://h/***/dataacquisition/***/x") == "http://h/***/dataacquisition/k/x"
    assert ApiKey("k").fill("http://h/elsewhere") == "http://h/elsewhere"


def move(handler: Handler) -> None:
    """Lead to another place on the same server, once."""
    moved = handler.path.startswith("/v2")
    reply = echo(404) if moved else redirect(f"/v2{handler.path}")
    reply(handler)


REPLIES = {
    "nothing odd": listing([]),
    **{f"HTTP {status}": echo(status) for status in (200, 202, 400, 401, 403, 404, 500, 503)},
    "a redirect on the server": move,
    "a redirect": echo(302, "Location"),
    "a redirect to nowhere": redirect("//["),
    "an odd header": echo(200, "Content-Encoding"),
    "a lie about compression": listing([], **{"Content-Encoding": "gzip"}),
    **{reply.__name__: reply for reply in (hang, hang_up, cut, garbage, trickle)},
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.usefixtures("caplog_at_debug")
def test_the_key_is_in_no_reason_log_traceback_or_repr(
    reply: Reply,
    server: Server,
    connect: Callable[..., IcatPlus],
    caplog: pytest.LogCaptureFixture,
    tracebacks: list[str],
) -> None:
    server.script = [reply]
    client = connect(server.url, limits=IMPATIENT)
    asking = Asking(lambda: [client.datasets(7), client.investigations("id99", "hg333")])
    answers = asking.answer()
    assert CORE in server.paths[0], "the key was not even sent"
    assert "urllib3" in caplog.text, "nothing was logged that could hold it"
    seen = [*map(repr, answers), caplog.text, *map(str, caplog.records), *tracebacks]
    seen += [repr(record.args) for record in caplog.records]
    seen += [repr(part) for part in (client, *vars(client).values())]
    seen += [repr(vars(part)) for part in (client._opened, client._limiter) if part is not None]
    assert not [text for text in seen if CORE in text.lower()]


def test_a_key_that_was_given_as_a_name_is_masked_too(
    server: Server, connect: Callable[..., IcatPlus], refusing: str
) -> None:
    server.script = [text(400, "")]
    client = connect(refusing, limits=IMPATIENT)
    answers = [connect(server.url).investigations("id99", KEY), *(client.investigations(KEY, KEY) for _ in range(6))]
    assert not [answer for answer in answers if CORE in answer.reason]


def test_http_client_prints_nothing_even_where_it_was_told_to(
    client: IcatPlus, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    assert client.datasets(7).usable
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("tls", [False, True])
def test_the_key_is_in_no_traceback_of_a_failed_connection_not_even_among_its_variables(
    tls: bool, refusing: str, connect: Callable[..., IcatPlus], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    explain = transport.explain

    def looked_at(error: BaseException, late: str) -> transport.FailedAttempt:
        exception = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown.append("".join(exception.format()))
        return explain(error, late)

    monkeypatch.setattr(transport, "explain", looked_at)
    connect(refusing.replace("http", "https") if tls else refusing, limits=IMPATIENT).datasets(7)
    assert shown
    assert not [text for text in shown if CORE in text.lower()]


def test_a_password_in_the_url_is_sent_and_not_shown(server: Server, connect: Callable[..., IcatPlus]) -> None:
    seen: list[str] = []

    def reply(handler: Handler) -> None:
        seen.append(handler.headers.get("Authorization", ""))
        text(404, "")(handler)

    server.script = [reply]
    answer = connect(server.url.replace("://", "://user:password@")).datasets(7)
    assert seen[0].startswith("Basic ")
    assert "password" not in answer.reason
    assert server.url in answer.reason

"""Answers of ICAT+ that are too large, without an end or packed beyond reason, and servers that ask to wait."""

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import structs

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.catalogue.transport import retry_after
from icat_tui.domain.model import Outcome
from tests.support.icatplus_client import QUICK
from tests.support.scripted_http_server import Handler, Reply, Server, text

Connect = Callable[..., IcatPlus]
SMALL = structs.replace(QUICK, largest=1 << 20, page=100)


def dataset(number: int, padding: int = 0, total: int | None = None) -> dict[str, object]:
    row: dict[str, object] = {"id": number, "location": f"/data/{number}", "padding": "x" * padding}
    return row | ({"meta": {"page": {"total": total}}} if total is not None else {})


def paging(count: int, *, total: bool = True, padding: int = 8000, limit: int | None = None) -> Reply:
    """Return a server with so many datasets, which heeds `limit` and `skip`; `limit`: its own, at most."""

    def reply(handler: Handler) -> None:
        asked = {name: int(values[0]) for name, values in parse_qs(urlsplit(handler.path).query).items()}
        first = asked.get("skip", 0)
        last = min(count, first + min(asked.get("limit", count), limit or count))
        rows = [dataset(number, padding, count if total else None) for number in range(first, last)]
        text(200, json.dumps(rows))(handler)

    return reply


@pytest.mark.parametrize("count", [150, 199, 200, 201, 1000])
@pytest.mark.parametrize("total", [True, False])
def test_a_list_that_is_too_large_is_asked_for_in_pages_and_complete(
    server: Server, connect: Connect, count: int, total: bool
) -> None:
    server.script = [paging(count, total=total)] * 20
    answer = connect(server.url, limits=SMALL).datasets(7)
    assert answer.outcome == Outcome.OK
    assert sorted(row.id for row in answer.rows) == list(range(count))
    assert "limit=" not in server.paths[0]
    assert [path.partition("&")[2] for path in server.paths[1:3]] == ["limit=100&skip=0", "limit=100&skip=100"]


def test_a_page_that_is_too_large_is_malformed(server: Server, connect: Connect) -> None:
    server.script = [paging(100, padding=20_000)] * 3
    answer = connect(server.url, limits=SMALL).datasets(7)
    assert answer.outcome == Outcome.MALFORMED
    assert "more than 1 MB in a page" in answer.reason
    assert len(server.paths) == 2


def test_a_server_that_sends_the_same_page_again_is_malformed(server: Server, connect: Connect) -> None:
    rows = text(200, json.dumps([dataset(number) for number in range(100)]))
    server.script = [paging(1000), rows, rows, rows]
    answer = connect(server.url, limits=SMALL).datasets(7)
    assert answer.outcome == Outcome.MALFORMED
    assert "100 entries" in answer.reason


def test_an_answer_without_an_end_is_not_read_to_its_end(server: Server, connect: Connect) -> None:
    def endless(handler: Handler) -> None:
        handler.start(200, {})
        try:
            while True:
                handler.wfile.write(b"[" * 65536)
        except OSError:
            handler.break_off()

    server.script = [endless, endless]
    answer = connect(server.url, limits=SMALL).datasets(7)
    assert answer.outcome == Outcome.MALFORMED


def test_what_is_packed_beyond_reason_is_malformed_and_not_kept(server: Server, connect: Connect) -> None:
    bomb = gzip.compress(b" " * (256 << 20))
    server.script = [text(200, bomb, {"Content-Encoding": "gzip"})] * 3
    client = connect(server.url, limits=QUICK)
    tracemalloc.start()
    answer = client.datasets(7)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.outcome == Outcome.MALFORMED
    assert "grows more than 200 times" in answer.reason
    assert peak < 100 << 20
    assert len(server.paths) == 1


# -- servers that ask to wait ----------------------------------------------------------------------------------------


def test_a_server_that_asks_to_wait_is_waited_for_once(server: Server, connect: Connect) -> None:
    busy = text(429, "", {"Retry-After": "1"})
    server.script = [busy, paging(3)]
    began = time.monotonic()
    assert len(connect(server.url, limits=QUICK).datasets(7).rows) == 3
    assert time.monotonic() - began >= 1
    server.script = [busy] * 3
    answer = connect(server.url, limits=structs.replace(QUICK, longest_wait=0.01)).datasets(7)
    assert answer.outcome == Outcome.UNAVAILABLE
    assert "HTTP 429" in answer.reason
    assert len(server.script) == 1, "it was asked twice"


def test_a_server_that_does_not_say_how_long_is_not_waited_for(server: Server, connect: Connect) -> None:
    server.script = [text(429, "")] * 2
    assert connect(server.url, limits=QUICK).datasets(7).outcome == Outcome.UNAVAILABLE
    assert len(server.script) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), (" 0 ", 0), ("", None), ("soon", None), ("-3", None), ("1.5", None), (formatdate(0, usegmt=True), 0)],
)
def test_how_long_is_read_as_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}) == seconds


def test_a_date_to_come_is_waited_for() -> None:
    found = retry_after({"Retry-After": formatdate(time.time() + 60, usegmt=True)})
    assert found is not None
    assert 57 < found <= 60


def test_the_limits_are_those_of_the_contract() -> None:
    limits = Limits()
    assert (limits.largest, limits.page, limits.inflation, limits.longest_wait) == (64 << 20, 1000, 200, 60)

import json
import re
import socket
import struct
import threading
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY, CatalogueState, serve
from tests.support.sandbox_facility import catalogue_entry


def ask(icatplus_url: str, what: str, /, key: str = SANDBOX_KEY, **query: Any) -> tuple[int, Any]:
    """Status and body of the answer to one of the two calls; text where it is no JSON."""
    return get(icatplus_url, f"/dataacquisition/{key}/{what}?{urlencode(query)}")


def get(icatplus_url: str, target: str) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(icatplus_url).netloc, timeout=10)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read().decode()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(body) if is_json else body
    finally:
        connection.close()


@pytest.mark.parametrize(("instrument", "proposal"), [("id23-1", "hg333"), ("ID23-1", "HG-333"), ("id23-1", "hg-333")])
def test_an_investigation_is_found_in_any_spelling_and_answered_in_the_catalogue_s(
    icatplus_url: str, instrument: str, proposal: str
) -> None:
    status, rows = ask(icatplus_url, "investigation", instrumentName=instrument, investigationName=proposal)
    assert status == 200
    assert [(row["id"], row["name"], row["instrument"]["name"]) for row in rows] == [
        (7, "HG-333", "ID23-1"),
        (8, "HG-333", "ID23-1"),
    ]


def test_a_beamline_is_not_found_by_its_directory(icatplus_url: str) -> None:
    assert ask(icatplus_url, "investigation", instrumentName="id23eh1", investigationName="hg333") == (200, [])


def test_times_have_milliseconds_and_an_offset_and_an_open_end_is_null(icatplus_url: str) -> None:
    _, (closed, open_ended) = ask(icatplus_url, "investigation", instrumentName="id23-1", investigationName="hg333")
    assert closed["startDate"] == "2023-10-19T08:00:00.000+02:00"
    assert (closed["endDate"], open_ended["endDate"]) == ("2023-10-24T08:00:00.000+02:00", None)


def test_datasets_have_what_the_catalogue_says_of_them(icatplus_url: str) -> None:
    _, rows = ask(icatplus_url, "dataset", investigationId=7)
    assert [row["location"] for row in rows] == [f"/data/visitor/hg333/id21/{number:04d}" for number in range(5)]
    assert rows[0]["investigation"] == {"id": 7, "name": "HG-333"}
    assert {each["name"]: each["value"] for each in rows[0]["parameters"]}["__fileCount"] == "3"


def test_files_that_are_not_counted_have_no_count(one_proposal: CatalogueState, icatplus_url: str) -> None:
    one_proposal.add_dataset(9, catalogue_entry("0001", file_count=None))
    _, (row,) = ask(icatplus_url, "dataset", investigationId=9)
    assert "__fileCount" not in {each["name"] for each in row["parameters"]}


def test_an_unknown_investigation_has_no_datasets(icatplus_url: str) -> None:
    assert ask(icatplus_url, "dataset", investigationId=4711) == (200, [])


def test_what_is_added_is_in_the_next_answer_also_twice(one_proposal: CatalogueState, icatplus_url: str) -> None:
    assert ask(icatplus_url, "dataset", investigationId=9) == (200, [])
    ids = [one_proposal.add_dataset(9, catalogue_entry("0001")), one_proposal.add_dataset(9, catalogue_entry("0001"))]
    _, rows = ask(icatplus_url, "dataset", investigationId=9)
    assert [row["id"] for row in rows] == ids
    assert len(set(ids)) == 2


def test_elements_say_how_many_there_are(icatplus_url: str) -> None:
    _, rows = ask(icatplus_url, "dataset", investigationId=7)
    assert all(row["meta"]["page"] == {"total": 5, "totalPages": 1, "currentPage": 1} for row in rows)


def test_limit_and_skip_choose_a_part(icatplus_url: str) -> None:
    _, rows = ask(icatplus_url, "dataset", investigationId=7, limit=2, skip=2)
    assert [row["name"] for row in rows] == ["0002", "0003"]
    assert rows[0]["meta"]["page"] == {"total": 5, "totalPages": 3, "currentPage": 2}


def test_a_server_with_pages_sends_one_page_unless_a_limit_is_asked_for(one_proposal: CatalogueState) -> None:
    with serve(one_proposal, page_size=2) as icatplus_url:
        _, first = ask(icatplus_url, "dataset", investigationId=7)
        _, rest = ask(icatplus_url, "dataset", investigationId=7, limit=10, skip=2)
    assert [row["name"] for row in first + rest] == [f"{number:04d}" for number in range(5)]
    assert (len(first), first[0]["meta"]["page"]["total"]) == (2, 5)


@pytest.mark.parametrize("what", ["investigation", "dataset"])
def test_a_wrong_key_opens_nothing(icatplus_url: str, what: str) -> None:
    status, body = ask(
        icatplus_url, what, key="another", instrumentName="id23-1", investigationName="hg333", investigationId=7
    )
    assert status == 401
    assert "another" not in body


@pytest.mark.parametrize("target", ["/", "/dataacquisition", f"/dataacquisition/{SANDBOX_KEY}", "/catalogue/x/dataset"])
def test_an_unknown_page_is_not_found(icatplus_url: str, target: str) -> None:
    assert get(icatplus_url, target)[0] == 404


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("investigation", {"instrumentName": "id21"}),
        ("dataset", {}),
        ("dataset", {"investigationId": "seven"}),
        ("dataset", {"investigationId": 7, "limit": "all"}),
    ],
)
def test_what_can_not_be_answered_is_refused(icatplus_url: str, what: str, query: dict[str, Any]) -> None:
    assert ask(icatplus_url, what, **query)[0] == 400


def test_a_connection_is_kept_for_the_next_request(icatplus_url: str) -> None:
    connection = HTTPConnection(urlsplit(icatplus_url).netloc, timeout=10)
    connection.connect()
    used = connection.sock
    for target in (f"/dataacquisition/{SANDBOX_KEY}/dataset?investigationId=7", "/unknown", "/unknown"):
        connection.request("GET", target)
        connection.getresponse().read()
        assert connection.sock is used
    connection.close()


def test_an_answer_comes_in_one_piece(icatplus_url: str) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(icatplus_url).port or 0), timeout=10) as connection:
        target = f"/dataacquisition/{SANDBOX_KEY}/dataset?investigationId=7"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: sandbox\r\n\r\n".encode())
        head, _, body = connection.recv(1 << 18).partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length
    assert len(body) == int(length[1])


def test_it_listens_on_loopback(icatplus_url: str) -> None:
    assert urlsplit(icatplus_url).hostname == "127.0.0.1"


def test_every_answer_takes_as_long_as_it_was_told_to(one_proposal: CatalogueState) -> None:
    with serve(one_proposal, latency=0.05) as icatplus_url:
        before = time.monotonic()
        assert ask(icatplus_url, "dataset", investigationId=7)[0] == 200
        assert time.monotonic() - before >= 0.05


def test_closing_waits_for_no_client_and_leaves_nothing_running(one_proposal: CatalogueState) -> None:
    before = threading.active_count()
    with serve(one_proposal) as icatplus_url:
        address = ("127.0.0.1", urlsplit(icatplus_url).port or 0)
        idle = socket.create_connection(address, timeout=10)
        connection = HTTPConnection(urlsplit(icatplus_url).netloc, timeout=10)
        connection.request("GET", "/unknown")
        connection.getresponse().read()
    assert threading.active_count() == before
    assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)
    idle.close()
    connection.close()


def test_a_client_that_goes_away_disturbs_nobody(
    one_proposal: CatalogueState, capfd: pytest.CaptureFixture[str]
) -> None:
    with serve(one_proposal, latency=0.05) as icatplus_url:
        with socket.create_connection(("127.0.0.1", urlsplit(icatplus_url).port or 0), timeout=10) as connection:
            connection.sendall(b"GET /unknown HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no goodbye
        assert ask(icatplus_url, "dataset", investigationId=7)[0] == 200
    assert capfd.readouterr() == ("", "")

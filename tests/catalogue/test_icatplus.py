"""The two questions, what their answers hold, and when an answer is complete."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.domain.errors import UsageError
from icat_tui.domain.model import CatalogueDataset, Outcome
from tests.fieldkit.facility import serving_kit
from tests.support.icatplus_client import KEY, PARIS, Asking
from tests.support.scripted_http_server import CERTIFICATE, Handler, Reply, Server, listing, text

HOSTILE = ["hg333", "[x]", "$(reboot)", "a&b=c", "a/b?c#d", "a b+c%20", "é😀", "\x1b[31m", "a\nb", "*", "\udcff"]


def dataset(number: int, **odd: Any) -> dict[str, Any]:
    return {"id": number, "name": f"{number:04d}", "location": f"/data/a/a_{number:04d}", **odd}


def paged(total: object, numbers: range | list[int], page: int = 1) -> Reply:
    return listing([dataset(n, meta={"page": {"total": total, "totalPages": 3, "currentPage": page}}) for n in numbers])


def test_investigations_are_asked_for_as_icat_plus_wants_it(server: Server, client: IcatPlus) -> None:
    server.script = [listing([{"id": 7, "name": "HG-333", "startDate": "2023-10-19T08:00:00+02:00"}])]
    answer = client.investigations("id23-1", "hg333")
    assert (answer.outcome, answer.rows[0].id, answer.unreadable, answer.reason) == (Outcome.OK, 7, (), "")
    key = quote(KEY, safe="")
    assert server.paths == [
        f"/dataacquisition/{key}/investigation?instrumentName=id23-1&investigationName=hg333",
    ]


def test_datasets_are_asked_for_as_icat_plus_wants_it(server: Server, client: IcatPlus) -> None:
    server.script = [listing([dataset(12)])]
    answer = client.datasets(7)
    assert answer.rows == (CatalogueDataset(id=12, location="/data/a/a_0012", investigation=7, name="0012"),)
    assert server.paths == [f"/dataacquisition/{quote(KEY, safe='')}/dataset?investigationId=7"]


def test_only_an_empty_list_means_that_icat_has_none(server: Server, client: IcatPlus) -> None:
    server.script = [listing([])]
    assert client.datasets(7).outcome == client.investigations("id99", "hg333").outcome == Outcome.EMPTY


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_arrive_as_they_are(name: str, server: Server, client: IcatPlus) -> None:
    client.investigations(name, f"{name}2")
    query = parse_qsl(urlsplit(server.paths[0]).query, errors="surrogateescape")
    assert query == [("instrumentName", name), ("investigationName", f"{name}2")]


def test_a_path_in_the_url_is_kept(server: Server, connect: Callable[..., IcatPlus]) -> None:
    connect(f"{server.url}/icat/plus/").datasets(7)
    assert server.paths[0].startswith("/icat/plus/dataacquisition/")


def test_a_url_without_a_scheme_means_https(start_server: Callable[..., Server], monkeypatch: Any) -> None:
    server = start_server(tls=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with IcatPlus(server.url.removeprefix("https://"), KEY, zone=PARIS) as client:
        assert client.datasets(7).outcome == Outcome.EMPTY


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "https://", "http://:80", "http://h:99999", "http://h/?a=1", "http://["]
)
def test_a_url_that_can_not_be_used_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="https://HOST"):
        IcatPlus(url, KEY, zone=PARIS)


def test_the_password_in_a_bad_url_is_not_shown() -> None:
    with pytest.raises(UsageError) as raised:
        IcatPlus("ftp://user:password@host", KEY, zone=PARIS)
    assert "password" not in str(raised.value)


def test_an_element_that_can_not_be_read_is_named_and_the_others_stay(server: Server, client: IcatPlus) -> None:
    odd = [dataset(1), dataset(2, location=None), {"id": "3"}, "text", {"location": "/data/x"}, dataset(6)]
    server.script = [listing(odd)]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.OK
    assert [row.id for row in answer.rows] == [1, 6]
    assert answer.unreadable == ("id 2", "id 3", "place 4", "place 5")


def test_a_list_of_unreadable_elements_is_not_empty(server: Server, client: IcatPlus) -> None:
    server.script = [listing([{"id": 7, "startDate": "soon"}])]
    answer = client.investigations("id99", "hg333")
    assert (answer.outcome, answer.rows, answer.unreadable) == (
        Outcome.OK,
        (),
        ("id 7: 'soon' is not a date and time by ISO 8601",),
    )


def test_what_is_no_text_is_no_location_and_harms_no_other(server: Server, client: IcatPlus) -> None:
    server.script = [text(200, r'[{"id": 1, "location": "/data/a\udcff"}, {"id": 2, "location": "/data/\u00e9😀"}]')]
    answer = client.datasets(7)
    assert [row.location for row in answer.rows] == ["/data/é😀"]
    assert answer.unreadable == ("id 1",)


def test_two_datasets_of_one_id_are_both_kept(server: Server, client: IcatPlus) -> None:
    server.script = [listing([dataset(1), dataset(1, location="/data/b")])]
    assert [row.location for row in client.datasets(7).rows] == ["/data/a/a_0001", "/data/b"]


@pytest.mark.parametrize(
    "body",
    ["", "<html>gateway</html>", "  <!DOCTYPE html>", "{}", '{"message": "no"}', "null", "[1", "OK", '[{"id": 1}] x'],
)
def test_what_is_not_a_list_in_json_is_malformed(body: str, server: Server, client: IcatPlus) -> None:
    server.script = [text(200, body)]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.MALFORMED
    assert "the datasets of investigation 7" in answer.reason
    assert ("HTML" in answer.reason) == ("<" in body)
    assert len(server.paths) == 1


# -- paging ----------------------------------------------------------------------------------------------------------


def queries(server: Server) -> list[str]:
    return [urlsplit(path).query for path in server.paths]


@pytest.mark.parametrize("total", [3, "3", 2, 0, -1, None, "many", True, [3]])
def test_nothing_more_is_asked_for_where_all_has_arrived(total: object, server: Server, client: IcatPlus) -> None:
    server.script = [paged(total, range(3))]
    assert len(client.datasets(7).rows) == 3
    assert queries(server) == ["investigationId=7"]


def test_the_rest_is_asked_for_in_the_same_order(server: Server, client: IcatPlus) -> None:
    server.script = [paged(25, range(10)), paged(25, range(10, 20), 2), paged(25, range(20, 25), 3)]
    answer = client.datasets(7)
    assert answer.outcome == Outcome.OK
    assert [row.id for row in answer.rows] == list(range(25))
    assert queries(server) == [
        "investigationId=7",
        "investigationId=7&limit=15&skip=10",
        "investigationId=7&limit=5&skip=20",
    ]


def test_paged_investigations_keep_the_order_of_their_parameters(server: Server, client: IcatPlus) -> None:
    server.script = [paged(2, [1]), paged(2, [2], 2)]
    assert [row.id for row in client.investigations("id99", "hg333").rows] == [1, 2]
    assert queries(server)[1] == "instrumentName=id99&investigationName=hg333&limit=1&skip=1"


def test_what_comes_twice_counts_once(server: Server, client: IcatPlus) -> None:
    server.script = [paged(4, [1, 2]), paged(4, [2, 3], 2), paged(4, [4], 3)]
    answer = client.datasets(7)
    assert [row.id for row in answer.rows] == [1, 2, 3, 4]
    assert queries(server)[2] == "investigationId=7&limit=1&skip=3"


@pytest.mark.parametrize(
    "rest",
    [listing([]), paged(5, range(3)), paged(5, range(3), 2), paged(5, [2, 1, 0], 2)],
    ids=["empty", "the same", "the same under another number", "the same turned round"],
)
def test_a_list_that_stays_short_is_malformed(rest: Reply, server: Server, client: IcatPlus) -> None:
    server.script = [paged(5, range(3)), rest]
    answer = client.datasets(7)
    assert (answer.outcome, answer.rows) == (Outcome.MALFORMED, ())
    assert "3 of 5" in answer.reason
    assert len(server.paths) == 2


def test_a_page_without_ids_that_repeats_is_noticed(server: Server, client: IcatPlus) -> None:
    def nameless(page: int) -> Reply:
        return listing([{"name": name, "meta": {"page": {"total": 4, "currentPage": page}}} for name in "ab"])

    server.script = [nameless(1), nameless(2)]
    assert client.datasets(7).outcome == Outcome.MALFORMED


@pytest.mark.parametrize(
    ("second", "outcome"),
    [(text(404, ""), Outcome.UNAVAILABLE), (text(403, ""), Outcome.UNAUTHORISED), (text(200, "<"), Outcome.MALFORMED)],
)
def test_half_a_list_is_no_answer(second: Reply, outcome: Outcome, server: Server, client: IcatPlus) -> None:
    server.script = [paged(5, range(3)), second]
    answer = client.datasets(7)
    assert (answer.outcome, answer.rows) == (outcome, ())


# -- the rest --------------------------------------------------------------------------------------------------------


def test_a_close_ends_the_reading_of_a_long_list(server: Server, client: IcatPlus, monkeypatch: Any) -> None:
    server.script = [listing([dataset(number) for number in range(100)])]

    def parse(element: dict[str, Any], investigation: int) -> CatalogueDataset:
        if element["id"] == 5:
            client.close()
        assert element["id"] <= 5
        return CatalogueDataset(id=element["id"], location="/data/x", investigation=investigation)

    monkeypatch.setattr("icat_tui.catalogue.icatplus.parse_dataset", parse)
    assert client.datasets(7).reason == "cancelled"


def test_requests_is_imported_by_the_first_request_only() -> None:
    program = (
        "import sys; from datetime import timezone; from icat_tui.catalogue.icatplus import IcatPlus\n"
        "with IcatPlus('http://127.0.0.1:1', 'key', zone=timezone.utc) as client:\n"
        "    before = 'requests' in sys.modules or 'urllib3' in sys.modules\n"
        "    client.close(); client.datasets(1)\n"
        "    print(before, 'requests' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["False", "True"]


def test_the_catalogue_of_the_field_kit_is_understood(tmp_path: Path, connect: Callable[..., IcatPlus]) -> None:
    state = {
        "investigations": [
            {"id": 7, "name": "HG-333", "instrument": {"name": "ID99"}, "startDate": "2023-10-19T08:00:00+02:00"}
        ],
        "datasets": {"7": [dataset(12, parameters=[{"id": 1, "name": "__fileCount", "value": "3"}])]},
    }
    (tmp_path / "icat.json").write_text(json.dumps(state))
    with serving_kit(tmp_path / "icat.json", {"api_key": "right"}) as url:
        client = connect(url, key="right")
        assert [row.name for row in client.investigations("id99", "hg-333").rows] == ["HG-333"]
        assert [row.file_count for row in client.datasets(7).rows] == [3]
        assert client.datasets(8).outcome == Outcome.EMPTY
        assert connect(url, key="wrong").datasets(7).outcome == Outcome.UNAUTHORISED


def test_answers_go_to_those_who_asked(server: Server, connect: Callable[..., IcatPlus]) -> None:
    def echo(handler: Handler) -> None:
        number = int(urlsplit(handler.path).query.partition("=")[2])
        listing([dataset(number)])(handler)

    server.script = [echo]
    client = connect(server.url, jobs=4)
    calls = {number: Asking(partial(client.datasets, number)) for number in range(40)}
    assert all(call.answer().rows[0].id == number for number, call in calls.items())

"""What single elements of ICAT+'s lists mean."""

import contextlib
import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.catalogue.parse import element_id, elements, page_total, parse_dataset, parse_investigation, whole_number
from tests.support.icatplus_client import PARIS

DATASET = {"id": 12, "name": "0001", "location": "/data/visitor/hg333/id99/20231019/RAW_DATA/a/a_0001"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("value", [12, 12.0, "12", "12.0", "12.", " 12 ", "012"])
def test_a_whole_number_is_read_however_it_is_written(value: object) -> None:
    assert whole_number(value) == 12


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "twelve",
        "12.5",
        12.5,
        -1,
        "-1",
        "1e3",
        "٣",
        [12],
        {},
        math.nan,
        math.inf,
        2**63,
        "9" * 19,
        "9" * 5000,
    ],
)
def test_anything_else_is_not_a_number(value: object) -> None:
    assert whole_number(value) is None


def test_an_investigation_is_read() -> None:
    element = {
        "id": 7,
        "name": "HG-333",
        "title": "On rust",
        "startDate": "2023-10-19T08:00:00.000+02:00",
        "endDate": "2023-10-24T06:00:00Z",
        "parameters": [{"name": "odd"}],
        "instrument": {"name": "ID99"},
    }
    investigation = parse_investigation(element, PARIS)
    assert (investigation.id, investigation.name, investigation.title) == (7, "HG-333", "On rust")
    assert investigation.start == datetime(2023, 10, 19, 6, tzinfo=UTC)
    assert investigation.end == datetime(2023, 10, 24, 6, tzinfo=UTC)


def test_a_time_without_an_offset_is_one_of_the_facility() -> None:
    start = parse_investigation({"id": 7, "startDate": "2023-10-19T08:00:00"}, PARIS).start
    assert start is not None
    assert start.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("absent", [{}, {"startDate": None, "endDate": None}])
def test_an_investigation_without_times_is_kept(absent: dict[str, Any]) -> None:
    investigation = parse_investigation({"id": "7", **absent}, PARIS)
    assert (investigation.id, investigation.start, investigation.end) == (7, None, None)


@pytest.mark.parametrize("field", ["startDate", "endDate"])
@pytest.mark.parametrize("value", ["", "soon", "2023-13-01T00:00:00", 1697695200, False, []])
def test_an_investigation_with_a_time_that_is_garbage_is_unreadable(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(str(value))}'? is not a date"):
        parse_investigation({"id": 7, field: value}, PARIS)


@pytest.mark.parametrize(
    ("end", "is_open"),
    [
        ("2200-12-31T23:59:59Z", False),
        ("2201-01-01T00:00:00Z", True),
        ("9999-12-31T23:59:59.999+01:00", True),
    ],
)
def test_an_end_far_in_the_future_is_none(end: str, is_open: bool) -> None:
    assert (parse_investigation({"id": 7, "endDate": end}, PARIS).end is None) is is_open


@pytest.mark.parametrize("number", [None, "", "x", -1, 1.5, True, [7]])
def test_an_element_without_an_id_is_unreadable(number: object) -> None:
    with pytest.raises(ValueError, match="no id"):
        parse_investigation({"id": number}, PARIS)
    with pytest.raises(ValueError, match="no id"):
        parse_dataset({**DATASET, "id": number}, 7)


@pytest.mark.parametrize("element", [[], None, "investigation", 7])
def test_an_element_that_is_no_object_is_unreadable(element: object) -> None:
    with pytest.raises(ValueError, match="not an object"):
        parse_investigation(element, PARIS)
    with pytest.raises(ValueError, match="not an object"):
        parse_dataset(element, 7)


def test_a_dataset_is_read() -> None:
    dataset = parse_dataset(
        {**DATASET, "type": "acquisition", "parameters": [{"id": 1, "name": "__fileCount", "value": "12"}]}, 7
    )
    assert (dataset.id, dataset.name, dataset.location) == (12, "0001", DATASET["location"])
    assert (dataset.investigation, dataset.file_count, dataset.acquisition) == (7, 12, True)


def test_a_dataset_is_listed_where_it_was_asked_for() -> None:
    assert parse_dataset({**DATASET, "investigation": {"id": 99}}, 7).investigation == 7


def test_a_location_has_no_slash_at_its_end() -> None:
    assert parse_dataset({**DATASET, "location": "/data/x/"}, 7).location == "/data/x"


NO_LOCATIONS: list[object] = [
    *(None, "", "  ", 5, [], {"path": "/data"}),
    *("x", "visitor/rel", "..", "./x", " /data/x", "~/x", "C:\\data", "file:///data/x", "\t/data"),
    *("/", "//", "/.", "/..", "/data/..", "/./../", "///"),
    *("/data/a\0b", "/data/\udcff", "/data/\ud800", "\0"),
    *("/" + "a" * 256, "/data/" + "é" * 128 + "/x", "/a" * 2048, "/é" * 1366),
]


@pytest.mark.parametrize("location", NO_LOCATIONS, ids=lambda location: ascii(location)[:20])
def test_a_dataset_without_a_readable_location_is_unreadable(location: object) -> None:
    with pytest.raises(ValueError, match="location"):
        parse_dataset({**DATASET, "location": location}, 7)


def test_a_dataset_whose_location_is_absent_is_unreadable() -> None:
    with pytest.raises(ValueError, match="location"):
        parse_dataset({"id": 12}, 7)


@pytest.mark.parametrize(
    "location", ["/x", "/data/a b/é", "//data/x", "/data/../x", "/" + "a" * 255, "/a" * 2047, "/é" * 1365, "/data/x\n"]
)
def test_any_other_absolute_path_is_a_location(location: str) -> None:
    assert parse_dataset({**DATASET, "location": location}, 7).location == location


@pytest.mark.parametrize(
    ("fields", "sample"),
    [
        ({"sampleName": "sA", "sample": {"name": "sB"}}, "sA"),
        ({"sampleName": "", "sample": {"name": "sB"}}, "sB"),
        ({"sample": "sB", "parameters": [{"name": "Sample_name", "value": "sC"}]}, "sC"),
        ({"sampleName": 5, "parameters": [{"name": "Sample", "value": "sC"}]}, ""),
        ({}, ""),
    ],
)
def test_a_sample_is_read_from_wherever_it_is_named(fields: dict[str, Any], sample: str) -> None:
    assert parse_dataset({**DATASET, **fields}, 7).sample == sample


def test_times_stay_as_they_were_sent() -> None:
    dataset = parse_dataset({**DATASET, "startDate": "2023-10-19T08:00:00Z", "endDate": 5}, 7)
    assert (dataset.start, dataset.end) == ("2023-10-19T08:00:00Z", "")


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ([{"id": 1, "name": "__fileCount", "value": "12"}], 12),
        ([{"name": "__fileCount", "value": "12.0"}], 12),
        ([{"id": "odd", "name": "__fileCount", "value": 12}], 12),
        ([{"name": "__fileCount", "value": "0"}], 0),
        ({"__fileCount": "12"}, 12),
        ([{"name": "__fileCount", "value": "12"}, None, 5, {"value": "3"}], 12),
        ([{"name": "__fileCount", "value": "12"}, {"name": "__fileCount", "value": "12.0"}], 12),
        ([{"name": "__fileCount", "value": "12"}, {"name": "__fileCount", "value": "0"}], None),
        ([{"name": "__fileCount", "value": "many"}], None),
        ([{"name": "__fileCount", "value": None}], None),
        ([{"name": "__fileCount"}], None),
        ([{"name": "__volume", "value": "12"}], None),
        ([], None),
        (None, None),
        ("__fileCount", None),
    ],
)
def test_a_file_count_that_is_not_said_is_unknown_and_never_0(parameters: object, count: int | None) -> None:
    assert parse_dataset({**DATASET, "parameters": parameters}, 7).file_count == count


@pytest.mark.parametrize(
    ("odd", "acquisition"),
    [
        ({}, True),
        ({"type": None}, True),
        ({"type": "acquisition"}, True),
        ({"type": "processed"}, False),
        ({"type": "Processed data"}, False),
        ({"parameters": [{"name": "input_datasets", "value": "/data/x"}]}, False),
        ({"parameters": [{"name": "input_datasets", "value": " "}]}, True),
        ({"parameters": [{"name": "input_datasets", "value": None}]}, True),
    ],
)
def test_processed_data_is_told_from_acquisitions(odd: dict[str, Any], acquisition: bool) -> None:
    assert parse_dataset({**DATASET, **odd}, 7).acquisition is acquisition


@given(json_values | st.fixed_dictionaries({"id": st.just(1), "startDate": json_values, "endDate": json_values}))
def test_no_investigation_does_worse_than_to_be_unreadable(element: object) -> None:
    with contextlib.suppress(ValueError):
        assert parse_investigation(element, PARIS).id == element_id(element)


@given(
    json_values
    | st.fixed_dictionaries({"id": st.just(1), "location": json_values, "type": json_values})
    | st.fixed_dictionaries({"id": st.just(1), "location": st.just("/data"), "parameters": json_values})
)
def test_no_dataset_does_worse_than_to_be_unreadable(element: object) -> None:
    with contextlib.suppress(ValueError):
        assert parse_dataset(element, 7).id == element_id(element)


@pytest.mark.parametrize(
    ("element", "total"),
    [
        ({"meta": {"page": {"total": 25, "totalPages": 3}}}, 25),
        ({"meta": {"page": {"total": "25"}}}, 25),
        ({"meta": {"page": {"total": None}}}, None),
        ({"meta": {"page": 25}}, None),
        ({"meta": None}, None),
        ({}, None),
        (25, None),
    ],
)
def test_a_total_is_read_where_there_is_one(element: object, total: int | None) -> None:
    assert page_total(element) == total


@given(st.lists(json_values, max_size=5))
def test_the_elements_of_any_list_are_read(listed: list[object]) -> None:
    again = json.dumps(list(elements(json.dumps(listed).encode())))
    assert again == json.dumps(json.loads(json.dumps(listed)))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'"[]"', b"null", b"[1", b"[1]]", b"[\xff]", b'{"message": []}', b"[" * 100_000],
    ids=lambda body: repr(body[:16]),
)
def test_what_is_not_a_list_in_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a list|nested|line \d|codec"):
        list(elements(body))


def test_surrogates_come_through() -> None:
    assert list(elements(b'["a\\udcffb", "\\u00e9", "\\ud83d\\ude00"]')) == ["a\udcffb", "é", "😀"]

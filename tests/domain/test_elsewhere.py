"""Tests of rows that are about a dataset although they have another location: found by name, by time, as foreign."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.domain.elsewhere import (
    NO_SESSION,
    InvestigationRows,
    Times,
    foreign_rows,
    the_moved_one,
)
from icat_tui.domain.model import CatalogueDataset, ForeignRow
from tests.support.comparison import SESSION, row
from tests.support.time_slot import FACILITY, START

ZONE = FACILITY.zone
TIMES = Times(START, START + timedelta(hours=1), "sA")


def timed(
    number: int = 1, later: float = 0, longer: float = 0, sample: str = "sA", **known: object
) -> CatalogueDataset:
    """Return a row with the times of TIMES, later and longer by some seconds."""
    start = TIMES.start + timedelta(seconds=later)
    end = TIMES.end + timedelta(seconds=later + longer)
    return structs.replace(row(number=number), start=start.isoformat(), end=end.isoformat(), sample=sample, **known)


def ids_at(times: Times, *rows: CatalogueDataset) -> list[int]:
    return [found.id for found in InvestigationRows(rows, FACILITY).at(times, ZONE)]


# -- rows of an investigation ----------------------------------------------------------------------------------------


def test_rows_are_kept_by_session_and_those_in_none_together() -> None:
    rows = [
        row("0001"),
        row(number=2, location="/data/visitor/hg333/ID99/20231020/RAW_DATA/c/c_1"),
        row(number=3, location="/data/visitor/HG333/id99/20231019/RAW_DATA/c/c_1"),
        row(number=4, location="/data/other"),
    ]
    found = InvestigationRows(rows, FACILITY)
    session, other = "/data/visitor/hg333/id99/20231019", "/data/visitor/hg333/id99/20231020"
    assert {key: [each.id for kept in rows.values() for each in kept] for key, rows in found.by_session.items()} == {
        session: [1, 3],
        other: [2],
        NO_SESSION: [4],
    }
    assert sorted(each.id for _, each in found) == [1, 2, 3, 4]


def test_rows_registered_twice_are_both_kept() -> None:
    found = InvestigationRows([row(number=1), row(number=2)], FACILITY)
    assert [each.id for _, each in found] == [1, 2]


def test_rows_are_found_by_the_name_of_their_directory() -> None:
    rows = [row("0001", 1), row("0002", 2), row(number=3, location="/data/other/colA_0001"), row("10001", 4)]
    found = InvestigationRows(rows, FACILITY).named({"colA_0001", "0002"})
    assert sorted((key.rpartition("/")[2], each.id) for key, each in found) == [("colA_0001", 1), ("colA_0001", 3)]


# -- by time ---------------------------------------------------------------------------------------------------------


def test_rows_are_found_by_times_to_a_second_and_by_sample() -> None:
    rows = [timed(1), timed(2, later=1), timed(3, later=-1), timed(4, later=1.1), timed(5, later=-1.1)]
    rows += [
        timed(6, longer=1),
        timed(7, longer=1.1),
        timed(8, longer=-1),
        timed(9, longer=-1.1),
        timed(10, sample="sB"),
    ]
    assert sorted(ids_at(TIMES, *rows)) == [1, 2, 3, 6, 8]


def test_times_are_the_same_in_whatever_zone_they_are_written() -> None:
    written = structs.replace(
        timed(), start=TIMES.start.astimezone(UTC).isoformat(), end=TIMES.end.astimezone(ZONE).isoformat()[:-6]
    )
    assert ids_at(TIMES, written) == [1]


@pytest.mark.parametrize(
    "changes", [{"start": ""}, {"start": "soon"}, {"end": ""}, {"end": "5"}, {"acquisition": False}]
)
def test_rows_without_times_and_processed_data_are_never_found_by_time(changes: dict[str, object]) -> None:
    assert ids_at(TIMES, structs.replace(timed(), **changes)) == []


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["sA", "sB"])), max_size=12))
def test_what_is_found_by_time_is_what_a_comparison_with_each_row_finds(drawn: list[tuple[int, int, str]]) -> None:
    rows = [timed(number, later / 2, longer / 2, sample) for number, (later, longer, sample) in enumerate(drawn)]
    expected = [
        found.id
        for found in rows
        if found.sample == TIMES.sample
        and abs(datetime.fromisoformat(found.start) - TIMES.start) <= timedelta(seconds=1)
        and abs(datetime.fromisoformat(found.end) - TIMES.end) <= timedelta(seconds=1)
    ]
    assert sorted(ids_at(TIMES, *rows)) == expected


def test_only_a_single_dataset_looks_moved_or_the_one_of_the_same_name() -> None:
    path = "/data/visitor/hg333/id99/20231020/RAW_DATA/colA/colA_0001"
    one, twice, other, third = row("0001", 1), row("0001", 2), row("0002", 3), row("0003", 4)
    assert the_moved_one(path, [], FACILITY) is None
    assert the_moved_one(path, [other], FACILITY) == other
    assert the_moved_one(path, [one, twice], FACILITY) in (one, twice)
    assert the_moved_one(path, [other, one, third], FACILITY) == one
    assert the_moved_one(path, [other, third], FACILITY) is None
    elsewhere = structs.replace(one, location=one.location.replace("20231019", "20231018"))
    assert the_moved_one(path, [one, elsewhere], FACILITY) is None


# -- foreign ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "foreign"),
    [
        ("hg1000/id99/20231019", True),
        ("hg333/id10/20231019", True),
        ("hg333/id99/20200101", False),
        ("HG-333/ID99/20231019", False),
    ],
)
def test_a_row_in_a_session_of_another_proposal_or_beamline_is_foreign(place: str, foreign: bool) -> None:
    location = f"/data/visitor/{place}/RAW_DATA/colA/colA_0001"
    rows = InvestigationRows([row(number=5, location=location, file_count=3)], FACILITY)
    expected = [ForeignRow(location, 5, 9, "hg333", "id99", 3)] if foreign else []
    assert list(foreign_rows(rows, 9, SESSION, FACILITY)) == expected


def test_what_lies_in_no_session_is_not_foreign_and_all_rows_of_a_session_are() -> None:
    there = "/data/visitor/hg1000/id99/20231019/RAW_DATA/colA"
    rows = InvestigationRows(
        [row(number=number, location=f"{there}/colA_{number}") for number in (1, 2)]
        + [row(number=3, location="/data/x")],
        FACILITY,
    )
    assert [found.id for found in foreign_rows(rows, 9, SESSION, FACILITY)] == [1, 2]


def test_the_directory_of_a_beamline_is_no_other_beamline() -> None:
    directory = structs.replace(SESSION, beamline="id23-1")
    rows = InvestigationRows([row(location="/data/visitor/hg333/id23eh1/20231019/RAW_DATA/c/c_1")], FACILITY)
    assert not list(foreign_rows(rows, 9, directory, FACILITY))

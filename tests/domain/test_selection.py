"""Tests of the selection of sessions (interface.md, "Selection")."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.facility import BEAMLINE_DIRECTORIES, Facility
from icat_tui.domain.selection import Selection
from tests.support.names import HOSTILE_NAMES

FACILITY = Facility()


def test_without_patterns_everything_is_wanted() -> None:
    selection = Selection()
    assert selection.wants_proposal("hg333")
    assert selection.wants_beamline("ID99", FACILITY)
    assert selection.wants_session("20231019")


@pytest.mark.parametrize(
    ("pattern", "name", "wanted"),
    [
        ("hg333", "hg333", True),
        ("HG333", "hg333", True),
        ("hg333", "HG333", True),
        ("hg*", "hg333", True),
        ("hg33?", "hg333", True),
        ("hg[1-3]33", "hg333", True),
        ("hg33", "hg333", False),
        ("g333", "hg333", False),
        ("ma*", "hg333", False),
    ],
)
def test_proposals_are_globs_without_case(pattern: str, name: str, wanted: bool) -> None:
    assert Selection(proposals=(pattern,)).wants_proposal(name) is wanted


def test_one_pattern_of_several_is_enough() -> None:
    selection = Selection(proposals=("ma*", "hg333"))
    assert selection.wants_proposal("hg333")
    assert selection.wants_proposal("ma1")
    assert not selection.wants_proposal("es1")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_selects_itself_whatever_a_glob_would_make_of_it(name: str) -> None:
    assert Selection(proposals=(name,)).wants_proposal(name)
    assert Selection(beamlines=(name,)).wants_beamline(name, FACILITY)


@pytest.mark.parametrize("pattern", ["id23-1", "ID23-1", "id23eh1", "id23*1", "ID23EH?"])
@pytest.mark.parametrize("directory", ["id23eh1", "ID23EH1", "id23-1", "ID23-1"])
def test_a_beamline_is_found_by_each_of_its_names_in_each_of_its_directories(pattern: str, directory: str) -> None:
    assert Selection(beamlines=(pattern,)).wants_beamline(directory, FACILITY)


@pytest.mark.parametrize("beamline", BEAMLINE_DIRECTORIES)
def test_another_beamline_is_not_found(beamline: str) -> None:
    others = [name for name in (*BEAMLINE_DIRECTORIES, "id23", "id30a") if name != beamline]
    selection = Selection(beamlines=(beamline,))
    assert [name for name in others if selection.wants_beamline(name, FACILITY)] == []


@pytest.mark.parametrize("name", ["20250231", "20251399", "2025", "notes", "20231019x", "", "２０２３１０１９"])  # noqa: RUF001
def test_what_is_no_possible_date_is_no_session(name: str) -> None:
    assert not Selection().wants_session(name)
    assert not Selection(sessions=(name,)).wants_session(name)


def test_sessions_are_globs_or_names() -> None:
    assert Selection(sessions=("2023*",)).wants_session("20231019")
    assert Selection(sessions=("20231019",)).wants_session("20231019")
    assert not Selection(sessions=("20231018",)).wants_session("20231019")


@given(st.dates(), st.dates(), st.dates())
def test_since_and_until_are_inclusive(day: date, since: date, until: date) -> None:
    selection = Selection(since=since, until=until)
    assert selection.wants_session(f"{day.year:04}{day.month:02}{day.day:02}") is (since <= day <= until)


def test_what_is_named_in_full_is_told_from_globs() -> None:
    selection = Selection(
        beamlines=("id99",), proposals=("hg333", "ma*", "es?", "sc[1]"), sessions=("20231019", "2024*")
    )
    assert selection.named_proposals() == ("hg333",)
    assert selection.named_sessions() == ("20231019",)


@pytest.mark.parametrize(
    ("selection", "open_ended"),
    [
        (Selection(), False),
        (Selection(beamlines=("id99",), proposals=("hg333",)), False),
        (Selection(beamlines=("id*",), proposals=("hg333",)), True),
        (Selection(beamlines=("id99",), proposals=("hg333", "ma?")), True),
        (Selection(sessions=("20231019",)), True),
        (Selection(since=date(2023, 10, 19)), True),
        (Selection(until=date(2023, 10, 19)), True),
    ],
)
def test_globs_and_dates_may_match_nothing_and_names_may_not(selection: Selection, *, open_ended: bool) -> None:
    assert selection.has_globs_or_dates is open_ended


@pytest.mark.parametrize(
    ("selection", "name", "meant"),
    [
        (Selection(), "notes", True),
        (Selection(sessions=("20231019",)), "20231019_bis", True),
        (Selection(sessions=("20231019",)), "2023-10-19", True),
        (Selection(sessions=("20231019",)), "20231020_bis", False),
        (Selection(sessions=("notes",)), "NOTES", True),
        (Selection(sessions=("20231019",)), "notes", False),
        (Selection(since=date(2023, 10, 19)), "20231019_bis", True),
        (Selection(since=date(2023, 10, 20)), "20231019_bis", False),
        (Selection(until=date(2023, 10, 19)), "20231019_bis", True),
        (Selection(until=date(2023, 10, 18)), "20231019_bis", False),
        (Selection(since=date(2023, 10, 19)), "notes", False),
        (Selection(until=date(2023, 10, 19)), "notes", False),
        (Selection(until=date(2023, 10, 19)), "20230231", False),
    ],
)
def test_what_is_no_session_may_be_meant_by_its_name_or_the_date_in_it(
    selection: Selection, name: str, *, meant: bool
) -> None:
    assert selection.may_mean(name) is meant

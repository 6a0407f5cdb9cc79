"""Tests of the settings of a facility."""

import pickle
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pytest

from icat_tui.domain.facility import Facility
from tests.support.names import HOSTILE_TEXTS

ESRF = Facility()


@pytest.mark.parametrize(
    ("directory", "beamline"),
    [
        ("id23eh1", "id23-1"),
        ("ID23EH2", "id23-2"),
        ("ID23-1", "id23-1"),
        ("id30a1", "id30a-1"),
        ("id30a2", "id30a-2"),
        ("id30a3", "id30a-3"),
        ("ID16B", "id16b"),
        ("bm05", "bm05"),
    ],
)
def test_a_beamline_has_one_name_whatever_its_directory_is_called(directory: str, beamline: str) -> None:
    assert ESRF.beamline(directory) == beamline


def test_the_case_of_settings_does_not_matter() -> None:
    facility = Facility(beamline_directories={"P06": "NanoProbe"}, formats={"NANOPROBE": "mx"})
    assert facility.beamline("nanoprobe") == facility.beamline("p06") == "p06"
    assert facility.raw_format("p06") == "mx"
    assert facility.raw_format("p07") is None


def test_times_are_those_of_the_facility() -> None:
    assert ESRF.zone == ZoneInfo("Europe/Paris")
    with pytest.raises(ZoneInfoNotFoundError):
        Facility(time_zone="Europe/Nowhere").zone  # noqa: B018  # it is looked up when it is asked for


def test_equal_facilities_are_the_same_key_of_what_is_remembered_and_others_are_not() -> None:
    used = Facility()
    assert used.beamline("id23eh1") == "id23-1"
    assert {used: 1}[Facility()] == 1
    assert Facility(beamline_directories={}) not in {used: 1}


def test_a_facility_goes_to_other_processes_and_comes_back() -> None:
    facility = Facility(time_zone="Asia/Tokyo", formats={"id16b": "id16bspec"})
    assert facility.zone == ZoneInfo("Asia/Tokyo")
    assert pickle.loads(pickle.dumps(facility)) == facility
    assert msgspec.convert(msgspec.to_builtins(facility), Facility) == facility


def test_links_lead_to_the_pages_of_the_portal() -> None:
    assert ESRF.investigation_url(7) == "https://data.esrf.fr/investigation/7/datasets"
    assert ESRF.search_url("id23-1", "hg333") == "https://data.esrf.fr/instruments/id23-1/investigations?search=hg333"


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_name_breaks_out_of_its_place_in_a_link(text: str) -> None:
    url = ESRF.search_url(text, text)
    parts = urlsplit(url)
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    assert parts.path.count("/") == "/instruments/…/investigations".count("/")
    assert parse_qs(parts.query, errors="surrogateescape", keep_blank_values=True) == {"search": [text]}
    assert parts.fragment == ""


@pytest.mark.parametrize("name", ["lost+found", "LOST+FOUND", "System Volume Information", ".snapshots", ".x"])
def test_what_file_systems_make_is_no_proposal(name: str) -> None:
    assert Facility().ignores(name)


@pytest.mark.parametrize("name", ["hg333", "snapshot", "lost+found2", "my lost+found"])
def test_other_directories_are_looked_into(name: str) -> None:
    assert not Facility().ignores(name)


def test_what_is_ignored_can_be_set() -> None:
    facility = Facility(ignore=("Test*",))
    assert facility.ignores("tESTs")
    assert not facility.ignores("lost+found")
    assert facility.ignores(".hidden")

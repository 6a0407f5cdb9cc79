"""Which row of ICAT `sync` takes for which directory: odd locations, other names of a directory, moved data."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from icat_tui.sandbox.fake_icatplus import CatalogueEntry
from tests.support.bliss import END, FILE_TIME
from tests.support.live_facility import LiveFacility, dataset, statuses_of
from tests.support.modification_times import settle
from tests.support.place import Place
from tests.support.program import Ran, Registrar, environment, run_program

PROPOSAL = "hg333/id10"


def sync(facility: LiveFacility, *words: str, **settings: str) -> Ran:
    return run_program("sync", "--json", *words, env=environment(**facility.settings(**settings)))


def add_row(place: Place, location: str, investigation: int = 1) -> None:
    """Register a dataset at a location, with the times and the sample of those that are written here."""
    start, end = datetime.fromisoformat(FILE_TIME), datetime.fromisoformat(END)
    place.icatplus.state.add_dataset(investigation, CatalogueEntry("0001", location, start, end, "sA", 1))


def sessions_of(ran: Ran) -> dict[str, dict[str, Any]]:
    return {record["path"]: record for record in ran.records if record["type"] == "session"}


# -- locations that are none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["visitor/rel", "/data/a\0b", "\ud800"])
def test_an_entry_without_a_readable_location_leaves_open_what_is_not_listed(
    location: str, facility: LiveFacility
) -> None:
    session = facility.session(unregistered=1, not_uploaded=1, invalid=1, registered=1)
    facility.place.icatplus.state._datasets[1].append({"id": 99, "location": location})
    ran = sync(facility, "--auto-register")
    assert ran.code == 3
    record = sessions_of(ran)[str(session)]
    assert record["counts"] == {"registered": 1, "unknown": 3}
    for found in record["datasets"]:
        assert (found["status"] == "registered") != (
            "ICAT+ sent an entry that could not be read (id 99)" in found["reasons"]
        )
    assert not facility.broker.sent


# -- the same directory ----------------------------------------------------------------------------------------------


def test_one_root_by_two_names_is_scanned_once_and_by_a_link_all_is_registered(
    facility: LiveFacility, tmp_path: Path
) -> None:
    session = facility.session(registered=2, unregistered=1)
    (tmp_path / "link").symlink_to(facility.place.root)
    by_link = str(session).replace(str(facility.place.root), str(tmp_path / "link"))
    both = sync(facility, data_root=f"{facility.place.root},{tmp_path / 'link'}")
    assert list(sessions_of(both)) == [str(session)]
    linked = sync(facility, data_root=f"{tmp_path / 'link'},{facility.place.root}")
    assert list(sessions_of(linked)) == [by_link]
    paths = sync(facility, str(session), by_link, data_root=f"{facility.place.root},{tmp_path / 'link'}")
    assert [ran.summary["counts"] for ran in (both, linked, paths)] == [{"registered": 2, "unregistered": 1}] * 3


def test_a_session_that_was_moved_with_a_link_left_behind_is_registered(facility: LiveFacility) -> None:
    session = facility.session(registered=2)
    moved = session.rename(session.with_name("20231020"))
    session.symlink_to("20231020")
    settle(moved)
    ran = sync(facility, "--auto-register", str(moved))
    assert (ran.code, ran.summary["counts"]) == (0, {"registered": 2})
    (record,) = sessions_of(ran).values()
    assert record["datasets"][0]["reasons"] == [
        f"ICAT has it as {dataset(session, 'registered')} (id 1), which is the same directory"
    ]


# -- moved -----------------------------------------------------------------------------------------------------------


def test_what_looks_moved_is_sent_only_by_a_confirmation_of_its_own(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    session = facility.session(unregistered=2)
    old = dataset(session, "unregistered")
    add_row(facility.place, old)
    os.rename(Path(old).parent / "unregistered_0002", Path(old).parent / "elsewhere_0002")
    moved = session.rename(session.with_name("20231020"))
    settle(moved)
    ran = sync(facility, "--auto-register")
    (record,) = sessions_of(ran).values()
    assert statuses_of(record) == {"unregistered_0001": "unregistered", "elsewhere_0002": "invalid"}
    reason = f"looks moved: ICAT has {old} (id 1), which is not on disk any more, with the same times and sample"
    assert [found["reasons"] for found in record["datasets"] if found["status"] == "unregistered"] == [[reason]]
    checked = run_program("check", str(moved), env=environment(**facility.settings()))
    assert "should get there without you" not in checked.out
    assert "moved, as it looks" in checked.out
    refused = sync_answered("--register", "--session", "20231020", answers="a\n")
    assert "is not sent by a" in refused.err
    assert not facility.broker.sent
    asked = sync_answered("--register", "--session", "20231020", answers="y\n")
    assert 'upload 1 dataset "unregistered" that look moved?' in asked.err
    assert len(facility.broker.sent) == 1


# -- under another proposal ------------------------------------------------------------------------------------------


def test_what_icat_has_under_another_proposal_is_registered_and_later_known_from_the_cache(
    facility: LiveFacility, tmp_path: Path
) -> None:
    session = facility.session("hg1000/id10/20231019", unregistered=2)
    facility.session("ma1/id11/20231019", registered=1)  # found after the one that it concerns
    foreign = dataset(session, "unregistered")
    add_row(facility.place, foreign, investigation=2)
    cache = str(tmp_path / "cache")
    first = sync(facility, cache_dir=cache)
    alone = sync(facility, str(session), cache_dir=cache)
    for ran in (first, alone):
        found = {one["path"]: one for one in sessions_of(ran)[str(session)]["datasets"]}
        assert statuses_of(sessions_of(ran)[str(session)]) == {
            "unregistered_0001": "registered",
            "unregistered_0002": "unregistered",
        }
        assert found[foreign]["reasons"] == ["ICAT has it under ma1 on id11 (id 2, investigation 2)"]
    assert first.summary["sessions"] == 2
    without = sync(facility, str(session))
    assert without.summary["counts"] == {"unregistered": 2}


# -- regressed -------------------------------------------------------------------------------------------------------


def forget(facility: LiveFacility, *investigations: int) -> None:
    """Have ICAT lose what these investigations list."""
    for investigation in investigations:
        facility.place.icatplus.state._datasets[investigation] = []


def test_an_icat_that_has_forgotten_what_it_listed_is_not_believed(
    facility: LiveFacility, tmp_path: Path, sync_answered: Registrar
) -> None:
    session, other = facility.session("hg1/id10/20231019", registered=51), facility.session("hg2/id10/20231019")
    settings = {"cache_dir": str(tmp_path / "cache"), "save_dir": str(tmp_path / "overview"), "max_age": "0s"}
    assert sync(facility, **settings).summary["counts"] == {"registered": 51}
    (other / "RAW_DATA" / "colA").mkdir(parents=True)
    forget(facility, 1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.suffix in (".json", ".csv", ".sh")}
    for words in ([], ["--register"], ["--auto-register"]):
        ran = sync_answered("--json", *words, answers="y\n" * 9, **settings)
        assert ran.code == 3
        assert "this may not be the right ICAT+" in ran.err
        record = sessions_of(ran)[str(session)]
        assert record["counts"] == {"unknown": 51}
        assert all("and does not now" in one["reasons"][0] for one in record["datasets"])
    assert {path: path.read_bytes() for path in before} == before
    assert not facility.broker.sent
    checked = run_program("check", str(session), env=environment(**facility.settings(cache_dir=settings["cache_dir"])))
    assert checked.code == 3
    assert "this may not be the right ICAT+" in checked.err


def test_a_few_that_icat_does_not_list_any_more_are_unknown_until_a_person_says_so(
    facility: LiveFacility, tmp_path: Path, sync_answered: Registrar
) -> None:
    session = facility.session(registered=2, unregistered=1)
    settings = {"cache_dir": str(tmp_path / "cache")}
    sync_answered("--json", **settings)
    forget(facility, 1)
    for words in (["--invalidate-cache"], ["--register"], []):  # the one that was never listed is sent
        ran = sync_answered("--json", *words, answers="y\n", **settings)
        assert sessions_of(ran)[str(session)]["counts"]["unknown"] == 2
        assert ran.code == 3
    assert len(facility.broker.sent) == 1
    for path in (tmp_path / "cache").rglob("*.json"):
        path.unlink()  # as `i` does
    ran = sync_answered("--json", **settings)
    assert sessions_of(ran)[str(session)]["counts"] == {"registered": 1, "unregistered": 2}

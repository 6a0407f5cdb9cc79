"""Tests of listing sessions by the rules of their format, and of directories that can't be listed."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from icat_tui.disk.listing import list_session
from icat_tui.domain.formats import RAW_DIRECTORIES, RawFormat
from icat_tui.domain.model import DiskSession, SessionDirectory, Stamp, Trouble, TroubleKind
from tests.support.bliss import stored_message
from tests.support.names import HOSTILE_NAMES

NOW = 1_700_000_000.0


def listed(session: SessionDirectory, previous: DiskSession | None = None) -> DiskSession:
    return list_session(session, NOW, previous, zone_name="Europe/Paris")


def of_format(session: SessionDirectory, raw_format: RawFormat) -> SessionDirectory:
    session = structs.replace(session, format=raw_format)
    Path(session.raw_path).mkdir(exist_ok=True)
    return session


def make(session: SessionDirectory, *places: str) -> None:
    for place in places:
        Path(session.raw_path, place).mkdir(parents=True, exist_ok=True)


def places(session: SessionDirectory, disk: DiskSession) -> dict[str, str | None]:
    return {dataset.path.removeprefix(f"{session.raw_path}/"): dataset.name for dataset in disk.datasets}


@pytest.mark.parametrize("raw_format", [RawFormat.ESRFV1, RawFormat.ESRFV2, RawFormat.ESRFV3])
def test_bliss_datasets_lie_in_collections(session: SessionDirectory, raw_format: RawFormat) -> None:
    session = of_format(session, raw_format)
    make(session, "colB/colB_b_0001/scan0001", "colA/colA_0001", "colC/misc", "colA/.hidden", ".hidden/x", "empty")
    Path(session.raw_path, "colA", "hg333_colA.h5").touch()
    Path(session.raw_path, "hg333_id99.h5").touch()
    disk = listed(session)
    assert places(session, disk) == {"colA/colA_0001": "0001", "colB/colB_b_0001": "b_0001", "colC/misc": None}
    assert [dataset.collection for dataset in disk.datasets] == ["colA", "colB", "colC"]
    assert not any(dataset.read for dataset in disk.datasets)
    collections = [f"{session.raw_path}/{name}" for name in ("colA", "colB", "colC", "empty")]
    assert list(disk.listed) == [session.raw_path, *collections]
    assert disk.trouble is None
    assert disk.unlisted == {}


def test_v1_passes_over_the_directories_of_later_layouts(session: SessionDirectory) -> None:
    make(session, "colA/colA_0001")
    session = of_format(session, RawFormat.ESRFV1)
    make(session, "colA/colA_0001", "processed/processed_1", "NOTES/NOTES_1", "__icat__/__icat___1")
    assert places(session, listed(session)) == {"colA/colA_0001": "0001"}


def test_id16bspec_takes_whole_names(session: SessionDirectory) -> None:
    session = of_format(session, RawFormat.ID16BSPEC)
    make(session, "colA/colA_0001", "colA/other")
    assert places(session, listed(session)) == {"colA/colA_0001": "colA_0001", "colA/other": "other"}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_listed_under_their_own_names(session: SessionDirectory, name: str) -> None:
    make(session, f"{name[:60]}/{name[:60]}_0001")
    disk = listed(session)
    (dataset,) = disk.datasets
    assert dataset.path == f"{session.raw_path}/{name[:60]}/{name[:60]}_0001"
    assert Path(dataset.path).is_dir()
    assert dataset.collection == name[:60]


# -- mx --------------------------------------------------------------------------------------------------------------


def test_mx_datasets_lie_at_any_depth_also_in_one_another(session: SessionDirectory) -> None:
    session = of_format(session, RawFormat.MX)
    for place in ("a/run_1", "a/run_1/run_1_2", "a/b/c/d/[x]", "top", ".hidden/x", "a/.hidden"):
        make(session, place)
        Path(session.raw_path, place, "metadata.json").write_text("{}")
    make(session, "a/no", "a/directory/metadata.json")
    disk = listed(session)
    assert places(session, disk) == {
        "a/b/c/d/[x]": "[x]",
        "a/run_1": "run_1",
        "a/run_1/run_1_2": "run_1_2",
        "top": "top",
    }
    assert [dataset.collection for dataset in disk.datasets] == ["a/b/c/d", "a", "a/run_1", ""]


def test_mx_links_are_followed_but_never_round_and_round(session: SessionDirectory, tmp_path: Path) -> None:
    session = of_format(session, RawFormat.MX)
    make(session, "a/run_1")
    Path(session.raw_path, "a/run_1/metadata.json").write_text("{}")
    Path(session.raw_path, "a/run_1/up").symlink_to("..")
    Path(session.raw_path, "a/self").symlink_to(session.raw_path)
    Path(session.raw_path, "a/loop").symlink_to("loop")
    Path(tmp_path, "elsewhere", "run_2").mkdir(parents=True)
    Path(tmp_path, "elsewhere", "run_2", "metadata.json").write_text("{}")
    Path(session.raw_path, "linked").symlink_to(tmp_path / "elsewhere")
    disk = listed(session)
    assert places(session, disk) == {"a/run_1": "run_1", "linked/run_2": "run_2"}
    assert list(disk.unlisted) == [f"{session.raw_path}/a/loop"]


def test_mx_links_that_cross_and_chains_of_links_are_walked_once(session: SessionDirectory, tmp_path: Path) -> None:
    session = of_format(session, RawFormat.MX)
    names = [f"d{number}" for number in range(12)]
    for name in names:
        make(session, name)
        for other in names:
            Path(session.raw_path, name, f"to_{other}").symlink_to(f"../{other}")
    for number in range(30):  # each by two ways to the next
        place = tmp_path / f"chain{number}"
        place.mkdir()
        for way in ("a", "b"):
            (place / way).symlink_to(tmp_path / f"chain{number + 1}")
    (tmp_path / "chain30").mkdir()
    (tmp_path / "chain30" / "metadata.json").write_text("{}")
    Path(session.raw_path, "chain").symlink_to(tmp_path / "chain0")
    disk = listed(session)
    assert [dataset.path for dataset in disk.datasets] == [f"{session.raw_path}/chain{'/a' * 30}"]


# -- trouble ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw_format", RawFormat)
def test_an_absent_raw_directory_is_no_outage(session: SessionDirectory, raw_format: RawFormat) -> None:
    session = structs.replace(session, path=f"{session.path}x", format=raw_format)
    Path(session.raw_path).parent.mkdir(exist_ok=True)
    name = RAW_DIRECTORIES[raw_format] or "session"
    disk = listed(session)
    assert disk.trouble == Trouble(TroubleKind.INVALID, f"no {name} directory")
    assert disk.listed == ()
    assert disk.datasets == ()
    assert disk.unlisted == {}


def test_a_raw_directory_that_is_renamed_meanwhile_is_not_absent(
    session: SessionDirectory, refuse: Callable[[str | Path, int], None]
) -> None:
    refuse(session.raw_path, errno.ENOENT)
    trouble = listed(session).trouble
    assert trouble
    assert trouble.kind == TroubleKind.UNKNOWN
    assert "it was not there a moment ago, and is now" in trouble.text
    Path(session.raw_path).rmdir()
    assert listed(session).trouble == Trouble(TroubleKind.INVALID, "no RAW_DATA directory")


def test_a_session_that_went_away_meanwhile_is_not_empty(session: SessionDirectory) -> None:
    trouble = listed(structs.replace(session, path=f"{session.path}x")).trouble
    assert trouble
    assert trouble.kind == TroubleKind.UNKNOWN
    assert "No such file or directory" in trouble.text


def test_a_raw_directory_behind_a_dead_link_is_not_absent(session: SessionDirectory) -> None:
    Path(session.raw_path).rmdir()
    Path(session.raw_path).symlink_to("/nowhere/at/all")
    trouble = listed(session).trouble
    assert trouble
    assert trouble.kind == TroubleKind.UNKNOWN


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ELOOP, errno.ETIMEDOUT])
def test_a_raw_directory_that_is_refused_is_unknown_in_the_words_of_the_system(
    session: SessionDirectory, refuse: Callable[[str, int], None], number: int
) -> None:
    refuse(session.raw_path, number)
    trouble = listed(session).trouble
    assert trouble
    assert trouble.kind == TroubleKind.UNKNOWN
    assert os.strerror(number) in trouble.text


@pytest.mark.parametrize("raw_format", [RawFormat.ESRFV3, RawFormat.MX])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOENT])
def test_a_collection_that_is_refused_costs_itself_only(
    session: SessionDirectory, refuse: Callable[[str, int], None], raw_format: RawFormat, number: int
) -> None:
    session = of_format(session, raw_format)
    make(session, "colA/colA_0001", "colB/colB_0001")
    for name in ("colA", "colB"):
        Path(session.raw_path, name, f"{name}_0001", "metadata.json").touch()
    bad = f"{session.raw_path}/colA"
    refuse(bad, number)
    disk = listed(session)
    assert [dataset.path for dataset in disk.datasets] == [f"{session.raw_path}/colB/colB_0001"]
    assert list(disk.unlisted) == [bad]
    assert disk.unlisted[bad].kind == TroubleKind.UNKNOWN
    assert os.strerror(number) in disk.unlisted[bad].text
    assert bad not in disk.listed


def test_a_loop_or_a_dead_link_is_that_entry_only(session: SessionDirectory) -> None:
    make(session, "colA/colA_0001")
    for place in ("loop", "colA/colA_loop"):
        Path(session.raw_path, place).symlink_to(Path(place).name)
    for place in ("dead", "colA/colA_dead", "colA/dead.txt", "dead.h5"):
        Path(session.raw_path, place).symlink_to("/nowhere/at/all")
    disk = listed(session)
    assert places(session, disk) == {"colA/colA_0001": "0001", "colA/colA_dead": "dead", "colA/colA_loop": "loop"}
    assert list(disk.unlisted) == [f"{session.raw_path}/dead", f"{session.raw_path}/loop"]


# -- what BLISS left in __icat__ -------------------------------------------------------------------------------------


def test_messages_are_read_and_what_is_none_is_said(session: SessionDirectory) -> None:
    make(session, "__icat__", "colA/colA_0001")
    stored = Path(session.raw_path, "__icat__")
    location = f"{session.raw_path}/colA/colA_0001"
    (stored / "colA_0001.xml").write_text(stored_message(location))
    (stored / "colA_0002.xml").write_text("garbage")
    (stored / "colA_0003.xml").mkdir()
    (stored / "colA_0004.txt").write_text("garbage")
    disk = listed(session)
    assert [(message.path, message.location) for message in disk.stored] == [(f"{stored}/colA_0001.xml", location)]
    assert sorted(disk.stored_trouble) == ["colA_0002", "colA_0003"]
    assert len(disk.datasets) == 1
    assert {path for path in disk.fingerprint if "__icat__" in path} == {str(stored), *map(str, stored.iterdir())}


def test_messages_that_are_refused_are_unknown(session: SessionDirectory, refuse: Callable[[str, int], None]) -> None:
    make(session, "__icat__", "colA/colA_0001")
    path = f"{session.raw_path}/__icat__/colA_0001.xml"
    Path(path).write_text(stored_message("x"))
    refuse(path, errno.EIO)
    assert listed(session).unlisted[path].kind == TroubleKind.UNKNOWN
    refuse(f"{session.raw_path}/__icat__", errno.EIO)
    disk = listed(session)
    assert list(disk.unlisted) == [f"{session.raw_path}/__icat__"]
    assert len(disk.datasets) == 1


# -- fingerprints ----------------------------------------------------------------------------------------------------


def test_the_same_fingerprint_keeps_its_first_seen(session: SessionDirectory) -> None:
    make(session, "colA/colA_0001")
    first = listed(session)
    assert first.first_seen == first.listed_at == NOW
    second = list_session(session, NOW + 60, first, zone_name="Europe/Paris")
    assert (second.listed_at, second.first_seen) == (NOW + 60, NOW)
    make(session, "colA/colA_0002")
    third = list_session(session, NOW + 120, second, zone_name="Europe/Paris")
    assert third.first_seen == NOW + 120
    assert third.names != second.names


def test_a_directory_that_changes_while_it_is_listed_has_no_stamp(
    session: SessionDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(session, "colA/colA_0001")
    scandir = os.scandir

    def meanwhile(path: str) -> object:
        if path.endswith("colA"):
            make(session, "colA/colA_0002")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", meanwhile)
        disk = listed(session)
    assert disk.fingerprint[f"{session.raw_path}/colA"] is None
    assert isinstance(disk.fingerprint[session.raw_path], Stamp)
    again = list_session(session, NOW + 60, disk, zone_name="Europe/Paris")
    assert again.first_seen == NOW + 60


def test_listing_looks_into_no_dataset(session: SessionDirectory, refuse: Callable[[str, int], None]) -> None:
    make(session, "colA/colA_0001")
    refuse(f"{session.raw_path}/colA/colA_0001", errno.EIO)
    assert len(listed(session).datasets) == 1
    assert listed(session).unlisted == {}

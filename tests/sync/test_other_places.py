"""Datasets that ICAT has at another place: under another name of the same directory, or where they were before."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.disk.identity import identity
from icat_tui.domain.model import Session, SessionDirectory, Trouble, TroubleKind
from icat_tui.domain.status import Category, Status
from icat_tui.sync import other_places
from tests.support.bliss import END, FILE_TIME
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.modification_times import settle
from tests.support.scanning import events_of, plan_of, sessions_of, statuses
from tests.support.sessions_on_disk import add_bliss, add_message, session_at

KNOWN: dict[str, Any] = {"start": FILE_TIME, "end": END, "sample": "sA"}
"""What ICAT says of datasets that `add_bliss` writes."""


def scanned_here(root: Path | str, catalogue: CatalogueInMemory, *directories: SessionDirectory) -> dict[str, Session]:
    """Scan sessions below a data root; return them by path."""
    plan = plan_of(directories, catalogue)
    around = structs.replace(plan.around, data_roots=(str(root),))
    return sessions_of(events_of(structs.replace(plan, around=around, jobs=1)))


def scanned(root: Path | str, catalogue: CatalogueInMemory, directory: SessionDirectory) -> Session:
    return scanned_here(root, catalogue, directory)[directory.path]


def at(directory: SessionDirectory, path: Path | str) -> SessionDirectory:
    """Return a session as it is found at another path."""
    parts = str(path).split("/")
    return structs.replace(directory, path=str(path), proposal=parts[-3], date=parts[-1])


# -- the same directory ----------------------------------------------------------------------------------------------


def by_root(root: Path, directory: SessionDirectory) -> SessionDirectory:
    (root.parent / "link").symlink_to(root)
    return at(directory, directory.path.replace(str(root), str(root.parent / "link")))


def by_proposal(root: Path, directory: SessionDirectory) -> SessionDirectory:
    (root / "ma1").symlink_to("hg333")
    return at(directory, directory.path.replace("hg333", "ma1"))


def by_session(root: Path, directory: SessionDirectory) -> SessionDirectory:
    link = Path(directory.path).with_name("20231020")
    link.symlink_to("20231019")
    return at(directory, link)


def by_bind_mount(root: Path, directory: SessionDirectory) -> SessionDirectory:
    """Stand in for a mount of the same file system: a link in the root's own path."""
    (root.parent / "mnt").mkdir()
    (root.parent / "mnt" / "data").symlink_to(root.parent)
    return at(directory, directory.path.replace(str(root.parent), str(root.parent / "mnt" / "data")))


Renaming = Callable[[Path, SessionDirectory], SessionDirectory]
RENAMINGS = [by_root, by_proposal, by_session, by_bind_mount]


@pytest.mark.parametrize("renamed", RENAMINGS)
@pytest.mark.parametrize("swapped", [False, True], ids=["found by the link", "ICAT has the link"])
def test_what_icat_has_by_another_name_of_the_directory_is_registered(
    renamed: Renaming, swapped: bool, root: Path, catalogue: CatalogueInMemory
) -> None:
    real = session_at(root)
    add_bliss(real, "0001", "0002")
    other = renamed(root, real)
    here, there = (real, other) if swapped else (other, real)
    catalogue.tell(here, f"{there.raw_path}/colA/colA_0001")
    session = scanned(here.path.rsplit("/", 3)[0], catalogue, here)
    if swapped and renamed in (by_root, by_bind_mount):
        session = scanned(there.path.rsplit("/", 3)[0], catalogue, here)  # a location elsewhere is not looked at
    assert statuses(session) == {"colA/colA_0001": Status.REGISTERED, "colA/colA_0002": Status.UNREGISTERED}
    dataset = session.datasets[0]
    assert dataset.reasons[0] == (
        f"ICAT has it as {there.raw_path}/colA/colA_0001 (id 7000), which is the same directory"
    )


def test_a_collection_or_dataset_that_is_a_link_is_registered(root: Path, catalogue: CatalogueInMemory) -> None:
    directory = session_at(root)
    one, two = add_bliss(directory, "0001", "0002")
    (Path(directory.raw_path) / "colB").symlink_to("colA")
    Path(two).with_name("colA_0009").symlink_to("colA_0002")
    catalogue.tell(directory, one, two)
    session = scanned(root, catalogue, directory)
    assert set(statuses(session).values()) == {Status.REGISTERED}
    assert len(session.datasets) == 6
    assert session.category == Category.OK


def test_a_dataset_that_was_renamed_with_a_link_left_behind_is_registered(
    root: Path, catalogue: CatalogueInMemory
) -> None:
    directory = session_at(root)
    (one,) = add_bliss(directory, "0001")
    os.rename(one, one.replace("0001", "0002"))
    Path(one).symlink_to("colA_0002")
    catalogue.tell(directory, one)
    assert statuses(scanned(root, catalogue, directory)) == {
        "colA/colA_0001": Status.REGISTERED,
        "colA/colA_0002": Status.REGISTERED,
    }


def test_it_counts_also_where_the_mount_point_is_taken_off(root: Path, catalogue: CatalogueInMemory) -> None:
    directory = session_at(root)
    (one,) = add_bliss(directory, "0001")
    Path(directory.path).with_name("20231018").symlink_to("20231019")
    catalogue.tell(directory, "/data/visitor/hg333/id99/20231018/RAW_DATA/colA/colA_0001")
    found = scanned(root, catalogue, directory).datasets[0]
    assert (found.path, found.status) == (one, Status.REGISTERED)


def test_a_name_that_differs_in_case_of_the_same_directory_is_registered(
    root: Path, catalogue: CatalogueInMemory
) -> None:
    directory = session_at(root)
    (one,) = add_bliss(directory, "0001")
    (Path(directory.raw_path) / "COLA").symlink_to("colA")
    catalogue.tell(directory, one.replace("colA/", "COLA/"))
    assert statuses(scanned(root, catalogue, directory))["colA/colA_0001"] == Status.REGISTERED


def test_what_lies_below_no_data_root_is_not_looked_at(
    root: Path, catalogue: CatalogueInMemory, touched: list[str], tmp_path: Path
) -> None:
    directory = session_at(root)
    add_bliss(directory, "0001")
    outside = tmp_path / "elsewhere" / "hg333" / "id99" / "20231019"
    outside.parent.mkdir(parents=True)
    outside.symlink_to(directory.path)
    catalogue.tell(directory, f"{outside}/RAW_DATA/colA/colA_0001")
    touched.clear()
    assert statuses(scanned(root, catalogue, directory)) == {"colA/colA_0001": Status.UNREGISTERED}
    assert not [each for each in touched if "elsewhere" in each]


def test_nothing_is_looked_at_where_nothing_is_lacking(
    root: Path, catalogue: CatalogueInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = session_at(root)
    catalogue.tell(directory, *add_bliss(directory, "0001"), f"{root}/hg333/id99/20231018/RAW_DATA/colA/colA_0001")

    def fail(_: str) -> None:
        raise AssertionError

    monkeypatch.setattr("icat_tui.sync.other_places.identity", fail)
    assert set(statuses(scanned(root, catalogue, directory)).values()) == {Status.REGISTERED}


def test_another_directory_of_the_same_name_is_another(root: Path, catalogue: CatalogueInMemory) -> None:
    one, other = session_at(root), session_at(root, date="20231020")
    (path,) = add_bliss(one, "0001")
    add_bliss(other, "0001")
    catalogue.tell(one, path)
    sessions = scanned_here(root, catalogue, one, other)
    assert statuses(sessions[other.path]) == {"colA/colA_0001": Status.UNREGISTERED}


# -- moved -----------------------------------------------------------------------------------------------------------


def moved(catalogue: CatalogueInMemory, directory: SessionDirectory, **known: Any) -> list[str]:
    """Add two datasets, of which ICAT has the first at its place; return their paths."""
    paths = add_bliss(directory, "0001", "0002")
    catalogue.tell(directory, paths[0], **(KNOWN | known))
    return paths


def the_reason(path: str) -> str:
    return f"looks moved: ICAT has {path} (id 7000), which is not on disk any more, with the same times and sample"


def test_a_session_that_was_renamed_looks_moved(root: Path, catalogue: CatalogueInMemory) -> None:
    directory = session_at(root)
    path, _ = moved(catalogue, directory)
    shutil.rmtree(Path(directory.raw_path, "colA", "colA_0002"))
    renamed = at(directory, Path(directory.path).rename(Path(directory.path).with_name("20231020")))
    (found,) = scanned(root, catalogue, renamed).datasets
    assert (found.status, found.reasons) == (Status.UNREGISTERED, (the_reason(path),))
    assert found.moved == the_reason(path)


def test_a_collection_that_was_renamed_looks_moved_on_both_sides(root: Path, catalogue: CatalogueInMemory) -> None:
    directory = session_at(root)
    old, _ = moved(catalogue, directory)
    raw = Path(directory.raw_path)
    shutil.rmtree(raw / "colA" / "colA_0002")
    (raw / "colA").rename(raw / "colB")
    (raw / "colB" / "colA_0001").rename(raw / "colB" / "colB_0001")
    (raw / "colB" / "colB_0001" / "colA_0001.h5").rename(raw / "colB" / "colB_0001" / "colB_0001.h5")
    settle(directory.path)
    session = scanned(root, catalogue, directory)
    new = f"{raw}/colB/colB_0001"
    found = {dataset.path: (dataset.status, dataset.reasons) for dataset in session.datasets}
    assert found[old] == (Status.MISSING_ON_DISK, (f"looks moved to {new}",))
    assert found[new] == (Status.UNREGISTERED, (the_reason(old),))


@pytest.mark.parametrize(
    "known",
    [{"start": "2023-10-20T01:00:02+02:00"}, {"end": "2023-10-20T05:00:02+02:00"}, {"sample": "sB"}, {"start": ""}],
)
def test_other_times_or_another_sample_are_another_dataset(
    known: dict[str, Any], root: Path, catalogue: CatalogueInMemory
) -> None:
    directory = session_at(root)
    moved(catalogue, directory, **known)
    renamed = at(directory, Path(directory.path).rename(Path(directory.path).with_name("20231020")))
    assert {found.moved for found in scanned(root, catalogue, renamed).datasets} == {None}


def test_a_copy_of_what_is_still_on_disk_is_not_moved(root: Path, catalogue: CatalogueInMemory) -> None:
    directory, copy = session_at(root), session_at(root, date="20231020")
    moved(catalogue, directory)
    add_bliss(copy, "0001")
    (found,) = scanned(root, catalogue, copy).datasets
    assert (found.status, found.reasons) == (Status.UNREGISTERED, ())


@pytest.mark.parametrize("refused", ["the old place", "the place", "the collection"])
def test_where_it_can_not_be_found_out_it_is_unknown(
    refused: str, root: Path, catalogue: CatalogueInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = session_at(root)
    old, _ = moved(catalogue, directory)
    renamed = at(directory, Path(directory.path).rename(Path(directory.path).with_name("20231020")))
    collection = f"{renamed.raw_path}/colA"
    path = {"the old place": old, "the place": f"{collection}/colA_0001", "the collection": collection}[refused]
    for name in ("identity", "is_gone", "links_in"):
        call = getattr(other_places, name)

        def refusing(place: str, call: Callable[[str], Any] = call) -> Any:
            return Trouble(TroubleKind.UNKNOWN, "Permission denied") if place == path else call(place)

        monkeypatch.setattr(other_places, name, refusing)
    found = scanned(root, catalogue, renamed).datasets
    unknown = [dataset.status == Status.UNKNOWN for dataset in found]
    assert unknown == [True, refused != "the place"]  # both have the times of what may have moved
    assert found[0].reasons[0].endswith("Permission denied")


def test_the_same_directory_counts_though_another_location_is_refused(
    root: Path, catalogue: CatalogueInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = session_at(root)
    add_bliss(directory, "0001")
    for date in ("20231018", "20231020"):
        Path(directory.path).with_name(date).symlink_to("20231019")
        catalogue.tell(directory, f"{root}/hg333/id99/{date}/RAW_DATA/colA/colA_0001")

    def refusing(place: str) -> Any:
        return Trouble(TroubleKind.UNKNOWN, "Permission denied") if "20231018" in place else identity(place)

    monkeypatch.setattr(other_places, "identity", refusing)
    assert statuses(scanned(root, catalogue, directory)) == {"colA/colA_0001": Status.REGISTERED}


def test_what_icat_has_below_no_data_root_is_gone_from_here(root: Path, catalogue: CatalogueInMemory) -> None:
    directory = session_at(root)
    add_bliss(directory, "0001")
    catalogue.tell(directory, "/elsewhere/hg333/id99/20231019/RAW_DATA/colA/colA_0001", **KNOWN)
    (found,) = scanned(root, catalogue, directory).datasets
    assert found.moved == the_reason("/elsewhere/hg333/id99/20231019/RAW_DATA/colA/colA_0001")


def test_a_stored_message_is_recognised_too(root: Path, catalogue: CatalogueInMemory) -> None:
    directory = session_at(root)
    (path,) = add_bliss(directory, "0001")
    add_message(directory, path)
    catalogue.tell(directory, f"{root}/hg333/id99/20231018/RAW_DATA/colA/colA_0001", **KNOWN)
    (found,) = scanned(root, catalogue, directory).datasets
    assert found.status == Status.NOT_UPLOADED
    assert found.moved

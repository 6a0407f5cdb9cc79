"""Tests of the status of a dataset that ICAT has under another location: other spelling, other name, other place."""

from typing import Any

import pytest
from msgspec import structs

from icat_tui.domain.elsewhere import Elsewhere
from icat_tui.domain.matching import CatalogueSession
from icat_tui.domain.model import DiskDataset, DiskSession, ForeignRow
from icat_tui.domain.status import Category, Status
from tests.support.comparison import (
    COLLECTION,
    GAP,
    RAW,
    catalogue_of,
    disk_of,
    invalid,
    judged,
    message,
    nanoseconds,
    on_disk,
    only,
    read,
    row,
    statuses,
)
from tests.support.samples import NOW

# -- spelled otherwise -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "difference"),
    [
        ("caf\xe9", "cafe\u0301", "Unicode normalisation"),
        ("cafe\u0301", "caf\xe9", "Unicode normalisation"),
        ("caf\xe9", "CAFE\u0301", "case and Unicode normalisation"),
        ("\uac00", "\u1100\u1161", "Unicode normalisation"),
        ("\u212b", "\xc5", "Unicode normalisation"),
        ("stra\xdfe", "STRASSE", "case"),
    ],
)
def test_a_location_that_differs_in_unicode_normalisation_is_unknown_with_both_paths(
    here: str, there: str, difference: str
) -> None:
    dataset, location = read(here), f"{COLLECTION}/colA_{there}"
    found = only(judged(disk_of(dataset), catalogue_of(row(location=location))))
    assert found.status == Status.UNKNOWN
    assert found.reasons == (f"ICAT has {location} (id 1), the disk {dataset.path}: they differ in {difference} only",)


@pytest.mark.parametrize("there", ["cafe", "caf\xea", "caf\u0301e"])
def test_a_location_that_differs_otherwise_is_another(there: str) -> None:
    session = judged(disk_of(read("caf\xe9")), catalogue_of(row(location=f"{COLLECTION}/colA_{there}")))
    assert sorted(statuses(session).values()) == [Status.MISSING_ON_DISK, Status.UNREGISTERED]


# -- at another place ------------------------------------------------------------------------------------------------


def elsewhere(**known: Any) -> CatalogueSession:
    return catalogue_of(elsewhere=Elsewhere(**known))


@pytest.mark.parametrize("dataset", [read(), invalid(), read(open_scan=True)])
def test_the_same_directory_under_another_name_is_registered(dataset: DiskDataset) -> None:
    other = row(number=4, location="/data/visitor/hg333/id99/20231018/RAW_DATA/colA/colA_0001")
    catalogue = structs.replace(elsewhere(same={dataset.path: other}), gaps=(GAP,))
    found = only(judged(disk_of(dataset, stored=(message(),)), catalogue))
    assert (found.status, found.icat_id, found.file_count) == (Status.REGISTERED, 4, 1)
    assert found.reasons == (f"ICAT has it as {other.location} (id 4), which is the same directory",)


def test_the_same_directory_is_not_missing_on_disk_under_its_other_name() -> None:
    other = row("0009", 4, investigation=8)
    catalogue = catalogue_of(other, elsewhere=Elsewhere(same={read().path: other}))
    found = only(judged(disk_of(read()), catalogue))
    assert found.reasons[1:] == ("in investigation 8, not 7",)


def test_the_same_directory_comes_before_the_test_for_case() -> None:
    other = row(location=f"{COLLECTION}/COLA_0001")
    catalogue = catalogue_of(other, elsewhere=Elsewhere(same={read().path: other}))
    assert only(judged(disk_of(read()), catalogue)).status == Status.REGISTERED


def test_the_same_directory_without_files_in_icat_lacks_them() -> None:
    other = row(number=4, location="/data/x", file_count=0)
    found = only(judged(disk_of(on_disk(entries=True)), elsewhere(same={on_disk().path: other})))
    assert found.status == Status.REGISTERED_WITHOUT_FILES


def test_a_foreign_row_is_registered_with_its_place_and_is_never_offered() -> None:
    foreign = ForeignRow(read().path, 5, 9, "blc1002", "id10", 0)
    catalogue = structs.replace(elsewhere(foreign={read().path: foreign}), gaps=(GAP,))
    session = judged(disk_of(on_disk(entries=True), stored=(message(),)), catalogue)
    found = only(session)
    assert (found.status, found.icat_id, found.investigation, found.file_count) == (Status.REGISTERED, 5, 9, 0)
    assert found.reasons == ("ICAT has it under blc1002 on id10 (id 5, investigation 9)",)
    assert session.category == Category.OK


@pytest.mark.parametrize(
    ("disk", "status", "others"),
    [
        (disk_of(read()), Status.UNREGISTERED, 0),
        (disk_of(on_disk(), stored=(message(),)), Status.NOT_UPLOADED, 0),
        (disk_of(read(open_scan=True, file_modified=nanoseconds(NOW))), Status.IN_PROGRESS, 1),
    ],
)
def test_what_looks_moved_keeps_its_status_with_the_reason(disk: DiskSession, status: Status, others: int) -> None:
    gone = row(number=4, location="/data/visitor/hg333/id99/20231018/RAW_DATA/colA/colA_0001")
    found = only(judged(disk, elsewhere(moved={disk.datasets[0].path: gone})))
    assert found.status == status
    assert found.reasons[0] == found.moved
    assert found.moved == (
        f"looks moved: ICAT has {gone.location} (id 4), which is not on disk any more, with the same times and sample"
    )
    assert len(found.reasons) == 1 + others


def test_where_it_was_it_looks_moved_to_where_it_is() -> None:
    catalogue = catalogue_of(row("0009", 4), row("0008", 5), elsewhere=Elsewhere(moved_to={4: "/data/there"}))
    missing = {found.icat_id: found for found in judged(disk_of(listed=(RAW, COLLECTION)), catalogue).datasets}
    assert {number: found.reasons for number, found in missing.items()} == {4: ("looks moved to /data/there",), 5: ()}

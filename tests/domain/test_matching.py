"""Tests of matching rows of ICAT and stored messages to dataset directories, and of what is needed from the disk."""

from datetime import datetime

import pytest
from msgspec import structs

from icat_tui.domain.elsewhere import Elsewhere, InvestigationRows
from icat_tui.domain.matching import (
    CatalogueSession,
    RowLookup,
    absent,
    needed_from_disk,
    not_listed,
    session_key,
)
from icat_tui.domain.model import DiskSession, ForeignRow, NeededFromDisk
from icat_tui.domain.surroundings import Surroundings
from tests.support.comparison import DURING, GAP, SESSION, catalogue_of, disk_of, message, on_disk, row
from tests.support.samples import NOW
from tests.support.time_slot import FACILITY

# -- rows and locations ----------------------------------------------------------------------------------------------


def test_rows_of_several_investigations_are_taken_together_and_left_as_they_were() -> None:
    one, two = {"/a": [row(number=1)]}, {"/a": [row(number=2)], "/b": [row(number=3)]}
    assert {key: [each.id for each in rows] for key, rows in RowLookup([one, two]).by_key.items()} == {
        "/a": [1, 2],
        "/b": [3],
    }
    assert len(one["/a"]) == 1


def test_a_beamline_directory_stands_for_its_beamline_on_both_sides() -> None:
    directory = structs.replace(SESSION, path="/mnt/data/visitor/hg333/ID23-1/20231019", beamline="id23-1")
    dataset = structs.replace(on_disk(), path=f"{directory.raw_path}/colA/colA_0001")
    told = "/data/visitor/hg333/id23eh1/20231019/RAW_DATA/colA/colA_0001"
    listed = InvestigationRows([row(location=told)], FACILITY).by_session[session_key(directory, FACILITY)]
    assert not_listed(directory, disk_of(dataset), RowLookup([listed]), FACILITY) == ()


def test_a_row_that_differs_in_spelling_only_is_found_as_that() -> None:
    lookup = RowLookup([{"/data/CaFe\u0301": [row(number=1)], "/data/b": [row(number=2)]}])
    for spelled in ("/data/caf\xe9", "/data/CAF\xc9", "/data/CaF\xe9", "/DATA/cafe\u0301"):
        found = lookup.spelled_otherwise(spelled)
        assert found is not None
        assert found.id == 1
    assert lookup.spelled_otherwise("/data/CaFe\u0301") is None
    assert lookup.spelled_otherwise("/data/cafe") is None


def test_a_dataset_is_not_absent_where_icat_has_it_otherwise() -> None:
    disk = disk_of(on_disk("0001"), on_disk("0002"), on_disk("0003"), on_disk("0004"))
    paths = [dataset.path for dataset in disk.datasets]
    foreign = ForeignRow(paths[2], 5, 9, "blc1002", "id10")
    elsewhere = Elsewhere(same={paths[1]: row(number=8)}, foreign={paths[2]: foreign})
    catalogue = catalogue_of(row("0001"), elsewhere=elsewhere)
    assert not_listed(SESSION, disk, catalogue.listed, FACILITY) == tuple(paths[1:])
    assert absent(SESSION, disk, catalogue, FACILITY) == (paths[3],)
    assert wants(disk, catalogue).to_read == (paths[3],)
    assert [each.id for each in catalogue.rows_of(paths[0], paths[0])] == [1]
    assert [each.id for each in catalogue.rows_of(paths[1], paths[1])] == [8]
    assert not catalogue.rows_of(paths[2], paths[2])


# -- what is needed from the disk ------------------------------------------------------------------------------------


def wants(disk: DiskSession, catalogue: CatalogueSession, now: datetime = NOW) -> NeededFromDisk:
    return needed_from_disk(SESSION, disk, catalogue, Surroundings(facility=FACILITY, now=now))


def test_only_what_icat_does_not_list_and_no_message_speaks_for_is_read() -> None:
    disk = disk_of(on_disk("0001"), on_disk("0002"), on_disk("0003"), stored=(message("0002"),))
    assert wants(disk, catalogue_of(row("0001"))) == NeededFromDisk(to_read=(on_disk("0003").path,))


def test_only_where_icat_counts_no_files_the_directory_is_looked_into() -> None:
    counts = {"0001": 0, "0002": None, "0003": 3}
    rows = [row(name, number, file_count=count) for number, (name, count) in enumerate(counts.items())]
    disk = disk_of(*map(on_disk, counts))
    assert wants(disk, catalogue_of(*rows)) == NeededFromDisk(to_count=(on_disk("0001").path,))
    same = Elsewhere(same={on_disk("0001").path: row("0009", file_count=0)})
    assert wants(disk_of(on_disk("0001")), catalogue_of(elsewhere=same)).to_count == (on_disk("0001").path,)


def test_where_something_is_read_in_an_ongoing_session_all_are_dated() -> None:
    disk = disk_of(on_disk("0001"), on_disk("0002"))
    paths = tuple(dataset.path for dataset in disk.datasets)
    assert wants(disk, catalogue_of(row("0001")), DURING) == NeededFromDisk(to_read=paths[1:], to_date=paths)
    assert wants(disk, catalogue_of(row("0001"), row("0002")), DURING) == NeededFromDisk()


@pytest.mark.parametrize(
    "catalogue", [catalogue_of(fit=None), catalogue_of(fit=None, trouble="no answer"), catalogue_of(gaps=(GAP,))]
)
def test_nothing_is_read_where_the_answer_leaves_it_undetermined(catalogue: CatalogueSession) -> None:
    assert wants(disk_of(on_disk()), catalogue) == NeededFromDisk()

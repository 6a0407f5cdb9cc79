import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import h5py
import msgspec
import pytest

from icat_tui.domain.formats import RawFormat
from icat_tui.sandbox.acquisition import Acquisition, stored_message, write_acquisition, write_master
from icat_tui.sandbox.cases import OnDisk, StoredState

START = datetime(2026, 1, 30, 8, tzinfo=UTC)
ACQUISITION = Acquisition(
    proposal="hg333",
    beamline="id21",
    collection="LaB6",
    directory="LaB6_0001",
    location="/data/visitor/hg333/id21/20260130/RAW_DATA/LaB6/LaB6_0001",
    sample='<&> "[/x]"',
    start=START,
    end=START + timedelta(hours=2),
    format=RawFormat.ESRFV3,
    disk=OnDisk.COMPLETE,
)


def written(directory: Path, disk: OnDisk, raw_format: RawFormat = RawFormat.ESRFV3) -> Path:
    path = write_acquisition(directory, msgspec.structs.replace(ACQUISITION, disk=disk, format=raw_format))
    assert path is not None
    return path


def ends(path: Path) -> dict[str, bool]:
    with h5py.File(path) as file:
        return {name: "end_time" in scan for name, scan in file.items()}


def test_a_complete_file_says_what_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, OnDisk.COMPLETE)
    assert path.name == "LaB6_0001.h5"
    with h5py.File(path) as file:
        assert file.attrs["creator"] == "blissdata"
        assert datetime.fromisoformat(file.attrs["file_time"]) == START
        assert datetime.fromisoformat(file["1.1/start_time"][()].decode()) == START
        assert datetime.fromisoformat(file["2.1/end_time"][()].decode()) == ACQUISITION.end
        assert file["2.1/sample/name"][()].decode() == ACQUISITION.sample


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (OnDisk.COMPLETE, {"1.1": True, "2.1": True}),
        (OnDisk.OPEN_SCAN, {"1.1": True, "2.1": False}),
        (OnDisk.NO_END, {"1.1": False, "2.1": False}),
    ],
)
def test_scans_have_the_ends_they_should_have(tmp_path: Path, disk: OnDisk, expected: dict[str, bool]) -> None:
    assert ends(written(tmp_path, disk)) == expected


def test_without_a_sample_there_is_none_in_any_scan(tmp_path: Path) -> None:
    with h5py.File(written(tmp_path, OnDisk.NO_SAMPLE)) as file:
        assert not any("sample" in scan for scan in file.values())


def test_what_is_not_of_bliss_says_so(tmp_path: Path) -> None:
    with h5py.File(written(tmp_path, OnDisk.NOT_BLISS)) as file:
        assert file.attrs["creator"] not in ("bliss", "blissdata", "blisswriter")


def test_a_truncated_file_is_hdf5_that_can_not_be_opened(tmp_path: Path) -> None:
    path = written(tmp_path, OnDisk.TRUNCATED)
    assert path.read_bytes().startswith(b"\x89HDF")
    with pytest.raises(OSError, match="truncated"):
        h5py.File(path)


def test_scans_behind_dangling_links_can_not_be_read(tmp_path: Path) -> None:
    with h5py.File(written(tmp_path, OnDisk.DANGLING_LINKS)) as file:
        assert list(file) == ["1.1", "2.1"]
        assert isinstance(file.get("2.1", getlink=True), h5py.ExternalLink)
        with pytest.raises((KeyError, OSError)):
            file["2.1"]


@pytest.mark.parametrize(("disk", "expected"), [(OnDisk.NO_FILE, ["notes.txt"]), (OnDisk.EMPTY, [])])
def test_without_a_file_there_is_none(tmp_path: Path, disk: OnDisk, expected: list[str]) -> None:
    write_acquisition(tmp_path, msgspec.structs.replace(ACQUISITION, disk=disk))
    assert [path.name for path in tmp_path.iterdir()] == expected


def test_id16b_writes_one_group_into_a_file_named_by_proposal_collection_and_dataset(tmp_path: Path) -> None:
    path = written(tmp_path, OnDisk.COMPLETE, RawFormat.ID16BSPEC)
    assert path.name == "hg333-LaB6-0001.h5"
    with h5py.File(path) as file:
        assert (len(file), "creator" in file.attrs) == (1, False)
        assert datetime.fromisoformat(file["1.1/end_time"][()].decode()) == ACQUISITION.end


@pytest.mark.parametrize(
    ("disk", "absent"), [(OnDisk.COMPLETE, None), (OnDisk.NO_SAMPLE, "Sample_name"), (OnDisk.NO_END, "endDate")]
)
def test_mx_writes_flat_json(tmp_path: Path, disk: OnDisk, absent: str | None) -> None:
    path = written(tmp_path, disk, RawFormat.MX)
    assert path.name == "metadata.json"
    fields = json.loads(path.read_text())
    assert {"Sample_name", "startDate", "endDate"} - fields.keys() == ({absent} if absent else set())


def test_truncated_json_does_not_parse(tmp_path: Path) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(written(tmp_path, OnDisk.TRUNCATED, RawFormat.MX).read_text())


def test_a_master_leads_to_the_scans_of_its_datasets(tmp_path: Path) -> None:
    (tmp_path / "LaB6_0001").mkdir()
    write_master(tmp_path / "hg333_LaB6.h5", [written(tmp_path / "LaB6_0001", OnDisk.COMPLETE)])
    with h5py.File(tmp_path / "hg333_LaB6.h5") as file:
        assert "end_time" in file["LaB6_0001_1.1"]


def test_a_stored_message_is_one_line_with_all_that_is_required() -> None:
    message = stored_message(ACQUISITION, StoredState.USABLE)
    assert "\n" not in message
    root = ET.fromstring(message)
    namespace = "{http://www.esrf.fr/icat}"
    assert root.tag == f"{namespace}dataset"
    assert [root.findtext(f"{namespace}{name}") for name in ("investigation", "instrument", "name", "location")] == [
        "hg333",
        "id21",
        "0001",
        ACQUISITION.location,
    ]
    assert root.findtext(f"{namespace}sample/{namespace}name") == ACQUISITION.sample
    assert datetime.fromisoformat(root.findtext(f"{namespace}endDate") or "") == ACQUISITION.end


def test_a_broken_message_does_not_parse() -> None:
    with pytest.raises(ET.ParseError):
        ET.fromstring(stored_message(ACQUISITION, StoredState.BROKEN))


def test_a_foreign_message_names_this_dataset_and_another_proposal() -> None:
    root = ET.fromstring(stored_message(ACQUISITION, StoredState.FOREIGN))
    assert root.findtext("{http://www.esrf.fr/icat}investigation") != ACQUISITION.proposal
    assert root.findtext("{http://www.esrf.fr/icat}location") == ACQUISITION.location

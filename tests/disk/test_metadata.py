"""Tests of reading the metadata of datasets (interface.md, "Invalid or unknown")."""

import errno
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from icat_tui.disk import hdf5
from icat_tui.disk.metadata import read_datasets
from icat_tui.domain.model import Metadata, PartialMetadata, SessionDirectory, Trouble, TroubleKind
from tests.support.bliss import END, ENDED, FILE_TIME, Scan, dataset_at, file_of, write_bliss
from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS
from tests.support.reading import NOW, PLACE, invalid, metadata, read, unknown

EARLIER = "2023-10-20T03:00:00+02:00"


# -- BLISS -----------------------------------------------------------------------------------------------------------


def test_a_dataset_is_read(session: SessionDirectory) -> None:
    path = write_bliss(file_of(session))
    dataset = read(session)
    assert dataset.metadata == Metadata(datetime.fromisoformat(FILE_TIME), datetime.fromisoformat(END), "sA")
    assert dataset.open_scan is False
    assert dataset.modified == path.parent.stat().st_mtime_ns
    assert dataset.file_modified == path.stat().st_mtime_ns
    assert dataset.stamps
    assert None not in dataset.stamps
    assert dataset.read_at == dataset.first_seen == NOW


def test_scans_are_ordered_by_their_two_numbers(session: SessionDirectory) -> None:
    names = [f"1.{number}" for number in range(1, 13)]
    scans = {name: {"end_time": f"2023-10-20T{int(name[2:]):02}:00:00+02:00", "sample/name": name} for name in names}
    write_bliss(file_of(session), scans)
    assert metadata(session).sample == "1.12"
    assert metadata(session).end.hour == 12


@pytest.mark.parametrize(
    "foreign", ["average", "1", "1.1.1", "0.1", "3.0", "a.b", "-2.1", "2.1e3", "\u0663.1", "9" * 5000 + ".1"]
)
def test_foreign_groups_are_passed_over(session: SessionDirectory, foreign: str) -> None:
    write_bliss(file_of(session), {"2.1": ENDED, foreign: {"end_time": "garbage", "sample/name": "foreign"}})
    assert metadata(session).sample == "sA"


def test_what_is_called_like_a_scan_and_is_no_group_is_passed_over(session: SessionDirectory) -> None:
    with h5py.File(write_bliss(file_of(session)), "a") as file:
        file["2.1"] = 5
        file["3.1"] = h5py.SoftLink("/nowhere")
    assert metadata(session).sample == "sA"


def test_end_and_sample_come_each_from_the_last_scan_that_has_one(session: SessionDirectory) -> None:
    scans: dict[str, Scan] = {
        "1.1": {"end_time": EARLIER, "sample/name": "s1"},
        "2.1": {"end_time": END},
        "3.1": {"sample/name": "s3"},
        "10.1": {"title": "running"},
    }
    write_bliss(file_of(session), scans)
    found = metadata(session)
    assert (found.sample, found.end) == ("s3", datetime.fromisoformat(END))


@pytest.mark.parametrize(("last", "is_open"), [({}, True), ({"end_time": END}, False), ({"end_time": ""}, True)])
def test_a_last_scan_without_an_end_is_open(session: SessionDirectory, last: Scan, is_open: bool) -> None:
    write_bliss(file_of(session), {"1.1": ENDED, "2.1": last})
    assert read(session).open_scan is is_open


def test_an_earlier_scan_without_an_end_is_not_open(session: SessionDirectory) -> None:
    write_bliss(file_of(session), {"1.1": {}, "1.2": {}, "2.1": ENDED})
    assert read(session).open_scan is False


def test_without_file_time_the_first_scan_tells_the_start(session: SessionDirectory) -> None:
    scans = {"10.1": {**ENDED, "start_time": END}, "2.1": {**ENDED, "start_time": EARLIER}}
    write_bliss(file_of(session), scans, file_time=None)
    assert metadata(session).start == datetime.fromisoformat(EARLIER)


def test_a_file_that_is_younger_than_its_scans_tells_their_start(session: SessionDirectory) -> None:
    copied = "2023-12-24T00:00:00+01:00"
    write_bliss(file_of(session), file_time=copied)
    found = read(session)
    assert found.metadata == Metadata(datetime.fromisoformat(FILE_TIME), datetime.fromisoformat(END), "sA")
    assert found.doubt == f"file_time {copied} is after its end: it starts with its first scan"


@pytest.mark.parametrize("begun", [None, "2023-12-24T00:00:00+01:00", "soon"])
def test_an_end_before_the_start_is_invalid_and_named(session: SessionDirectory, begun: str | None) -> None:
    scan = {"end_time": END, "sample/name": "sA", **({"start_time": begun} if begun else {})}
    write_bliss(file_of(session), {"1.1": scan}, file_time="2023-12-24T00:00:00+01:00")
    text = invalid(session)
    assert f"its end, '{END}', comes before its start, '2023-12-24T00:00:00+01:00'" in text
    known = read(session).partial
    assert known.end == datetime.fromisoformat(END)
    assert known.sample == "sA"


def test_where_clocks_are_set_back_the_end_is_the_later_of_two(session: SessionDirectory) -> None:
    """02:10 comes twice in that night; the scan took 20 minutes."""
    write_bliss(file_of(session), {"1.1": {"end_time": "2023-10-29T02:10:00", "sample/name": "sA"}})
    with h5py.File(file_of(session), "a") as file:
        file.attrs["file_time"] = "2023-10-29T02:50:00"
    found = metadata(session)
    assert found.end - found.start == timedelta(minutes=20)


@pytest.mark.parametrize("odd", ["1697702400000", "9999-12-31T23:59:59", "0001-01-01T00:00:00", "20231019"])
def test_a_time_that_is_none_is_named(session: SessionDirectory, odd: str) -> None:
    write_bliss(file_of(session), {"1.1": {**ENDED, "end_time": odd}})
    assert repr(odd) in invalid(session)
    known = read(session).partial
    assert (known.start, known.end, known.sample) == (datetime.fromisoformat(FILE_TIME), None, "sA")


def test_what_is_known_of_a_dead_writers_dataset_is_kept(session: SessionDirectory) -> None:
    write_bliss(file_of(session), {"1.1": {"sample/name": "sA"}})
    found = read(session)
    assert found.open_scan
    assert (found.metadata, found.doubt) == (None, "")
    assert found.partial == PartialMetadata(datetime.fromisoformat(FILE_TIME), None, "sA")


def test_a_time_without_an_offset_is_one_of_the_facility(session: SessionDirectory) -> None:
    write_bliss(file_of(session), file_time="2023-10-20T01:00:00", creator="blissdata")
    assert metadata(session).start == datetime.fromisoformat("2023-10-20T01:00:00+02:00")
    assert metadata(session).start.utcoffset() is not None


@pytest.mark.parametrize("creator", ["Bliss", "bliss", "BLISSDATA", "blisswriter"])
def test_creators_of_bliss_are_accepted(session: SessionDirectory, creator: str) -> None:
    write_bliss(file_of(session), creator=creator)
    assert metadata(session).sample == "sA"


@pytest.mark.parametrize("creator", [None, "somebody", "", "bliss2", np.array([1, 2])])
def test_other_creators_are_invalid(session: SessionDirectory, creator: Any) -> None:
    write_bliss(file_of(session), creator=creator)
    text = invalid(session)
    if not isinstance(creator, np.ndarray):
        assert text == "Cannot extract dataset metadata: HDF5 reading error (HDF5 file not created by Bliss)"


def as_fixed(text: str) -> Any:
    return np.bytes_(text.encode())


def as_padded(text: str) -> Any:
    return np.array(text.encode().ljust(80), dtype="S80")


def as_array(text: str) -> Any:
    return np.array([text], dtype=h5py.string_dtype())


def as_fixed_array(text: str) -> Any:
    return np.array([[text.encode()]])


@pytest.mark.parametrize("form", [str, str.encode, as_fixed, as_padded, as_array, as_fixed_array])
def test_text_is_read_in_every_form(session: SessionDirectory, form: Callable[[str], Any]) -> None:
    scan = {"end_time": form(END), "sample/name": form("s\u00e9")}
    write_bliss(file_of(session), {"1.1": scan}, creator=form("Bliss"), file_time=form(FILE_TIME))
    expected = Metadata(datetime.fromisoformat(FILE_TIME), datetime.fromisoformat(END), "s\u00e9")
    assert metadata(session) == expected


@pytest.mark.parametrize(
    "odd", [5, 1.5, [1, 2], ["a", "b"], np.void(b"x"), h5py.Empty("f"), np.zeros(3, dtype=[("a", int)]), True]
)
@pytest.mark.parametrize("name", ["end_time", "sample/name", "sample"])
def test_what_is_not_text_is_invalid(session: SessionDirectory, name: str, odd: Any) -> None:
    other = {"end_time": {"sample/name": "sA"}}.get(name, {"end_time": END})
    write_bliss(file_of(session), {"1.1": {name: odd, **other}})
    assert "Cannot extract dataset metadata: " in invalid(session)


@pytest.mark.parametrize("sample", [text for text in HOSTILE_TEXTS if text.strip(" \0\n") == text and "\0" not in text])
def test_hostile_samples_come_back_the_same(session: SessionDirectory, sample: str) -> None:
    raw = sample.encode("utf-8", "surrogateescape")
    write_bliss(file_of(session), {"1.1": {**ENDED, "sample/name": raw}})
    assert metadata(session).sample == sample


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_directories_are_read_where_a_dataset_can_be_called_so(session: SessionDirectory, name: str) -> None:
    place = f"{name[:60]}/{name[:60]}_0001"
    write_bliss(file_of(session, place))
    if dataset_at(session, place).name is None:
        assert invalid(session, place) == "Dataset path has the wrong format"
    else:
        assert metadata(session, place).sample == "sA"


# -- what says no ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scans", "attributes", "missing"),
    [
        ({"1.1": {"end_time": END}}, {}, "no Sample_name "),
        ({"1.1": {"sample/name": "sA"}}, {}, "no endDate "),
        ({"1.1": {"sample/name": "sA", "end_time": END}}, {"file_time": None}, "no startDate "),
        ({"1.1": {"sample/name": " ", "end_time": ""}}, {"file_time": ""}, "no Sample_name, startDate, endDate "),
        ({}, {}, "no Sample_name, endDate "),
    ],
)
def test_missing_fields_are_named(
    session: SessionDirectory, scans: dict[str, Scan], attributes: dict[str, Any], missing: str
) -> None:
    write_bliss(file_of(session), scans, **attributes)
    text = invalid(session)
    assert missing in text
    assert "'esrfv3'" in text


@pytest.mark.parametrize("garbage", ["garbage", "2023-10-20", "yesterday at noon", "2023-13-40T00:00:00"])
def test_times_that_are_none_are_invalid(session: SessionDirectory, garbage: str) -> None:
    write_bliss(file_of(session), {"1.1": {**ENDED, "end_time": garbage.encode()}})
    assert "Cannot extract dataset metadata: " in invalid(session)


def test_an_absent_file_is_invalid(session: SessionDirectory) -> None:
    file_of(session).parent.mkdir(parents=True)
    assert invalid(session) == "Cannot extract dataset metadata: HDF5 file does not exist"
    dataset = read(session)
    assert dataset.stamps
    assert dataset.stamps[1] is None


def test_an_absent_directory_is_invalid(session: SessionDirectory) -> None:
    file_of(session).parent.parent.mkdir()
    assert invalid(session) == "Dataset path is not a directory"


@pytest.mark.parametrize("renamed", ["RAW_DATA", "RAW_DATA/colA", "RAW_DATA/colA/colA_0001"])
def test_what_is_renamed_meanwhile_is_not_absent(session: SessionDirectory, renamed: str) -> None:
    write_bliss(file_of(session))
    Path(session.path, renamed).rename(Path(session.path, "elsewhere"))
    if renamed.endswith("0001"):
        assert "not a directory" in invalid(session), "its collection was listed, and lacks it"
    else:
        assert "Dataset path is not a directory: nor can " in unknown(session)


@pytest.mark.parametrize("place", ["colA/colA_0001", "colA/colA_0001/colA_0001.h5"])
def test_what_is_there_again_is_not_absent(
    session: SessionDirectory, refuse: Callable[[Path, int], None], place: str
) -> None:
    write_bliss(file_of(session))
    refuse(Path(session.raw_path, place), errno.ENOENT)
    assert "it was not there a moment ago, and is now" in unknown(session)


def test_a_wrong_name_is_invalid_and_dated(session: SessionDirectory) -> None:
    Path(session.raw_path, "colA/misc").mkdir(parents=True)
    assert invalid(session, "colA/misc") == "Dataset path has the wrong format"
    assert read(session, "colA/misc").modified is not None


@pytest.mark.parametrize(
    "content", [b"", b"text", b"x" * 5000, b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + b"\xff" * 500]
)
def test_what_is_no_hdf5_is_invalid(session: SessionDirectory, content: bytes) -> None:
    file_of(session).parent.mkdir(parents=True)
    file_of(session).write_bytes(content)
    assert invalid(session).startswith("Cannot extract dataset metadata: HDF5 reading error (")


def test_what_is_no_file_is_invalid_and_not_waited_for(session: SessionDirectory) -> None:
    file_of(session).mkdir(parents=True)
    assert invalid(session).endswith("is not a file")
    file_of(session).rmdir()
    os.mkfifo(file_of(session))
    assert invalid(session).endswith("is not a file")


def test_a_file_of_another_program_is_invalid(session: SessionDirectory) -> None:
    file_of(session).parent.mkdir(parents=True)
    h5py.File(file_of(session), "w").close()
    assert "not created by Bliss" in invalid(session)


# -- where the system says no ----------------------------------------------------------------------------------------

REFUSALS = [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ELOOP, errno.ETIMEDOUT, errno.ENAMETOOLONG]


@pytest.mark.parametrize("number", REFUSALS)
def test_a_refused_file_is_unknown(session: SessionDirectory, refuse: Callable[[Path, int], None], number: int) -> None:
    write_bliss(file_of(session))
    refuse(file_of(session), number)
    assert os.strerror(number) in unknown(session)
    assert read(session).stamps is None


@pytest.mark.parametrize("number", REFUSALS)
def test_a_refused_directory_is_unknown(
    session: SessionDirectory, refuse: Callable[[Path, int], None], number: int
) -> None:
    write_bliss(file_of(session))
    refuse(file_of(session).parent, number)
    assert os.strerror(number) in unknown(session)


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize("kind", [OSError, KeyError, RuntimeError])
def test_a_refusal_within_hdf5_is_unknown_whatever_h5py_makes_of_it(
    session: SessionDirectory, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    write_bliss(file_of(session))

    def refused(path: str) -> None:
        raise kind(f"Unable to open object (file read failed: errno = {number}, error message = 'x', buf = 0x1)")

    monkeypatch.setattr(hdf5, "read_bliss", refused)
    unknown(session)


def test_a_refusal_that_hdf5_gives_no_number_of_is_unknown(
    session: SessionDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bliss(file_of(session))

    def gone(path: str) -> None:
        raise OSError("Unable to synchronously open file (can't retrieve stat info for file)")

    monkeypatch.setattr(hdf5, "read_bliss", gone)
    assert "stat info" in unknown(session)


@pytest.mark.parametrize("back", [True, False])
def test_a_file_that_goes_before_it_is_opened_is_invalid_only_if_it_stays_away(
    session: SessionDirectory, monkeypatch: pytest.MonkeyPatch, *, back: bool
) -> None:
    written = write_bliss(file_of(session))

    def absent(path: str) -> None:
        if not back:
            written.unlink()
        raise OSError(f"Unable to open file (name = '{path}', errno = {errno.ENOENT}, error message = 'x')")

    monkeypatch.setattr(hdf5, "read_bliss", absent)
    text = "Cannot extract dataset metadata: HDF5 file does not exist"
    if back:
        assert unknown(session) == f"{text}: it was not there a moment ago, and is now"
    else:
        assert read(session).trouble == Trouble(TroubleKind.INVALID, text)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unknown(session: SessionDirectory) -> None:
    write_bliss(file_of(session)).chmod(0)
    assert "Permission denied" in unknown(session)


def test_a_loop_of_links_is_unknown(session: SessionDirectory) -> None:
    file_of(session).parent.mkdir(parents=True)
    file_of(session).symlink_to(file_of(session).name)
    assert os.strerror(errno.ELOOP) in unknown(session)


def test_a_dead_link_is_unknown(session: SessionDirectory) -> None:
    file_of(session).parent.mkdir(parents=True)
    file_of(session).symlink_to("/nowhere/at/all.h5")
    assert "a link to what is not there" in unknown(session)


def test_a_name_that_is_too_long_is_unknown(session: SessionDirectory) -> None:
    place = f"c/c_{'x' * 252}"
    Path(session.raw_path, place).mkdir(parents=True)
    assert os.strerror(errno.ENAMETOOLONG) in unknown(session, place)


# -- id16bspec -------------------------------------------------------------------------------------------------------


def test_id16bspec_takes_times_of_the_first_entry_and_the_collection_for_sample(
    id16bspec_session: SessionDirectory,
) -> None:
    path = Path(id16bspec_session.raw_path, "colA/colA_b_1/hg333-colA-b_1.h5")
    scans = {"10.1": {"start_time": END, "end_time": END}, "2.1": {"start_time": FILE_TIME, "end_time": EARLIER}}
    write_bliss(path, scans, creator=None, file_time=None)
    expected = Metadata(datetime.fromisoformat(FILE_TIME), datetime.fromisoformat(EARLIER), "colA")
    assert metadata(id16bspec_session, "colA/colA_b_1") == expected


def test_id16bspec_takes_an_entry_of_any_name_where_there_is_no_scan(id16bspec_session: SessionDirectory) -> None:
    path = Path(id16bspec_session.raw_path, "colA/colA_1/hg333-colA-1.h5")
    write_bliss(path, {"entry": {"start_time": FILE_TIME, "end_time": EARLIER}}, creator=None)
    assert metadata(id16bspec_session, "colA/colA_1").sample == "colA"


def test_id16bspec_says_what_is_missing(id16bspec_session: SessionDirectory) -> None:
    path = Path(id16bspec_session.raw_path, "colA/colA_1/hg333-colA-1.h5")
    write_bliss(path, {"1.1": {"start_time": FILE_TIME}})
    assert "no endDate " in invalid(id16bspec_session, "colA/colA_1")
    assert read(id16bspec_session, "colA/colA_1").open_scan
    foreign: list[dict[str, Scan]] = [{}, {"1.1": {}}, {"entry": {"title": "foreign"}}, {"1.1": {"end_time": END}}]
    for scans in foreign:
        write_bliss(path, scans)
        assert "no startDate" in invalid(id16bspec_session, "colA/colA_1")
        assert not read(id16bspec_session, "colA/colA_1").open_scan, "its writer never said that it began"


def test_id16bspec_directories_not_called_after_their_collection_are_invalid(
    id16bspec_session: SessionDirectory,
) -> None:
    Path(id16bspec_session.raw_path, "colA/other").mkdir(parents=True)
    assert "Dataset directory is not valid" in invalid(id16bspec_session, "colA/other")


# -- mx --------------------------------------------------------------------------------------------------------------

MX = {"Sample_name": "sA", "startDate": FILE_TIME, "endDate": "2023-10-20 05:00:00", "MX_dataCollectionId": 5}


def write_mx(session: SessionDirectory, content: object, place: str = "a/b/[run]_1") -> None:
    path = file_of(session, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_mx_takes_everything_that_is_not_null_as_text(mx_session: SessionDirectory) -> None:
    write_mx(
        mx_session, {**MX, "none": None, "flag": True, "list": [1, 2], "real": 1.5, "empty": "", "last_update_by": "x"}
    )
    found = metadata(mx_session, "a/b/[run]_1")
    assert found.end == datetime.fromisoformat("2023-10-20T05:00:00+02:00")
    assert found.parameters == {
        **{name: str(value) for name, value in MX.items()},
        "flag": "True",
        "list": "[1, 2]",
        "real": "1.5",
        "empty": "",
        "last_update_by": "x",
    }


@pytest.mark.parametrize("name", ["Sample_name", "startDate", "endDate"])
@pytest.mark.parametrize("value", [None, "", " "])
def test_mx_says_what_is_missing(mx_session: SessionDirectory, name: str, value: str | None) -> None:
    write_mx(mx_session, {**MX, name: value})
    assert f"no {name} " in invalid(mx_session, "a/b/[run]_1")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '"x"', "[" * 100_000, '{"a": ' * 100_000, '{"n": 1' + "0" * 5000 + "}", "\udcff"]
)
def test_mx_garbage_is_invalid(mx_session: SessionDirectory, content: str) -> None:
    write_mx(mx_session, {})
    file_of(mx_session, "a/b/[run]_1").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "Cannot extract dataset metadata: " in invalid(mx_session, "a/b/[run]_1")


def test_mx_times_that_are_none_are_invalid(mx_session: SessionDirectory) -> None:
    write_mx(mx_session, {**MX, "endDate": 20231020})
    assert "Time could not be read from metadata.json ('20231020' " in invalid(mx_session, "a/b/[run]_1")
    write_mx(mx_session, {**MX, "startDate": 1697702400000})
    assert "'1697702400000'" in invalid(mx_session, "a/b/[run]_1")
    write_mx(mx_session, {**MX, "startDate": "2023-10-21 05:00:00"})
    assert "comes before its start, '2023-10-21 05:00:00'" in invalid(mx_session, "a/b/[run]_1")


def test_mx_without_its_file_is_invalid_and_refused_unknown(
    mx_session: SessionDirectory, refuse: Callable[[Path, int], None]
) -> None:
    write_mx(mx_session, MX)
    file_of(mx_session, "a/b/[run]_1").unlink()
    assert "metadata.json not found" in invalid(mx_session, "a/b/[run]_1")
    refuse(file_of(mx_session, "a/b/[run]_1"), errno.EIO)
    assert os.strerror(errno.EIO) in unknown(mx_session, "a/b/[run]_1")


# -- all of them -----------------------------------------------------------------------------------------------------


def test_one_bad_dataset_harms_no_other_and_all_stay_in_order(session: SessionDirectory) -> None:
    places = [f"colA/colA_{number:04}" for number in range(4)]
    for place in (places[0], places[3]):
        write_bliss(file_of(session, place))
    write_bliss(file_of(session, places[1]), {"1.1": {"end_time": [1, 2]}}, file_time=[1.5])
    datasets = [dataset_at(session, place) for place in places]
    found = read_datasets(session, datasets, NOW, "Europe/Paris")
    assert [dataset.path for dataset in found] == [dataset.path for dataset in datasets]
    assert [dataset.metadata is not None for dataset in found] == [True, False, False, True]
    assert pickle.loads(pickle.dumps((session, found))) == (session, found)


def test_the_machine_does_not_matter(session: SessionDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bliss(file_of(session), {"1.1": {"end_time": "2023-10-20T05:00:00", "sample/name": "sA"}})
    script = (
        "import sys, pickle; from icat_tui.disk.metadata import read_datasets;"
        "print(read_datasets(*pickle.load(sys.stdin.buffer))[0].metadata.end.isoformat())"
    )
    given = pickle.dumps((session, [dataset_at(session, PLACE)], NOW, "Europe/Paris"))
    for zone in ("UTC", "Asia/Tokyo"):
        environment = {**os.environ, "TZ": zone}
        run = subprocess.run(
            [sys.executable, "-c", script], input=given, capture_output=True, env=environment, check=True
        )
        assert run.stdout == b"2023-10-20T05:00:00+02:00\n"
        assert run.stderr == b""


def test_h5py_comes_with_the_first_hdf5_file_and_never_for_mx(
    session: SessionDirectory, mx_session: SessionDirectory
) -> None:
    write_mx(mx_session, MX)
    write_bliss(file_of(session))
    Path(session.raw_path, "colA/colA_0002").mkdir()
    script = """if True:
        import pickle, sys
        from icat_tui.disk import find, listing, metadata
        for asked in pickle.load(sys.stdin.buffer):
            metadata.read_datasets(*asked)
            print("h5py" in sys.modules)
    """
    asked = [
        (mx_session, [dataset_at(mx_session, "a/b/[run]_1")], NOW, "UTC"),
        (session, [dataset_at(session, "colA/colA_0002")], NOW, "UTC"),
        (session, [dataset_at(session, PLACE)], NOW, "UTC"),
    ]
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, input=pickle.dumps(asked), capture_output=True, check=True)
    assert run.stdout == b"False\nFalse\nTrue\n"

"""Tests of reading HDF5 files without a lock: while they are written, of genuine writers, and damaged ones."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import pytest

from icat_tui.disk import hdf5
from icat_tui.domain.model import SessionDirectory
from tests.support.bliss import END, FILE_TIME, file_of, write_bliss
from tests.support.reading import invalid, metadata, read, unknown

GENUINE = Path(__file__).parent / "data"


# -- scans in other files --------------------------------------------------------------------------------------------


def test_scans_in_other_files_are_read_and_never_taken_for_unchanged(session: SessionDirectory) -> None:
    path = write_bliss(file_of(session), {})
    write_bliss(path.parent / "scan0001" / "bliss_master.h5")
    with h5py.File(path, "a") as file:
        file["1.1"] = h5py.ExternalLink("scan0001/bliss_master.h5", "/1.1")
    assert metadata(session).sample == "sA"
    assert read(session).stamps is None


@pytest.mark.parametrize("inside", ["/1.1", "/7.1"])
@pytest.mark.parametrize("place", ["2.1", "1.1/end_time"])
def test_a_dangling_external_link_is_unknown(session: SessionDirectory, inside: str, place: str) -> None:
    path = write_bliss(file_of(session), {"1.1": {"sample/name": "sA"}})
    if inside == "/7.1":
        write_bliss(path.parent / "other.h5")
    with h5py.File(path, "a") as file:
        file[place] = h5py.ExternalLink("other.h5", inside)
    assert "other.h5" in unknown(session)


# -- beside a writer -------------------------------------------------------------------------------------------------

WRITER = f"""
import sys, h5py
with h5py.File(sys.argv[1], "a", locking=True) as file:
    file.attrs["creator"], file.attrs["file_time"] = "Bliss", "{FILE_TIME}"
    for name in ("1.1", "2.1"):
        file[name + "/sample/name"] = "sA"
    file["1.1/end_time"] = "{END}"
    if sys.argv[2] == "flush":
        file.flush()
    print("open", flush=True)
    sys.stdin.readline()
    file["2.1/end_time"] = "{END}"
    file.flush()
with h5py.File(sys.argv[1], "a", locking=True) as file:
    print(len(file), flush=True)
"""


@contextmanager
def writer(path: Path, mode: str) -> Iterator[Callable[[], str]]:
    """Hold a file open and locked in another process; yield a function that ends it and returns its output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", WRITER, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield lambda: process.communicate("\n", timeout=30)[0]
        process.stdin.close()
    assert process.returncode == 0


def test_a_file_that_is_being_written_is_read_and_the_writer_not_disturbed(session: SessionDirectory) -> None:
    with writer(file_of(session), "flush") as finish:
        with pytest.raises(BlockingIOError):
            h5py.File(file_of(session), "r", locking=True)  # it is locked indeed
        dataset = read(session)
        assert dataset.metadata
        assert dataset.metadata.sample == "sA"
        assert dataset.open_scan
        assert finish() == "2\n"
    assert not read(session).open_scan


def test_a_file_that_was_never_flushed_is_trouble_and_the_writer_not_disturbed(session: SessionDirectory) -> None:
    with writer(file_of(session), "keep") as finish:
        assert read(session).trouble
        assert finish() == "2\n"
    assert metadata(session).sample == "sA"


READER = """
import sys
from icat_tui.disk import hdf5
with hdf5._opened(sys.argv[1]) as file:
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("setting", ["TRUE", "BEST_EFFORT", "FALSE", None])
def test_a_writer_can_open_what_is_being_read_whatever_the_environment_says(
    session: SessionDirectory, setting: str | None
) -> None:
    path = write_bliss(file_of(session))
    environment = {name: value for name, value in os.environ.items() if name != hdf5.LOCK_SETTING}
    if setting:
        environment[hdf5.LOCK_SETTING] = setting
    command = [sys.executable, "-c", READER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as reader:  # type: ignore[call-overload] # pipes
        assert reader.stdout.readline() == "open\n"
        h5py.File(path, "a", locking=True).close()
        reader.communicate("\n", timeout=30)


def test_nothing_is_opened_where_hdf5_would_lock(session: SessionDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bliss(file_of(session))
    monkeypatch.setattr(hdf5, "LOCKS_FORCED", True)
    assert hdf5.LOCK_SETTING in unknown(session)


# -- genuine files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["writer2_ended", "writer2_running", "writer2_separate", "writer3_ended", "writer3_running"]
)
def test_files_of_the_writers_themselves_are_read(session: SessionDirectory, name: str) -> None:
    place = f"{name.partition('_')[0]}/{name}"
    directory = Path(session.raw_path, place)
    directory.mkdir(parents=True)
    for file in GENUINE.glob("*.h5"):
        (directory / file.name).symlink_to(file)
    found = read(session, place)
    assert found.metadata, found.trouble
    assert found.open_scan is name.endswith("running")
    with h5py.File(GENUINE / f"{name}.h5", "r") as file:  # the way everybody else reads
        ends = [file[scan]["end_time"][()].decode() for scan in file if "end_time" in file[scan]]
        assert found.metadata.end == datetime.fromisoformat(ends[-1])
        made = datetime.fromisoformat(file.attrs["file_time"])  # after the scans, where these were simulated
        begun = datetime.fromisoformat(file[next(iter(file))]["start_time"][()].decode())
        assert found.metadata.start == (made if made <= found.metadata.end else begun)
        assert bool(found.doubt) == (made > found.metadata.end)
        assert found.metadata.sample == file[list(file)[-1]]["sample/name"][()].decode()


# -- files that a writer holds open, in HDF5's latest format ---------------------------------------------------------

HOLDER = """
import sys
import h5py

with h5py.File(sys.argv[1], "w", libver="latest", locking=False) as file:
    file.attrs["creator"], file.attrs["file_time"] = "Bliss", "2023-10-20T01:00:00+02:00"
    scan = file.create_group("1.1")
    scan["sample/name"], scan["end_time"] = "sA", "2023-10-20T05:00:00+02:00"
    if sys.argv[2] == "swmr":
        file.swmr_mode = True
    file.flush()
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_open(session: SessionDirectory, mode: str) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold a dataset file open, shared by `swmr` or `alone`."""
    path = file_of(session)
    path.parent.mkdir(parents=True)
    command = [sys.executable, "-c", HOLDER, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "open\n"
        yield writer


@pytest.mark.parametrize("killed", [False, True])
def test_a_file_that_a_writer_shares_by_swmr_is_read(session: SessionDirectory, killed: bool) -> None:
    with held_open(session, "swmr") as writer:
        if killed:
            writer.kill()
            writer.wait()
        assert metadata(session).sample == "sA"


def test_a_file_that_a_writer_keeps_to_itself_may_still_be_written(session: SessionDirectory) -> None:
    with held_open(session, "alone") as writer:
        assert "marked as open for writing" in invalid(session)
        assert read(session).open_scan
        writer.kill()
        writer.wait()
        assert "marked as open for writing" in invalid(session)
        assert read(session).open_scan


def test_a_scan_in_a_file_that_a_writer_keeps_to_itself_may_still_be_written(session: SessionDirectory) -> None:
    other = write_bliss(file_of(session, "colA/colA_0002"), {})
    with h5py.File(other, "a") as file:
        file["1.1"] = h5py.ExternalLink("../colA_0001/colA_0001.h5", "/1.1")
    with held_open(session, "alone"):
        assert "marked as open for writing" in invalid(session, "colA/colA_0002")
        assert read(session, "colA/colA_0002").open_scan


# -- damaged and large files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["writer2_ended.h5", "writer3_ended.h5"])
def test_a_damaged_file_never_raises_and_never_prints(
    session: SessionDirectory, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Check that a truncated or changed file gives metadata or a reason, in another thread, as in scans."""
    content = (GENUINE / name).read_bytes()
    path = file_of(session)
    path.parent.mkdir(parents=True)
    chance = random.Random(1)

    def damage() -> Iterator[bytes]:
        for length in range(0, len(content), len(content) // 40):
            yield content[:length]
        for _ in range(60):
            damaged = bytearray(content)
            for _ in range(4):
                damaged[chance.randrange(len(content))] = chance.randrange(256)
            yield bytes(damaged)

    def read_all() -> None:
        for damaged in damage():
            path.write_bytes(damaged)
            kinds.append(read(session).trouble)

    kinds: list[object] = []
    thread = threading.Thread(target=read_all)
    thread.start()
    thread.join()
    assert len(kinds) > 99
    assert any(kinds)
    assert capfd.readouterr() == ("", "")


def test_a_file_of_6000_scans_is_read_without_opening_them(
    session: SessionDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(write_bliss(file_of(session), {}), "a") as file:
        empty = file.create_group("1.1")
        for number in range(2, 6000):
            file[f"{number}.1"] = empty
        file["6000.1/end_time"], file["6000.1/sample/name"] = END, "sA"
    opened = []
    open_object = hdf5._OpenFile.open

    def counted(self: hdf5._OpenFile, place: Any, name: bytes) -> Any:
        opened.append(name)
        return open_object(self, place, name)

    monkeypatch.setattr(hdf5._OpenFile, "open", counted)
    assert metadata(session).sample == "sA"
    assert opened == [b"6000.1", b"end_time", b"sample", b"name"]

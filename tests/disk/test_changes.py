"""Tests of stamps: equal ones mean "unchanged" only if they were at rest, and no change is ever missed."""

import errno
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.disk import hdf5
from icat_tui.disk.changes import examine_datasets, trusted, unchanged
from icat_tui.disk.filesystem import stamp
from icat_tui.disk.listing import list_session
from icat_tui.disk.metadata import read_datasets
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import DiskSession, NeededFromDisk, SessionDirectory, Stamp, TroubleKind
from tests.support.bliss import dataset_at, file_of, stored_message, write_bliss

DAY = timedelta(days=1)
ZONE = "Europe/Paris"


# -- trust -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "seen_before", "expected"),
    [
        (86_401, 0, True),
        (86_399, 0, False),
        (0, 0, False),
        (-3600, 0, False),  # of the future
        (0, 9.9, False),
        (0, 10, True),
        (-3600, 10, True),
    ],
)
def test_stamps_are_trusted_when_old_or_seen_before(age: float, seen_before: float, expected: bool) -> None:
    read_at = 1_700_000_000.0
    newest = int((read_at - age) * 1e9)
    for modified, changed in ((newest, newest - 10**15), (newest - 10**15, newest)):
        old = Stamp(1, 10**9, 10**9, 1, 0)
        assert (
            trusted(
                [old, Stamp(2, modified, changed, 1, 0)],
                read_at=read_at,
                first_seen=read_at - seen_before,
                fingerprint_age=DAY,
            )
            is expected
        )


def test_what_changed_while_it_was_looked_at_is_never_trusted() -> None:
    assert not trusted([None], read_at=1e9, first_seen=0, fingerprint_age=timedelta())


# -- whole sessions --------------------------------------------------------------------------------------------------


def make_tree(top: Path, raw_format: RawFormat) -> SessionDirectory:
    """Make a session with two collections of three datasets and two messages; nothing in it can be registered."""
    path = top / "hg333" / "id99" / "20231019"
    session = SessionDirectory(str(path), "hg333", "id99", "20231019", raw_format)
    for collection, number in itertools.product(("colA", "colB"), (1, 2, 3)):
        directory = Path(session.raw_path, collection, f"{collection}_{number:04d}")
        directory.mkdir(parents=True)
        if number != 3:
            file_of(session, f"{collection}/{directory.name}").write_text("nothing that could be read")
        (directory / "detector.edf").write_text("data")
    Path(session.raw_path, "__icat__").mkdir()
    for number in (1, 2):
        Path(session.raw_path, "__icat__", f"colA_000{number}.xml").write_text(stored_message("x"))
    return session


def scan(session: SessionDirectory, started: float, previous: DiskSession | None = None) -> DiskSession:
    """Return the session, listed and every dataset of it read."""
    disk = list_session(session, started, previous, zone_name=ZONE)
    everything = NeededFromDisk(to_read=tuple(dataset.path for dataset in disk.datasets))
    disk = examine_datasets(session, disk, everything, previous, DAY)
    read = [dataset for dataset in disk.datasets if dataset.read]
    unread = [dataset for dataset in disk.datasets if not dataset.read]
    read += read_datasets(session, unread, started, ZONE)
    return structs.replace(disk, datasets=tuple(sorted(read, key=lambda dataset: dataset.path)))


def is_unchanged(session: SessionDirectory, previous: DiskSession, started: float) -> bool:
    return unchanged(session, previous, list_session(session, started, previous, zone_name=ZONE), DAY)


def next_tick(directory: Path) -> None:
    """Wait until a change made now gets another time than an earlier one."""
    probe = directory / "probe"
    probe.touch()
    before = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == before:
        os.utime(probe)


def test_a_session_at_rest_is_unchanged_and_a_young_one_is_not(tmp_path: Path) -> None:
    session = make_tree(tmp_path, RawFormat.ESRFV3)
    now = time.time()
    young = scan(session, now)
    assert not is_unchanged(session, young, now + 60)
    assert is_unchanged(session, scan(session, now + 2 * 86_400), now + 2 * 86_400)


def test_a_fingerprint_seen_before_is_trusted_after_the_next_full_scan(tmp_path: Path) -> None:
    session = make_tree(tmp_path, RawFormat.ESRFV3)
    now = time.time()
    first = scan(session, now)
    second = scan(session, now + 11, first)
    assert [dataset.read_at for dataset in second.datasets] == [now + 11] * 6  # read again: the first was too young
    assert is_unchanged(session, second, now + 12)
    third = scan(session, now + 20, second)
    assert [dataset.read_at for dataset in third.datasets] == [now + 11] * 6  # taken over
    assert [dataset.first_seen for dataset in third.datasets] == [now] * 6


def write(path: Path) -> None:
    path.write_text("something else")


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("x")


def replace(path: Path) -> None:
    """Put another file in its place, of the same size and with the same times."""
    status = path.stat()
    path.with_name("new").write_bytes(path.read_bytes())
    os.utime(path.with_name("new"), ns=(status.st_atime_ns, status.st_mtime_ns))
    path.with_name("new").rename(path)


def edit(path: Path) -> None:
    """Change a byte and put the time back."""
    status = path.stat()
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def touch_back(path: Path) -> None:
    os.utime(path, (0, 0))


def remove(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("renamed.xml"))


def add_file(directory: Path) -> None:
    (directory / "added.xml").touch()


def add_directory(directory: Path) -> None:
    (directory / "added").mkdir()


def swap(directory: Path) -> None:
    """Remove one name and add another, as fast as possible."""
    (directory / "first").touch()
    (directory / "first").rename(directory / "second")


def change_mode(path: Path) -> None:
    path.chmod(path.stat().st_mode ^ 0o001)


FILE_CHANGES: tuple[Callable[[Path], None], ...] = (
    write,
    append,
    replace,
    edit,
    touch_back,
    remove,
    rename,
    change_mode,
)
DIRECTORY_CHANGES: tuple[Callable[[Path], None], ...] = (
    add_file,
    add_directory,
    swap,
    touch_back,
    change_mode,
)


def places(session: SessionDirectory) -> Iterator[tuple[Path, tuple[Callable[[Path], None], ...]]]:
    """Yield the paths that a fingerprint covers, each with a change that can happen to it."""
    raw = Path(session.raw_path)
    yield raw, DIRECTORY_CHANGES
    for directory in sorted(raw.iterdir()):
        yield directory, DIRECTORY_CHANGES
        for below in sorted(directory.iterdir()):
            yield below, DIRECTORY_CHANGES if below.is_dir() else FILE_CHANGES
            file = file_of(session, f"{directory.name}/{below.name}")
            if below.is_dir() and file.exists():
                yield file, FILE_CHANGES


@settings(max_examples=60, deadline=None)
@given(data=st.data(), raw_format=st.sampled_from([RawFormat.ESRFV3, RawFormat.ESRFV2, RawFormat.MX]))
def test_no_change_is_ever_taken_for_none(data: st.DataObject, raw_format: RawFormat) -> None:
    with tempfile.TemporaryDirectory() as name:
        session = make_tree(Path(name), raw_format)
        later = time.time() + 2 * 86_400  # so that the stamps are old enough to be trusted
        disk = scan(session, later)
        assert is_unchanged(session, disk, later)
        covered = [*places(session)]
        next_tick(Path(name))
        for _ in range(data.draw(st.integers(1, 3))):
            place, changes = data.draw(st.sampled_from(covered))
            try:
                data.draw(st.sampled_from(changes))(place)
            except (FileExistsError, FileNotFoundError):  # something has been done to it before
                continue
        assert not is_unchanged(session, disk, later)


def test_what_the_system_refused_is_never_unchanged(tmp_path: Path, refuse: Callable[[str, int], None]) -> None:
    session = make_tree(tmp_path, RawFormat.ESRFV3)
    later = time.time() + 2 * 86_400
    refuse(str(file_of(session)), errno.EACCES)
    disk = scan(session, later)
    assert disk.datasets[0].trouble
    assert disk.datasets[0].trouble.kind == TroubleKind.UNKNOWN
    assert not is_unchanged(session, disk, later)


# -- looking at datasets ---------------------------------------------------------------------------------------------


def test_wanted_datasets_are_dated_and_counted(session: SessionDirectory, refuse: Callable[[str, int], None]) -> None:
    for place in ("colA/colA_1", "colA/colA_2", "colA/colA_3", "colA/colA_4"):
        Path(session.raw_path, place).mkdir(parents=True)
    Path(session.raw_path, "colA/colA_1/.hidden").touch()
    refuse(f"{session.raw_path}/colA/colA_3", errno.EACCES)
    disk = list_session(session, 1e9, zone_name=ZONE)
    paths = [dataset.path for dataset in disk.datasets]
    wanted = NeededFromDisk(to_count=tuple(paths[:3]), to_date=tuple(paths[3:]))
    one, two, three, four = examine_datasets(session, disk, wanted, None, DAY).datasets
    assert (one.entries, two.entries, three.entries, four.entries) == (True, False, None, None)
    assert three.trouble
    assert three.trouble.kind == TroubleKind.UNKNOWN
    assert one.trouble is two.trouble is four.trouble is None
    assert four.modified == os.stat(four.path).st_mtime_ns
    assert one.stamps == (stamp(os.stat(one.path)), None)
    assert not any(dataset.read for dataset in (one, two, three, four))


def test_a_reading_is_taken_over_until_its_file_changes(session: SessionDirectory) -> None:
    path = write_bliss(file_of(session))
    later = time.time() + 2 * 86_400
    first = scan(session, later)
    assert scan(session, later + 1, first).datasets == first.datasets
    next_tick(path.parent.parent.parent)
    write_bliss(path, {"1.1": {"end_time": "2023-10-20T09:00:00+02:00", "sample/name": "sB"}})
    (dataset,) = scan(session, later + 2, first).datasets
    assert dataset.metadata
    assert dataset.metadata.sample == "sB"
    assert (dataset.read_at, dataset.first_seen) == (later + 2, later + 2)


def test_a_dataset_that_is_written_while_it_is_read_has_no_stamps(
    session: SessionDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bliss(file_of(session))
    read = hdf5.read_bliss

    def meanwhile(name: str) -> hdf5.Content:
        content = read(name)
        append(path)
        return content

    monkeypatch.setattr(hdf5, "read_bliss", meanwhile)
    (dataset,) = read_datasets(session, [dataset_at(session, "colA/colA_0001")], time.time(), ZONE)
    assert dataset.read
    assert dataset.stamps is None

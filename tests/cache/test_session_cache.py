"""Tests of cache files: each is used only if it is whole and of its session, whatever happens to it."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path

import pytest
from msgspec import structs

from icat_tui.cache import session_cache
from icat_tui.cache.session_cache import SCHEMA, CachedSession, CacheEntry, SessionCache, Unreadable, is_due, is_settled
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import (
    Dataset,
    Fit,
    Session,
    SessionDirectory,
)
from icat_tui.domain.status import Category, Status
from tests.support.cached_sessions import NOTHING_ON_DISK, disk_of, session_of
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import INSIDE, NOW, a_directory, a_session, every_status
from tests.support.time_slot import END, START

OLD_FILE = Path(__file__).parents[1] / "data/old_caches/pyicat_plus_2_2_0/esrfv3/ma1001_id16b_20230118.json"
DAY = timedelta(days=1)
DEEP = b"[" * 100_000


def saved(cache: SessionCache, directory: SessionDirectory | None = None) -> Path:
    """Save a session and return its file."""
    directory = directory or a_directory()
    cache.save(session_of(directory), disk_of(directory), NOW)
    return cache.path(directory)


def aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.unreadable")


def raising(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


# -- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_what_was_saved_comes_back_whatever_it_is_called(cache: SessionCache, name: str) -> None:
    directory = a_directory(proposal=name)
    session, disk = session_of(directory, name), disk_of(directory, name)
    cache.save(session, disk, NOW)
    assert cache.entry(directory) == CacheEntry(settled=True, session=session, disk=disk)
    assert cache.cached_session(directory) == CachedSession(settled=True, session=session)
    (path,) = cache.files(RawFormat.ESRFV3)
    assert isinstance(path, Path)
    assert cache.entry_in(path) == cache.entry(directory)
    assert list(cache.cached_sessions(RawFormat.ESRFV3)) == [cache.cached_session(directory)]
    path.read_bytes().decode("ascii")


def test_of_datasets_only_what_was_read_is_kept_and_no_list_of_directories(cache: SessionCache) -> None:
    directory = a_directory()
    disk = disk_of(directory)
    more = structs.replace(disk.datasets[0], path=f"{directory.raw_path}/colA/colA_2", read_at=0.0)
    cache.save(session_of(directory), structs.replace(disk, datasets=(*disk.datasets, more), listed=("a",)), NOW)
    entry = cache.entry(directory)
    assert isinstance(entry, CacheEntry)
    assert entry.disk == disk


def test_a_file_is_json_that_says_its_schema(cache: SessionCache) -> None:
    content = json.loads(saved(cache).read_bytes())
    assert content["schema"] == SCHEMA
    assert content["kept"]["session"]["directory"]["proposal"] == "hg333"


def test_nothing_is_kept_of_a_session_that_was_never_saved_or_dropped(cache: SessionCache) -> None:
    directory = a_directory()
    assert cache.entry(directory) is None
    assert cache.cached_session(directory) is None
    saved(cache)
    cache.drop(directory)
    cache.drop(directory)
    assert cache.entry(directory) is None
    assert cache.files(RawFormat.ESRFV3) == []


def test_each_format_has_its_own_files(cache: SessionCache) -> None:
    directories = [a_directory(raw_format=raw_format) for raw_format in RawFormat]
    for directory in directories:
        assert saved(cache, directory).parent == cache.directory / directory.format
    for directory in directories:
        (found,) = cache.cached_sessions(directory.format)
        assert isinstance(found, CachedSession)
        assert found.session.directory == directory


# -- names -----------------------------------------------------------------------------------------------------------


def test_sessions_of_two_roots_have_two_files(cache: SessionCache) -> None:
    one = a_directory()
    other = structs.replace(one, path=one.path.replace("/data/", "/mnt/data/"))
    assert cache.path(one) != cache.path(other)


def test_names_that_are_made_harmless_the_same_way_have_two_files(cache: SessionCache) -> None:
    assert cache.path(a_directory("a;b")) != cache.path(a_directory("a&b"))


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, "l" * 255, "\u00e9" * 127, "\udcff" * 255])
def test_file_names_are_plain_and_never_too_long(cache: SessionCache, name: str) -> None:
    path = saved(cache, a_directory(proposal=name))
    assert path.name.isascii()
    assert path.name.isprintable()
    assert not set(path.name) & set(" /\\'\"$;&|<>*?[]{}~")
    assert len(aside(path).name) <= 255


# -- modes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "file", "directory"), [(0o002, 0o664, 0o775), (0o027, 0o640, 0o750), (0, 0o664, 0o775)]
)
def test_modes_are_those_of_a_shared_directory_less_the_umask(
    cache: SessionCache, umask: Callable[[int], int], mask: int, file: int, directory: int
) -> None:
    umask(mask)
    path = saved(cache)
    assert stat.S_IMODE(path.stat().st_mode) == file
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path.parent, cache.directory)} == {directory}


# -- torn and foreign ------------------------------------------------------------------------------------------------


def refused(cache: SessionCache, content: bytes) -> bool:
    """Replace the content of a session's file; return whether it was refused, having checked that it is safe."""
    directory = a_directory()
    path = cache.path(directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = cache.entry(directory)
    assert isinstance(found, Unreadable | None), content
    if found is None:
        return False
    assert not path.exists()
    assert aside(path).read_bytes() == content
    assert str(path) in found.reason
    assert "set aside" in found.reason
    return True


def test_a_file_that_is_cut_off_anywhere_is_set_aside(cache: SessionCache) -> None:
    content = saved(cache).read_bytes()
    assert all(refused(cache, content[:length]) for length in range(len(content)))


@pytest.mark.parametrize("bit", [0x01, 0x04, 0x10, 0x20, 0x80])
def test_a_file_with_a_flipped_byte_is_never_used(cache: SessionCache, bit: int) -> None:
    """It is set aside, except if the schema number differs: then the file is of another version."""
    content = saved(cache).read_bytes()
    flips = [content[:place] + bytes([byte ^ bit]) + content[place + 1 :] for place, byte in enumerate(content)]
    other_schema = [flipped for flipped in flips if not refused(cache, flipped)]
    assert all(flipped.startswith(b'{"schema":') and flipped[11:] == content[11:] for flipped in other_schema)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\x00" * 4096,
        DEEP,
        b'{"schema":%d,"digest":"' % SCHEMA + b"0" * 32 + b'","kept":{}}',
        b'{"schema":%d,"digest":"%s","kept":%s}' % (SCHEMA, blake2b(DEEP, digest_size=16).hexdigest().encode(), DEEP),
        OLD_FILE.read_bytes(),
    ],
)
def test_a_file_that_is_not_ours_is_set_aside(cache: SessionCache, content: bytes) -> None:
    assert refused(cache, content)


def test_what_is_appended_to_a_file_is_noticed(cache: SessionCache) -> None:
    content = saved(cache).read_bytes()
    assert all(refused(cache, content + more) for more in (b"}", b"x", content))


def test_the_file_of_another_session_is_not_taken_for_this_ones(cache: SessionCache) -> None:
    path, other = saved(cache), a_directory(proposal="ma1")
    shutil.copy(path, cache.path(other))
    found = cache.entry(other)
    assert isinstance(found, Unreadable)
    assert "hg333" in found.reason
    assert isinstance(cache.entry(a_directory()), CacheEntry)
    assert len(list(cache.cached_sessions(RawFormat.ESRFV3))) == 1


@pytest.mark.parametrize("schema", [0, SCHEMA - 1, SCHEMA + 1, 10])
def test_a_file_of_another_schema_is_as_good_as_none_and_left_alone(cache: SessionCache, schema: int) -> None:
    path = saved(cache)
    content = path.read_bytes().replace(b'{"schema":%d' % SCHEMA, b'{"schema":%d' % schema)
    path.write_bytes(content)
    assert cache.entry(a_directory()) is None
    assert list(cache.cached_sessions(RawFormat.ESRFV3)) == []
    assert path.read_bytes() == content


def test_a_file_that_can_not_be_set_aside_is_not_used_either(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(cache).write_bytes(b"torn")
    monkeypatch.setattr(os, "replace", raising(errno.EROFS))
    found = cache.entry(a_directory())
    assert isinstance(found, Unreadable)
    assert "nor set aside (Read-only file system)" in found.reason


def test_a_file_that_can_not_be_read_is_left_alone(cache: SessionCache, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(cache)
    with monkeypatch.context() as patch:
        patch.setattr(session_cache, "read_regular", raising(errno.EIO))
        found = cache.entry(a_directory())
    assert isinstance(found, Unreadable)
    assert "Input/output error" in found.reason
    assert path.exists()


def test_a_directory_that_can_not_be_listed_says_so(cache: SessionCache) -> None:
    cache.directory.mkdir(parents=True)
    (cache.directory / "esrfv3").write_text("no directory")
    (found,) = cache.cached_sessions(RawFormat.ESRFV3)
    assert isinstance(found, Unreadable)
    assert "Not a directory" in found.reason


def test_only_cache_files_are_listed_and_by_name(cache: SessionCache) -> None:
    paths = [saved(cache, a_directory(proposal)) for proposal in ("b", "a", "c")]
    for name in (".icat-tui-0.tmp", "a.json.unreadable", "README"):
        (paths[0].parent / name).touch()
    assert cache.files(RawFormat.ESRFV3) == sorted(paths)


# -- saving that fails -----------------------------------------------------------------------------------------------


full = partial(os.open, "/dev/full", os.O_WRONLY)


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        ("os.open", raising(errno.ENOSPC)),
        ("os.open", lambda *_: full()),
        ("os.fsync", raising(errno.ENOSPC)),
        ("os.fsync", raising(errno.EIO)),
        ("pathlib.Path.replace", raising(errno.EDQUOT)),
        ("pathlib.Path.replace", raising(errno.EACCES)),
    ],
)
def test_a_full_disk_leaves_the_old_file_as_it_was(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch, call: str, instead: Callable[..., object]
) -> None:
    path = saved(cache)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(call, instead)
        with pytest.raises(SaveError, match=r"not saved: .*What it held before is still there"):
            cache.save(session_of(a_directory(), "0002"), disk_of(a_directory()), NOW)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_what_can_not_be_removed_is_said(cache: SessionCache, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(cache)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", raising(errno.EROFS))
        with pytest.raises(SaveError, match="could not be removed: Read-only file system"):
            cache.drop(a_directory())
    assert path.exists()


# -- several writers -------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from icat_tui.cache.session_cache import SessionCache
from tests.support.samples import NOW, a_directory
from tests.support.cached_sessions import NOTHING_ON_DISK, disk_of, session_of
from msgspec import structs
cache, name = SessionCache(Path(sys.argv[1])), sys.argv[2]
directory = a_directory()
session = session_of(directory, name)
session = structs.replace(session, datasets=session.datasets * int(sys.argv[3]))
print("ready", flush=True)
for number in range(150):
    cache.save(structs.replace(session, reasons=(str(number),)), disk_of(directory, name), NOW)
"""


def test_two_writers_at_once_leave_a_whole_file_at_any_time(cache: SessionCache, tmp_path: Path) -> None:
    saved(cache)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path / "cache", name, count], stdout=subprocess.PIPE, env=environment
        )
        for name, count in (("one", "1"), ("two", "300"))
    ]
    seen = set()
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == b"ready\n"
    while any(writer.poll() is None for writer in writers):
        found = cache.entry(a_directory())
        assert isinstance(found, CacheEntry)
        seen.add((found.session.datasets[0].name, len(found.session.datasets)))
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert seen <= {("0001", 1), ("one", 1), ("two", 300)}
    assert len(seen) > 1
    assert len(os.listdir(cache.path(a_directory()).parent)) == 1


# -- settled ---------------------------------------------------------------------------------------------------------


def with_statuses(category: Category, *statuses: Status, fit: Fit | None = INSIDE) -> Session:
    return a_session(category, *((str(number), status) for number, status in enumerate(statuses)), fit=fit)


@pytest.mark.parametrize(
    ("session", "settled"),
    [
        (with_statuses(Category.OK, Status.REGISTERED), True),
        (with_statuses(Category.EMPTY), True),
        (with_statuses(Category.EMPTY, Status.MISSING_ON_DISK), True),
        (with_statuses(Category.HAS_INVALID, Status.INVALID, Status.REGISTERED), True),
        (with_statuses(Category.OK, Status.REGISTERED, Status.PENDING), False),
        (with_statuses(Category.OK, Status.REGISTERED, Status.IN_PROGRESS), False),
        (with_statuses(Category.HAS_INVALID, Status.INVALID, Status.IN_PROGRESS), False),
        (with_statuses(Category.HAS_INVALID, Status.INVALID, Status.UNKNOWN), False),
        (with_statuses(Category.UNKNOWN, Status.UNKNOWN), False),
        (with_statuses(Category.TODO, Status.UNREGISTERED), False),
        (with_statuses(Category.TODO_ONGOING, Status.UNREGISTERED), False),
        (with_statuses(Category.NOT_IN_ICAT, fit=None), False),
        (with_statuses(Category.OK, Status.REGISTERED, fit=structs.replace(INSIDE, end=None)), False),
        (with_statuses(Category.OK, Status.REGISTERED, fit=structs.replace(INSIDE, end=NOW - 2 * DAY)), True),
        (
            with_statuses(
                Category.OK, Status.REGISTERED, fit=structs.replace(INSIDE, end=NOW - 2 * DAY + timedelta(seconds=1))
            ),
            False,
        ),
    ],
)
def test_settled_is_what_changes_no_more_by_itself(session: Session, settled: bool) -> None:
    assert is_settled(session, NOW) == settled


@pytest.mark.parametrize(
    ("max_age", "due"),
    [(None, False), (timedelta(minutes=5), False), (timedelta(minutes=4), True), (timedelta(), True)],
)
def test_a_session_is_due_when_icat_was_asked_longer_ago_than_the_greatest_age(
    max_age: timedelta | None, due: bool
) -> None:
    session = a_session(Category.OK)  # seen five minutes before
    assert is_due(session, NOW, max_age) == due


def test_a_dataset_keeps_all_its_fields(cache: SessionCache) -> None:
    directory = a_directory()
    dataset = Dataset(
        path="/a",
        collection="b",
        name=None,
        status=Status.REGISTERED,
        reasons=("c",),
        start=START,
        end=END,
        sample="d",
        icat_id=1,
        investigation=2,
        file_count=3,
        stored="/e",
        parameters={"f": "g"},
    )
    session = structs.replace(session_of(directory), datasets=(dataset,))
    cache.save(session, disk_of(directory), NOW)
    entry = cache.entry(directory)
    assert isinstance(entry, CacheEntry)
    assert entry.session == session


# -- what ICAT listed ------------------------------------------------------------------------------------------------


def test_what_icat_listed_stays_known_where_a_file_is_out_of_date_and_is_forgotten_where_it_is_dropped(
    cache: SessionCache,
) -> None:
    directory, session = a_directory(), every_status()
    assert cache.known_session(directory) is None
    cache.save(session, NOTHING_ON_DISK, NOW)
    assert cache.known_session(directory) == session
    cache.outdate(directory)
    assert cache.cached_session(directory) is None
    known = cache.known_session(directory)
    assert known is not None
    assert known.datasets == tuple(each for each in session.datasets if each.icat_id is not None)
    cache.drop(directory)
    assert cache.known_session(directory) is None
    cache.outdate(directory)
    assert cache.known_session(directory) is None


def test_a_session_that_is_saved_is_what_is_known(cache: SessionCache) -> None:
    cache.save(every_status(), NOTHING_ON_DISK, NOW)
    cache.outdate(a_directory())
    later = a_session(Category.OK, ("0001", Status.REGISTERED))
    cache.save(later, NOTHING_ON_DISK, NOW)
    assert cache.known_session(a_directory()) == later


def test_to_know_it_no_file_is_set_aside(cache: SessionCache) -> None:
    cache.save(every_status(), NOTHING_ON_DISK, NOW)
    path = cache.path(a_directory())
    path.write_bytes(b"torn")
    assert cache.known_session(a_directory()) is None
    assert path.read_bytes() == b"torn"


def test_a_session_that_waits_is_read_and_not_written(cache: SessionCache) -> None:
    directory, session = a_directory(), every_status()
    cache.wait(session, NOTHING_ON_DISK, NOW)
    found = cache.cached_session(directory)
    assert isinstance(found, CachedSession)
    assert found.session == session
    assert not cache.path(directory).exists()
    cache.discard(directory)
    assert cache.cached_session(directory) is None
    cache.wait(session, NOTHING_ON_DISK, NOW)
    cache.drop(directory)
    assert cache.cached_session(directory) is None

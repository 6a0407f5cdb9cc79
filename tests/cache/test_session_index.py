"""Tests of the index: it agrees with the cache files, whatever happens to either of them."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.cache.session_cache import CachedSession, FileStamp, SessionCache, Unreadable
from icat_tui.cache.session_index import AT_REST, HEADER, LARGEST_RATIO, Changes, SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow, entries, session_row
from tests.support.cached_sessions import NOTHING_ON_DISK
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import INSIDE, NOW, a_directory, a_session, every_category, hostile

SECOND = 1_000_000_000
WHEN_WRITTEN = range(len(HEADER), len(HEADER) + 8)
"""Position in the index of the time at which it was written, which is never read."""


def save(cache: SessionCache, *sessions: Session, seconds_old: float = 60) -> None:
    """Save sessions in files whose times are this number of seconds earlier."""
    for session in sessions:
        cache.save(session, NOTHING_ON_DISK, NOW)
        age(cache.path(session.directory), seconds_old)


def age(path: Path, seconds: float) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - int(seconds * SECOND)))


def rows_of_files(cache: SessionCache) -> tuple[dict[str, SessionRow], frozenset[str]]:
    """Return the rows and settled paths by reading all cache files; the one for which ICAT was asked last counts."""
    found = [kept for each in RawFormat for kept in cache.cached_sessions(each) if isinstance(kept, CachedSession)]
    found.sort(key=lambda kept: kept.session.seen_at)
    latest = {kept.session.directory.path: kept for kept in found}
    rows = {path: session_row(kept.session) for path, kept in latest.items()}
    return rows, frozenset(path for path, kept in latest.items() if kept.settled)


def check(index: SessionIndex) -> Changes:
    """Return all changes of one check together."""
    changes = list(index.check(Cancellation()))
    return Changes(
        tuple(row for each in changes for row in each.rows),
        tuple(path for each in changes for path in each.gone),
        tuple(found for each in changes for found in each.unreadable),
    )


def checked(cache: SessionCache) -> SessionIndex:
    """Return an index that was checked, saved, and loaded again."""
    index = SessionIndex.load(cache)
    check(index)
    index.save()
    return SessionIndex.load(cache)


def reads_of(cache: SessionCache, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the names of the cache files that are read from now on."""
    read: list[str] = []
    cached_session_in = cache.cached_session_in

    def watched(path: Path) -> CachedSession | Unreadable | None:
        read.append(path.name)
        return cached_session_in(path)

    monkeypatch.setattr(cache, "cached_session_in", watched)
    return read


# -- what it says ----------------------------------------------------------------------------------------------------


def test_without_a_file_it_has_nothing_and_is_made_from_the_cache_files(cache: SessionCache) -> None:
    save(cache, *every_category())
    index = SessionIndex.load(cache)
    assert index.rows == {}
    found = check(index)
    assert ({row.directory.path: row for row in found.rows}, index.settled) == rows_of_files(cache)
    assert len(found.rows) == len(every_category())


def test_what_was_loaded_is_there_before_any_cache_file_is_looked_at(cache: SessionCache) -> None:
    save(cache, *every_category())
    said = rows_of_files(cache)
    checked(cache)
    shutil.rmtree(cache.directory / RawFormat.ESRFV3)
    index = SessionIndex.load(cache)
    assert (index.rows, index.settled) == said


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_any_name_survives_in_every_place(cache: SessionCache, name: str) -> None:
    directory = SessionDirectory(f"/data/{name}/id99/20231019", name, f"id{name}", "20231019", RawFormat.ESRFV3)
    path = f"{directory.raw_path}/{name}/{name}_0001"
    dataset = Dataset(path=path, collection=name, name="0001", status=Status.UNREGISTERED, sample=f"{name}\ud800\udc00")
    session = Session(directory=directory, category=Category.TODO, datasets=(dataset,), seen_at=NOW)
    index = SessionIndex(cache)
    index.put(session, False, FileStamp(1, 2, 3))
    index.save()
    (row,) = SessionIndex.load(cache).rows.values()
    assert row == session_row(session)
    assert [(entry.path, entry.sample) for entry in entries(row)] == [(path, f"{name}\ud800\udc00")]


@pytest.mark.parametrize("formats", [(RawFormat.ESRFV1, RawFormat.ESRFV3), (RawFormat.ESRFV3, RawFormat.ESRFV1)])
def test_of_a_session_in_two_formats_the_one_that_icat_was_asked_for_last_is_shown(
    cache: SessionCache, formats: tuple[RawFormat, RawFormat]
) -> None:
    first, second = (a_directory(raw_format=each) for each in formats)
    older = a_session(Category.OK, ("1", Status.REGISTERED), directory=first)
    newer = structs.replace(older, directory=second, category=Category.TODO, seen_at=NOW)
    save(cache, older, newer)
    index = checked(cache)
    assert index.rows == {second.path: session_row(newer)}
    cache.drop(second)
    assert check(index) == Changes(rows=(session_row(older),))


# -- trust -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("younger", "again"), [(-SECOND, False), (0, False), (1, True), (AT_REST, True), (60 * SECOND, True)]
)
def test_a_file_is_read_again_unless_it_is_two_seconds_older_than_the_index(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch, younger: int, again: bool
) -> None:
    session = hostile()
    save(cache, session)
    index = checked(cache)
    modified = cache.path(session.directory).stat().st_mtime_ns
    os.utime(index.path, ns=(modified + AT_REST - younger, modified + AT_REST - younger))
    index = SessionIndex.load(cache)
    read = reads_of(cache, monkeypatch)
    assert check(index) == Changes()
    assert bool(read) is again


def test_what_was_read_again_is_trusted_once_it_is_old_enough(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(cache, hostile(), seconds_old=0)
    index = checked(cache)
    read = reads_of(cache, monkeypatch)
    os.utime(index.path, ns=(0, SECOND))  # as if the index were from the same moment as the file
    check(index := SessionIndex.load(cache))
    assert len(read) == 1
    index.save()
    assert index.path.stat().st_mtime_ns > SECOND, "though it says what it said"


@pytest.mark.parametrize("change", ["inode", "modified", "size"])
def test_a_file_with_another_stamp_is_read_again(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    save(cache, session := hostile())
    index = checked(cache)
    path = cache.path(session.directory)
    if change == "inode":
        shutil.copy2(path, copied := path.with_name("copied"))
        copied.replace(path)
    elif change == "modified":
        age(path, 1)
    else:
        status = path.stat()
        with path.open("ab") as file:
            file.write(b" ")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    read = reads_of(cache, monkeypatch)
    check(index)
    assert read == [path.name]


def test_nothing_is_believed_of_a_file_that_is_replaced_while_it_is_read(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hostile()
    after = structs.replace(before, category=Category.OK)
    save(cache, before)
    cached_session_in = cache.cached_session_in

    def overtaken(path: Path) -> CachedSession | Unreadable | None:
        found = cached_session_in(path)
        save(cache, after, seconds_old=30)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(cache, "cached_session_in", overtaken)
        index = checked(cache)
    assert index.rows == {before.directory.path: session_row(before)}
    assert check(index) == Changes(rows=(session_row(after),))


def test_what_comes_in_during_a_check_is_not_overwritten_by_what_the_check_had_read(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = hostile()
    new = structs.replace(old, category=Category.OK, seen_at=NOW)
    save(cache, old)
    index = SessionIndex(cache)
    cached_session_in = cache.cached_session_in

    def meanwhile(path: Path) -> CachedSession | Unreadable | None:
        found = cached_session_in(path)
        SessionCache(cache.directory.parent, index.put).save(new, NOTHING_ON_DISK, NOW)
        return found

    monkeypatch.setattr(cache, "cached_session_in", meanwhile)
    assert check(index) == Changes()
    assert index.rows == {new.directory.path: session_row(new)}


# -- what becomes of the files ---------------------------------------------------------------------------------------


def test_new_changed_and_gone_files_are_told_and_nothing_else(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    same, changed, gone, new = (a_session(Category.OK, directory=a_directory(f"hg{number}")) for number in range(4))
    save(cache, same, changed, gone)
    index = checked(cache)
    changed = structs.replace(changed, category=Category.TODO)
    save(cache, changed, new, seconds_old=50)
    cache.drop(gone.directory)
    read = reads_of(cache, monkeypatch)
    assert check(index) == Changes((session_row(changed), session_row(new)), (gone.directory.path,))
    assert sorted(read) == sorted(cache.path(each.directory).name for each in (changed, new))
    assert check(index).gone == ()


def test_a_torn_cache_file_loses_its_row_and_says_why(cache: SessionCache) -> None:
    save(cache, session := hostile())
    index = checked(cache)
    cache.path(session.directory).write_bytes(b"{")
    found = check(index)
    assert found.gone == (session.directory.path,)
    assert [each.path for each in found.unreadable] == [str(cache.path(session.directory))]


def test_a_directory_that_can_not_be_listed_loses_no_row(cache: SessionCache, monkeypatch: pytest.MonkeyPatch) -> None:
    save(cache, *every_category())
    index = checked(cache)
    rows = index.rows

    def refused(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)
    assert check(index) == Changes()
    assert index.rows == rows


def test_a_check_that_is_called_off_ends_at_once(cache: SessionCache, monkeypatch: pytest.MonkeyPatch) -> None:
    save(cache, *(a_session(Category.OK, directory=a_directory(name)) for name in "abc"))
    cancellation = Cancellation()
    cached_session_in = cache.cached_session_in

    def call_off(path: Path) -> CachedSession | Unreadable | None:
        cancellation.cancel()
        return cached_session_in(path)

    monkeypatch.setattr(cache, "cached_session_in", call_off)
    index = SessionIndex(cache)
    (changes,) = index.check(cancellation)
    assert {row.directory.path: row for row in changes.rows} == index.rows
    assert len(index.rows) == 1, "and what was found is told"


def test_what_the_cache_saves_is_known_without_reading_it_again(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = SessionIndex(cache)
    saving = SessionCache(cache.directory.parent, index.put)
    for session in every_category():
        saving.save(session, NOTHING_ON_DISK, NOW)
    assert (index.rows, index.settled) == rows_of_files(cache)
    index.save()
    later = index.path.stat().st_mtime_ns + AT_REST
    os.utime(index.path, ns=(later, later))
    read = reads_of(cache, monkeypatch)
    assert check(SessionIndex.load(cache)) == Changes()
    assert read == []


def test_what_is_dropped_is_gone_from_what_is_saved(cache: SessionCache) -> None:
    save(cache, session := hostile())
    index = checked(cache)
    index.drop(session.directory)
    index.save()
    assert SessionIndex.load(cache).rows == {}


# -- its own file ----------------------------------------------------------------------------------------------------


def test_a_file_that_is_torn_or_has_turned_anywhere_is_as_good_as_none(cache: SessionCache) -> None:
    save(cache, *every_category())
    index = checked(cache)
    content = index.path.read_bytes()
    said = rows_of_files(cache)
    for place in [*range(0, len(content), 7), *range(len(content) - 20, len(content))]:
        index.path.write_bytes(content[:place])
        assert SessionIndex.load(cache).rows == {}
        turned = bytes([content[place] ^ 0x10])
        index.path.write_bytes(content[:place] + turned + content[place + 1 :])
        assert SessionIndex.load(cache).rows == (said[0] if place in WHEN_WRITTEN else {})
    index.path.write_bytes(b"\0" * len(content))
    assert checked(cache).rows == said[0]


def test_an_index_of_another_version_is_not_used(cache: SessionCache, monkeypatch: pytest.MonkeyPatch) -> None:
    save(cache, hostile())
    assert checked(cache).rows
    monkeypatch.setattr("icat_tui.cache.session_index.HEADER", b"icat-tui index of tomorrow\n")
    assert SessionIndex.load(cache).rows == {}


def test_a_directory_in_its_place_is_as_good_as_none_and_saving_says_so(cache: SessionCache) -> None:
    save(cache, hostile())
    index = SessionIndex.load(cache)
    index.path.mkdir()
    index = SessionIndex.load(cache)
    assert len(check(index).rows) == 1
    for _ in range(2):  # it is not forgotten that there is something to save
        with pytest.raises(SaveError):
            index.save()


def test_nothing_is_written_where_nothing_has_changed(cache: SessionCache) -> None:
    SessionIndex.load(cache).save()
    assert not SessionIndex(cache).path.exists()
    save(cache, hostile())
    index = checked(cache)
    before = index.path.stat()
    assert check(index) == Changes()
    index.save()
    assert index.path.stat() == before


def test_a_run_adds_what_it_saved_to_what_others_did(cache: SessionCache) -> None:
    others, ours = (a_session(Category.OK, ("1", Status.REGISTERED), directory=a_directory(name)) for name in "ab")
    save(cache, others)
    checked(cache)
    run = SessionIndex(cache)
    SessionCache(cache.directory.parent, run.put).save(ours, NOTHING_ON_DISK, NOW)
    run.add_to_saved()
    assert SessionIndex.load(cache).rows == rows_of_files(cache)[0]


def test_a_run_that_saved_little_leaves_a_large_index_as_it_is(cache: SessionCache) -> None:
    large = a_session(
        Category.OK,
        *((f"{number:04}", Status.REGISTERED) for number in range(3 * LARGEST_RATIO)),
        directory=a_directory("a"),
    )
    save(cache, large)
    before = checked(cache).path.stat()
    run = SessionIndex(cache)
    saving = SessionCache(cache.directory.parent, run.put)
    saving.save(a_session(Category.OK, ("1", Status.REGISTERED), directory=a_directory("b")), NOTHING_ON_DISK, NOW)
    run.add_to_saved()
    assert run.path.stat() == before
    assert len(check(SessionIndex.load(cache)).rows) == 1


# -- several at once -------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from msgspec import structs
from icat_tui.domain.status import Category, Status
from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.cache.session_index import SessionIndex
from tests.support.samples import NOW, a_directory, a_session
from tests.support.cached_sessions import NOTHING_ON_DISK

place, me = Path(sys.argv[1]), sys.argv[2]
for turn in range(15):
    index = SessionIndex.load(SessionCache(place))
    cache = SessionCache(place, index.put)
    for proposal in ("shared", me):
        statuses = [(f"{number}", Status.REGISTERED) for number in range(turn % 4)]
        cache.save(a_session(Category.OK, *statuses, directory=a_directory(proposal)), NOTHING_ON_DISK, NOW)
    list(index.check(Cancellation()))
    index.save()
"""


def test_of_several_writers_the_last_one_wins_and_a_check_puts_it_right(cache: SessionCache) -> None:
    arguments = [sys.executable, "-c", WRITER, str(cache.directory.parent)]
    writers = [subprocess.Popen([*arguments, name]) for name in ("cron", "screen")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    index = SessionIndex.load(cache)
    assert index.rows, "whole, whoever wrote it"
    check(index)
    assert (index.rows, index.settled) == rows_of_files(cache)
    assert len(index.rows) == 3
    assert not list(cache.directory.glob(".*")), "no temporary file is left"


def test_it_may_be_used_from_many_threads(cache: SessionCache) -> None:
    sessions = [a_session(Category.OK, directory=a_directory(f"hg{number}")) for number in range(40)]
    index = SessionIndex(cache)
    saving = SessionCache(cache.directory.parent, index.put)

    def work(mine: Iterable[Session]) -> None:
        for session in mine:
            saving.save(session, NOTHING_ON_DISK, NOW)
            check(index)
            index.save()

    threads = [threading.Thread(target=work, args=(sessions[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert index.rows == rows_of_files(cache)[0]
    assert SessionIndex.load(cache).rows == index.rows


# -- whatever happens ------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=8), st.sampled_from(HOSTILE_NAMES)
)
DATASETS = st.lists(st.tuples(TEXTS, st.sampled_from(Status), st.none() | TEXTS), max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), st.integers(0, 3), st.sampled_from(Category), DATASETS, st.sampled_from([0, 3, 60])),
        st.tuples(st.just("drop"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["check", "reload", "tear", "write"])),
    ),
    max_size=12,
)
FORMATS = (RawFormat.ESRFV3, RawFormat.ESRFV1, RawFormat.ESRFV3, RawFormat.MX)
PLACES = [a_directory(name, raw_format=each) for name, each in zip("aabc", FORMATS, strict=True)]
clock = count()


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_after_a_check_it_says_what_the_cache_files_say(steps: list[tuple]) -> None:  # type: ignore[type-arg]  # a word and what it takes
    with tempfile.TemporaryDirectory() as directory:
        cache = SessionCache(Path(directory))
        index = SessionIndex.load(cache)
        shown = index.rows
        for what, *how in steps:
            if what == "save":
                save(cache, a_random(*how[:3]), seconds_old=how[3])
            elif what == "drop":
                cache.drop(PLACES[how[0]])
            elif what == "write":
                index.save()
            elif what == "tear" and index.path.exists():
                os.truncate(index.path, index.path.stat().st_size // 2)
            elif what == "reload":
                index = SessionIndex.load(cache)
                shown = index.rows
            elif what == "check":
                follow(index, shown)
                assert (shown, index.settled) == rows_of_files(cache)
        follow(index, shown)
        assert (shown, index.settled) == rows_of_files(cache)
        assert index.rows == shown


def follow(index: SessionIndex, shown: dict[str, SessionRow]) -> None:
    """Apply the changes to the rows that are shown."""
    for changes in index.check(Cancellation()):
        shown.update((row.directory.path, row) for row in changes.rows)
        for path in changes.gone:
            del shown[path]


def a_random(place: int, category: Category, datasets: list[tuple[str, Status, str | None]]) -> Session:
    directory = PLACES[place]
    return Session(
        directory=directory,
        category=category,
        fit=INSIDE,
        datasets=tuple(
            Dataset(
                path=f"{directory.raw_path}/{name}/{name}_1", collection=name, name="1", status=status, sample=sample
            )
            for name, status, sample in datasets
        ),
        seen_at=NOW.replace(microsecond=next(clock) % 1_000_000),
    )

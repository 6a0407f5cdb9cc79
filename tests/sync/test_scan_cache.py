"""What a scan takes from the cache, what it looks at again, and what it keeps."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.cache.session_cache import CacheEntry, SessionCache
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import CacheUnusable, SavingFailed
from icat_tui.domain.status import Category, Status
from tests.support.catalogue_in_memory import NOTHING, OUTAGE, CatalogueInMemory
from tests.support.modification_times import settle
from tests.support.scanning import LATER, NOW, events_of, plan_of, scanned_one, sessions_of, statuses
from tests.support.sessions_on_disk import add_mx

DAY = timedelta(days=1)


# -- settled ---------------------------------------------------------------------------------------------------------


def test_a_settled_session_is_used_without_a_look_at_disk_or_icat(
    settled: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, touched: list[str]
) -> None:
    first = scanned_one(settled, catalogue, cache=cache)
    assert first.category == Category.OK
    assert touched
    touched.clear()
    catalogue.asked.clear()
    second = scanned_one(settled, catalogue, cache=cache)
    assert (touched, catalogue.asked) == ([], [])
    assert second == structs.replace(first, cached=True)


@pytest.mark.parametrize("made", ["invalid", "empty", "no raw directory"])
def test_also_what_can_not_be_registered_and_what_is_empty_is_settled(
    directory: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, made: str
) -> None:
    catalogue.tell(directory)
    if made == "invalid":
        Path(add_mx(directory, "0001")[0], "metadata.json").write_text("{}")
        settle(directory.path)
    if made == "no raw directory":
        Path(directory.raw_path).rmdir()
    first = scanned_one(directory, catalogue, cache=cache)
    assert first.category == (Category.HAS_INVALID if made == "invalid" else Category.EMPTY)
    assert scanned_one(directory, catalogue, cache=cache).cached


def test_a_settled_session_is_asked_about_again_when_that_is_too_long_ago(
    settled: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    scanned_one(settled, catalogue, cache=cache)
    again = datetime.now(UTC)
    assert scanned_one(settled, catalogue, cache=cache, now=again, max_age=DAY).cached
    catalogue.told[7] = NOTHING
    assert scanned_one(settled, catalogue, cache=cache, now=again + 2 * DAY).cached
    asked = scanned_one(settled, catalogue, cache=cache, now=again + 2 * DAY, max_age=DAY)
    assert (asked.cached, asked.category) == (False, Category.UNKNOWN)


def test_who_wants_it_looks_at_everything_again_and_that_is_kept(
    settled: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, opened: list[str]
) -> None:
    scanned_one(settled, catalogue, cache=cache)
    catalogue.told[7] = NOTHING
    for _ in range(2):
        opened.clear()
        session = scanned_one(settled, catalogue, cache=cache, use_cache=False, now=LATER)
        assert (session.cached, session.category) == (False, Category.UNKNOWN)
        assert opened == ["0001", "0002"]
    assert scanned_one(settled, catalogue, cache=cache, now=LATER).category == Category.UNKNOWN


def test_a_persons_word_on_the_investigation_is_neither_answered_from_the_cache_nor_kept_there(
    settled: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    catalogue.tell(settled, investigation=3)
    before = scanned_one(settled, catalogue, cache=cache)
    assert before.fit
    assert before.fit.id == 7
    by_word = scanned_one(settled, catalogue, cache=cache, investigation=3)
    assert by_word.fit
    assert (by_word.fit.id, by_word.cached) == (3, False)
    assert scanned_one(settled, catalogue, cache=cache) == structs.replace(before, cached=True)


# -- not settled -----------------------------------------------------------------------------------------------------


def scan_twice(
    directory: SessionDirectory,
    catalogue: CatalogueInMemory,
    cache: SessionCache,
    opened: list[str],
    change: Callable[[], object] = lambda: None,
    **options: Any,
) -> list[str]:
    """Scan, change something, scan again; return what the second scan opened. Both say the same as without a cache."""
    options.setdefault("now", LATER)
    for step in range(2):
        opened.clear()
        session = scanned_one(directory, catalogue, cache=cache, **options)
        assert not session.cached
        seen = list(opened)
        assert statuses(session) == statuses(scanned_one(directory, catalogue, **options))
        if step == 0:
            change()
    return seen


def test_icat_is_asked_on_every_run_and_directories_are_listed(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, touched: list[str]
) -> None:
    scanned_one(todo, catalogue, cache=cache, now=LATER)
    touched.clear()
    catalogue.asked.clear()
    catalogue.tell(todo, f"{todo.raw_path}/colA/0002")
    session = scanned_one(todo, catalogue, cache=cache, now=LATER)
    assert statuses(session)["colA/0002"] == Status.REGISTERED
    assert catalogue.asked == [("id99", "hg333"), 7]
    assert {f"scandir {todo.raw_path}", f"scandir {todo.raw_path}/colA"} <= set(touched)
    assert not [path for path in touched if path.startswith("open")]


def test_what_has_not_changed_is_not_read_again(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, opened: list[str]
) -> None:
    assert scan_twice(todo, catalogue, cache, opened) == []


def rewrite(path: str) -> None:
    """Change a file in place; its size and its time of modification stay as they were."""
    file = Path(path, "metadata.json")
    before, content = file.stat(), file.read_text()
    file.write_text(content.replace("2023", "2024"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: str) -> None:
    """Put another file of the same content in the place of one."""
    file = Path(path, "metadata.json")
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.rename(file)


@pytest.mark.parametrize(
    "change",
    [
        rewrite,
        replace,
        lambda path: Path(path, "metadata.json").write_text("{}"),
        lambda path: Path(path, "metadata.json").unlink(),
        lambda path: Path(path, "more").touch(),
        os.utime,
        lambda path: os.utime(Path(path, "metadata.json")),
        lambda path: os.chmod(path, 0o700),
    ],
)
def test_whatever_has_changed_is_read_again_and_nothing_else(
    todo: SessionDirectory,
    catalogue: CatalogueInMemory,
    cache: SessionCache,
    opened: list[str],
    change: Callable[[str], object],
) -> None:
    read = scan_twice(todo, catalogue, cache, opened, lambda: change(f"{todo.raw_path}/colA/0002"))
    assert set(read) <= {"0002"}  # a dataset without its file is mx no more
    assert read or not Path(todo.raw_path, "colA/0002/metadata.json").exists()


def test_what_is_new_is_read_and_nothing_else(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, opened: list[str]
) -> None:
    def add() -> None:
        Path(todo.raw_path, "colB/0009").mkdir(parents=True)
        Path(todo.raw_path, "colB/0009/metadata.json").write_text("{}")

    assert scan_twice(todo, catalogue, cache, opened, add) == ["0009"]


def test_what_icat_has_no_more_is_read(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, opened: list[str]
) -> None:
    def forget() -> None:
        catalogue.told[7] = NOTHING
        cache.known_session = lambda _: None  # type: ignore[assignment, method-assign] # as if a person had said that it was lost

    assert scan_twice(todo, catalogue, cache, opened, forget) == ["0001"]


HOURS, SECONDS = timedelta(hours=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    "scans",
    [
        {HOURS: True, 2 * HOURS: True, 3 * HOURS: False},
        {HOURS: True, HOURS + 9 * SECONDS: True, 3 * HOURS: True},
        {HOURS: True, HOURS + 11 * SECONDS: True, 3 * HOURS: False},
        {25 * HOURS: True, 26 * HOURS: False},
    ],
)
def test_a_young_stamp_is_trusted_only_when_it_was_seen_ten_seconds_before_an_earlier_scan(
    todo: SessionDirectory,
    catalogue: CatalogueInMemory,
    cache: SessionCache,
    opened: list[str],
    scans: dict[timedelta, bool],
) -> None:
    begin = datetime.now(UTC)
    for age, reads in scans.items():
        opened.clear()
        scanned_one(todo, catalogue, cache=cache, now=begin + age)
        assert opened == (["0002", "0003", "0004"] if reads else []), age


def test_with_no_fingerprint_age_every_stamp_of_the_past_is_trusted(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, opened: list[str]
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    assert scan_twice(todo, catalogue, cache, opened, now=soon, fingerprint_age=timedelta()) == []


def test_a_stamp_of_the_future_is_never_trusted_for_its_age(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, opened: list[str]
) -> None:
    os.utime(f"{todo.raw_path}/colA/0002", (LATER.timestamp() + 5, LATER.timestamp() + 5))
    assert scan_twice(todo, catalogue, cache, opened) == ["0002"]


def test_what_could_not_be_read_is_read_again(
    todo: SessionDirectory,
    catalogue: CatalogueInMemory,
    cache: SessionCache,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = f"{todo.raw_path}/colA/0002/metadata.json"
    opening = os.open

    def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
        if path == lost:
            raise OSError(5, "Input/output error", path)
        return opening(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refusing)
        session = scanned_one(todo, catalogue, cache=cache, now=LATER)
    assert statuses(session)["colA/0002"] == Status.UNKNOWN
    opened.clear()
    again = scanned_one(todo, catalogue, cache=cache, now=LATER)
    assert statuses(again)["colA/0002"] == Status.UNREGISTERED
    assert opened == ["0002"]


# -- what is kept ----------------------------------------------------------------------------------------------------


def test_what_is_in_progress_is_looked_at_again(
    settled: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    """A dataset that somebody put into an old session is to be registered an hour later."""
    os.utime(add_mx(settled, "0003")[0])
    session = scanned_one(settled, catalogue, cache=cache, now=datetime.now(UTC))
    assert (session.category, session.counts[Status.IN_PROGRESS]) == (Category.TODO_ONGOING, 1)
    assert scanned_one(settled, catalogue, cache=cache, now=LATER).category == Category.TODO


def test_a_session_that_could_not_be_determined_leaves_what_was_known(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scanned_one(todo, catalogue, cache=cache)
    content = cache.path(todo).read_bytes()
    told, catalogue.told = catalogue.told, {("id99", "hg333"): OUTAGE}
    assert scanned_one(todo, catalogue, cache=cache).category == Category.UNKNOWN
    catalogue.told = told | {7: OUTAGE}
    assert scanned_one(todo, catalogue, cache=cache).category == Category.UNKNOWN
    catalogue.told = told
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refusing)
        assert scanned_one(todo, catalogue, cache=cache).category == Category.UNKNOWN
    assert cache.path(todo).read_bytes() == content
    entry = cache.entry(todo)
    assert isinstance(entry, CacheEntry)
    assert entry.session == before


def refusing(path: object) -> None:
    raise OSError(116, "Stale file handle", path)


def test_a_session_that_could_not_be_determined_is_not_kept(
    todo: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    catalogue.told["id99", "hg333"] = OUTAGE
    scanned_one(todo, catalogue, cache=cache)
    assert cache.entry(todo) is None


@pytest.mark.parametrize("how", ["gap", "collection", "dataset"])
def test_what_is_partly_unknown_is_kept_and_never_as_settled(
    settled: SessionDirectory,
    catalogue: CatalogueInMemory,
    cache: SessionCache,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    scandir, lost = os.scandir, f"{settled.raw_path}/colB"
    add_mx(settled, "0003", collection="colB")
    catalogue.tell(settled, f"{lost}/0003", file_count=0)
    match how:
        case "gap":
            catalogue.told[7] = structs.replace(catalogue.told[7], rows=(), unreadable=("id 5",))
        case "dataset":
            lost += "/0003"
    if how != "gap":
        monkeypatch.setattr(os, "scandir", lambda path: refusing(path) if path == lost else scandir(path))
    session = scanned_one(settled, catalogue, cache=cache)
    assert session.category == Category.UNKNOWN
    entry = cache.entry(settled)
    assert isinstance(entry, CacheEntry)
    assert not entry.settled
    assert not scanned_one(settled, catalogue, cache=cache).cached


# -- a cache that fails ----------------------------------------------------------------------------------------------


def test_a_torn_cache_file_is_told_of_and_the_session_is_scanned(
    settled: SessionDirectory, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    before = scanned_one(settled, catalogue, cache=cache)
    path = cache.path(settled)
    path.write_bytes(path.read_bytes()[:-9])
    events = events_of(plan_of([settled], catalogue, cache=cache))
    (unusable,) = (event for event in events if isinstance(event, CacheUnusable))
    assert unusable.path == str(path)
    (session,) = sessions_of(events).values()
    assert (statuses(session), session.cached) == (statuses(before), False)
    assert scanned_one(settled, catalogue, cache=cache).cached


@pytest.mark.parametrize("number", [28, 30, 13, 122])
def test_a_cache_that_can_not_be_written_is_told_of_and_costs_nothing_else(
    settled: SessionDirectory,
    catalogue: CatalogueInMemory,
    cache: SessionCache,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    before = scanned_one(settled, catalogue, cache=cache)
    content = cache.path(settled).read_bytes()

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    events = events_of(plan_of([settled], catalogue, cache=cache, use_cache=False))
    (failed,) = (event for event in events if isinstance(event, SavingFailed))
    assert failed.path == str(cache.path(settled))
    assert os.strerror(number) in failed.reason
    (session,) = sessions_of(events).values()
    assert statuses(session) == statuses(before)
    assert cache.path(settled).read_bytes() == content


def test_without_a_cache_nothing_is_written(
    settled: SessionDirectory, catalogue: CatalogueInMemory, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    scanned_one(settled, catalogue, now=NOW)
    assert sorted(tmp_path.rglob("*")) == before

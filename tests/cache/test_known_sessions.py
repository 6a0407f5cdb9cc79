"""Every session that a cache knows comes once: ours first, then what earlier programs left."""

import json
from pathlib import Path

from msgspec import structs

from icat_tui.cache.known_sessions import known_sessions, last_known
from icat_tui.cache.session_cache import SessionCache, Unreadable
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session
from icat_tui.domain.status import Category, Status
from tests.support.cached_sessions import NOTHING_ON_DISK
from tests.support.samples import NOW, a_directory, a_session
from tests.support.time_slot import FACILITY

OLD_FILES = Path(__file__).parents[1] / "data/old_caches/pyicat_plus_2_2_0/esrfv3"
ALL = tuple(RawFormat)


def leave_old_files(cache: SessionCache) -> list[str]:
    """Lay files of icat-sync-raw where it leaves them; return the paths of their sessions."""
    directory = cache.directory.parent / "esrfv3"
    directory.mkdir(parents=True)
    for file in OLD_FILES.iterdir():
        (directory / file.name).write_bytes(file.read_bytes())
    return sorted(json.loads(file.read_text())["session_dir"].rstrip("/") for file in OLD_FILES.iterdir())


def paths(found: list[Session | Unreadable]) -> list[str]:
    return [each.directory.path for each in found if isinstance(each, Session)]


def test_ours_come_first_and_each_session_once(cache: SessionCache) -> None:
    old = leave_old_files(cache)
    proposal, beamline, date = old[0].split("/")[-3:]
    again = structs.replace(a_directory(), path=old[0], proposal=proposal, beamline=beamline, date=date)
    ours = a_session(Category.OK, ("0001", Status.REGISTERED), directory=again)
    cache.save(ours, NOTHING_ON_DISK, NOW)
    found = list(known_sessions(cache, ALL, FACILITY))
    assert found[0] == ours
    assert sorted(paths(found)) == old
    assert [each.stale for each in found[1:] if isinstance(each, Session)] == [True] * (len(old) - 1)


def test_only_the_formats_that_are_asked_for_come(cache: SessionCache) -> None:
    leave_old_files(cache)
    assert list(known_sessions(cache, [RawFormat.MX], FACILITY)) == []


def test_a_file_that_is_torn_is_told_of_and_spoils_no_other(cache: SessionCache) -> None:
    kept = a_session(Category.OK, ("0001", Status.REGISTERED))
    torn = a_session(
        Category.OK, ("0001", Status.REGISTERED), directory=structs.replace(a_directory(), path="/d/p/b/20200101")
    )
    for session in (kept, torn):
        cache.save(session, NOTHING_ON_DISK, NOW)
    cache.path(torn.directory).write_bytes(b"{")
    found = list(known_sessions(cache, ALL, FACILITY))
    assert paths(found) == [kept.directory.path]
    assert [each.path for each in found if isinstance(each, Unreadable)] == [str(cache.path(torn.directory))]


def test_the_last_that_is_known_is_marked_as_what_was_known_before(cache: SessionCache) -> None:
    session = a_session(Category.OK, ("0001", Status.REGISTERED))
    assert last_known(cache, session.directory, FACILITY) is None
    cache.save(session, NOTHING_ON_DISK, NOW)
    assert last_known(cache, session.directory, FACILITY) == structs.replace(session, stale=True)


def test_the_last_that_is_known_may_be_what_an_earlier_program_left(cache: SessionCache) -> None:
    old = leave_old_files(cache)[0]
    proposal, beamline, date = old.split("/")[-3:]
    directory = structs.replace(a_directory(), path=old, proposal=proposal, beamline=beamline, date=date)
    found = last_known(cache, directory, FACILITY)
    assert found is not None
    assert (found.directory.path, found.stale) == (old, True)
    elsewhere = structs.replace(directory, path=f"/elsewhere{old}")
    assert last_known(cache, elsewhere, FACILITY) is None, "it is of another place"

"""The store owns what the UI knows of sessions: few ways in, and every change told of once."""

import pytest

from icat_tui.cache.session_index import Changes
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.status import Category
from icat_tui.domain.summary import SessionRow, session_row
from icat_tui.tui.state.session_store import AT_HAND, StoreChange
from tests.support.cached_sessions import NOTHING_ON_DISK
from tests.support.kept_sessions import KeptSessions, a_scanned_session
from tests.support.samples import NOW, a_directory


def undetermined(proposal: str) -> Session:
    return a_scanned_session(proposal, determined=False, category=Category.UNKNOWN)


def path(proposal: str) -> str:
    return a_directory(proposal).path


def test_it_begins_with_what_the_index_says(kept: KeptSessions) -> None:
    assert dict(kept.store.rows) == {path(name): session_row(a_scanned_session(name)) for name in ("p1", "p2")}
    assert not kept.changes


def test_nobody_changes_rows_but_by_its_methods(kept: KeptSessions) -> None:
    with pytest.raises(TypeError):
        kept.store.rows[path("p1")] = SessionRow(directory=a_directory("p1"))  # type: ignore[index]


def test_a_directory_that_is_found_keeps_what_is_known_of_it(kept: KeptSessions) -> None:
    kept.store.take([a_directory("p1"), a_directory("p3")])
    assert kept.store.rows[path("p1")].category == Category.OK
    assert kept.store.rows[path("p3")] == SessionRow(directory=a_directory("p3"))
    assert kept.changes == [StoreChange(taken=(path("p1"), path("p3")))]


def test_a_row_is_made_once_when_its_session_is_saved(kept: KeptSessions) -> None:
    session = a_scanned_session("p4")
    kept.cache.save(session, NOTHING_ON_DISK, NOW)
    kept.store.take(sessions=[session])
    assert kept.store.rows[path("p4")] is kept.index.rows[path("p4")]
    assert kept.changes == [StoreChange(taken=(path("p4"),))]


def test_a_row_that_comes_with_its_session_is_taken_as_it_is(kept: KeptSessions) -> None:
    session = a_scanned_session("p4")
    row = session_row(session)
    kept.store.take([row], [session])
    assert kept.store.rows[path("p4")] is row
    assert kept.store.at_hand(path("p4")) is session


def test_only_the_last_sessions_are_kept_in_full_and_those_that_no_file_has(kept: KeptSessions) -> None:
    lost = undetermined("lost")
    kept.store.take(sessions=[lost, *(a_scanned_session(f"q{number}") for number in range(AT_HAND))])
    assert kept.store.at_hand(path("lost")) == lost
    kept.store.take(sessions=[a_scanned_session("q9")])
    assert kept.store.at_hand(path("q0")) is None
    assert kept.store.at_hand(path("q1")) is not None
    assert kept.store.rows[path("q0")].category == Category.OK, "its row stays"


def test_what_is_not_at_hand_is_read_from_the_cache(kept: KeptSessions) -> None:
    assert kept.store.at_hand(path("p1")) is None
    assert kept.store.load(a_directory("p1")) == a_scanned_session("p1")
    assert kept.store.at_hand(path("p1")) == a_scanned_session("p1")
    assert kept.store.load(a_directory("p9")) is None


def test_what_is_dropped_shows_as_not_scanned_and_what_is_gone_not_at_all(kept: KeptSessions) -> None:
    for each in (a_directory("p1"), a_directory("p2")):
        kept.store.set_aside(each)
    kept.store.drop([a_directory("p1")], [a_directory("p2")])
    assert dict(kept.store.rows) == {path("p1"): SessionRow(directory=a_directory("p1"))}
    assert kept.store.load(a_directory("p1")) is None
    assert kept.changes == [StoreChange(indexed=(path("p1"),), gone=(path("p2"),))]


def test_what_has_no_cache_file_any_more_is_not_scanned_but_what_was_found_out_meanwhile_stays(
    kept: KeptSessions,
) -> None:
    kept.store.take(sessions=[undetermined("p2")])
    kept.store.changed(Changes(gone=(path("p1"), path("p2"), path("p9"))))
    assert kept.store.rows[path("p1")] == SessionRow(directory=a_directory("p1"))
    assert kept.store.rows[path("p2")].category == Category.UNKNOWN
    assert kept.changes[-1] == StoreChange(indexed=(path("p1"),))


def test_what_the_cache_says_otherwise_is_taken(kept: KeptSessions) -> None:
    row = session_row(a_scanned_session("p1", category=Category.TODO))
    kept.store.changed(Changes(rows=(row,)))
    assert kept.store.rows[path("p1")] is row
    assert kept.changes == [StoreChange(indexed=(path("p1"),))]


def test_everything_comes_once_and_what_is_not_determined_now_as_it_was(kept: KeptSessions) -> None:
    kept.store.take(sessions=[undetermined("p2"), undetermined("p3")])
    found = {session.directory.path: session for session in kept.store.everything()}
    assert found == {
        path("p1"): a_scanned_session("p1"),
        path("p2"): a_scanned_session("p2", stale=True),
        path("p3"): undetermined("p3"),
    }


def test_of_those_that_are_asked_for_only_what_is_known_comes(kept: KeptSessions) -> None:
    asked: list[SessionDirectory] = [a_directory("p2"), a_directory("p9")]
    assert list(kept.store.these(asked)) == [a_scanned_session("p2")]

"""The one way to send: locks held, cache files dropped, and nothing at all where sending is forbidden."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import UsageError
from icat_tui.domain.scan_events import SavingFailed
from icat_tui.domain.status import Category
from icat_tui.ingest.send_events import MessageAccepted, SendingFinished
from icat_tui.journal.writer import Journal
from icat_tui.sync.register import register
from icat_tui.sync.resume import resume
from icat_tui.sync.session_lock import SessionLockedError, locked
from icat_tui.sync.site import Site
from icat_tui.sync.store import store
from icat_tui.sync.store_request import AddFilesRequest
from icat_tui.sync.submit import MessageSkipped, Outbox, Parcel, Submission, look_again
from tests.support.journal_entries import messages, records_in
from tests.support.live_facility import LiveFacility
from tests.support.scripted_broker import accept
from tests.support.submissions import TERMS, directory_of, planned, submission_of

FORBIDDEN = "nothing can be sent, as a test says so"
SITE = Site(facility=TERMS.facility, origin=TERMS.origin)


def in_order(events: Iterable[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


@pytest.mark.parametrize("way", ["register", "resume", "store"])
def test_where_it_is_forbidden_no_way_leads_to_a_broker_or_into_the_journal(facility: LiveFacility, way: str) -> None:
    path = facility.session(unregistered=1)
    allowed = submission_of(facility)
    plan = planned(path, allowed)
    submission = structs.replace(allowed, forbidden=FORBIDDEN)
    ways: dict[str, Callable[[], Iterable[object]]] = {
        "register": lambda: register([plan], TERMS, submission, Cancellation()),
        "resume": lambda: resume([], submission, SITE, Cancellation()),
        "store": lambda: store([AddFilesRequest(1)], submission, SITE, Cancellation()),
    }
    with pytest.raises(UsageError, match=FORBIDDEN):
        list(ways[way]())
    assert facility.broker.connections == 0
    assert not records_in(facility.journal)


def test_what_happens_to_messages_is_told_before_what_comes_after_it(facility: LiveFacility) -> None:
    changed = {"m0001": "it has changed", "m0002": "so has this"}
    facility.broker.script = accept
    with Outbox(submission_of(facility), Cancellation()) as outbox:
        outbox.plan(messages(3))
        events = list(outbox.send([Parcel(messages(3), "/data/here", lambda _: changed)]))
    assert in_order(events)[0] == "MessageSkipped"
    assert [event.message.id for event in events if isinstance(event, MessageSkipped)] == ["m0001", "m0002"]
    assert [event.message.id for event in events if isinstance(event, MessageAccepted)] == ["m0000"]
    assert isinstance(events[-1], SendingFinished)


def test_a_lock_is_held_until_everything_is_sent(facility: LiveFacility) -> None:
    submission, path = submission_of(facility), str(facility.session(unregistered=1))
    with Outbox(submission, Cancellation()) as outbox:
        outbox.lock(path)
        outbox.lock(path)
        with pytest.raises(SessionLockedError), locked(facility.state_dir, path, TERMS.facility):
            pass
        list(outbox.send([]))
        with pytest.raises(SessionLockedError), locked(facility.state_dir, path, TERMS.facility):
            pass
    with locked(facility.state_dir, path, TERMS.facility):
        pass


def test_a_cache_file_that_stays_is_told_of_and_sending_goes_on(
    facility: LiveFacility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = SessionCache(tmp_path / "cache")
    submission, path = submission_of(facility, cache=cache), facility.session(unregistered=1)
    assert look_again(directory_of(path), submission, Cancellation(), keep=True)
    kept = cache.path(directory_of(path))
    assert kept.exists()
    unlink = Path.unlink

    def refuse(file: Path, *args: Any, **kwargs: Any) -> None:
        if file == kept:
            raise PermissionError(13, "Permission denied")
        unlink(file, *args, **kwargs)

    monkeypatch.setattr(Path, "unlink", refuse)
    facility.broker.script = accept
    with Outbox(submission, Cancellation()) as outbox:
        outbox.plan(messages(1))
        events = list(outbox.send([Parcel(messages(1), str(path), lambda _: {}, directory_of(path))]))
    assert [event.path for event in events if isinstance(event, SavingFailed)] == [str(kept)]
    assert any(isinstance(event, MessageAccepted) for event in events)


def test_cancelling_closes_the_catalogue_while_the_outbox_is_open_and_not_after_it(journal: Journal) -> None:
    closed: list[bool] = []
    submission = Submission(
        catalogue=Mock(close=lambda: closed.append(True)),
        surroundings=Mock(),
        view=Mock(),
        journal=journal,
        broker=Mock(),
    )
    ended, cancelled = Cancellation(), Cancellation()
    with Outbox(submission, ended):
        pass
    ended.cancel()
    assert closed == []
    with Outbox(submission, cancelled):
        cancelled.cancel()
        assert closed == [True]


def test_to_look_again_is_to_ask_icat_whatever_the_cache_has(facility: LiveFacility, tmp_path: Path) -> None:
    submission = submission_of(facility, cache=SessionCache(tmp_path / "cache"))
    directory = directory_of(facility.session(registered=1))
    first = look_again(directory, submission, Cancellation(), keep=True)
    assert first
    assert first.category == Category.OK
    facility.place.icatplus.fault = lambda _: (403, "")
    second = look_again(directory, submission, Cancellation(), keep=True)
    assert second
    assert second.category == Category.UNKNOWN


def test_to_look_again_with_a_choice_is_to_look_with_that_investigation(facility: LiveFacility) -> None:
    facility.session("hg333/id10/20231001", unregistered=1)
    submission, directory = submission_of(facility), directory_of(facility.session("hg333/id10/20231019"))
    by_rule = look_again(directory, submission, Cancellation())
    assert by_rule
    assert by_rule.fit
    other = min(each.id for each in by_rule.candidates)
    assert other != by_rule.fit.id
    chosen = look_again(directory, submission, Cancellation(), other)
    assert chosen
    assert chosen.fit
    assert chosen.fit.id == other


def test_without_a_catalogue_nobody_can_look_again(facility: LiveFacility) -> None:
    submission: Submission = submission_of(facility, catalogue=None)
    assert look_again(directory_of(facility.session(unregistered=1)), submission, Cancellation()) is None

"""The one way to send: locks held, cache files dropped, and nothing at all where sending is forbidden."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import UsageError
from icat_tui.domain.message import Message
from icat_tui.domain.scan_events import SavingFailed
from icat_tui.ingest.send_events import MessageAccepted, SendingFinished
from icat_tui.sync.register import register
from icat_tui.sync.resume import resume
from icat_tui.sync.session_lock import SessionLockedError, locked
from icat_tui.sync.site import Site
from icat_tui.sync.store import store
from icat_tui.sync.store_request import AddFilesRequest
from icat_tui.sync.submit import MessageSkipped, Outbox, Submission, look_again
from tests.support.journal_entries import message, messages
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
    assert not facility.journal.exists()


def test_what_happens_to_messages_is_told_before_what_comes_after_it(facility: LiveFacility) -> None:
    def some_hold() -> Iterable[Message]:
        outbox.skip([message(1)], "it has changed")
        yield message(0)
        outbox.skip([message(2)], "so has this")

    facility.broker.script = accept
    with Outbox(submission_of(facility), Cancellation()) as outbox:
        outbox.plan(messages(3))
        events = list(outbox.send(some_hold()))
    assert in_order(events)[0] == "MessageSkipped"
    assert [event.message.id for event in events if isinstance(event, MessageSkipped)] == ["m0001", "m0002"]
    assert [event.message.id for event in events if isinstance(event, MessageAccepted)] == ["m0000"]
    assert isinstance(events[-1], SendingFinished)


def test_a_lock_is_held_until_everything_is_sent(facility: LiveFacility) -> None:
    submission, directory = submission_of(facility), directory_of(facility.session(unregistered=1))
    with Outbox(submission, Cancellation()) as outbox:
        outbox.lock(directory)
        outbox.lock(directory)
        with pytest.raises(SessionLockedError), locked(submission.state_dir, directory):
            pass
        list(outbox.send([]))
        with pytest.raises(SessionLockedError), locked(submission.state_dir, directory):
            pass
    with locked(submission.state_dir, directory):
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
        outbox.drop_cached(directory_of(path))
        outbox.plan(messages(1))
        events = list(outbox.send(messages(1)))
    assert [event.path for event in events if isinstance(event, SavingFailed)] == [str(kept)]
    assert any(isinstance(event, MessageAccepted) for event in events)


def test_without_a_catalogue_nobody_can_look_again(facility: LiveFacility) -> None:
    submission: Submission = submission_of(facility, catalogue=None)
    assert look_again(directory_of(facility.session(unregistered=1)), submission, Cancellation()) is None

"""Plans that were never sent: they are taken up session by session, as disk, ICAT and journal are by then."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.ingest.send_events import MessageAccepted
from icat_tui.journal.sendings import Sending
from icat_tui.journal.writer import Journal
from icat_tui.sync.resume import resume
from icat_tui.sync.session_lock import locked
from icat_tui.sync.site import Site
from icat_tui.sync.submit import MessageSkipped, SessionLocked, Submission, SubmitEvent, look_again
from tests.support.journal_entries import index_of
from tests.support.live_facility import LiveFacility
from tests.support.submissions import TERMS, directory_of, planned, submission_of
from tests.support.time_slot import FACILITY


def in_journal(facility: LiveFacility, path: Path) -> Sequence[Sending]:
    """Write the plan of a session down, and return it as the journal has it."""
    plan = planned(path, submission_of(facility))
    Journal(facility.journal).record_plans([offer.message for offer in plan.offers])
    return list(index_of(facility.journal).planned())


def resumed(facility: LiveFacility, plans: Sequence[Sending], submission: Submission) -> list[SubmitEvent]:
    site = Site(facility=FACILITY, origin=TERMS.origin, data_roots=(str(facility.place.root),))
    return list(resume(plans, submission, site, Cancellation()))


def test_what_still_holds_is_sent_byte_for_byte(facility: LiveFacility) -> None:
    path = facility.session(unregistered=2)
    plans = in_journal(facility, path)
    events = resumed(facility, plans, submission_of(facility))
    accepted = [event.message for event in events if isinstance(event, MessageAccepted)]
    assert [message.id for message in accepted] == [plan.id for plan in plans]
    assert facility.bodies == [message.body for message in accepted]


def test_a_session_that_somebody_registers_is_told_and_its_plans_stay(facility: LiveFacility) -> None:
    path = facility.session(unregistered=1)
    plans = in_journal(facility, path)
    with locked(facility.state_dir, str(path), FACILITY):
        events = resumed(facility, plans, submission_of(facility))
    assert [event.path for event in events if isinstance(event, SessionLocked)] == [str(path)]
    assert not [event for event in events if isinstance(event, MessageSkipped)]
    assert facility.broker.connections == 0
    assert [plan.id for plan in index_of(facility.journal).planned()] == [plans[0].id]


def test_the_cache_forgets_a_session_before_anything_is_sent(facility: LiveFacility, tmp_path: Path) -> None:
    path = facility.session(unregistered=1)
    submission = submission_of(facility, cache=SessionCache(tmp_path / "cache"))
    assert look_again(directory_of(path), submission, Cancellation(), keep=True)
    file = SessionCache(tmp_path / "cache").path(directory_of(path))
    there = [file.exists()]

    def look(client: Any, frame: Any) -> None:
        there.append(file.exists())
        facility.ingester(client, frame)

    facility.broker.script = look
    resumed(facility, in_journal(facility, path), submission)
    assert there == [True, False]


def test_what_another_run_sent_meanwhile_is_skipped(facility: LiveFacility) -> None:
    path = facility.session(unregistered=1)
    plans = in_journal(facility, path)
    first = resumed(facility, plans, submission_of(facility))
    assert any(isinstance(event, MessageAccepted) for event in first)
    (skipped,) = [
        event for event in resumed(facility, plans, submission_of(facility)) if isinstance(event, MessageSkipped)
    ]
    assert skipped.reason == "it was sent meanwhile, or something else about the same dataset was"
    assert len(facility.bodies) == 1

"""Between confirmation and sending: what has changed is skipped and reported, the rest is sent byte for byte.

Promises 3 and 8.
"""

import multiprocessing
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.message import Message
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.send_events import MessageAccepted, SendingFinished
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.records import RecordKind
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sandbox.fake_icatplus import CatalogueEntry
from icat_tui.sync.register import register
from icat_tui.sync.session_lock import locked
from icat_tui.sync.submit import MessageSkipped, SessionLocked, Submission, SubmitEvent, look_again
from tests.support.bliss import ENDED, write_bliss
from tests.support.journal_entries import shared_journal
from tests.support.live_facility import LiveFacility, dataset, serving_facility
from tests.support.modification_times import settle
from tests.support.place import KEY, START
from tests.support.scripted_broker import Client, Frame, broker_at
from tests.support.submissions import TERMS, directory_of, planned, submission_of
from tests.support.time_slot import FACILITY
from tests.support.users import GROUP, become


def skipped(events: list[SubmitEvent]) -> dict[str, str]:
    return {event.message.dataset: event.reason for event in events if isinstance(event, MessageSkipped)}


def finished(events: list[SubmitEvent]) -> SendingFinished:
    assert isinstance(events[-1], SendingFinished)
    return events[-1]


# -- promise 3 -------------------------------------------------------------------------------------------------------


def file_of(path: Path, collection: str) -> Path:
    return Path(dataset(path, collection), f"{collection}_0001.h5")


def rewritten(facility: LiveFacility, path: Path) -> str:
    write_bliss(file_of(path, "unregistered"), {"1.1": {**ENDED, "sample/name": "another"}})
    settle(path)
    return dataset(path, "unregistered")


def removed(facility: LiveFacility, path: Path) -> str:
    shutil.rmtree(dataset(path, "unregistered"))
    settle(path)
    return dataset(path, "unregistered")


def touched(facility: LiveFacility, path: Path) -> str:
    os.utime(file_of(path, "unregistered"))
    return dataset(path, "unregistered")


def torn(facility: LiveFacility, path: Path) -> str:
    os.truncate(file_of(path, "unregistered"), 100)
    settle(path)
    return dataset(path, "unregistered")


def edited(facility: LiveFacility, path: Path) -> str:
    stored = path / "RAW_DATA" / "__icat__" / "uploaded_0001.xml"
    stored.write_text(stored.read_text().replace("sB", "sC"))
    settle(path)
    return dataset(path, "uploaded")


def taken_away(facility: LiveFacility, path: Path) -> str:
    (path / "RAW_DATA" / "__icat__" / "uploaded_0001.xml").unlink()
    settle(path)
    return dataset(path, "uploaded")


def registered_meanwhile(facility: LiveFacility, path: Path) -> str:
    entry = CatalogueEntry("0001", dataset(path, "uploaded"), START, START, "sB", 1)
    facility.place.icatplus.state.add_dataset(facility.place.investigations, entry)
    return dataset(path, "uploaded")


def counted_meanwhile(facility: LiveFacility, path: Path) -> str:
    facility.ingester.count(1)
    return dataset(path, "files")


def emptied(facility: LiveFacility, path: Path) -> str:
    file_of(path, "files").unlink()
    settle(path)
    return dataset(path, "files")


def sent_meanwhile(facility: LiveFacility, path: Path) -> str:
    other = planned(path, submission_of(facility))
    (message,) = [offer.message for offer in other.offers if offer.dataset.path == dataset(path, "files")]
    journal = Journal(facility.journal)
    journal.record_plans([message])
    journal.record_intents([message])
    return dataset(path, "files")


CHANGES: dict[Callable[[LiveFacility, Path], str], str] = {
    rewritten: "what would be sent has changed",
    removed: "it is no longer on disk",
    touched: "it is in progress now",
    torn: "it is invalid now",
    edited: "what would be sent has changed",
    taken_away: "it is unregistered now",
    registered_meanwhile: "it is registered now",
    counted_meanwhile: "it is registered now",
    emptied: "it is registered now: no files on disk either",
    sent_meanwhile: "it is pending now: no receipt",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_has_changed_since_the_yes_is_skipped_and_the_rest_sent_byte_for_byte(
    facility: LiveFacility, change: Callable[[LiveFacility, Path], str]
) -> None:
    path = facility.session(unregistered=2, not_uploaded=2, without_files=2)
    submission = submission_of(facility)
    plan = planned(path, submission)
    assert len(list(plan.offers)) == 6
    changed = change(facility, path)
    events = list(register([plan], TERMS, submission, Cancellation()))
    (said,) = skipped(events).items()
    assert said[0] == changed
    assert said[1].startswith(CHANGES[change])
    expected = [offer.message for offer in plan.offers if offer.dataset.path != changed]
    assert facility.bodies == [message.body for message in expected]
    assert [event.message for event in events if isinstance(event, MessageAccepted)] == expected
    assert finished(events).accepted == 5


def test_what_was_sent_meanwhile_is_skipped_though_it_is_pending_no_more(facility: LiveFacility) -> None:
    path = facility.session(without_files=1)
    view = JournalView(facility.journal, FACILITY)
    later = datetime.now(UTC) + timedelta(hours=1)
    around = Surroundings(facility=FACILITY, now=later, sent=view, pending_timeout=timedelta(minutes=1))
    submission = submission_of(facility, surroundings=around, view=view)
    plan = planned(path, submission)
    sent_meanwhile(facility, path)
    events = list(register([plan], TERMS, submission, Cancellation()))
    assert skipped(events) == {dataset(path, "files"): "what would be sent has changed since it was confirmed"}
    assert facility.broker.connections == 0


def test_in_an_outage_nothing_is_sent(facility: LiveFacility) -> None:
    path = facility.session(unregistered=1, without_files=1)
    submission = submission_of(facility)
    plan = planned(path, submission)
    facility.place.icatplus.fault = lambda _: (403, "")
    events = list(register([plan], TERMS, submission, Cancellation()))
    assert set(skipped(events)) == {dataset(path, "unregistered"), dataset(path, "files")}
    assert all(reason.startswith("it is unknown now: ") for reason in skipped(events).values())
    assert facility.broker.connections == 0


def test_an_investigation_that_no_longer_fits_needs_a_choice_again(facility: LiveFacility) -> None:
    path = facility.session(unregistered=1, without_files=1)
    submission = submission_of(facility)
    plan = planned(path, submission)
    slot = facility.place.icatplus.state._investigations[1]
    slot["startDate"], slot["endDate"] = "2023-06-01T08:00:00.000+02:00", "2023-06-04T08:00:00.000+02:00"
    events = list(register([plan], TERMS, submission, Cancellation()))
    assert skipped(events) == {
        dataset(path, "unregistered"): "its investigation is far: choose one with --investigation"
    }
    assert finished(events).accepted == 1


def test_every_message_stands_in_the_journal_before_the_first_goes_out(facility: LiveFacility) -> None:
    paths = [facility.session(f"hg{number}/id10/20231019", unregistered=2) for number in range(2)]
    seen: list[int] = []

    def looking(client: Client, frame: Frame) -> None:
        seen.append(sum(record.record is RecordKind.PLAN for record in facility.records))
        facility.ingester(client, frame)

    facility.broker.script = looking
    submission = submission_of(facility)
    plans = [planned(path, submission) for path in paths]
    assert finished(list(register(plans, TERMS, submission, Cancellation()))).accepted == 4
    assert set(seen) == {4}


def test_a_cancelled_registration_sends_nothing_more_and_says_nothing_of_the_rest(facility: LiveFacility) -> None:
    paths = [facility.session(f"hg{number}/id10/20231019", unregistered=1) for number in range(3)]
    cancellation, submission = Cancellation(), submission_of(facility)
    slow = broker_at(facility.broker.address, rate=5.0)  # one at a time

    def last(client: Client, frame: Frame) -> None:
        facility.ingester(client, frame)
        cancellation.cancel()

    facility.broker.script = last
    plans = [planned(path, submission) for path in paths]
    events = list(register(plans, TERMS, submission_of(facility, broker=slow), cancellation))
    assert finished(events).cancelled
    assert finished(events).accepted == len(facility.broker.sent)
    assert 1 <= len(facility.broker.sent) < 3
    assert not skipped(events)
    outcomes = [record.record for record in facility.records]
    assert outcomes.count(RecordKind.INTENT) == outcomes.count(RecordKind.OUTCOME) == len(facility.broker.sent)


# -- promise 8 -------------------------------------------------------------------------------------------------------


def test_a_locked_session_is_left_alone_and_the_others_are_sent(facility: LiveFacility, tmp_path: Path) -> None:
    paths = [facility.session(f"hg{number}/id10/20231019", unregistered=1) for number in range(2)]
    cache = SessionCache(tmp_path / "cache")
    submission = submission_of(facility, cache=cache)
    plans = [planned(path, submission) for path in paths]
    for path in paths:
        look_again(directory_of(path), submission, Cancellation(), keep=True)
    with locked(facility.state_dir, str(paths[0]), FACILITY):
        events = list(register(plans, TERMS, submission, Cancellation()))
    (who,) = [event for event in events if isinstance(event, SessionLocked)]
    assert who.path == str(paths[0])
    assert f"(process {os.getpid()})" in who.holder
    assert list(skipped(events)) == [dataset(paths[0], "unregistered")]
    assert finished(events).accepted == 1
    assert cache.path(directory_of(paths[0])).exists(), "it was not sent for"
    assert not cache.path(directory_of(paths[1])).exists()


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["stomp", "h5py", "requests", "tests.sync.test_register"])


class There(NamedTuple):
    """Where another process finds everything."""

    path: Path
    url: str
    port: int
    state_dir: Path

    def submission(self) -> Submission:
        view = JournalView(JournalDirectory(self.state_dir), FACILITY)
        return Submission(
            catalogue=IcatPlus(self.url, KEY, zone=FACILITY.zone, jobs=2),
            surroundings=Surroundings(facility=FACILITY, now=datetime.now(UTC), sent=view),
            view=view,
            journal=Journal(JournalDirectory(self.state_dir)),
            broker=broker_at(BrokerAddress("127.0.0.1", self.port)),
        )


def register_as(user: int | None, there: There, start: Any, said: Any) -> None:
    """Plan, wait for the other, register; say how many were planned and accepted, and who held the lock."""
    planned(there.path, there.submission())  # whatever is imported late lies where only root may look
    if user is not None:
        become(user)
        os.umask(0o002)
    submission = there.submission()
    plan = planned(there.path, submission)
    start.wait(60)
    events = list(register([plan], TERMS, submission, Cancellation()))
    holders = [event.holder for event in events if isinstance(event, SessionLocked)]
    said.put((len(list(plan.offers)), finished(events).accepted, holders))


USERS = [None, None] if os.geteuid() else [12001, 12002]
"""Two users where we may be two."""


def test_of_two_who_register_a_session_at_once_each_message_goes_out_once(shared_directory: Path) -> None:
    state_dir = shared_directory / "state"
    state_dir.mkdir()
    if os.geteuid() == 0:
        os.chown(state_dir, -1, GROUP)
        state_dir.chmod(0o2775)
    shared_journal(state_dir)
    with serving_facility(shared_directory) as facility:
        path = facility.session(unregistered=6, without_files=6)
        ingester, broker, start, said = facility.ingester, facility.broker, FORKS.Barrier(2), FORKS.Queue()
        there = There(path, facility.place.icatplus.url, broker.port, state_dir)
        both = [FORKS.Process(target=register_as, args=(user, there, start, said)) for user in USERS]
        for each in both:
            each.start()
        told = [said.get(timeout=60) for _ in both]
        for each in both:
            each.join(30)
        assert [each.exitcode for each in both] == [0, 0]
        assert len({frame.body for frame in broker.sent}) == len(broker.sent) == 12
        assert set(ingester.locations.values()) == {1}
        assert [offered for offered, _, _ in told] == [12, 12]
        assert sorted(accepted for _, accepted, _ in told) == [0, 12]
        for holder in [holder for _, accepted, holders in told for holder in holders if not accepted]:
            assert "process" in holder or holder == "somebody else"


def test_a_message_is_what_it_was(facility: LiveFacility) -> None:
    submission = submission_of(facility)
    path = facility.session(unregistered=1)
    first, second = planned(path, submission), planned(path, submission)
    assert [_content(one.message) for one in first.offers] == [_content(one.message) for one in second.offers]
    assert {one.message.id for one in first.offers}.isdisjoint(one.message.id for one in second.offers)


def _content(message: Message) -> tuple[str, bytes]:
    return message.destination, message.body

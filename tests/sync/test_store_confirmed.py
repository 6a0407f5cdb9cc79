"""What is sent by hand for another team, into a chosen investigation, under another name, or beside somebody else."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.disk.stored_xml import parse_stored
from icat_tui.domain.errors import ExitCode, UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Dataset, DiskSession, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.ingest.send_events import SendingFinished
from icat_tui.sync.session_lock import locked
from icat_tui.sync.site import Site
from icat_tui.sync.store import AlreadyRegistered, Doubted, Refused, accepted_now, store_confirmed
from icat_tui.sync.store_request import AddFilesRequest, DatasetRequest, StoredFileRequest
from icat_tui.sync.submit import MessageSkipped, SessionLocked
from tests.support.beamtime import ZONE, Beamtime, parameters
from tests.support.journal_entries import records_in
from tests.support.submissions_by_hand import NOW, Send, submission_by_hand

SITE = Site(facility=Facility(), origin=Origin(machine="lid99", software="example", now=NOW))


def raw(directory: Path, **changes: Any) -> DatasetRequest:
    values: dict[str, Any] = {"beamline": "id99", "proposal": "hg333", "dataset": "0001", "path": str(directory)}
    return DatasetRequest(**(values | changes))


def refusal(events: list[Any]) -> Refused:
    [refused] = [event for event in events if isinstance(event, Refused)]
    return refused


# -- the team that would see it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["HG444", "hg-444"])
def test_what_lies_in_the_directory_of_another_proposal_is_sent_where_that_is_meant(
    beamtime: Beamtime, send: Send, spelling: str
) -> None:
    path = beamtime.dataset()
    for given in ("", "hg333", "hg44"):
        refused = refusal(send(raw(path, proposal=spelling, yes_proposal=given)))
        assert refused.code == ExitCode.USAGE
        assert f"its directory is of proposal hg333, and the team of {spelling} would see its data" in refused.reason
    assert not beamtime.bodies
    send(raw(path, proposal=spelling, yes_proposal="hg444"), force=True)
    (body,) = beamtime.bodies
    assert parse_stored("", body, ZONE).proposal == spelling.lower()


@pytest.mark.parametrize("spelling", ["hg333", "HG333", "HG-333", " hg333 "])
def test_spellings_of_its_own_proposal_take_no_confirmation(beamtime: Beamtime, send: Send, spelling: str) -> None:
    assert isinstance(send(raw(beamtime.dataset(), proposal=spelling))[-1], SendingFinished)


def test_a_message_of_another_proposal_is_sent_where_that_is_meant(beamtime: Beamtime, send: Send) -> None:
    beamtime.dataset()
    file = beamtime.stored()
    file.write_text(file.read_text().replace(">hg333<", ">hg444<"))
    assert "--yes-proposal hg444" in refusal(send(StoredFileRequest(str(file)))).reason
    assert not beamtime.bodies
    send(StoredFileRequest(str(file), "HG444"))
    assert len(beamtime.bodies) == 1


# -- its investigation ------------------------------------------------------------------------------------------------


def test_an_investigation_that_was_chosen_is_in_the_message(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    refused = refusal(send(raw(path, investigation=99)))
    assert (refused.code, beamtime.bodies) == (ExitCode.USAGE, [])
    assert "ICAT has no investigation 99 for it (it has 7)" in refused.reason
    send(raw(path, investigation=7))
    assert parameters(beamtime.bodies[0])["investigationId"] == "7"


# -- under another name -----------------------------------------------------------------------------------------------


def test_a_dataset_that_icat_has_under_another_name_of_its_directory_is_not_sent(
    beamtime: Beamtime, send: Send
) -> None:
    path = beamtime.dataset()
    link = path.with_name("colA_0009")
    link.symlink_to(path)
    number = beamtime.register(path)
    for named in (path, link):
        (known,) = send(raw(named, dataset="0001"))
        assert isinstance(known, AlreadyRegistered)
        assert f"id {number}" in known.reason
    assert not beamtime.bodies


# -- what somebody else is registering --------------------------------------------------------------------------------


@pytest.mark.parametrize(("wait", "held", "sent"), [(0.0, 0.3, 0), (20.0, 0.3, 1), (0.15, 20.0, 0)])
def test_a_session_that_somebody_else_registers_is_waited_for(
    beamtime: Beamtime, send: Send, *, wait: float, held: float, sent: int
) -> None:
    path, ended = beamtime.dataset(), threading.Event()

    def hold(holding: threading.Event) -> None:
        with locked(beamtime.state_dir, str(beamtime.session), Facility()):
            holding.set()
            ended.wait(held)

    holding = threading.Event()
    holder = threading.Thread(target=hold, args=(holding,))
    holder.start()
    holding.wait()
    events = send(raw(path), lock_wait=timedelta(seconds=wait))
    ended.set()
    holder.join()
    assert len(beamtime.bodies) == sent
    if not sent:
        assert refusal(events).code == ExitCode.LOCKED


# -- files of a dataset that ICAT has --------------------------------------------------------------------------------


@pytest.mark.parametrize(("file_count", "asks"), [(0, True), (3, False)])
def test_the_investigation_of_a_dataset_is_found_in_the_cache(
    beamtime: Beamtime, send: Send, tmp_path: Path, *, file_count: int, asks: bool
) -> None:
    path = beamtime.dataset()
    number = beamtime.register(path, file_count=file_count)
    cache = SessionCache(tmp_path / "cache")
    directory = SessionDirectory(str(beamtime.session), "hg333", "id99", beamtime.day, RawFormat.ESRFV3)
    known = Dataset(
        path=str(path), collection="colA", name="0001", status=Status.REGISTERED, icat_id=number, investigation=7
    )
    session = Session(directory=directory, category=Category.TODO, datasets=(known,), seen_at=NOW)
    cache.save(session, DiskSession(listed_at=0, first_seen=0), NOW)
    events = send(AddFilesRequest(number), cache=SessionCache(tmp_path / "cache"))
    assert bool(beamtime.bodies) == asks
    assert any(isinstance(event, AlreadyRegistered) for event in events) != asks
    assert not [event for event in events if isinstance(event, Doubted)]
    assert [isinstance(event, Doubted) for event in send(AddFilesRequest(99))][:1] == [True]


# -- a message that was shown ------------------------------------------------------------------------------------------


def test_what_would_be_sent_is_told_without_a_lock_or_a_record(beamtime: Beamtime) -> None:
    submission, request = submission_by_hand(beamtime), raw(beamtime.dataset())
    with locked(beamtime.state_dir, str(beamtime.session), Facility()):
        accepted = accepted_now(request, submission, SITE)
    assert accepted.message.dataset == request.path
    assert records_in(beamtime.journal) == []
    assert not beamtime.bodies


def test_the_message_that_was_shown_is_sent_and_no_other(beamtime: Beamtime) -> None:
    submission, request = submission_by_hand(beamtime), raw(beamtime.dataset())
    accepted = accepted_now(request, submission, SITE)
    journal = submission.plan([accepted.message])
    other = structs.replace(accepted, request=structs.replace(request, dataset="0007"))
    changed = list(store_confirmed(other, submission, SITE, Cancellation()))
    assert [event.reason for event in changed if isinstance(event, MessageSkipped)] == [
        "what would be sent has changed since"
    ]
    assert not beamtime.bodies
    list(store_confirmed(accepted, submission, SITE, Cancellation(), journal))
    assert beamtime.bodies == [accepted.message.body]
    with pytest.raises(UsageError, match="and not seen in ICAT yet"):
        accepted_now(request, submission, SITE)


@pytest.mark.parametrize("planned_first", [True, False])
def test_what_was_shown_twice_is_sent_once(beamtime: Beamtime, *, planned_first: bool) -> None:
    submission, request = submission_by_hand(beamtime), raw(beamtime.dataset())
    shown = [accepted_now(request, submission, SITE) for _ in range(2)]
    journals = [submission.plan([each.message]) if planned_first else None for each in shown]
    for accepted, journal in zip(shown, journals, strict=True):
        list(store_confirmed(accepted, submission, SITE, Cancellation(), journal))
    assert len(beamtime.bodies) == 1


def test_a_session_that_somebody_else_registers_has_nothing_sent_that_was_shown(beamtime: Beamtime) -> None:
    submission, request = submission_by_hand(beamtime), raw(beamtime.dataset())
    accepted = accepted_now(request, submission, SITE)
    with locked(beamtime.state_dir, str(beamtime.session), Facility()):
        events = list(store_confirmed(accepted, submission, SITE, Cancellation()))
    assert [type(event) for event in events if isinstance(event, SessionLocked | MessageSkipped)] == [
        SessionLocked,
        MessageSkipped,
    ]
    assert not beamtime.bodies

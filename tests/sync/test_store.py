"""What is sent by hand goes out once, with what is known of it, where ICAT and the journal say it is needed."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk.stored_xml import parse_stored
from icat_tui.domain.errors import ExitCode
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import NOT_XML, RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, SendingFinished
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.writer import Journal
from icat_tui.sync.session_lock import locked
from icat_tui.sync.site import Site
from icat_tui.sync.store import AlreadyRegistered, Doubted, Refused, store
from icat_tui.sync.store_request import AddFilesRequest, DatasetRequest, StoredFileRequest
from tests.support.beamtime import END, INVESTIGATION, START, ZONE, Beamtime, parameters
from tests.support.live_facility import LiveFacility
from tests.support.names import HOSTILE_NAMES
from tests.support.ports import free_port
from tests.support.scripted_broker import broker_at, reject
from tests.support.submissions import planned, submission_of
from tests.support.submissions_by_hand import NOW, Send, submission_by_hand
from tests.support.time_slot import FACILITY

SITE = Site(facility=Facility(), origin=Origin("lid99", "example", NOW))


def raw(directory: Path, **changes: Any) -> DatasetRequest:
    name = directory.name.removeprefix(f"{directory.parent.name}_")
    values: dict[str, Any] = {"beamline": "ID99", "proposal": "HG333", "dataset": name, "path": str(directory)}
    return DatasetRequest(**(values | changes))


def refusal(events: list[Any]) -> Refused:
    [refused] = [event for event in events if isinstance(event, Refused)]
    return refused


# -- what is in the message ------------------------------------------------------------------------------------------


def test_what_is_not_given_is_read_from_the_dataset(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    events = send(raw(path, metadata={"FIELD1": "value1"}))
    [body] = beamtime.bodies
    told = parse_stored("", body, ZONE)
    assert (told.sample, told.start.isoformat()) == ("sA", "2023-10-20T01:00:00.123456+02:00")
    assert told.location == "/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001"
    assert parameters(body)["FIELD1"] == "value1"
    assert isinstance(events[-1], SendingFinished)
    assert beamtime.standing() == [("colA_0001", MessageState.ACCEPTED)]


def test_what_is_given_counts_and_a_time_without_an_offset_is_the_facilitys(beamtime: Beamtime, send: Send) -> None:
    given = {"Sample_name": "mine", "startDate": "2023-10-20T02:00:00", "endDate": datetime(2023, 12, 1, tzinfo=UTC)}
    send(raw(beamtime.dataset(), metadata=given))
    sent = parameters(beamtime.bodies[0])
    assert (sent["Sample_name"], sent["startDate"], sent["endDate"]) == (
        "mine",
        "2023-10-20T02:00:00+02:00",
        "2023-12-01T00:00:00Z",
    )


@pytest.mark.parametrize("given", ["garbage", "2023-10-20", 20231020, "0001-01-01T00:00:00"])
def test_a_start_that_is_no_moment_is_refused(beamtime: Beamtime, send: Send, given: object) -> None:
    refused = refusal(send(raw(beamtime.dataset(), metadata={"startDate": given})))
    assert refused.code == ExitCode.USAGE
    assert "startDate" in refused.reason
    assert not beamtime.broker.frames


def test_a_directory_that_says_nothing_names_the_parameters_it_lacks(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.raw / "colA" / "colA_0009"
    path.mkdir(parents=True)
    reason = refusal(send(raw(path))).reason
    assert "HDF5 file does not exist" in reason
    assert "-p Sample_name=… -p startDate=… -p endDate=…" in reason
    reason = refusal(send(raw(path, metadata={"Sample_name": "s"}))).reason
    assert "today is not in the time slot" in reason
    assert refusal(send(raw(path, metadata={"Sample_name": "s"}), icatplus=None)).reason.count("no ICAT+ is known") == 1
    assert not beamtime.broker.frames


def test_within_the_time_slot_of_its_session_a_dataset_may_be_of_now(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.raw / "colA" / "colA_0009"
    path.mkdir(parents=True)
    now = START + timedelta(days=1)
    events = send(raw(path, metadata={"Sample_name": "s"}), now=now)
    told = parse_stored("", beamtime.bodies[0], ZONE)
    assert told.start == told.end == now
    assert any(isinstance(event, Doubted) and "sent as now" in event.warning for event in events)
    late = raw(path, metadata={"Sample_name": "s", "endDate": END})
    assert "-p startDate=…" in refusal(send(late, now=now, force=True)).reason, "a start alone is never made up"


def test_a_data_root_by_another_name_is_told_by_its_own(beamtime: Beamtime, send: Send, tmp_path: Path) -> None:
    path = beamtime.dataset()
    (tmp_path / "link").symlink_to(beamtime.session)
    send(raw(tmp_path / "link" / "RAW_DATA" / "colA" / "colA_0001", dataset="0001"))
    assert parse_stored("", beamtime.bodies[0], ZONE).location == beamtime.location(path)


def test_a_path_may_be_relative(beamtime: Beamtime, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    path = beamtime.dataset()
    monkeypatch.chdir(beamtime.raw)
    send(raw(Path("colA/../colA/colA_0001/"), path="colA/../colA/colA_0001/"))
    assert parse_stored("", beamtime.bodies[0], ZONE).location == beamtime.location(path)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_sent_as_they_are_or_refused(beamtime: Beamtime, send: Send, name: str) -> None:
    path = beamtime.raw / name / f"{name}_0001"
    path.mkdir(parents=True)
    given = {"Sample_name": "s", "startDate": START, "endDate": END}
    events = send(raw(path, dataset="0001", metadata=given))
    if NOT_XML.search(str(path)):
        assert refusal(events).code == ExitCode.USAGE
        assert not beamtime.broker.frames
    else:
        assert parse_stored("", beamtime.bodies[0], ZONE).location == beamtime.location(path)


# -- what speaks against it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("investigation", [INVESTIGATION, 8])
def test_what_icat_has_in_whatever_investigation_is_not_sent(
    beamtime: Beamtime, send: Send, investigation: int
) -> None:
    beamtime.state.add_investigation(8, "hg333", "id99", END, None)
    path = beamtime.dataset()
    beamtime.register(path, investigation=investigation)
    [event] = send(raw(path))
    assert isinstance(event, AlreadyRegistered)
    assert f"in investigation {investigation}" in event.reason
    assert not beamtime.broker.frames
    send(raw(path), force=True)
    assert len(beamtime.bodies) == 1, "a person insists"


def test_what_icat_has_in_another_case_is_not_sent(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    beamtime.register(path.with_name("COLA_0001"))
    refused = refusal(send(raw(path)))
    assert "case" in refused.reason
    assert refused.code == ExitCode.PARTIAL
    assert not beamtime.broker.frames


def test_where_icat_does_not_answer_nothing_is_sent_unless_a_person_insists(beamtime: Beamtime, send: Send) -> None:
    path, nowhere = beamtime.dataset(), "http://127.0.0.1:9"
    refused = refusal(send(raw(path), icatplus=nowhere))
    assert refused.code == ExitCode.NOTHING
    assert "--force" in refused.reason
    assert beamtime.standing() == []
    assert not beamtime.broker.frames
    send(raw(path), icatplus=nowhere, force=True)
    assert beamtime.standing() == [("colA_0001", MessageState.ACCEPTED)]


def test_an_entry_that_could_not_be_read_may_be_the_one(beamtime: Beamtime, send: Send) -> None:
    from icat_tui.sandbox.fake_icatplus import CatalogueEntry  # noqa: PLC0415

    beamtime.state.add_dataset(INVESTIGATION, CatalogueEntry("x", None, START, END, "s", 1))
    assert refusal(send(raw(beamtime.dataset()))).code == ExitCode.NOTHING
    assert not beamtime.broker.frames


def test_what_was_sent_and_not_seen_is_not_sent_again(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    send(raw(path))
    refused = refusal(send(raw(path, metadata={"FIELD1": "other"})))
    assert refused.code == ExitCode.PARTIAL
    assert "not seen in ICAT yet" in refused.reason
    assert len(beamtime.bodies) == 1
    send(raw(path), force=True)
    assert len(beamtime.bodies) == 2


def test_what_the_broker_rejected_may_be_sent_again(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    beamtime.broker.script = reject
    events = send(raw(path))
    assert any(isinstance(event, MessageRejected) and "no room left" in event.words for event in events)
    assert beamtime.standing() == [("colA_0001", MessageState.REJECTED)]
    beamtime.broker.script = lambda client, frame: client.receipt(frame)
    assert any(isinstance(event, MessageAccepted) for event in send(raw(path)))


def test_without_a_broker_what_was_to_be_sent_is_planned(beamtime: Beamtime, send: Send) -> None:
    from icat_tui.domain.broker_address import BrokerAddress  # noqa: PLC0415

    events = send(raw(beamtime.dataset()), broker=broker_at(BrokerAddress("127.0.0.1", free_port())))
    assert events[-1].trouble
    assert not events[-1].connected
    assert beamtime.standing() == [("colA_0001", MessageState.PLANNED)]


def test_a_session_that_somebody_registers_is_left_alone_and_the_others_are_not(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    other = beamtime.root / "hg333" / "id99" / "20231020" / "RAW_DATA" / "colB" / "colB_0001"
    other.mkdir(parents=True)
    given = {"Sample_name": "s", "startDate": START, "endDate": END}
    directory = SessionDirectory(str(beamtime.session), "hg333", "id99", beamtime.day, RawFormat.ESRFV3)
    with locked(beamtime.state_dir, directory.path, FACILITY):
        events = send(raw(path, metadata=given), raw(other, metadata=given), force=True)
    assert refusal(events).code == ExitCode.LOCKED
    assert beamtime.standing() == [("colB_0001", MessageState.ACCEPTED)]


def test_the_cache_forgets_a_session_before_anything_is_sent(beamtime: Beamtime, send: Send, tmp_path: Path) -> None:
    cache = SessionCache(tmp_path / "cache")
    file = cache.path(SessionDirectory(str(beamtime.session), "hg333", "id99", beamtime.day, RawFormat.ESRFV3))
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    there: list[bool] = []

    def look(client: Any, frame: Any) -> None:
        there.append(file.exists())
        client.receipt(frame)

    beamtime.broker.script = look
    send(raw(beamtime.dataset()), cache=cache)
    assert there == [False]


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_what_is_no_directory_is_refused(beamtime: Beamtime, send: Send, kind: str) -> None:
    path = beamtime.raw / "x"
    if kind == "file":
        path.write_text("")
    assert refusal(send(raw(path))).code == ExitCode.USAGE


def test_a_run_that_is_called_off_sends_nothing(beamtime: Beamtime) -> None:
    called_off = Cancellation()
    called_off.cancel()
    with pytest.raises(Cancelled):
        list(store([raw(beamtime.dataset())], submission_by_hand(beamtime), SITE, called_off))
    assert not beamtime.broker.frames


# -- stored messages -------------------------------------------------------------------------------------------------


def test_a_stored_message_is_sent_byte_for_byte(beamtime: Beamtime, send: Send) -> None:
    beamtime.dataset()
    file = beamtime.stored()
    events = send(StoredFileRequest(str(file)))
    assert beamtime.bodies == [file.read_bytes()]
    assert not [event for event in events if isinstance(event, Doubted)]
    assert beamtime.standing() == [("colA_0001", MessageState.ACCEPTED)]
    [sending] = [event for event in events if isinstance(event, MessageAccepted)]
    assert sending.message.dataset == str(beamtime.raw / "colA" / "colA_0001"), "as it is on this disk"


def test_a_message_of_elsewhere_is_sent_with_a_warning(beamtime: Beamtime, send: Send, tmp_path: Path) -> None:
    file = beamtime.stored("0002").rename(tmp_path / "copied.xml")
    events = send(StoredFileRequest(str(file)))
    assert any(isinstance(event, Doubted) and "is not here" in event.warning for event in events)
    assert beamtime.bodies == [file.read_bytes()]


def test_a_body_that_was_accepted_before_is_refused_even_where_nobody_can_be_asked(
    beamtime: Beamtime, send: Send
) -> None:
    file = beamtime.stored()
    [accepted] = [
        event for event in send(StoredFileRequest(str(file)), icatplus=None) if isinstance(event, MessageAccepted)
    ]
    Journal(beamtime.journal).record_seen([(accepted.message, None)])
    refused = refusal(send(StoredFileRequest(str(file)), icatplus=None))
    assert refused.code == ExitCode.PARTIAL
    assert "the very same message was sent" in refused.reason
    send(StoredFileRequest(str(file)), icatplus=None, force=True)
    assert len(beamtime.bodies) == 2


def test_two_files_about_one_dataset_are_one_message(beamtime: Beamtime, send: Send) -> None:
    first, second = beamtime.stored(), beamtime.raw / "__icat__" / "again.xml"
    second.write_bytes(first.read_bytes())
    refused = refusal(send(StoredFileRequest(str(first)), StoredFileRequest(str(second)), force=True))
    assert refused.subject == str(second)
    assert len(beamtime.bodies) == 1


@pytest.mark.parametrize("content", [b"", b"<x/>", b"<!DOCTYPE x><x/>", b"\xff"])
def test_a_file_that_is_no_message_harms_no_other(beamtime: Beamtime, send: Send, content: bytes) -> None:
    good, bad = beamtime.stored(), beamtime.raw / "__icat__" / "bad.xml"
    bad.write_bytes(content)
    refused = refusal(send(StoredFileRequest(str(bad)), StoredFileRequest(str(good))))
    assert (refused.subject, refused.code) == (str(bad), ExitCode.USAGE)
    assert beamtime.bodies == [good.read_bytes()]


def test_a_pipe_is_not_waited_for(beamtime: Beamtime, send: Send) -> None:
    os.mkfifo(beamtime.raw / "pipe.xml")
    assert refusal(send(StoredFileRequest(str(beamtime.raw / "pipe.xml")))).code == ExitCode.USAGE


# -- files of a dataset ----------------------------------------------------------------------------------------------


def test_files_are_asked_for_once(beamtime: Beamtime, send: Send) -> None:
    path = beamtime.dataset()
    known = beamtime.register(path, file_count=0)
    send(AddFilesRequest(known, INVESTIGATION))
    assert beamtime.bodies == [f'{{"datasetId": {known}}}'.encode()]
    assert beamtime.standing() == [("colA_0001", MessageState.ACCEPTED)]
    assert refusal(send(AddFilesRequest(known))).code == ExitCode.PARTIAL
    assert len(beamtime.bodies) == 1


def test_files_of_a_session_that_somebody_registers_are_not_asked_for(facility: LiveFacility) -> None:
    path = facility.session(without_files=1)
    submission = submission_of(facility)
    (offer,) = planned(path, submission).offers
    request = AddFilesRequest(offer.message.icat_id or 0, offer.message.investigation)
    with locked(facility.state_dir, str(path), FACILITY):
        events = list(store([request], submission, SITE, Cancellation()))
    assert refusal(events).code == ExitCode.LOCKED
    assert not facility.broker.connections


def test_files_that_icat_has_are_not_asked_for(beamtime: Beamtime, send: Send) -> None:
    known = beamtime.register(beamtime.dataset(), file_count=3)
    [event] = send(AddFilesRequest(known, INVESTIGATION))
    assert isinstance(event, AlreadyRegistered)
    assert refusal(send(AddFilesRequest(999, INVESTIGATION))).code == ExitCode.USAGE
    assert refusal(send(AddFilesRequest(known, INVESTIGATION), icatplus="http://127.0.0.1:9")).code == ExitCode.NOTHING
    assert not beamtime.broker.frames


def test_without_an_investigation_nobody_is_asked_about_files(beamtime: Beamtime, send: Send) -> None:
    send(AddFilesRequest(12), AddFilesRequest(13))
    assert beamtime.bodies == [b'{"datasetId": 12}', b'{"datasetId": 13}']

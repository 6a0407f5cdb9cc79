"""What is sent by hand goes out once, with what is known of it, where ICAT and the journal say it is needed."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.disk.stored_xml import parse_stored
from icat_tui.domain.errors import ExitCode
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import NOT_XML, RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, SendingFinished
from icat_tui.journal.reader import MessageState
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from icat_tui.sync.session_lock import locked
from icat_tui.sync.site import Site
from icat_tui.sync.store import AlreadyRegistered, Doubted, Refused, store
from icat_tui.sync.store_request import AddFilesRequest, DatasetRequest, Request, StoredFileRequest
from icat_tui.sync.submit import Submission
from tests.beamtime import END, INVESTIGATION, START, ZONE, Beamtime, beamtime, parameters, reject
from tests.ingest.conftest import broker_at
from tests.names import HOSTILE_NAMES

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
IMPATIENT = Limits(connect=1, read=1, answer=1, retries=0)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Beamtime]:
    with beamtime(tmp_path) as made:
        yield made


Send = Callable[..., list[Any]]


def submission_of(here: Beamtime) -> Submission:
    view = JournalView(here.journal, Facility())
    return Submission(
        catalogue=None,
        surroundings=Surroundings(facility=Facility(), now=NOW, sent=view),
        view=view,
        journal=Journal(here.journal),
        broker=broker_at(here.broker.address),
        state_dir=here.state_dir,
    )


@pytest.fixture
def send(here: Beamtime) -> Send:
    """Send requests; ICAT+ is asked unless it is to be None, or another URL."""

    def sending(*requests: Request, icatplus: str | None = "", now: datetime = NOW, **changes: Any) -> list[Any]:
        url = here.icatplus if icatplus == "" else icatplus
        catalogue = url and IcatPlus(url, SANDBOX_KEY, zone=ZONE, limits=IMPATIENT)
        origin = Origin(machine="lid99", software="example", now=now)
        site = Site(facility=Facility(), origin=origin, data_roots=(str(here.root),))
        force = changes.pop("force", False)
        submission = structs.replace(submission_of(here), **({"catalogue": catalogue or None} | changes))
        return list(store(requests, submission, changes.pop("site", site), Cancellation(), force=force))

    return sending


def raw(directory: Path, **changes: Any) -> DatasetRequest:
    name = directory.name.removeprefix(f"{directory.parent.name}_")
    values: dict[str, Any] = {"beamline": "ID99", "proposal": "HG333", "dataset": name, "path": str(directory)}
    return DatasetRequest(**(values | changes))


def refusal(events: list[Any]) -> Refused:
    [refused] = [event for event in events if isinstance(event, Refused)]
    return refused


# -- what is in the message ------------------------------------------------------------------------------------------


def test_what_is_not_given_is_read_from_the_dataset(here: Beamtime, send: Send) -> None:
    path = here.dataset()
    events = send(raw(path, metadata={"FIELD1": "value1"}))
    [body] = here.bodies
    told = parse_stored("", body, ZONE)
    assert (told.sample, told.start.isoformat()) == ("sA", "2023-10-20T01:00:00.123456+02:00")
    assert told.location == "/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001"
    assert parameters(body)["FIELD1"] == "value1"
    assert isinstance(events[-1], SendingFinished)
    assert here.standing() == [("colA_0001", MessageState.ACCEPTED)]


def test_what_is_given_counts_and_a_time_without_an_offset_is_the_facilitys(here: Beamtime, send: Send) -> None:
    given = {"Sample_name": "mine", "startDate": "2023-10-20T02:00:00", "endDate": datetime(2023, 12, 1, tzinfo=UTC)}
    send(raw(here.dataset(), metadata=given))
    sent = parameters(here.bodies[0])
    assert (sent["Sample_name"], sent["startDate"], sent["endDate"]) == (
        "mine",
        "2023-10-20T02:00:00+02:00",
        "2023-12-01T00:00:00Z",
    )


@pytest.mark.parametrize("given", ["garbage", "2023-10-20", 20231020, "0001-01-01T00:00:00"])
def test_a_start_that_is_no_moment_is_refused(here: Beamtime, send: Send, given: object) -> None:
    refused = refusal(send(raw(here.dataset(), metadata={"startDate": given})))
    assert refused.code == ExitCode.USAGE
    assert "startDate" in refused.reason
    assert not here.broker.frames


def test_a_directory_that_says_nothing_names_the_parameters_it_lacks(here: Beamtime, send: Send) -> None:
    path = here.raw / "colA" / "colA_0009"
    path.mkdir(parents=True)
    reason = refusal(send(raw(path))).reason
    assert "HDF5 file does not exist" in reason
    assert "-p Sample_name=… -p startDate=… -p endDate=…" in reason
    reason = refusal(send(raw(path, metadata={"Sample_name": "s"}))).reason
    assert "today is not in the time slot" in reason
    assert refusal(send(raw(path, metadata={"Sample_name": "s"}), icatplus=None)).reason.count("no ICAT+ is known") == 1
    assert not here.broker.frames


def test_within_the_time_slot_of_its_session_a_dataset_may_be_of_now(here: Beamtime, send: Send) -> None:
    path = here.raw / "colA" / "colA_0009"
    path.mkdir(parents=True)
    now = START + timedelta(days=1)
    events = send(raw(path, metadata={"Sample_name": "s"}), now=now)
    told = parse_stored("", here.bodies[0], ZONE)
    assert told.start == told.end == now
    assert any(isinstance(event, Doubted) and "sent as now" in event.warning for event in events)
    late = raw(path, metadata={"Sample_name": "s", "endDate": END})
    assert "-p startDate=…" in refusal(send(late, now=now, force=True)).reason, "a start alone is never made up"


def test_a_data_root_by_another_name_is_told_by_its_own(here: Beamtime, send: Send, tmp_path: Path) -> None:
    path = here.dataset()
    (tmp_path / "link").symlink_to(here.session)
    send(raw(tmp_path / "link" / "RAW_DATA" / "colA" / "colA_0001", dataset="0001"))
    assert parse_stored("", here.bodies[0], ZONE).location == here.location(path)


def test_a_path_may_be_relative(here: Beamtime, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    path = here.dataset()
    monkeypatch.chdir(here.raw)
    send(raw(Path("colA/../colA/colA_0001/"), path="colA/../colA/colA_0001/"))
    assert parse_stored("", here.bodies[0], ZONE).location == here.location(path)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_sent_as_they_are_or_refused(here: Beamtime, send: Send, name: str) -> None:
    path = here.raw / name / f"{name}_0001"
    path.mkdir(parents=True)
    given = {"Sample_name": "s", "startDate": START, "endDate": END}
    events = send(raw(path, dataset="0001", metadata=given))
    if NOT_XML.search(str(path)):
        assert refusal(events).code == ExitCode.USAGE
        assert not here.broker.frames
    else:
        assert parse_stored("", here.bodies[0], ZONE).location == here.location(path)


# -- what speaks against it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("investigation", [INVESTIGATION, 8])
def test_what_icat_has_in_whatever_investigation_is_not_sent(here: Beamtime, send: Send, investigation: int) -> None:
    here.state.add_investigation(8, "hg333", "id99", END, None)
    path = here.dataset()
    here.register(path, investigation=investigation)
    [event] = send(raw(path))
    assert isinstance(event, AlreadyRegistered)
    assert f"in investigation {investigation}" in event.reason
    assert not here.broker.frames
    send(raw(path), force=True)
    assert len(here.bodies) == 1, "a person insists"


def test_what_icat_has_in_another_case_is_not_sent(here: Beamtime, send: Send) -> None:
    path = here.dataset()
    here.register(path.with_name("COLA_0001"))
    refused = refusal(send(raw(path)))
    assert "case" in refused.reason
    assert refused.code == ExitCode.PARTIAL
    assert not here.broker.frames


def test_where_icat_does_not_answer_nothing_is_sent_unless_a_person_insists(here: Beamtime, send: Send) -> None:
    path, nowhere = here.dataset(), "http://127.0.0.1:9"
    refused = refusal(send(raw(path), icatplus=nowhere))
    assert refused.code == ExitCode.NOTHING
    assert "--force" in refused.reason
    assert here.standing() == []
    assert not here.broker.frames
    send(raw(path), icatplus=nowhere, force=True)
    assert here.standing() == [("colA_0001", MessageState.ACCEPTED)]


def test_an_entry_that_could_not_be_read_may_be_the_one(here: Beamtime, send: Send) -> None:
    from icat_tui.sandbox.fake_icatplus import CatalogueEntry  # noqa: PLC0415

    here.state.add_dataset(INVESTIGATION, CatalogueEntry("x", None, START, END, "s", 1))
    assert refusal(send(raw(here.dataset()))).code == ExitCode.NOTHING
    assert not here.broker.frames


def test_what_was_sent_and_not_seen_is_not_sent_again(here: Beamtime, send: Send) -> None:
    path = here.dataset()
    send(raw(path))
    refused = refusal(send(raw(path, metadata={"FIELD1": "other"})))
    assert refused.code == ExitCode.PARTIAL
    assert "not seen in ICAT yet" in refused.reason
    assert len(here.bodies) == 1
    send(raw(path), force=True)
    assert len(here.bodies) == 2


def test_what_the_broker_rejected_may_be_sent_again(here: Beamtime, send: Send) -> None:
    path = here.dataset()
    here.broker.script = reject
    events = send(raw(path))
    assert any(isinstance(event, MessageRejected) and "no room left" in event.words for event in events)
    assert here.standing() == [("colA_0001", MessageState.REJECTED)]
    here.broker.script = lambda client, frame: client.receipt(frame)
    assert any(isinstance(event, MessageAccepted) for event in send(raw(path)))


def test_without_a_broker_what_was_to_be_sent_is_planned(here: Beamtime, send: Send) -> None:
    from icat_tui.domain.broker_address import BrokerAddress  # noqa: PLC0415
    from tests.ingest.conftest import free_port  # noqa: PLC0415

    events = send(raw(here.dataset()), broker=broker_at(BrokerAddress("127.0.0.1", free_port())))
    assert events[-1].trouble
    assert not events[-1].connected
    assert here.standing() == [("colA_0001", MessageState.PLANNED)]


def test_a_session_that_somebody_registers_is_left_alone_and_the_others_are_not(here: Beamtime, send: Send) -> None:
    path = here.dataset()
    other = here.root / "hg333" / "id99" / "20231020" / "RAW_DATA" / "colB" / "colB_0001"
    other.mkdir(parents=True)
    given = {"Sample_name": "s", "startDate": START, "endDate": END}
    directory = SessionDirectory(str(here.session), "hg333", "id99", here.day, RawFormat.ESRFV3)
    with locked(here.state_dir, directory):
        events = send(raw(path, metadata=given), raw(other, metadata=given), force=True)
    assert refusal(events).code == ExitCode.LOCKED
    assert here.standing() == [("colB_0001", MessageState.ACCEPTED)]


def test_the_cache_forgets_a_session_before_anything_is_sent(here: Beamtime, send: Send, tmp_path: Path) -> None:
    cache = SessionCache(tmp_path / "cache")
    file = cache.path(SessionDirectory(str(here.session), "hg333", "id99", here.day, RawFormat.ESRFV3))
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    there: list[bool] = []

    def look(client: Any, frame: Any) -> None:
        there.append(file.exists())
        client.receipt(frame)

    here.broker.script = look
    send(raw(here.dataset()), cache=cache)
    assert there == [False]


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_what_is_no_directory_is_refused(here: Beamtime, send: Send, kind: str) -> None:
    path = here.raw / "x"
    if kind == "file":
        path.write_text("")
    assert refusal(send(raw(path))).code == ExitCode.USAGE


def test_a_run_that_is_called_off_sends_nothing(here: Beamtime) -> None:
    called_off = Cancellation()
    called_off.cancel()
    site = Site(facility=Facility(), origin=Origin("lid99", "example", NOW))
    with pytest.raises(Cancelled):
        list(store([raw(here.dataset())], submission_of(here), site, called_off))
    assert not here.broker.frames


# -- stored messages -------------------------------------------------------------------------------------------------


def test_a_stored_message_is_sent_byte_for_byte(here: Beamtime, send: Send) -> None:
    here.dataset()
    file = here.stored()
    events = send(StoredFileRequest(str(file)))
    assert here.bodies == [file.read_bytes()]
    assert not [event for event in events if isinstance(event, Doubted)]
    assert here.standing() == [("colA_0001", MessageState.ACCEPTED)]
    [sending] = [event for event in events if isinstance(event, MessageAccepted)]
    assert sending.message.dataset == str(here.raw / "colA" / "colA_0001"), "as it is on this disk"


def test_a_message_of_elsewhere_is_sent_with_a_warning(here: Beamtime, send: Send, tmp_path: Path) -> None:
    file = here.stored("0002").rename(tmp_path / "copied.xml")
    events = send(StoredFileRequest(str(file)))
    assert any(isinstance(event, Doubted) and "is not here" in event.warning for event in events)
    assert here.bodies == [file.read_bytes()]


def test_a_body_that_was_accepted_before_is_refused_even_where_nobody_can_be_asked(here: Beamtime, send: Send) -> None:
    file = here.stored()
    [accepted] = [
        event for event in send(StoredFileRequest(str(file)), icatplus=None) if isinstance(event, MessageAccepted)
    ]
    Journal(here.journal).record_seen([accepted.message])
    refused = refusal(send(StoredFileRequest(str(file)), icatplus=None))
    assert refused.code == ExitCode.PARTIAL
    assert "the very same message was sent" in refused.reason
    send(StoredFileRequest(str(file)), icatplus=None, force=True)
    assert len(here.bodies) == 2


def test_two_files_about_one_dataset_are_one_message(here: Beamtime, send: Send) -> None:
    first, second = here.stored(), here.raw / "__icat__" / "again.xml"
    second.write_bytes(first.read_bytes())
    refused = refusal(send(StoredFileRequest(str(first)), StoredFileRequest(str(second)), force=True))
    assert refused.subject == str(second)
    assert len(here.bodies) == 1


@pytest.mark.parametrize("content", [b"", b"<x/>", b"<!DOCTYPE x><x/>", b"\xff"])
def test_a_file_that_is_no_message_harms_no_other(here: Beamtime, send: Send, content: bytes) -> None:
    good, bad = here.stored(), here.raw / "__icat__" / "bad.xml"
    bad.write_bytes(content)
    refused = refusal(send(StoredFileRequest(str(bad)), StoredFileRequest(str(good))))
    assert (refused.subject, refused.code) == (str(bad), ExitCode.USAGE)
    assert here.bodies == [good.read_bytes()]


def test_a_pipe_is_not_waited_for(here: Beamtime, send: Send) -> None:
    os.mkfifo(here.raw / "pipe.xml")
    assert refusal(send(StoredFileRequest(str(here.raw / "pipe.xml")))).code == ExitCode.USAGE


# -- files of a dataset ----------------------------------------------------------------------------------------------


def test_files_are_asked_for_once(here: Beamtime, send: Send) -> None:
    path = here.dataset()
    known = here.register(path, file_count=0)
    send(AddFilesRequest(known, INVESTIGATION))
    assert here.bodies == [f'{{"datasetId": {known}}}'.encode()]
    assert here.standing() == [("colA_0001", MessageState.ACCEPTED)]
    assert refusal(send(AddFilesRequest(known))).code == ExitCode.PARTIAL
    assert len(here.bodies) == 1


def test_files_that_icat_has_are_not_asked_for(here: Beamtime, send: Send) -> None:
    known = here.register(here.dataset(), file_count=3)
    [event] = send(AddFilesRequest(known, INVESTIGATION))
    assert isinstance(event, AlreadyRegistered)
    assert refusal(send(AddFilesRequest(999, INVESTIGATION))).code == ExitCode.USAGE
    assert refusal(send(AddFilesRequest(known, INVESTIGATION), icatplus="http://127.0.0.1:9")).code == ExitCode.NOTHING
    assert not here.broker.frames


def test_without_an_investigation_nobody_is_asked_about_files(here: Beamtime, send: Send) -> None:
    send(AddFilesRequest(12), AddFilesRequest(13))
    assert here.bodies == [b'{"datasetId": 12}', b'{"datasetId": 13}']

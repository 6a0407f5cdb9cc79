"""The Python API: scripts written for pyicat-plus work, and what fails raises (icat.md, "Python client")."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import icat_tui
from icat_tui.api import IcatClient
from icat_tui.domain.errors import UsageError
from icat_tui.ingest.broker import BrokerError
from icat_tui.journal.sendings import MessageState
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from tests.support.beamtime import END, INVESTIGATION, START, Beamtime, parameters
from tests.support.journal_entries import shards_in
from tests.support.scripted_broker import Client, Frame, Hangup, reject


def of(path: Path) -> dict[str, Any]:
    name = path.name.removeprefix(f"{path.parent.name}_")
    return {"beamline": "id99", "proposal": "hg333", "dataset": name, "path": str(path)}


# -- telling ---------------------------------------------------------------------------------------------------------


def test_the_example_of_the_manual_with_its_import_changed(
    beamtime: Beamtime, caplog: pytest.LogCaptureFixture
) -> None:
    path = beamtime.dataset("dataset1", "collection")
    metadata_urls = [f"tcp://{beamtime.broker.address}"]

    from icat_tui import IcatClient  # noqa: PLC0415

    client = IcatClient(metadata_urls=metadata_urls)

    metadata = {"FIELD1": "value1", "FIELD2": "value2"}

    client.store_dataset(
        beamline="id99",
        proposal="hg333",
        dataset="dataset1",
        path=str(path),
        metadata=metadata,
    )
    client.disconnect()

    sent = parameters(beamtime.bodies[0])
    assert (sent["FIELD1"], sent["FIELD2"], sent["Sample_name"]) == ("value1", "value2", "sA")
    assert sent["startDate"] == "2023-10-20T01:00:00.123456+02:00"
    assert beamtime.standing() == [("collection_dataset1", MessageState.ACCEPTED)], "the broker has answered by now"
    assert "nobody could be asked" in caplog.text


def test_metadata_is_optional_and_an_error_only_where_the_dataset_does_not_tell(
    beamtime: Beamtime, client: IcatClient
) -> None:
    client.store_dataset(**of(beamtime.dataset()))
    assert len(beamtime.bodies) == 1
    silent = beamtime.raw / "colA" / "colA_0002"
    silent.mkdir()
    with pytest.raises(UsageError, match="Sample_name"):
        client.store_dataset(**of(silent))
    client.store_dataset(**of(silent), metadata={"Sample_name": "s", "startDate": START, "endDate": END})
    assert len(beamtime.bodies) == 2


def test_what_icat_has_is_left_alone(beamtime: Beamtime, client: IcatClient) -> None:
    path = beamtime.dataset()
    beamtime.register(path)
    client.store_dataset(**of(path))
    assert not beamtime.bodies
    client.store_dataset(**of(path), force=True)
    assert len(beamtime.bodies) == 1


def test_what_is_pending_raises(beamtime: Beamtime, client: IcatClient) -> None:
    path = beamtime.dataset()
    client.store_dataset(**of(path))
    with pytest.raises(icat_tui.NotStoredError, match="not seen in ICAT yet"):
        client.store_dataset(**of(path))
    assert len(beamtime.bodies) == 1


def test_what_the_broker_does_not_take_raises(beamtime: Beamtime, client: IcatClient) -> None:
    beamtime.broker.script = reject
    with pytest.raises(icat_tui.NotStoredError, match="no room left"):
        client.store_dataset(**of(beamtime.dataset()))

    def hang_up(_: Client, __: Frame) -> None:
        raise Hangup

    beamtime.broker.script = hang_up
    with pytest.raises(icat_tui.OutcomeUnknownError):
        client.store_dataset(**of(beamtime.dataset("0002")))
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:9"):
        IcatClient(metadata_urls=["127.0.0.1:9"]).store_dataset(**of(beamtime.dataset("0003")))


def test_a_broker_that_nobody_gave_gets_nothing(beamtime: Beamtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICAT_TUI_QUEUE", str(beamtime.broker.address))
    client = IcatClient(elogbook_url=beamtime.icatplus, elogbook_token=SANDBOX_KEY)
    with pytest.raises(UsageError, match="metadata_urls"):
        client.store_dataset(**of(beamtime.dataset()))
    with pytest.raises(UsageError, match="add_files_urls"):
        client.add_files(12)
    monkeypatch.setenv("ICAT_TUI_READ_ONLY", "true")
    with pytest.raises(UsageError, match="read_only"):
        IcatClient(metadata_urls=[str(beamtime.broker.address)]).store_dataset(**of(beamtime.dataset()))
    assert beamtime.broker.connections == 0
    assert not shards_in(beamtime.journal)


@pytest.mark.parametrize("given", [{"metadata_urls": ["x:y"]}, {"elogbook_url": "ftp://x"}])
def test_addresses_that_can_not_be_used_are_said_at_once(beamtime: Beamtime, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        IcatClient(**given)


def test_a_message_by_way_of_a_file(beamtime: Beamtime, client: IcatClient, tmp_path: Path) -> None:
    client.store_dataset(**of(beamtime.dataset()), store_filename=tmp_path / "new" / "message")
    assert not beamtime.bodies
    client.store_dataset_from_file(tmp_path / "new" / "message.xml")
    assert beamtime.bodies == [(tmp_path / "new" / "message.xml").read_bytes()]
    with pytest.raises(UsageError, match="can't be read"):
        client.store_dataset_from_file("nowhere.xml")


def test_files_are_added(beamtime: Beamtime, client: IcatClient) -> None:
    client.add_files(12)
    assert beamtime.bodies == [b'{"datasetId": 12}']
    with pytest.raises(icat_tui.NotStoredError):
        client.add_files(12)


# -- what pyicat-plus takes ------------------------------------------------------------------------------------------


def test_every_keyword_of_pyicat_plus_is_taken(beamtime: Beamtime) -> None:
    urls = [str(beamtime.broker.address)]
    ignored: dict[str, Any] = {
        **dict.fromkeys(("elogbook_timeout", "feedback_timeout", "queue_timeout"), 0.1),
        **{f"{name}_urls": ["elsewhere:1"] for name in ("archive", "update_metadata", "reschedule_investigation")},
        **dict.fromkeys(("archive_queue", "update_metadata_queue", "reschedule_investigation_queue"), "other"),
        **{f"{name}_queue_monitor_port": 1 for name in ("metadata", "archive", "update_metadata", "add_files")},
        **dict.fromkeys(("icatplus_restricted_url", "catalogue_url", "tracking_url"), "http://elsewhere"),
        **dict.fromkeys(("icatplus_password", "icat_session_id"), "secret"),
        "reschedule_investigation_queue_monitor_port": 1,
        "elogbook_metadata": {"tags": []},
        "catalogue_queues": [],
    }
    client = IcatClient(
        urls, beamline="id99", proposal="hg333", metadata_queue="mine", add_files_queue="theirs", add_files_urls=urls,
        **ignored,
    )  # fmt: skip
    path = beamtime.dataset()
    client.current_dataset, client.current_path = "0001", path
    client.current_dataset_metadata = {"FIELD": "value"}
    client.store_dataset()
    client.add_files(0)
    assert [frame.headers["destination"] for frame in beamtime.broker.sent] == ["/queue/mine", "/queue/theirs"]
    assert parameters(beamtime.bodies[0])["FIELD"] == "value"
    with pytest.raises(UsageError, match="queue"):
        IcatClient(metadata_queue="a\nb")


def test_what_is_not_given_is_in_the_metadata_or_said(beamtime: Beamtime, client: IcatClient) -> None:
    path = beamtime.dataset()
    client.store_dataset(
        metadata={"beamlineID": "ID99", "proposal": "HG333", "datasetName": "0001", "location": str(path)}
    )
    assert parameters(beamtime.bodies[0])["proposal"] == "hg333"
    for field in ("beamline", "proposal", "dataset", "path"):
        with pytest.raises(ValueError, match=f"give {field}") as raised:
            client.store_dataset(**of(path) | {field: None})
        assert isinstance(raised.value, icat_tui.IcatTuiError)
    odd: list[Any] = [[1], {1: 2}, {"FIELD": {}}]
    for wrong in odd:
        with pytest.raises(icat_tui.IcatTuiError):
            client.store_dataset(**of(beamtime.dataset("0002")), metadata=wrong)
    for number in (None, "x", -1):
        with pytest.raises(icat_tui.IcatTuiError):
            client.add_files(number)  # type: ignore[arg-type]
    assert len(beamtime.bodies) == 1


def test_processed_data_name_what_they_were_made_from(
    beamtime: Beamtime, client: IcatClient, caplog: pytest.LogCaptureFixture
) -> None:
    raw, path = beamtime.dataset(), beamtime.session / "PROCESSED_DATA" / "colA" / "result"
    path.mkdir(parents=True)
    given: dict[str, Any] = {**of(path), "metadata": {"Sample_name": "sA"}}
    with pytest.raises(ValueError, match="Provide 'raw' input dataset directories"):
        client.store_processed_data(**given)
    with pytest.raises(UsageError, match="today is not in the time slot"):
        client.store_processed_data(**given, raw=raw)
    given["metadata"] = {"Sample_name": "sA", "startDate": START, "endDate": END}
    client.store_processed_data(**given, raw=[raw, f"{raw}/../other/"])
    location = beamtime.location(raw)
    assert parameters(beamtime.bodies[0])["input_datasets"] == f"{location},{location.replace('colA_0001', 'other')}"
    assert given["metadata"].keys() == {"Sample_name", "startDate", "endDate"}, "it is the caller's"
    assert beamtime.standing() == [("result", MessageState.ACCEPTED)]
    with pytest.raises(icat_tui.NotStoredError, match="not seen in ICAT yet"):
        client.store_processed_data(**given, raw=str(raw))


def test_methods_that_stay_with_pyicat_plus_say_where_they_are(client: IcatClient) -> None:
    for name in ("send_message", "start_investigation", "update_metadata", "do_log_in", "get_datasets_by"):
        assert not hasattr(client, name)
        with pytest.raises(icat_tui.IcatTuiError, match="pyicat_plus"):
            getattr(client, name)
    with pytest.raises(AttributeError, match="no attribute 'stroe_dataset'"):
        client.stroe_dataset  # type: ignore[attr-defined]  # noqa: B018


def test_threads_in_one_session_send_in_turn(beamtime: Beamtime, client: IcatClient) -> None:
    paths = [beamtime.dataset(f"{number:04d}") for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda path: client.store_dataset(**of(path)), paths))
    assert sorted(beamtime.standing()) == [(path.name, MessageState.ACCEPTED) for path in paths]


def test_data_of_one_team_is_shown_to_another_only_where_that_is_meant(beamtime: Beamtime, client: IcatClient) -> None:
    path = beamtime.dataset()
    with pytest.raises(UsageError, match="--yes-proposal hg444"):
        client.store_dataset(**of(path) | {"proposal": "hg444"})
    client.store_dataset(**of(path) | {"proposal": "hg444"}, yes_proposal="hg444")
    assert len(beamtime.bodies) == 1


def test_names_of_files_that_are_not_read_as_utf_8_are_refused(
    beamtime: Beamtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "iso8859-1")
    for call in (IcatClient, icat_tui.scan, icat_tui.register):
        with pytest.raises(UnicodeError, match="-X utf8") as raised:
            call()
        assert isinstance(raised.value, UsageError)


# -- asking ----------------------------------------------------------------------------------------------------------


def test_an_investigation_is_told_as_pyicat_plus_does(beamtime: Beamtime, client: IcatClient) -> None:
    assert client.investigation_info("ID99", "hg333", date=date(2023, 10, 19)) == {
        "proposal": "HG-333",
        "beamline": "ID99",
        "id": INVESTIGATION,
        "startDate": START.isoformat(timespec="milliseconds"),
        "endDate": END.isoformat(timespec="milliseconds"),
        "title": "Experiment HG-333",
        "e-logbook": "https://data.esrf.fr/investigation/7/logbook",
        "data portal": "https://data.esrf.fr/investigation/7/datasets",
    }
    assert client.investigation_info("id99", "hg999") == {}


def test_open_ended_investigations_can_be_left_out(beamtime: Beamtime, client: IcatClient) -> None:
    beamtime.state.add_investigation(8, "hg333", "id99", END + timedelta(days=30), None)
    assert client.investigation_info("id99", "hg333", date=datetime(2024, 6, 1, tzinfo=UTC))["id"] == 8
    assert client.investigation_info("id99", "hg333", allow_open_ended=False, timeout=5)["id"] == INVESTIGATION


def test_registered_datasets_have_the_attributes_of_pyicat_plus(beamtime: Beamtime, client: IcatClient) -> None:
    path = beamtime.dataset("1.5")
    known, uncounted = (
        beamtime.register(path, file_count=3),
        beamtime.register(beamtime.dataset("0002"), file_count=None),
    )
    listed = client.registered_datasets("id99", "hg333")
    assert listed is not None
    first, second = listed
    assert (first.dataset_id.name, first.dataset_id.path) == ("colA_1.5", beamtime.location(path))
    assert (first.icat_dataset_id, first.dataset_metadata.file_count) == (known, 3)
    assert (second.icat_dataset_id, second.dataset_metadata.file_count) == (uncounted, None)
    assert first.as_dict() == {
        "dataset_id": {"name": "colA_1.5", "path": beamtime.location(path)},
        "icat_dataset_id": known,
        "dataset_metadata": {"file_count": 3},
    }
    assert client.registered_dataset_ids("id99", "hg333") == [first.dataset_id, second.dataset_id]
    assert client.registered_datasets("id99", "hg999") is None, "no investigation is not one without datasets"
    assert client.registered_dataset_ids("id99", "hg999") is None


def test_an_icat_that_does_not_answer_raises_and_its_key_is_told_nobody(beamtime: Beamtime) -> None:
    client = IcatClient(elogbook_url=beamtime.icatplus, elogbook_token="elogbook-secret")
    for ask in (client.investigation_info, client.registered_datasets):
        with pytest.raises(icat_tui.CatalogueError) as raised:
            ask("id99", "hg333")
        assert "elogbook-secret" not in str(raised.value)
    with pytest.raises(UsageError, match="elogbook_url"):
        IcatClient().investigation_info("id99", "hg333")

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from icat_tui.ingest.dataset_xml import Identity, Origin, add_files_body, dataset_body
from icat_tui.sandbox import fake_ingester as ingester_module
from icat_tui.sandbox.fake_icatplus import CatalogueState, Row
from icat_tui.sandbox.fake_ingester import count_files, ingest, ingesting
from icat_tui.sandbox.raw_data_tree import SandboxFacility
from tests.support.sandbox_facility import DATASET_DIRECTORY, DAY, START
from tests.support.waiting import wait_for


def body(
    one_dataset: SandboxFacility,
    start: datetime = START + DAY,
    beamline: str = "ID23-1",
    proposal: str = "mx2500",
    **metadata: object,
) -> bytes:
    """The message that the program makes."""
    identity = Identity(
        beamline=beamline, proposal=proposal, dataset="0001", path=one_dataset.directory / DATASET_DIRECTORY
    )
    values = {"Sample_name": "s<A>", "startDate": start, "endDate": start + timedelta(hours=1)} | metadata
    return dataset_body(identity, values, Origin("lid23", "a test", START)).content


def rows(its_catalogue: CatalogueState) -> dict[int, list[Row]]:
    """What was added, by investigation."""
    return {number: added for number in range(10) if (added := its_catalogue.datasets(number))}


def file_count(row: Row) -> str:
    return next(str(each["value"]) for each in row["parameters"] if each["name"] == "__fileCount")


# -- datasets --------------------------------------------------------------------------------------------------------


def test_a_dataset_gets_into_the_catalogue_as_it_was_told(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset))
    ((investigation, (row,)),) = rows(its_catalogue).items()
    assert investigation == 1
    assert (row["name"], row["sampleName"], row["type"]) == ("0001", "s<A>", "acquisition")
    assert row["location"] == f"/{DATASET_DIRECTORY}"
    assert datetime.fromisoformat(row["startDate"]) == START + DAY
    assert datetime.fromisoformat(row["endDate"]) == START + DAY + timedelta(hours=1)
    assert file_count(row) == "3"


def test_what_is_sent_twice_is_there_twice(one_dataset: SandboxFacility, its_catalogue: CatalogueState) -> None:
    for _ in range(2):
        ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset))
    first, second = rows(its_catalogue)[1]
    assert first["id"] != second["id"]
    assert first["location"] == second["location"]


@pytest.mark.parametrize(
    ("days", "investigation"),
    [(-100, 1), (0, 1), (1, 1), (3, 1), (6, 1), (7, 2), (11, 2), (13.1, 2), (25, 3), (30, 3), (1000, 3)],
)
def test_without_a_name_it_gets_into_the_time_slot_that_holds_its_start_else_into_the_nearest(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState, days: float, investigation: int
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset, START + days * DAY))
    assert list(rows(its_catalogue)) == [investigation]


@pytest.mark.parametrize(("named", "investigation"), [(2, 2), (3, 3), (7, 1), (99, 1)])
def test_it_gets_into_the_investigation_that_is_named_if_it_is_one_of_its_proposal_and_beamline(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState, named: int, investigation: int
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset, investigationId=named))
    assert list(rows(its_catalogue)) == [investigation]


@pytest.mark.parametrize("beamline", ["id23-1", "ID23-1", "id23eh1", "ID23EH1"])
@pytest.mark.parametrize("proposal", ["mx2500", "MX2500", "MX-2500"])
def test_names_are_compared_normalised(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState, beamline: str, proposal: str
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset, beamline=beamline, proposal=proposal))
    assert list(rows(its_catalogue)) == [1]


def test_a_time_without_an_offset_is_one_of_the_facility(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset, START.replace(tzinfo=None)))
    assert rows(its_catalogue)[1][0]["startDate"] == "2023-10-19T08:00:00.000+02:00"


def test_what_was_made_from_other_datasets_is_processed(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset, input_datasets=["/data/visitor/x"]))
    assert rows(its_catalogue)[1][0]["type"] == "processed"


def test_elements_may_come_in_any_order_and_others_are_passed_over(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    xml = b"".join(
        b"<%b>%b</%b>" % (name, text, name)
        for name, text in {
            b"comment": b"none",
            b"endDate": b"2023-10-20T08:00:00Z",
            b"startDate": b"2023-10-20T07:00:00.123456789Z",
            b"sample": b"<name>sA</name>",
            b"location": f"/{DATASET_DIRECTORY}".encode(),
            b"name": b"0001",
            b"instrument": b"id23-1",
            b"investigation": b"mx2500",
        }.items()
    )
    ingest(
        its_catalogue,
        one_dataset,
        "icatIngest",
        b'<dataset xmlns="http://www.esrf.fr/icat" complete="true">' + xml + b"</dataset>",
    )
    assert rows(its_catalogue)[1][0]["sampleName"] == "sA"


def test_a_dataset_that_is_not_on_disk_has_no_files(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset).replace(b"colA_0001", b"colA_0002"))
    assert file_count(rows(its_catalogue)[1][0]) == "0"


def test_no_location_leads_out_of_the_facility(one_dataset: SandboxFacility) -> None:
    for location in ("/../../../etc", "/data/visitor/../../../../../../etc", "//etc"):
        assert Path(one_dataset.on_disk(location)).is_relative_to(one_dataset.directory)


def test_a_location_lies_where_the_story_has_it(sandbox_facility: SandboxFacility) -> None:
    for session in sandbox_facility.sessions:
        for dataset in session.datasets:
            assert sandbox_facility.on_disk(dataset.acquisition.location) == dataset.path


# -- files -----------------------------------------------------------------------------------------------------------


def test_files_are_counted_again_when_that_is_asked_for(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset))
    (before,) = rows(its_catalogue)[1]
    (one_dataset.directory / DATASET_DIRECTORY / "d").touch()
    ingest(its_catalogue, one_dataset, "icatDataFiles", add_files_body(before["id"]))
    (after,) = rows(its_catalogue)[1]
    assert (file_count(before), file_count(after)) == ("3", "4")
    assert {**before, "parameters": after["parameters"]} == after


def test_files_are_not_counted_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert count_files(str(tmp_path)) == 5
    monkeypatch.setattr(ingester_module, "MOST_FILES", 3)
    assert count_files(str(tmp_path)) == 3


# -- dead letters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queue", "said", "why"),
    [
        ("icatIngest", b"", "not well-formed"),
        ("icatIngest", b"<dataset>", "not well-formed"),
        ("icatIngest", b'<?xml version="1.0" encoding="nobody-knows"?><a/>', "not well-formed"),
        ("icatIngest", b"\xff\xfe<\0", "not well-formed"),
        ("icatIngest", b"<dataset/>", "its root is 'dataset'"),
        ("icatIngest", b'<t:investigation xmlns:t="http://www.esrf.fr/icat"/>', "not an ICAT dataset"),
        ("icatIngest", b'<t:dataset xmlns:t="http://www.esrf.fr/icat"/>', "it has no investigation, instrument, name"),
        ("icatDataFiles", b"", "not JSON"),
        ("icatDataFiles", b"\xff", "not JSON"),
        ("icatDataFiles", b"[1]", "no datasetId"),
        ("icatDataFiles", b'{"datasetId": "1"}', "no datasetId"),
        ("icatDataFiles", b'{"datasetId": true}', "no datasetId"),
        ("icatDataFiles", b'{"datasetId": 99}', "there is no dataset 99"),
        ("icatUpdateDatasetMetadata", b"{}", "nobody takes messages from the queue 'icatUpdateDatasetMetadata'"),
    ],
)
def test_what_can_not_be_ingested_says_why(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState, queue: str, said: bytes, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        ingest(its_catalogue, one_dataset, queue, said)
    assert rows(its_catalogue) == {}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"mx2500</tns:investigation>", b"mx9999</tns:investigation>", "no investigation of 'mx9999'"),
        (b"id23-1</tns:instrument>", b"bm01</tns:instrument>", "at 'bm01'"),
        (b"<tns:startDate>2023", b"<tns:startDate>later", "later"),
        (b"<tns:location>/", b"<tns:location>", "not an absolute path"),
        (b"<tns:name>0001</tns:name>", b"", "it has no name"),
    ],
)
def test_a_dataset_that_can_not_be_placed_says_why(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState, old: bytes, new: bytes, why: str
) -> None:
    assert old in body(one_dataset)
    with pytest.raises(ValueError, match=why):
        ingest(its_catalogue, one_dataset, "icatIngest", body(one_dataset).replace(old, new, 1))
    assert rows(its_catalogue) == {}


def test_a_dead_letter_is_kept_and_stops_nobody(one_dataset: SandboxFacility, its_catalogue: CatalogueState) -> None:
    with ingesting(its_catalogue, one_dataset, 0) as ingester:
        ingester.enqueue("icatIngest", b"garbage")
        ingester.enqueue("icatIngest", body(one_dataset))
        wait_for(lambda: rows(its_catalogue))
        ((queue, said, reason),) = ingester.dead_letters
    assert (queue, said) == ("icatIngest", b"garbage")
    assert "not well-formed" in reason


# -- when ------------------------------------------------------------------------------------------------------------


def test_it_takes_its_time_but_all_wait_together(one_dataset: SandboxFacility, its_catalogue: CatalogueState) -> None:
    before = time.monotonic()
    with ingesting(its_catalogue, one_dataset, 0.2) as ingester:
        for _ in range(50):
            ingester.enqueue("icatIngest", body(one_dataset))
        wait_for(lambda: rows(its_catalogue))
        assert time.monotonic() - before >= 0.2
        wait_for(lambda: len(rows(its_catalogue)[1]) == 50)
    assert time.monotonic() - before < 5


def test_closing_waits_for_nothing_and_leaves_no_thread(
    one_dataset: SandboxFacility, its_catalogue: CatalogueState
) -> None:
    threads, before = set(threading.enumerate()), time.monotonic()
    with ingesting(its_catalogue, one_dataset, 3600) as ingester:
        ingester.enqueue("icatIngest", body(one_dataset))
    assert set(threading.enumerate()) <= threads
    assert time.monotonic() - before < 20
    assert rows(its_catalogue) == {}

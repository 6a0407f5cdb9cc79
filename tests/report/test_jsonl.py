"""JSON Lines as others read them, and what a run adds up to (interface.md, "JSON Lines" and "Exit codes")."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import FileCount
from icat_tui.domain.scan_events import (
    ScanFinished,
    SessionScanned,
)
from icat_tui.domain.status import Category, Status
from icat_tui.report.jsonl import error_record, ignored_record, json_line, session_record, summary_record
from icat_tui.report.totals import SentCounts, Totals
from tests.support.golden import matches
from tests.support.names import HOSTILE_NAMES
from tests.support.report_events import totals
from tests.support.samples import a_directory, a_session, every_category, every_status
from tests.support.time_slot import FACILITY


def test_the_lines_are_what_they_were() -> None:
    sessions = every_category()
    run = totals(*map(SessionScanned, sessions), ScanFinished(cancelled=False, seconds=0.41234))
    records = [session_record(session, FACILITY) for session in sessions]
    records += [error_record("Permission denied", "/data/visitor/locked"), error_record("ICAT+ does not answer")]
    records += [ignored_record("/data/visitor/hg333/id99/20231019_bis", "holds raw data")]
    records += [summary_record(run, SentCounts(confirmed=3, accepted=2, unknown=1), ExitCode.PARTIAL)]
    assert matches("records.jsonl", "".join(f"{json_line(record)}\n" for record in records).encode("ascii"))


def test_files_are_in_a_record_where_they_were_counted() -> None:
    session = a_session(Category.OK, ("1", Status.REGISTERED), ("2", Status.MISSING_ON_DISK))
    counted = session_record(session, FACILITY, {session.datasets[0].path: FileCount(41, 1)})
    assert [dataset["files"] for dataset in counted["datasets"]] == [
        {"on_disk": 41, "in_icat": 1},
        {"on_disk": None, "in_icat": None},
    ]
    assert not any("files" in dataset for dataset in session_record(session, FACILITY)["datasets"])


def test_keys_are_those_of_schema_1_in_their_order() -> None:
    record, summary = session_record(every_status(), FACILITY), summary_record(Totals(), SentCounts(), 0)
    assert " ".join(record) == (
        "type schema proposal beamline session format path raw_path category reasons investigation counts cached "
        "seen_at datasets"
    )
    assert " ".join(record["investigation"]) == "id url start end match"
    assert " ".join(record["datasets"][0]) == "path name status reasons start end sample icat_id investigation"
    assert " ".join(summary) == "type schema sessions failed categories counts sent ignored seconds exit_code"
    assert " ".join(summary["sent"]) == "confirmed accepted seen rejected unknown skipped not_sent"
    assert {each["schema"] for each in (record, summary, error_record(""))} == {1}


def test_counts_leave_out_zeros_and_add_up_over_all_datasets() -> None:
    record = session_record(every_status(), FACILITY)
    assert record["counts"] == {status.value: 2 if status == Status.REGISTERED else 1 for status in Status}
    assert sum(record["counts"].values()) == len(record["datasets"])
    assert session_record(a_session(Category.EMPTY), FACILITY)["counts"] == {}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_come_back_the_same_from_one_line_of_ascii(name: str) -> None:
    session = a_session(Category.TODO, (name, Status.INVALID, name), directory=a_directory(name))
    line = json_line(session_record(session, FACILITY))
    assert line.isascii()
    assert line.isprintable()
    read = json.loads(line)
    assert read["path"] == session.directory.path
    assert read["datasets"][0]["path"] == session.datasets[0].path


@given(st.binary())
def test_bytes_that_are_not_utf_8_come_back_the_same(name: bytes) -> None:
    assert os.fsencode(json.loads(json_line(error_record("", os.fsdecode(name))))["path"]) == name

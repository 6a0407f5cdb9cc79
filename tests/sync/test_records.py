"""JSON Lines as others read them, and what a run adds up to (interface.md, "JSON Lines" and "Exit codes")."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import category_now
from icat_tui.domain.scan_events import (
    CacheUnusable,
    DirectoryFailed,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Category, Status
from icat_tui.sync.records import (
    TODO,
    TODO_OR_MORE,
    Sent,
    Totals,
    error_record,
    json_line,
    session_record,
    summary_record,
)
from tests.names import HOSTILE_NAMES
from tests.sync.golden import matches
from tests.sync.samples import FACILITY, a_directory, a_session, every_category, every_status


def totals(*events: ScanEvent) -> Totals:
    result = Totals()
    for event in events:
        result.add(event)
    return result


def scanned(category: Category, *statuses: Status, determined: bool = True, stale: bool = False) -> SessionScanned:
    datasets = [(str(number), status) for number, status in enumerate(statuses)]
    return SessionScanned(replace(a_session(category, *datasets, stale=stale), determined=determined))


def test_the_lines_are_what_they_were() -> None:
    sessions = every_category()
    run = totals(*map(SessionScanned, sessions), ScanFinished(cancelled=False, seconds=0.41234))
    records = [session_record(session, FACILITY) for session in sessions]
    records += [error_record("Permission denied", "/data/visitor/locked"), error_record("ICAT+ does not answer")]
    records += [summary_record(run, Sent(accepted=2, unknown=1), ExitCode.PARTIAL)]
    assert matches("records.jsonl", "".join(f"{json_line(record)}\n" for record in records).encode("ascii"))


def test_keys_are_those_of_schema_1_in_their_order() -> None:
    record, summary = session_record(every_status(), FACILITY), summary_record(Totals(), Sent(), 0)
    assert " ".join(record) == (
        "type schema proposal beamline session format path raw_path category reasons investigation counts cached "
        "seen_at datasets"
    )
    assert " ".join(record["investigation"]) == "id url start end match"
    assert " ".join(record["datasets"][0]) == "path name status reasons start end sample icat_id investigation"
    assert " ".join(summary) == "type schema sessions failed categories counts sent seconds exit_code"
    assert " ".join(summary["sent"]) == "accepted confirmed rejected unknown skipped"
    assert {each["schema"] for each in (record, summary, error_record(""))} == {1}


def test_counts_leave_out_zeros_and_add_up_over_all_datasets() -> None:
    record = session_record(every_status(), FACILITY)
    assert record["counts"] == {status.value: 2 if status == Status.REGISTERED else 1 for status in Status}
    assert sum(record["counts"].values()) == len(record["datasets"])
    assert session_record(a_session(Category.EMPTY), FACILITY)["counts"] == {}


def test_the_summary_adds_up_the_sessions() -> None:
    sessions = every_category()
    records = [session_record(session, FACILITY) for session in sessions]
    summary = summary_record(totals(*map(SessionScanned, sessions)), Sent(), 0)
    assert summary["sessions"] == sum(summary["categories"].values()) == len(sessions)
    assert sum(summary["counts"].values()) == sum(len(record["datasets"]) for record in records)
    for category, number in summary["categories"].items():
        assert number == sum(record["category"] == category for record in records)


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


def test_what_could_not_be_determined_now_counts_as_unknown_whatever_it_was() -> None:
    session = a_session(Category.OK, ("1", Status.REGISTERED), stale=True)
    assert category_now(session) == Category.UNKNOWN
    assert session_record(session, FACILITY)["category"] == "unknown"
    assert totals(SessionScanned(session)).categories == {Category.UNKNOWN: 1}


DIRECTORY = a_directory()


@pytest.mark.parametrize(
    ("events", "codes"),
    [
        ([], set()),
        ([SessionsFound((DIRECTORY,)), ScanFinished(cancelled=False, seconds=1)], set()),
        ([scanned(Category.OK), scanned(Category.EMPTY), scanned(Category.HAS_INVALID, Status.INVALID)], set()),
        ([scanned(Category.TODO, Status.UNREGISTERED, Status.UNKNOWN)], {ExitCode.PARTIAL}),
        ([scanned(Category.UNKNOWN, Status.UNKNOWN, Status.REGISTERED)], {ExitCode.PARTIAL}),
        ([scanned(Category.OK), CacheUnusable("/cache/x", "torn")], set()),
        ([scanned(Category.OK), SavingFailed("/cache/x", "disk full")], {ExitCode.PARTIAL}),
        ([scanned(Category.OK), DirectoryFailed("/data", "denied")], {ExitCode.PARTIAL}),
        ([scanned(Category.OK), SessionFailed(DIRECTORY, "broke")], {ExitCode.PARTIAL}),
        ([scanned(Category.OK), scanned(Category.UNKNOWN, determined=False)], {ExitCode.PARTIAL}),
        ([scanned(Category.UNKNOWN, determined=False)], {ExitCode.PARTIAL, ExitCode.NOTHING}),
        ([scanned(Category.OK, Status.REGISTERED, stale=True)], {ExitCode.PARTIAL, ExitCode.NOTHING}),
        ([DirectoryFailed("/data", "denied")], {ExitCode.PARTIAL, ExitCode.NOTHING}),
        ([SessionFailed(DIRECTORY, "broke")], {ExitCode.PARTIAL, ExitCode.NOTHING}),
    ],
)
def test_what_happened_says_what_the_exit_code_is_made_of(events: list[ScanEvent], codes: set[ExitCode]) -> None:
    assert totals(*events).happened() == codes


@pytest.mark.parametrize("category", Category)
def test_something_to_do_counts_where_it_was_asked_for(category: Category) -> None:
    run = totals(scanned(category))
    assert ExitCode.TODO not in run.happened()
    assert (ExitCode.TODO in run.happened(TODO)) == (category in ("todo", "todo_ongoing"))
    wanted = ("todo", "todo_ongoing", "has_invalid", "not_in_icat")
    assert (ExitCode.TODO in run.happened(TODO_OR_MORE)) == (category in wanted)


def test_why_something_is_unknown_is_remembered_by_its_reason() -> None:
    session = a_session(Category.UNKNOWN, ("1", Status.UNKNOWN, "Permission denied"))
    other = replace(session, reasons=("ICAT+ does not answer",))
    silent = a_session(Category.UNKNOWN)
    run = totals(*map(SessionScanned, (session, session, other, silent)))
    path = session.directory.path
    assert run.troubles == {
        "Permission denied": (path, 2),
        "ICAT+ does not answer": (path, 1),
        "could not be determined": (path, 1),
    }

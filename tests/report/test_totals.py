"""What a run adds up to, and what its exit code is made of."""

import pytest
from msgspec.structs import replace

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import category_now
from icat_tui.domain.scan_events import (
    CacheUnusable,
    DirectoryFailed,
    DirectoryIgnored,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Category, Status
from icat_tui.report.jsonl import session_record, summary_record
from icat_tui.report.totals import TODO, TODO_OR_MORE, SentCounts
from tests.support.report_events import DIRECTORY, scanned, totals
from tests.support.samples import a_session, every_category
from tests.support.time_slot import FACILITY


def test_the_summary_adds_up_the_sessions() -> None:
    sessions = every_category()
    records = [session_record(session, FACILITY) for session in sessions]
    summary = summary_record(totals(*map(SessionScanned, sessions)), SentCounts(), 0)
    assert summary["sessions"] == sum(summary["categories"].values()) == len(sessions)
    assert sum(summary["counts"].values()) == sum(len(record["datasets"]) for record in records)
    for category, number in summary["categories"].items():
        assert number == sum(record["category"] == category for record in records)


def test_what_could_not_be_determined_now_counts_as_unknown_whatever_it_was() -> None:
    session = a_session(Category.OK, ("1", Status.REGISTERED), stale=True)
    assert category_now(session) == Category.UNKNOWN
    assert session_record(session, FACILITY)["category"] == "unknown"
    assert totals(SessionScanned(session)).categories == {Category.UNKNOWN: 1}


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
        ([scanned(Category.OK), DirectoryIgnored("/data", "holds raw data")], set()),
        ([scanned(Category.OK), SessionFailed(DIRECTORY, "broke")], {ExitCode.PARTIAL}),
        ([scanned(Category.OK), scanned(Category.UNKNOWN, determined=False)], {ExitCode.PARTIAL}),
        ([scanned(Category.UNKNOWN, determined=False)], {ExitCode.PARTIAL, ExitCode.NOTHING}),
        ([scanned(Category.OK, Status.REGISTERED, stale=True)], {ExitCode.PARTIAL, ExitCode.NOTHING}),
        ([DirectoryFailed("/data", "denied")], {ExitCode.PARTIAL, ExitCode.NOTHING}),
        ([SessionFailed(DIRECTORY, "broke")], {ExitCode.PARTIAL, ExitCode.NOTHING}),
    ],
)
def test_what_happened_says_what_the_exit_code_is_made_of(events: list[ScanEvent], codes: set[ExitCode]) -> None:
    assert totals(*events).exit_codes() == codes


@pytest.mark.parametrize("category", Category)
def test_something_to_do_counts_where_it_was_asked_for(category: Category) -> None:
    run = totals(scanned(category))
    assert ExitCode.TODO not in run.exit_codes()
    assert (ExitCode.TODO in run.exit_codes(TODO)) == (category in ("todo", "todo_ongoing"))
    wanted = ("todo", "todo_ongoing", "has_invalid", "not_in_icat")
    assert (ExitCode.TODO in run.exit_codes(TODO_OR_MORE)) == (category in wanted)


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


def test_directories_that_are_no_sessions_are_counted_and_the_first_kept() -> None:
    run = totals(*(DirectoryIgnored(f"/data/{number}", "holds raw data") for number in range(21)))
    assert run.ignored == summary_record(run, SentCounts(), 0)["ignored"] == 21
    assert run.first_ignored == [(f"/data/{number}", "holds raw data") for number in range(20)]
    assert run.failed == 0

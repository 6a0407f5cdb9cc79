"""`icat-tui check`: explains to a scientist what is in the catalogue, what is not, and why.

What must stay true: it scans everything without the cache and writes no files.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from icat_tui.cancel import Cancellation
from icat_tui.cli.context import Run
from icat_tui.cli.scan_run import ScanRun
from icat_tui.cli.session_reporter import SessionOutput
from icat_tui.disk.filesystem import count_files
from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import FileCount, Session
from icat_tui.domain.status import Status
from icat_tui.report.check_text import check_text, closing_check_text
from icat_tui.report.totals import TODO_OR_MORE


def check(run: Run) -> ExitCode:
    """Print a report on the selected sessions, and return the exit code.

    Raises UsageError where settings are missing or it is not clear which session is meant, Cancelled when it is
    cancelled.
    """
    scan_run = ScanRun(run, datetime.now(UTC), keep_cache=False)
    facility = run.settings.facility
    output = SessionOutput(run, lambda session: check_text(session, counted_files(session, run.cancellation), facility))
    for _ in scan_run.sessions(output):
        pass
    if scan_run.totals.sessions and not run.arguments.quiet:
        run.summary.closing_lines = closing_check_text()
    return scan_run.finish(output, TODO_OR_MORE)


def counted_files(session: Session, cancellation: Cancellation) -> Mapping[str, FileCount]:
    """Return how many files the datasets of a session have, on disk and in ICAT. Raises Cancelled."""
    counts = {}
    for dataset in session.datasets:
        cancellation.check()
        if dataset.status != Status.MISSING_ON_DISK:
            counts[dataset.path] = FileCount(count_files(dataset.path), dataset.file_count)
    return counts

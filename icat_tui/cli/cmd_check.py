"""`icat-tui check`: explains to a scientist what is in the catalogue, what is not, and why.

What must stay true: it scans everything without the cache and writes no files.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from icat_tui.cancel import Cancellation
from icat_tui.cli.context import Run
from icat_tui.cli.scan_run import ScanRun
from icat_tui.cli.session_reporter import SessionOutput
from icat_tui.disk.file_count import count_files
from icat_tui.disk.listing import looks_like
from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import Dataset, FileCount, Session
from icat_tui.domain.status import Category, Status
from icat_tui.report.check_text import brief_check_text, check_text, closing_check_text, lacks_files
from icat_tui.report.lines import Line
from icat_tui.report.totals import TODO_OR_MORE


def check(run: Run) -> ExitCode:
    """Print a report on the selected sessions, and return the exit code.

    Raises UsageError where settings are missing or it is not clear which session is meant, Cancelled when it is
    cancelled.
    """
    scan_run = ScanRun(run, datetime.now(UTC), keep_cache=False)
    facility, counts = run.settings.facility, _FileCounts(run.cancellation)
    brief = scan_run.selected.has_several()

    def text(session: Session) -> Iterator[Line]:
        files = counts.of(session)
        return brief_check_text(session, files) if brief else check_text(session, files, facility)

    output = SessionOutput(run, text, counts.of)
    for session in scan_run.sessions(output):
        if lacks_files(session, counts.of(session)):
            scan_run.exit_codes.add(ExitCode.TODO)
        if session.category == Category.EMPTY and (other := looks_like(session.directory)):
            directory = session.directory
            what = f"{directory.path}: no {directory.format} data, and it looks like {other}: give --format {other}"
            output.report_failure(what, directory.path)
            scan_run.exit_codes.add(ExitCode.PARTIAL)
    if scan_run.totals.sessions and not run.arguments.quiet:
        run.summary.closing_lines = closing_check_text(brief=brief)
    return scan_run.finish(output, TODO_OR_MORE)


class _FileCounts:
    """Counts of the files of the session that was asked about last."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._session: Session | None = None
        self._counts: Mapping[str, FileCount] = {}

    def of(self, session: Session) -> Mapping[str, FileCount]:
        """Return how many files the datasets of a session have, on disk and in ICAT. Raises Cancelled."""
        if session is not self._session:
            self._counts = {
                dataset.path: self._count(dataset)
                for dataset in session.datasets
                if dataset.status != Status.MISSING_ON_DISK
            }
            self._session = session
        return self._counts

    def _count(self, dataset: Dataset) -> FileCount:
        found = count_files(dataset.path, self._cancellation.check)
        return FileCount(found.known, dataset.file_count, found.complete)

"""`icat-tui check`: for a scientist, in words, what is in the catalogue, what is not, and why.

What must stay true: it looks at everything anew and writes nothing anywhere.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from icat_tui.cancel import Cancellation
from icat_tui.cli.context import Run
from icat_tui.cli.scan_run import Scanning
from icat_tui.cli.session_reporter import Output
from icat_tui.disk.filesystem import count_files
from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import FileCount, Session
from icat_tui.domain.status import Status
from icat_tui.report.check_text import check_text, closing_check_text
from icat_tui.report.totals import TODO_OR_MORE


def check(run: Run) -> ExitCode:
    """Tell of the sessions that were asked for, and return what it came to.

    Raises UsageError where the settings don't suffice or it is not clear which session is meant, Cancelled when it is
    called off.
    """
    scanning = Scanning(run, datetime.now(UTC), keep_cache=False)
    facility = run.settings.facility
    output = Output(run, lambda session: check_text(session, counted_files(session, run.stop), facility))
    for _ in scanning.sessions(output):
        pass
    if scanning.totals.sessions and not run.asked.quiet:
        run.ending.closing = closing_check_text()
    return scanning.finish(output, TODO_OR_MORE)


def counted_files(session: Session, stop: Cancellation) -> Mapping[str, FileCount]:
    """Return how many files the datasets of a session have, on disk and in ICAT. Raises Cancelled."""
    counts = {}
    for dataset in session.datasets:
        stop.check()
        if dataset.status != Status.MISSING_ON_DISK:
            counts[dataset.path] = FileCount(count_files(dataset.path), dataset.file_count)
    return counts

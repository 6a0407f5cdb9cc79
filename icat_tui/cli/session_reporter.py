"""What goes to stdout of each session: as text for people, or as JSON Lines for programs."""

from collections.abc import Callable, Iterable
from datetime import datetime

from icat_tui.cli.console import write, write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Session
from icat_tui.domain.scan_events import (
    CacheUnusable,
    DirectoryFailed,
    SavingFailed,
    ScanEvent,
    SessionFailed,
    SessionScanned,
)
from icat_tui.report.jsonl import error_record, json_line, session_record
from icat_tui.report.lines import Line
from icat_tui.report.sync_text import session_text

SessionText = Callable[[Session], Iterable[Line]]


class Output:
    """Where results go; the end of a run is told by its `Ending`."""

    def __init__(self, run: Run, text: SessionText) -> None:
        """Tell of each session by `text`, or as its record."""
        self._json: bool = run.asked.json
        self._facility = run.settings.facility
        silent = vars(run.asked).get("no_print", False) or (run.asked.quiet and not self._json)
        self._text = None if silent else text

    def session(self, session: Session) -> None:
        """Tell what became known of a session."""
        if self._text is None:
            return
        if self._json:
            write(json_line(session_record(session, self._facility)) + "\n")
        else:
            write_lines(self._text(session))

    def without_result(self, path: str, reason: str) -> None:
        """Tell programs of something that has no result; people are told at the end, one line for each reason."""
        if self._json:
            write(json_line(error_record(reason, path)) + "\n")

    def failure(self, what: str, path: str | None = None) -> None:
        """Tell everybody what went wrong."""
        log.error("%s", what)
        if self._json:
            write(json_line(error_record(what, path)) + "\n")


def in_the_words_of_sync_raw(facility: Facility, now: datetime) -> SessionText:
    """Return how a session is told in the words of `icat-sync-raw`."""
    return lambda session: session_text(session, facility, now)


def tell(event: ScanEvent, output: Output) -> None:
    """Tell what has happened: results and what has none to `output`, the rest to whoever wants to hear more."""
    match event:
        case SessionScanned(session=session):
            counts = ", ".join(f"{number} {status.word}" for status, number in session.counts.items())
            log.info("%s: %s (%s)", session.directory.path, session.category.word, counts or "no datasets")
            output.session(session)
        case DirectoryFailed(path=path, reason=reason):
            log.info("%s: %s", path, reason)
            output.without_result(path, reason)
        case SessionFailed(directory=directory, reason=reason, details=details):
            log.debug("%s: %s", directory.path, details)
            output.without_result(directory.path, reason)
        case SavingFailed(path=path, reason=reason):
            log.info("%s", reason)
            output.without_result(path, reason)
        case CacheUnusable(reason=reason):
            log.info("%s", reason)

"""Reporting of scanned sessions on stdout: as text for people, or as JSON Lines for programs.

What must stay true: with `--json` nothing but records is written to stdout.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from icat_tui.cli.console import write, write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import FileCount, Session
from icat_tui.domain.scan_events import (
    CacheUnusable,
    DirectoryFailed,
    DirectoryIgnored,
    SavingFailed,
    ScanEvent,
    SessionFailed,
    SessionScanned,
)
from icat_tui.report.jsonl import error_record, ignored_record, json_line, session_record
from icat_tui.report.lines import Line
from icat_tui.report.sync_text import session_text

SessionText = Callable[[Session], Iterable[Line]]
SessionFiles = Callable[[Session], Mapping[str, FileCount] | None]
"""Counts of the files of a session's datasets by path; None: they are not counted."""


class SessionOutput:
    """Output of results of a run, but for its summary."""

    def __init__(self, run: Run, text: SessionText, files: SessionFiles = lambda _: None) -> None:
        """Write sessions as `text` returns them, or as records, with what `files` counts, with `--json`."""
        self._files = files
        self._json: bool = run.arguments.json
        self._facility = run.settings.facility
        silent = vars(run.arguments).get("no_print", False) or (run.arguments.quiet and not self._json)
        self._text = None if silent else text

    def write_session(self, session: Session) -> None:
        """Write the result of a session."""
        if self._text is None:
            return
        if self._json:
            write(json_line(session_record(session, self._facility, self._files(session))) + "\n")
        else:
            write_lines(self._text(session))

    def write_without_result(self, path: str, reason: str) -> None:
        """Write an error record for what has no result; people get a line for each reason at the end."""
        if self._json:
            write(json_line(error_record(reason, path)) + "\n")

    def write_ignored(self, path: str, reason: str) -> None:
        """Write a record for a directory that is no session and looks like one; people get a line at the end."""
        if self._json:
            write(json_line(ignored_record(path, reason)) + "\n")

    def report_failure(self, what: str, path: str | None = None) -> None:
        """Report an error to people and to programs."""
        log.error("%s", what)
        if self._json:
            write(json_line(error_record(what, path)) + "\n")


def sync_raw_text(facility: Facility, now: datetime) -> SessionText:
    """Return the function that makes the text of a session as `icat-sync-raw` prints it."""
    return lambda session: session_text(session, facility, now)


def report_event(event: ScanEvent, output: SessionOutput) -> None:
    """Report an event of a scan: results, and what has none, to `output`; details to the log."""
    match event:
        case SessionScanned(session=session):
            counts = ", ".join(f"{number} {status.word}" for status, number in session.counts.items())
            log.info("%s: %s (%s)", session.directory.path, session.category.word, counts or "no datasets")
            output.write_session(session)
        case DirectoryFailed(path=path, reason=reason):
            log.info("%s: %s", path, reason)
            output.write_without_result(path, reason)
        case DirectoryIgnored(path=path, reason=reason):
            log.info("%s is not a session directory: %s", path, reason)
            output.write_ignored(path, reason)
        case SessionFailed(directory=directory, reason=reason, details=details):
            log.debug("%s: %s", directory.path, details)
            output.write_without_result(directory.path, reason)
        case SavingFailed(path=path, reason=reason):
            log.info("%s", reason)
            output.write_without_result(path, reason)
        case CacheUnusable(reason=reason):
            log.info("%s", reason)

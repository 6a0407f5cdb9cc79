"""What goes to stdout: sessions and the end of a run, as text for people or as JSON Lines for programs."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Session
from icat_tui.sync.records import Sent, Totals, error_record, json_line, session_record, summary_record
from icat_tui.sync.report import Line, closing_text, coloured, plain, session_text


class Output(Protocol):
    """Where results go."""

    def session(self, session: Session) -> None:
        """Tell what became known of a session."""

    def error(self, message: str, path: str | None = None) -> None:
        """Tell of something that has no result."""

    def end(self, totals: Totals, code: ExitCode, cache_dir: Path | None, overview: Sequence[Path]) -> None:
        """Tell what the run came to; the last thing on every path."""


class JsonLines:
    """For programs: a record a line, and a summary last (interface.md, "JSON Lines")."""

    def __init__(self, facility: Facility) -> None:
        """Write links and times as this facility has them."""
        self._facility = facility

    def session(self, session: Session) -> None:
        """Write the record of a session."""
        sys.stdout.write(json_line(session_record(session, self._facility)) + "\n")

    def error(self, message: str, path: str | None = None) -> None:
        """Write a record of type error."""
        sys.stdout.write(json_line(error_record(message, path)) + "\n")

    def end(self, totals: Totals, code: ExitCode, cache_dir: Path | None, overview: Sequence[Path]) -> None:
        """Write the summary."""
        sys.stdout.write(json_line(summary_record(totals, Sent(), code)) + "\n")
        sys.stdout.flush()


class Text:
    """For people, in the words of `icat-sync-raw`; what went wrong is told on stderr."""

    def __init__(self, facility: Facility, now: datetime, *, sessions: bool, closing: bool) -> None:
        """Tell of each of the `sessions` or not, and of the end or not."""
        self._facility, self._now = facility, now
        self._sessions, self._closing = sessions, closing

    def session(self, session: Session) -> None:
        """Print the summary of a session."""
        if self._sessions:
            write_lines(session_text(session, self._facility, self._now))

    def error(self, message: str, path: str | None = None) -> None:
        """Print nothing: stderr has it."""

    def end(self, totals: Totals, code: ExitCode, cache_dir: Path | None, overview: Sequence[Path]) -> None:
        """Print the closing lines."""
        if self._closing:
            write_lines(closing_text(totals, cache_dir, overview))
        sys.stdout.flush()


def write_lines(lines: Iterable[Line]) -> None:
    """Print lines, in colour where somebody looks at a terminal that has colours."""
    if not sys.stdout.isatty():
        sys.stdout.write(plain(lines))
        return
    from rich.console import Console  # noqa: PLC0415 - what goes into a pipe need not wait for it

    Console(highlight=False).print(coloured(lines), end="", soft_wrap=True)

"""What goes to stdout of each session: as text for people, or as JSON Lines for programs."""

from collections.abc import Callable, Iterable
from datetime import datetime

from icat_tui.cli.lines import write_lines
from icat_tui.cli.narration import log
from icat_tui.cli.running import Run
from icat_tui.cli.stdout import write
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Session
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

"""Arguments, settings and cancellation that a command runs with, and the summary at its end.

What must stay true: with `--json` a `summary` is the last line on every path, once (interface.md, "JSON Lines").
"""

from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from icat_tui.cli.console import StdoutLost, write
from icat_tui.cli.logging_setup import log
from icat_tui.cli.signals import SignalCancellation
from icat_tui.domain.errors import ExitCode, exit_code

if TYPE_CHECKING:
    from icat_tui.report.lines import Line
    from icat_tui.report.totals import SentCounts, Totals
    from icat_tui.settings.schema import Settings


@dataclass
class RunSummary:
    """Summary of a run, written at its end: a record for programs, lines for people."""

    as_json: bool
    totals: "Totals | None" = None
    """Totals of the scan so far; None before it begins."""
    closing_lines: "Iterable[Line]" = field(default=())
    """Last lines for people."""
    exit_codes: set[ExitCode] = field(default_factory=set)
    """Exit codes of what happened before the end, whatever ends the run."""
    sent: "Callable[[], SentCounts] | None" = None
    """Function that returns the counts of messages, in a run that sends."""

    def write(self, code: int) -> None:
        """Write the summary."""
        if self.as_json:
            from icat_tui.report.jsonl import json_line, summary_record  # noqa: PLC0415 - late
            from icat_tui.report.totals import SentCounts, Totals  # noqa: PLC0415 - late

            sent = self.sent() if self.sent else SentCounts()
            write(json_line(summary_record(self.totals or Totals(), sent, code)) + "\n")
            return
        from icat_tui.cli.console import write_lines  # noqa: PLC0415 - late: not for `--help`

        write_lines(self.closing_lines)

    def fail(self, what: str, code: ExitCode) -> ExitCode:
        """Report an error that ended the run, with a summary for programs; return the exit code."""
        log.error("%s", what)
        code = exit_code({code, *self.exit_codes})
        if not self.as_json:
            return code
        from icat_tui.report.jsonl import error_record, json_line  # noqa: PLC0415

        try:
            write(json_line(error_record(what)) + "\n")
            self.write(code)
        except StdoutLost as lost:
            log.error("%s", lost)
            return exit_code({code, lost.code})
        return code

    def stop(self, cancellation: SignalCancellation) -> int:
        """Report that a signal ended the run, with a summary; return the exit code."""
        log.error("stopped by %s", cancellation.received.name if cancellation.received else "ourselves")
        try:
            self.write(cancellation.code)
        except StdoutLost as lost:
            log.error("%s", lost)
        return cancellation.code


@dataclass(frozen=True)
class Run:
    """Arguments, settings, cancellation and summary of one command."""

    arguments: Namespace
    """The parsed arguments."""
    settings: "Settings"
    cancellation: SignalCancellation
    summary: RunSummary

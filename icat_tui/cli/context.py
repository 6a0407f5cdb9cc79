"""What a command is given to run with, and the last words of every run.

What must stay true: with `--json` a `summary` is the last line on every path, once (interface.md, "JSON Lines").
"""

from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from icat_tui.cli.console import write
from icat_tui.cli.logging_setup import log
from icat_tui.cli.signals import Stop
from icat_tui.domain.errors import ExitCode

if TYPE_CHECKING:
    from icat_tui.report.lines import Line
    from icat_tui.report.totals import SentCounts, Totals
    from icat_tui.settings.schema import Settings


@dataclass
class Ending:
    """The last words of a run."""

    as_json: bool
    totals: "Totals | None" = None
    """What the run has come to so far, from when it began to scan."""
    closing: "Iterable[Line]" = field(default=())
    """What a person is told last."""
    sent: "Callable[[], SentCounts] | None" = None
    """What became of messages, in a run that sends."""

    def write(self, code: int) -> None:
        """Tell what the run came to."""
        if self.as_json:
            from icat_tui.report.jsonl import json_line, summary_record  # noqa: PLC0415 - late
            from icat_tui.report.totals import SentCounts, Totals  # noqa: PLC0415 - late

            sent = self.sent() if self.sent else SentCounts()
            write(json_line(summary_record(self.totals or Totals(), sent, code)) + "\n")
            return
        from icat_tui.cli.console import write_lines  # noqa: PLC0415 - late: not for `--help`

        write_lines(self.closing)

    def fail(self, what: str, code: ExitCode) -> ExitCode:
        """Say what went wrong with the whole run; return the exit code."""
        log.error("%s", what)
        if self.as_json:
            from icat_tui.report.jsonl import error_record, json_line  # noqa: PLC0415

            write(json_line(error_record(what)) + "\n")
            self.write(code)
        return code


@dataclass(frozen=True)
class Run:
    """What a command is given."""

    asked: Namespace
    """The arguments."""
    settings: "Settings"
    stop: Stop
    ending: Ending

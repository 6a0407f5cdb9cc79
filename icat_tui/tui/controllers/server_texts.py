"""What is said of ICAT+ and of the brokers in the status line: what is so now, or when it was."""

import re
from datetime import timedelta
from http import HTTPStatus

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.server_report import BrokerReport, LastAnswer, ServerReport
from icat_tui.text import duration_text
from icat_tui.tui.widgets.status_bar import ColouredText

NO_CONNECTION = re.compile(r"No broker took the connection \((.*)\): see .*")
"""Text for the command line; only the reasons in it are told here."""
SILENT = 2.0
"""Seconds without an answer from which on that is said."""
LONG_AGO = 60.0
"""Seconds after which it is said when something was."""


def icatplus_text(report: ServerReport) -> ColouredText | None:
    """Return how ICAT+ answers; None where it was not asked yet."""
    if report.silence >= SILENT:
        return ColouredText(f"ICAT+: no answer for {int(report.silence):,} s", "red")
    last = report.last
    if last is None:
        return None
    when = f"{duration_text(timedelta(seconds=report.age))} ago" if report.age >= LONG_AGO else ""
    if last.status is not None and last.status < HTTPStatus.MULTIPLE_CHOICES:
        how = f"answered {when}" if when else "answers"
        return ColouredText(f"ICAT+ {how}, {last.seconds:.1f} s", "green")
    trouble = _trouble(last, before=bool(when))
    return ColouredText(f"ICAT+ {trouble}{f', {when}' if when else ''}", "red")


def _trouble(last: LastAnswer, *, before: bool) -> str:
    if last.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{'refused' if before else 'refuses'} the key ({last.status})"
    if last.status is not None:
        return f"{'answered' if before else 'answers'} with errors ({last.status})"
    could = "could not" if before else "can't"
    return f"{could} be reached: {last.trouble}"


def broker_text(
    forbidden: str, brokers: tuple[BrokerAddress, ...], report: BrokerReport | None, now: float
) -> ColouredText:
    """Return where messages go and how that went last, or that nothing may be sent."""
    if forbidden:
        return ColouredText("read-only")
    if report is None:
        return ColouredText(f"sends to {brokers[0]}")
    age = now - report.at
    when = f", {duration_text(timedelta(seconds=age))} ago" if age >= LONG_AGO else ""
    if report.trouble:
        reason = report.trouble
        if inner := NO_CONNECTION.fullmatch(reason):
            reason = inner[1]
        return ColouredText(f"no broker: {reason}{when}", "red")
    return ColouredText(f"sends to {brokers[0]}") if when else ColouredText("broker answers", "green")

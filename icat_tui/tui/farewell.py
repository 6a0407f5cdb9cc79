"""The end of the UI: what was confirmed is sent or stays planned, and is told on the way out.

What must stay true: nothing that was confirmed is dropped, and no exit code but 0 comes without a line that says why.
"""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import ExitCode
from icat_tui.tui.controllers.orders import OrderNumbers
from icat_tui.tui.controllers.registrations import Registrations

LOOK = 0.1
"""Seconds between two looks whether everything is sent."""


class Farewell(NamedTuple):
    """Exit code, and the line that is told on the way out; empty where nothing was confirmed."""

    code: ExitCode = ExitCode.DONE
    line: str = ""


def finish(registrations: Registrations, stop: Cancellation) -> None:
    """Send what was confirmed, with a line of progress on a terminal, until all is sent or `stop` is called off."""
    console = Console(stderr=True)
    with console.status("") as status:
        while not stop and (progress := registrations.progress):
            done, total = progress
            status.update(Text(f"sending {done:,}/{total:,}, ctrl+c leaves the rest planned"))
            stop.wait(LOOK)


def farewell(numbers: OrderNumbers, config: str | None) -> Farewell:
    """Return how the program is left, given what became of the messages of this run and the settings file named."""
    if not numbers.confirmed:
        return Farewell()
    parts = {
        "sent": numbers.sent,
        "sent without a receipt": numbers.unknown,
        "rejected": numbers.rejected,
        "changed meanwhile, not sent": numbers.changed,
        "not sent, and not in the journal": numbers.dropped,
        "still under way, planned or without a receipt": numbers.to_go,
        "planned": numbers.planned,
    }
    told = ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)
    if numbers.planned or numbers.to_go:
        words: Sequence[str] = ("icat-tui", "journal", "--resume", *(("--config", config) if config else ()))
        return Farewell(ExitCode.PARTIAL, f"{told}: {shlex.join(words)}")
    if numbers.dropped or numbers.unknown:
        return Farewell(ExitCode.PARTIAL, told)
    return Farewell(ExitCode.DONE, told)

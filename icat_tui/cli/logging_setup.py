"""What is said beside the data: on stderr, and in the log file where there is one.

What must stay true: each record is one line, and whatever names stand in it have been made visible.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from icat_tui.domain.errors import UsageError
from icat_tui.text import visible

log = logging.getLogger("icat_tui")


def _make_visible(record: logging.LogRecord) -> bool:
    """Make the names in a record visible, for whoever handles it."""
    record.msg, record.args = visible(record.getMessage()), ()
    return True


class _Line(logging.Formatter):
    """Makes a record one line, its traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class _Spoken(logging.Handler):
    """Says records on whatever stderr is now: a progress bar takes its place."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody is there to hear it, and the log file has it too
            if sys.stderr is not None:
                sys.stderr.write(f"{self.format(record)}\n")


class _WrittenDown(logging.FileHandler):
    """Writes records to a file, and says once when that fails."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as logging calls it
        if not self.failed:
            self.failed = True
            log.error("log file %s could not be written: %s", self.baseFilename, sys.exception())


class Narration:
    """Who hears what is said."""

    def __init__(self, program: str) -> None:
        """Say warnings on stderr, in the name of a program."""
        self.handlers: list[logging.Handler] = []
        self._spoken = _Spoken(logging.WARNING)
        self._add(self._spoken, f"{program}: %(message)s")
        self._written: _WrittenDown | None = None

    def tune(self, *, verbose: int, quiet: bool) -> None:
        """Say more with `verbose`, errors only where it is to be quiet."""
        self._spoken.setLevel(logging.ERROR if quiet else max(logging.WARNING - 10 * verbose, logging.DEBUG))

    def write_down(self, path: str) -> None:
        """Write everything to a file from now on. Raises UsageError where it can't be opened."""
        try:
            self._written = _WrittenDown(path, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"log file {path} can't be written: {error.strerror}; name another") from error
        self._add(self._written, "%(asctime)s %(levelname)s %(message)s")

    @property
    def failed(self) -> bool:
        """Whether something could not be written down."""
        return self._written is not None and self._written.failed

    def _add(self, handler: logging.Handler, form: str) -> None:
        handler.setFormatter(_Line(form))
        self.handlers.append(handler)
        log.addHandler(handler)


@contextmanager
def narrating(program: str) -> Iterator[Narration]:
    """Give who hears what is said, until the end."""
    narration = Narration(program)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addFilter(_make_visible)
    try:
        yield narration
    finally:
        log.removeFilter(_make_visible)
        for handler in narration.handlers:
            log.removeHandler(handler)
            with suppress(OSError):  # said before
                handler.close()


@contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many of how many sessions are done, and shows it on a terminal."""
    if not shown:
        yield lambda *_: None
        return
    from rich.console import Console  # noqa: PLC0415 - runs without a terminal need not wait for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = TextColumn("sessions"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, known: bar.update(task, completed=done, total=known)

"""Logging to stderr, and to the log file where there is one.

What must stay true: each record is one line, with all unprintable characters in it made visible.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper

from icat_tui.domain.errors import UsageError
from icat_tui.text import visible

log = logging.getLogger("icat_tui")


def _make_visible(record: logging.LogRecord) -> bool:
    """Make unprintable characters in a record's message visible, for all handlers."""
    record.msg, record.args = visible(record.getMessage()), ()
    return True


class _OneLineFormatter(logging.Formatter):
    """Formatter that makes one line of a record, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class _StderrHandler(logging.Handler):
    """Handler that writes to the current stderr, which a progress bar replaces."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # the terminal is gone, and the log file has it too
            if sys.stderr is not None:
                sys.stderr.write(f"{self.format(record)}\n")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


class _LogFileHandler(logging.FileHandler):
    """Handler that writes to a file, and logs its first failure."""

    failed = False

    def _open(self) -> TextIOWrapper:
        """Return the open file; a named pipe that nobody reads is an OSError, where opening it would wait for ever."""
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=_without_waiting)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as logging calls it
        if not self.failed:
            self.failed = True
            log.error("log file %s could not be written: %s", self.baseFilename, sys.exception())


class LogHandlers:
    """Handlers of the log of one run."""

    def __init__(self, program: str) -> None:
        """Write warnings to stderr, with the name of a program before them."""
        self.handlers: list[logging.Handler] = []
        self._stderr_handler = _StderrHandler(logging.WARNING)
        self._add(self._stderr_handler, f"{program}: %(message)s")
        self._file_handler: _LogFileHandler | None = None

    def set_verbosity(self, *, verbose: int, quiet: bool) -> None:
        """Write more to stderr with `verbose`, only errors with `quiet`."""
        self._stderr_handler.setLevel(logging.ERROR if quiet else max(logging.WARNING - 10 * verbose, logging.DEBUG))

    def add_file(self, path: str) -> None:
        """Write all records to a file from now on. Raises UsageError where it can't be opened."""
        try:
            self._file_handler = _LogFileHandler(path, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"log file {path} can't be written: {error.strerror}; name another") from error
        self._add(self._file_handler, "%(asctime)s %(levelname)s %(message)s")

    @property
    def failed(self) -> bool:
        """Whether a record could not be written to the log file."""
        return self._file_handler is not None and self._file_handler.failed

    def _add(self, handler: logging.Handler, form: str) -> None:
        handler.setFormatter(_OneLineFormatter(form))
        self.handlers.append(handler)
        log.addHandler(handler)


@contextmanager
def logging_to_stderr(program: str) -> Iterator[LogHandlers]:
    """Yield the handlers of the log, which are removed at the end."""
    log_handlers = LogHandlers(program)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addFilter(_make_visible)
    try:
        yield log_handlers
    finally:
        log.removeFilter(_make_visible)
        for handler in log_handlers.handlers:
            log.removeHandler(handler)
            with suppress(OSError):  # reported before
                handler.close()


@contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows on a terminal how many (first argument) of how many sessions are done."""
    if not shown:
        yield lambda *_: None
        return
    from rich.console import Console  # noqa: PLC0415 - late: not without a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = TextColumn("sessions"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, known: bar.update(task, completed=done, total=known)

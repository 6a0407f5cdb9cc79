"""What is said beside the data: on stderr, and in the log file where there is one.

stdout is data; whatever a person should know besides goes through here, with every name in it made visible first.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from icat_tui.domain.errors import UsageError
from icat_tui.domain.visible import visible

log = logging.getLogger("icat_tui")


@contextmanager
def narrating(program: str, *, verbose: int, quiet: bool, log_file: str | None) -> Iterator[None]:
    """Say warnings on stderr, more with `verbose`; errors only where it is to be quiet.

    Raises UsageError where the log file can't be written.
    """
    spoken = logging.StreamHandler(sys.stderr)
    spoken.setFormatter(logging.Formatter(f"{program}: %(message)s"))
    spoken.setLevel(logging.ERROR if quiet else max(logging.WARNING - 10 * verbose, logging.DEBUG))
    handlers: list[logging.Handler] = [spoken]
    if log_file:
        try:
            written = logging.FileHandler(log_file, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"log file {visible(log_file)} can't be written: {error.strerror}") from error
        written.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(written)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            if handler is not spoken:
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

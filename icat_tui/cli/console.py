"""Writing to stdout: data, and nothing but data; what can't be written there is an error with a name."""

import os
import sys
from collections.abc import Iterable

from icat_tui.domain.errors import IcatTuiError
from icat_tui.report.lines import Line, coloured, plain


class StdoutLost(IcatTuiError):  # noqa: N818 - a fact, as `Cancelled` is
    """What was to be printed could not be written."""


def write(text: str) -> None:
    """Write to stdout, at once: whoever reads it may wait for it. Raises StdoutLost, and BrokenPipeError."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
        raise
    except OSError as error:
        forget_stdout()
        raise StdoutLost(f"stdout could not be written: {error.strerror}; the run ended there") from error


def forget_stdout() -> None:
    """Write to nowhere from now on: Python would try again at its end, and complain."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end


def write_lines(lines: Iterable[Line]) -> None:
    """Print lines, in colour where somebody looks at a terminal that has colours."""
    if not sys.stdout.isatty():
        write(plain(lines))
        return
    from rich.console import Console  # noqa: PLC0415 - what goes into a pipe need not wait for it

    try:
        Console(highlight=False).print(coloured(lines), end="", soft_wrap=True)
    except OSError as error:  # the terminal was closed
        forget_stdout()
        raise StdoutLost(f"the terminal could not be written to: {error.strerror}; the run ended there") from error

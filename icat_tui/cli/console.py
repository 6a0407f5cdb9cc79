"""Writing of data to stdout.

What must stay true: a failure to write ends the run with an error that names stdout.
"""

import os
import sys
from collections.abc import Iterable

from icat_tui.domain.errors import IcatTuiError
from icat_tui.report.lines import Line, coloured, plain


class StdoutLost(IcatTuiError):  # noqa: N818 - a fact, as `Cancelled` is
    """Error: stdout or the terminal could not be written to."""


def write(text: str) -> None:
    """Write to stdout and flush, as a reader may wait for it. Raises StdoutLost, and BrokenPipeError."""
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
    """Discard all further output: Python would try to flush stdout at its end, and report an error."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end


def write_lines(lines: Iterable[Line]) -> None:
    """Print lines, in colour on a terminal that has colours. Raises StdoutLost, and BrokenPipeError."""
    if not sys.stdout.isatty():
        write(plain(lines))
        return
    from rich.console import Console  # noqa: PLC0415 - late: not for pipes

    try:
        Console(highlight=False).print(coloured(lines), end="", soft_wrap=True)
    except OSError as error:  # the terminal was closed
        forget_stdout()
        raise StdoutLost(f"the terminal could not be written to: {error.strerror}; the run ended there") from error

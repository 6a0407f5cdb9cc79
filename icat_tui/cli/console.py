"""Writing of data to stdout, and what stands in for one that is closed.

What must stay true: a failure to write ends the run with an error that names stdout; so does a stdout that was closed
before, as soon as there is something to write.
"""

import errno
import io
import os
import sys
from collections.abc import Iterable

from icat_tui.domain.errors import IcatTuiError
from icat_tui.report.lines import Line, coloured, plain


class StdoutLost(IcatTuiError):  # noqa: N818 - a fact, as `Cancelled` is
    """Error: stdout or the terminal could not be written to."""


class _ClosedStdout(io.StringIO):
    """Stdout that was closed before the program started."""

    def write(self, text: str) -> int:  # noqa: ARG002 - as it is called
        raise OSError(errno.EBADF, "it is closed")


def replace_closed_streams() -> None:
    """Put something in the place of stdout where it is closed, and keep the numbers of all three from other files."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    if sys.stdout is None:
        sys.stdout = _ClosedStdout()


def write(text: str) -> None:
    """Write to stdout and flush, as a reader may wait for it. Raises StdoutLost, and BrokenPipeError."""
    if not text:
        return
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

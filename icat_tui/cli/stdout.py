"""stdout: data, and nothing but data; what can't be written there is an error with a name."""

import os
import sys

from icat_tui.domain.errors import IcatTuiError


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

"""Lines for people on stdout, in colour where somebody looks."""

import sys
from collections.abc import Iterable

from icat_tui.cli.stdout import StdoutLost, forget_stdout, write
from icat_tui.report.lines import Line, coloured, plain


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

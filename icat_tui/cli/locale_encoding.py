"""Programs in a locale that is not UTF-8: names are UTF-8 all the same, and the terminal gets what it can show.

Source: interface.md, "Output".
"""

import locale
import os
import sys

from icat_tui.encoding import names_are_utf8

IN_UTF8 = ["-X", "utf8"]
"""Options of Python, which come before what the environment says."""


def start_again_in_utf8() -> None:
    """Start this program once more, in its place, if Python reads names in another encoding than UTF-8."""
    if not names_are_utf8() and not _was_started_again():
        os.execv(sys.executable, [sys.executable, *IN_UTF8, *sys.orig_argv[1:]])  # noqa: S606 - the same program


def write_by_locale() -> None:
    """Write to stdout and stderr in the locale's encoding, with what it lacks as escapes."""
    encoding = locale.getencoding() if _was_started_again() else None
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # there is none where it was closed before Python started
            stream.reconfigure(encoding=encoding, errors="backslashreplace")  # type: ignore[union-attr]  # typeshed has it as TextIO


def draw_by_locale() -> None:
    """Write a question mark for what the terminal lacks: an escape would move all that stands behind it."""
    sys.stderr.reconfigure(errors="replace")  # type: ignore[union-attr]  # as above


def _was_started_again() -> bool:
    return sys.orig_argv[1:3] == IN_UTF8

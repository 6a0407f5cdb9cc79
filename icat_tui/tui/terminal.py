"""The terminal beside what textual does with it: copying through tmux and screen, and leaving it at once."""

import base64
import os
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress

Modes = list[int | list[bytes | int]]

PIECE = 76
"""Characters that screen takes in one string."""
LEAVE = b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u" + b"\x1b[?1049l\x1b[?25h"
"""For a terminal left at once: mouse, paste and focus reports off, keys as they were, main screen, cursor."""


def copy_sequence(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return what makes a terminal copy a text: OSC 52, wrapped where something stands in between."""
    encoded = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
    sequence = f"\x1b]52;c;{encoded}\a"
    if environ.get("TMUX"):
        inner = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{inner}\x1b\\"
    if environ.get("STY") or environ.get("TERM", "").startswith("screen"):
        pieces = [sequence[start : start + PIECE] for start in range(0, len(sequence), PIECE)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


def over_ssh(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the terminal is on another machine."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def terminal_modes() -> Modes | None:
    """Return the modes of the terminal on stdin; None where there is none."""
    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        return None


def leave_at_once(modes: Modes | None) -> None:
    """Restore the terminal without waiting for it, and end."""
    with suppress(termios.error, OSError, ValueError):
        descriptor = sys.__stdout__.fileno() if sys.__stdout__ else 1
        os.set_blocking(descriptor, False)
        os.write(descriptor, LEAVE)
        if modes:
            termios.tcsetattr(sys.__stdin__.fileno() if sys.__stdin__ else 0, termios.TCSANOW, modes)
    os._exit(os.EX_TEMPFAIL)

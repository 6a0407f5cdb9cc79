"""Copying to the clipboard of whoever looks at the terminal, through tmux and screen, which pass on what is wrapped."""

import base64
import os
from collections.abc import Mapping

PIECE = 76
"""Characters that screen takes in one string."""


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

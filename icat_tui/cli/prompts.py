"""Questions to a person, on a terminal or by a pipe.

What must stay true: each is answered by one line of stdin, and nothing is confirmed by the end of input. Questions are
written to stderr, as stdout is data. A signal ends the wait for an answer.
"""

import locale
import os
import re
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

from icat_tui.cli.signals import SignalCancellation

POLL = 0.1
"""Seconds between two checks for a signal while waiting for an answer."""
MANY = 50
"""More messages than this are confirmed by typing their number."""


class Reply(StrEnum):
    """Answer to a yes-or-no question."""

    YES = "y"
    NO = "n"
    ALL = "a"
    QUIT = "q"
    NOBODY = ""
    """The input is at its end."""


class Questions:
    """Questions on stderr, with answers from stdin."""

    def __init__(self, cancellation: SignalCancellation) -> None:
        """Read answers from stdin until `cancellation`."""
        self._cancellation = cancellation
        self._input = b""
        self._answer = ""
        self._ended = False

    @property
    def end(self) -> Reply | None:
        """QUIT or NOBODY where the last question was answered so, whatever was asked; None: otherwise."""
        if not self._answer and self.at_end:
            return Reply.NOBODY
        return Reply.QUIT if self._answer.lower() in ("q", "quit") else None

    @property
    def at_end(self) -> bool:
        """Whether nobody answers any more."""
        return self._ended and not self._input

    def ask(self, question: str, explain: Callable[[], None]) -> Reply:
        """Return the reply to a yes-or-no question; `explain` is called for `?`. Raises Cancelled."""
        while True:
            answer = self.ask_line(f"{question} (y/[n]/a/q/?) ").lower()
            if self.end is not None:  # NOBODY is an empty text
                return self.end
            if answer in ("y", "yes"):
                return Reply.YES
            if answer in ("", "n", "no"):
                return Reply.NO
            if answer in ("a", "all"):
                return Reply.ALL
            if answer == "?":
                explain()
            self.write(
                "y: yes, n: no (also Enter), a: yes to this and all that follow, q: stop here, ?: show what is sent\n"
            )

    def ask_number(self, question: str) -> int | None:
        """Return the typed answer as a number; None for anything else. Raises Cancelled."""
        answer = self.ask_line(f"{question} ")
        return int(answer) if re.fullmatch("[0-9]{1,9}", answer) else None

    def ask_line(self, question: str) -> str:
        """Return the typed answer, empty at the end of input. Raises Cancelled."""
        self.write(question)
        while b"\n" not in self._input and not self._ended:
            if self._cancellation:
                self.write("\n")
            self._cancellation.check()
            self._read_more()
        line, _, self._input = self._input.partition(b"\n")
        if self._ended:
            self.write("\n")
        self._answer = line.decode(locale.getencoding(), errors="replace").strip()
        return self._answer

    def write(self, text: str) -> None:
        """Write text that belongs to a question to stderr, and flush."""
        with suppress(OSError):  # nobody sees the question: then nobody answers either
            if sys.stderr is not None:
                sys.stderr.write(text)
                sys.stderr.flush()

    def _read_more(self) -> None:
        """Read available input, waiting for it at most POLL seconds."""
        if sys.stdin is None:
            self._ended = True
            return
        ready, _, _ = select.select([sys.stdin], [], [], POLL)
        if not ready:
            return
        try:
            more = os.read(sys.stdin.fileno(), 4096)
        except OSError:  # the terminal was closed
            more = b""
        self._input += more
        self._ended = not more

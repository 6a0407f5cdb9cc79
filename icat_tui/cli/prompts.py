"""Questions on a terminal, or down a pipe: each is answered by a line, and the end of input is "no".

Questions go to stderr, as stdout is data. A signal ends the wait for an answer.
"""

import os
import re
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

from icat_tui.cli.signals import Stop

POLL = 0.1
"""Seconds until a signal is heard while an answer is waited for."""
MANY = 50
"""From how many messages on, one types their number to confirm."""


class Reply(StrEnum):
    """What a person can say to one question."""

    YES = "y"
    NO = "n"
    ALL = "a"
    QUIT = "q"


class Questions:
    """Asks, and reads the answers."""

    def __init__(self, stop: Stop) -> None:
        """Read answers from stdin until `stop`."""
        self._stop = stop
        self._read = b""
        self._ended = False

    def ask(self, question: str, explain: Callable[[], None]) -> Reply:
        """Return the reply to a yes-or-no question; `explain` is called for `?`. Raises Cancelled."""
        while True:
            answer = self.line(f"{question} (y/[n]/a/q/?) ").lower()
            if answer in ("y", "yes"):
                return Reply.YES
            if answer in ("", "n", "no"):
                return Reply.NO
            if answer in ("a", "all"):
                return Reply.ALL
            if answer in ("q", "quit"):
                return Reply.QUIT
            if answer == "?":
                explain()
            self.say(
                "y: yes, n: no (also Enter), a: yes to this and all that follow, q: stop here, ?: show what is sent\n"
            )

    def number(self, question: str) -> int | None:
        """Return the number that was typed; None for anything else. Raises Cancelled."""
        answer = self.line(f"{question} ")
        return int(answer) if re.fullmatch("[0-9]{1,9}", answer) else None

    def line(self, question: str) -> str:
        """Return the line that was typed, empty at the end of input. Raises Cancelled."""
        self.say(question)
        while b"\n" not in self._read and not self._ended:
            if self._stop:
                self.say("\n")
            self._stop.check()
            self._read_on()
        line, _, self._read = self._read.partition(b"\n")
        if self._ended:
            self.say("\n")
        return line.decode(errors="replace").strip()

    def say(self, text: str) -> None:
        """Write on stderr, at once, what belongs to a question."""
        with suppress(OSError):  # nobody sees it: then nobody answers either
            if sys.stderr is not None:
                sys.stderr.write(text)
                sys.stderr.flush()

    def _read_on(self) -> None:
        """Read what is there, waiting a little for it."""
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
        self._read += more
        self._ended = not more

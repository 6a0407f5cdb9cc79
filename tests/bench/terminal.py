"""A pseudo terminal of 80x24 with a program on it: keys are written, bytes are read, and the time is taken."""

import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SIZE = (80, 24)
QUIET = 0.04
"""Seconds without a byte after which a burst is over: less than the cursor must rest for the detail."""
PATIENCE = 60.0
SETTLED = 1.5
"""Seconds without a byte and with next to no work after which everything is taken to be at rest."""
TICKS = os.sysconf("SC_CLK_TCK")
RUNS = 15


class Answer(NamedTuple):
    """What came after a key."""

    seconds: float
    """Until the first byte."""
    size: int
    """Of the first burst."""


@dataclass
class Terminal:
    """A program on a terminal."""

    master: int
    process: "subprocess.Popen[bytes]"
    began: float
    """By the monotonic clock."""
    said: bytearray = field(default_factory=bytearray)

    def read(self, seconds: float) -> bytes:
        """Return what comes next; nothing if nothing has come after so many seconds, or the program has ended."""
        if not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            read = os.read(self.master, 65536)
        except OSError:  # nobody has it open any more
            return b""
        self.said += read
        return read

    def read_for(self, seconds: float) -> bytes:
        """Return what comes within some seconds."""
        until, read = time.monotonic() + seconds, b""
        while (left := until - time.monotonic()) > 0:
            read += self.read(left)
        return read

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def press(self, key: bytes) -> Answer:
        """Press a key and return what comes of it at once. Raises TimeoutError if nothing does."""
        began = time.monotonic()
        self.type(key)
        read = self.read(PATIENCE)
        took = time.monotonic() - began
        if not read:
            raise TimeoutError(f"nothing came after {key!r}")
        size = len(read)
        while read := self.read(QUIET):
            size += len(read)
        return Answer(took, size)

    def until(self, keys: bytes, text: bytes) -> float:
        """Press keys and return how many seconds it took until a text was there. Raises TimeoutError."""
        began = time.monotonic()
        before = len(self.said)
        self.type(keys)
        return self.wait_for(lambda _: re.search(text, self.said[before:])) - began

    def wait_for(self, condition: Callable[[bytearray], object]) -> float:
        """Wait for what was said to be so; return when it was. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE
        while not condition(self.said):
            if time.monotonic() > until:
                raise TimeoutError(f"it never came; last: {bytes(self.said[-300:])!r}")
            self.read(0.5)
        return time.monotonic()

    def settle(self) -> None:
        """Wait until it rests. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE
        while True:
            worked = self._worked()
            if not self.read_for(SETTLED) and self._worked() - worked < 0.1 * SETTLED:
                return
            if time.monotonic() > until:
                raise TimeoutError("it does not come to rest")

    def _worked(self) -> float:
        """Return the seconds that it has been at work."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def ended(self) -> float:
        """Wait for the program to end; return when it had. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > until:
                raise TimeoutError("it does not end")
            self.read(0.005)
        return time.monotonic()


@contextmanager
def opened(program: Sequence[str], settings: Mapping[str, str], home: Path) -> Iterator[Terminal]:
    """Run a Python program with settings of ours on a terminal over SSH; kill it at the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    foreign = ("ICAT_TUI_", "TEXTUAL", "NO_COLOR", "BEACON_HOST", "TMUX", "STY", "XDG_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    env |= {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "SSH_CONNECTION": "1 2 3 4"}
    env |= {f"ICAT_TUI_{key.upper()}": value for key, value in settings.items()}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *program],
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call of the system, no lock
    )
    os.close(slave)
    try:
        yield Terminal(master, process, began)
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            os.close(master)


def seconds_of(*programs: Sequence[str]) -> list[float]:
    """Return how long each of some Python programs takes: the medians of several runs, in turn."""
    times: list[list[float]] = [[] for _ in programs]
    for _ in range(RUNS):
        for program, took in zip(programs, times, strict=True):
            began = time.perf_counter()
            subprocess.run([sys.executable, *program], stdout=subprocess.DEVNULL, check=True)
            took.append(time.perf_counter() - began)
    return [statistics.median(each) for each in times]

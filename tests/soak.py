"""A soak: random keys, bursts, pastes, bytes that mean nothing, resizes and signals on a facility with faults.

    python -m tests.soak                     # ten minutes
    python -m tests.soak --seconds 60 --seed 7

What must hold whenever the program has ended, however that was: what the broker has is in the journal, message by
message; the index is what the cache files say; the journal can be read; nothing says that it was a mistake of ours; the
exit code is a documented one, and the terminal is as it was. And nothing is sent that no question was answered for: a
question hears no key before 300 ms have passed without any, so that while keys come faster nothing at all may be sent,
and else no more orders are given than a pause was followed by keys.
"""

import argparse
import fcntl
import os
import random
import signal
import struct
import sys
import tempfile
import termios
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.settings.keymap import DEFAULT_KEYS, key_names
from tests.bench.terminal import Terminal, opened
from tests.support.icatplus import HANG
from tests.support.journal_entries import index_of
from tests.support.live_facility import LiveFacility, serving_facility
from tests.support.scripted_broker import Client, Frame, Hangup

NAMED = {
    "enter": b"\r", "escape": b"\x1b", "tab": b"\t", "shift+tab": b"\x1b[Z", "space": b" ", "slash": b"/",
    "question_mark": b"?", "up": b"\x1b[A", "down": b"\x1b[B", "right": b"\x1b[C", "left": b"\x1b[D",
    "home": b"\x1b[H", "end": b"\x1b[F", "pageup": b"\x1b[5~", "pagedown": b"\x1b[6~", "f1": b"\x1bOP",
}  # fmt: skip
"""What terminals send for keys that are no characters."""
ODD = (
    b"\xff", b"\xc3", b"\x1b[200~ryq\x1bqq\n\x1b[201~", b"\x1b[M\x20\x21\x22", b"\x1b[M\xff\xff\xff",
    b"\x1b[<0;5;5M\x1b[<0;5;5m", b"\x1b[<64;9;9M", b"\x1b[99999999u", b"\x1b]52;c;\x07", b"LaB6", b"status:x -y",
)  # fmt: skip
"""Pastes, mouse reports and bytes that mean nothing."""
SIZES = [(80, 24), (120, 40), (200, 50), (40, 12), (20, 5), (1, 1), (80, 24)]
SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
HURRIED, PAUSE = 0.1, 0.45
"""Seconds between two keys at most while they come fast, and of a pause after which a question hears."""
LAST = 200
"""Keys that are told where something does not hold."""
CODES = {0, 3, *(-number for number in SIGNALS)}


def key_bytes() -> list[bytes]:
    """Return what a terminal sends for each key of the program, and for some that answer."""
    names = [name for keys in DEFAULT_KEYS.values() for name in key_names(keys)]
    known = [_bytes_of(name) for name in names]
    return [*filter(None, known), *[b"y", b"n", b"d", b"f", b"p", b"s", b"1", b"9", b"\x13"]]


def _bytes_of(name: str) -> bytes:
    if name in NAMED:
        return NAMED[name]
    if name.startswith("ctrl+") and len(name) == len("ctrl+x"):
        return bytes([ord(name[-1]) & 0x1F])
    return name.encode() if len(name) == 1 else b""


@dataclass
class Faults:
    """Faults of ICAT+ and of the broker, which change now and then."""

    facility: LiveFacility
    chance: random.Random
    kind: str = ""
    sent: Counter[str] = field(default_factory=Counter)
    """Messages that the broker has, by the dataset that they are about."""

    def change(self) -> None:
        """Have another fault, or none."""
        self.kind = self.chance.choice(["", "", "slow", "hang", "403", "500", "no receipt", "hang up", "drop"])

    def icatplus(self, _target: str) -> tuple[int, str | list[dict[str, Any]]] | str | None:
        """Answer as the fault is now."""
        if self.kind == "slow":
            time.sleep(0.2)
        if self.kind == "hang":
            return HANG
        status = {"403": HTTPStatus.FORBIDDEN, "500": HTTPStatus.INTERNAL_SERVER_ERROR}.get(self.kind)
        return (status, "{}") if status else None

    def broker(self, client: Client, frame: Frame) -> None:
        """Take a message as the fault is now."""
        self.sent[frame.headers.get("receipt", "")] += 1
        if self.kind == "hang up":
            raise Hangup
        self.facility.ingester.drops = self.kind == "drop"
        self.facility.ingester.take(frame)
        if self.kind != "no receipt":
            client.receipt(frame)


@dataclass
class Soak:
    """Runs of the program, one after the other, until the time is over."""

    facility: LiveFacility
    home: Path
    chance: random.Random
    faults: Faults
    typed: deque[bytes] = field(default_factory=lambda: deque(maxlen=LAST))
    pauses: int = 0
    """How often keys came after a pause in which a question may have begun to hear."""
    runs: int = 0

    def run(self, seconds: float) -> None:
        """Type until the time is over; the first half of each run in a hurry."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.runs += 1
            hurried = self.runs % 2 == 1
            before = sum(self.faults.sent.values())
            self._one_run(min(until, time.monotonic() + 25), hurried=hurried)
            if hurried:
                assert sum(self.faults.sent.values()) == before, "something was sent while keys came too fast"
            self.check()

    def _one_run(self, until: float, *, hurried: bool) -> None:
        words = ["-m", "icat_tui", "--register", *(["--proposal", "hg*"] if self.chance.random() < 0.5 else [])]
        settings = self.facility.settings(cache_dir=str(self.home / "cache"), rate="5", refresh="2s")
        with opened([*words, "--log-file", str(self.home / "log")], settings, self.home) as terminal:
            modes = termios.tcgetattr(terminal.master)
            terminal.wait_for(lambda said: b"sessions" in said)
            keys = key_bytes()
            while time.monotonic() < until and terminal.process.poll() is None:
                self._type(terminal, keys, hurried=hurried)
            self._end(terminal)
            terminal.read_for(0.2)
            said = bytes(terminal.said)
            assert terminal.process.returncode in CODES, (terminal.process.returncode, said[-2000:])
            assert b"mistake of ours" not in said, said[-4000:]
            assert b"Traceback" not in said, said[-4000:]
            assert terminal.process.returncode != 3 or b"icat-tui: " in said, said[-500:]
            assert termios.tcgetattr(terminal.master)[3] == modes[3], "the terminal is not as it was"

    def _type(self, terminal: Terminal, keys: list[bytes], *, hurried: bool) -> None:
        chance = self.chance
        what = chance.random()
        if what < 0.02:
            self.faults.change()
        elif what < 0.04:
            columns, lines = chance.choice(SIZES)
            fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.kill(terminal.process.pid, signal.SIGWINCH)
        burst = b"".join(chance.choices(keys, k=chance.choice([1, 1, 1, 2, 5, 20])))
        if what > 0.95:
            burst = chance.choice(ODD)
        elif what > 0.9:
            burst = chance.choice(keys) * 10
        if not hurried and chance.random() < 0.3:
            self._pause(terminal)
        if not hurried and chance.random() < 0.1:
            self._register(terminal)
        self._send(terminal, burst)
        terminal.read_for(chance.random() * HURRIED)

    def _register(self, terminal: Terminal) -> None:
        """Do what a person does who registers something: they wait for the question."""
        for keys in (b"\x1b", b"\x1b", self.chance.choice([b"r", b"w", b"A", b"jr", b"njr", b"Jr"]), b"y"):
            self._pause(terminal)
            self._pause(terminal)
            self._send(terminal, keys)

    def _pause(self, terminal: Terminal) -> None:
        terminal.read_for(PAUSE)
        self.pauses += 1

    def _send(self, terminal: Terminal, keys: bytes) -> None:
        self.typed.append(keys)
        with suppress(OSError):  # it has ended
            terminal.type(keys)

    def _end(self, terminal: Terminal) -> None:
        """Leave by a signal, if it has not been left yet; while nothing answers, too."""
        if terminal.process.poll() is None:
            terminal.process.send_signal(self.chance.choice(SIGNALS))
        terminal.ended()

    def check(self) -> None:
        """Check that tree, index, journal and broker agree."""
        journal = index_of(self.facility.journal)
        assert not journal.damaged
        known = {sending.id: sending for sending in journal.sendings()}
        unknown = [message for message in self.faults.sent if message not in known]
        assert not unknown, f"the journal does not know {unknown}"
        twice = [message for message, number in self.faults.sent.items() if number > 1]
        assert not twice, f"sent twice: {twice}"
        states = {known[message].state.value for message in self.faults.sent}
        assert "planned" not in states, "what the broker has is not planned any more"
        orders = {known[message].order for message in self.faults.sent}
        assert len(orders) <= self.pauses, f"{len(orders)} orders, and {self.pauses} pauses in which one could answer"
        index = SessionIndex.load(SessionCache(self.home / "cache"))
        shown = dict(index.rows)
        for changes in index.check(Cancellation()):
            for row in changes.rows:
                assert shown.get(row.directory.path) == row, f"the index differs from the cache: {row.directory.path}"
        log = self.home / "log"
        assert not log.exists() or "mistake of ours" not in log.read_text(errors="replace"), log


@contextmanager
def soaking(directory: Path, seed: int) -> Iterator[Soak]:
    """Give a soak on a facility in a directory."""
    chance = random.Random(seed)
    with serving_facility(directory) as facility:
        for number in range(6):
            facility.session(
                f"hg{number}/id10/2023101{number}",
                unregistered=number,
                without_files=1,
                invalid=number % 2,
                registered=2,
            )
        faults = Faults(facility, chance)
        facility.place.icatplus.fault = faults.icatplus
        facility.broker.script = faults.broker
        home = directory / "home"
        home.mkdir()
        yield Soak(facility, home, chance, faults)


def main() -> int:
    """Soak, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, soaking(Path(directory), arguments.seed) as soak:
        try:
            soak.run(arguments.seconds)
        except BaseException:
            print(f"seed {arguments.seed}, run {soak.runs}; the last keys: {list(soak.typed)}", file=sys.stderr)
            raise
        sent = sum(soak.faults.sent.values())
        print(f"seed {arguments.seed}: {soak.runs} runs, {sent} messages sent, {soak.pauses} pauses: all agrees")
    return 0


if __name__ == "__main__":
    sys.exit(main())

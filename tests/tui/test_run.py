"""The UI as a program on a real pseudo terminal: it opens, it is left in good order, whatever ends it."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.icatplus import HANG
from tests.support.journal_entries import index_of
from tests.support.live_facility import LiveFacility
from tests.support.program import PATIENCE, environment, run_program

TERMINALS = {
    "xterm-256color": {"TERM": "xterm-256color"},
    "screen": {"TERM": "screen"},
    "xterm-16color": {"TERM": "xterm-16color"},
    "truecolor": {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    "NO_COLOR": {"TERM": "xterm-256color", "NO_COLOR": "1"},
    "ssh": {"TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"},
}


@dataclass
class Terminal:
    """A pseudo terminal with the UI on it, and somebody who reads."""

    master: int
    slave: int
    process: "subprocess.Popen[bytes]"
    modes: list[object]
    said: bytearray = field(default_factory=bytearray)
    reads: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        while self.reads.wait():
            try:
                self.said += os.read(self.master, 65536)
            except OSError:
                return

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_for(self, condition: Callable[[], object]) -> float:
        """Wait for something to hold, and return how many seconds that took."""
        began, never = time.monotonic(), threading.Event()
        while not condition():
            assert time.monotonic() < began + PATIENCE, bytes(self.said[-2000:])
            never.wait(0.005)
        return time.monotonic() - began

    def shows(self, text: str) -> bool:
        return text.encode() in self.said

    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def modes_now(self) -> list[object]:
        return list(termios.tcgetattr(self.slave))


@contextmanager
def opened(
    facility: LiveFacility, *words: str, size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    cache = str(facility.place.directory / "cache")
    process = subprocess.Popen(
        [sys.executable, "-m", "icat_tui", *words],
        env=environment(**facility.settings(cache_dir=cache)) | {"TERM": "xterm-256color"} | dict(env or {}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call of the system, no lock
    )
    terminal = Terminal(master, slave, process, list(termios.tcgetattr(slave)))
    terminal.reads.set()
    reader = threading.Thread(target=terminal.read, daemon=True)
    reader.start()
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        terminal.reads.set()
        os.close(slave)
        reader.join()
        with suppress(OSError):  # a test has closed it
            os.close(master)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_it_opens_on_every_terminal_and_leaves_it_as_it_was(facility: LiveFacility, terminal: str) -> None:
    facility.session(unregistered=1)
    with opened(facility, "--proposal", "hg333", env=TERMINALS[terminal]) as ui:
        ui.wait_for(lambda: ui.shows("hg333/id10/20231019") and ui.shows("ICAT+ answers"))
        assert ui.modes_now != ui.modes
        ui.type("q")
        ui.wait_for(ui.ended)
        assert ui.process.returncode == 0
        ui.wait_for(lambda: ui.shows("\x1b[?1049l"))
        assert ui.modes_now == ui.modes
        assert ui.shows("\x1b[?25h")
        assert not ui.shows("Traceback")


def test_it_opens_on_forty_columns(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    with opened(facility, "--proposal", "hg333", size=(40, 12)) as ui:
        ui.wait_for(lambda: ui.shows("hg333/id10/20231019") and ui.shows("Help"))
        ui.type("q")
        ui.wait_for(ui.ended)


def test_it_is_quit_at_once_while_icatplus_hangs(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    facility.place.icatplus.fault = lambda _: HANG
    with opened(facility, "--proposal", "hg333") as ui:
        ui.wait_for(lambda: facility.place.icatplus.hung.is_set() and ui.shows("scanning 0/1"))
        ui.type("q")
        assert ui.wait_for(ui.ended) < 5  # a second; the machine may be busy
        assert ui.process.returncode == 0
        assert ui.modes_now == ui.modes


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_restores_the_terminal_and_is_raised_again(facility: LiveFacility, number: signal.Signals) -> None:
    facility.session(unregistered=1)
    facility.place.icatplus.fault = lambda _: HANG
    with opened(facility, "--proposal", "hg333") as ui:
        ui.wait_for(lambda: facility.place.icatplus.hung.is_set() and ui.shows("scanning 0/1"))
        ui.process.send_signal(number)
        ui.wait_for(ui.ended)
        assert ui.process.returncode == -number
        ui.wait_for(lambda: ui.shows("\x1b[?1049l"))
        assert ui.modes_now == ui.modes


def test_a_terminal_that_is_gone_ends_it(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    with opened(facility, "--proposal", "hg333") as ui:
        ui.wait_for(lambda: ui.shows("ICAT+ answers"))
        ui.reads.clear()
        ui.type(" ")  # whoever reads wakes once more, and waits then
        os.close(ui.master)
        ui.wait_for(ui.ended)
        assert ui.process.returncode != 0


def test_a_terminal_that_does_not_read_any_more_does_not_keep_it(facility: LiveFacility) -> None:
    for number in range(40):
        facility.place.session(f"hg{number}/id10/20231019", registered=0)
    with opened(facility, "--proposal", "hg*") as ui:
        ui.wait_for(lambda: ui.shows("ICAT+ answers"))
        ui.reads.clear()
        for _ in range(200):
            ui.type("?\x1b")
        ui.process.send_signal(signal.SIGTERM)
        ui.wait_for(ui.ended)
        assert ui.process.returncode == -signal.SIGTERM


# -- leaving while confirmed messages wait ---------------------------------------------------------------------------

MESSAGES = 4


@contextmanager
def sending(facility: LiveFacility, rate: str = "0.3") -> Iterator[Terminal]:
    """Have confirmed messages under way, one of which has gone out."""
    facility.session(unregistered=MESSAGES)
    facility.ingester.drops = True
    with opened(facility, "--proposal", "hg333", "--register", env={"ICAT_TUI_RATE": rate}) as ui:
        ui.wait_for(lambda: ui.shows("ICAT+ answers"))
        ui.type("r")
        ui.wait_for(lambda: ui.shows(f"{MESSAGES} messages go to"))
        confirm(ui)
        ui.wait_for(lambda: facility.broker.sent)
        yield ui


def confirm(ui: Terminal) -> None:
    """Say yes until it is heard: not before one can have read the question."""
    never = threading.Event()
    while not ui.shows("sending "):
        never.wait(0.5)
        ui.type("y")


def ask_to_leave(ui: Terminal, keys: str = "q") -> None:
    """Press `q` until it is heard: not for a second after a dialog."""
    never = threading.Event()
    while not ui.shows("Confirmed messages are still being sent"):
        never.wait(0.4)
        ui.type(keys)
    never.wait(0.5)


def states(facility: LiveFacility) -> dict[str, int]:
    found: dict[str, int] = {}
    for sending in index_of(facility.journal).sendings():
        found[sending.state.value] = found.get(sending.state.value, 0) + 1
    return found


@pytest.mark.slow
def test_what_waits_stays_planned_where_one_says_so_and_is_sent_by_resume(facility: LiveFacility) -> None:
    with sending(facility) as ui:
        ask_to_leave(ui)
        ui.type("p")
        ui.wait_for(ui.ended)
        assert ui.process.returncode == 3
        ui.wait_for(lambda: ui.shows("icat-tui journal --resume"))
        sent, now = len(facility.broker.sent), states(facility)
        assert now == {"accepted": sent, "planned": MESSAGES - sent}
        assert ui.shows(f"{sent} sent, {MESSAGES - sent} planned: icat-tui journal --resume")
    ran = run_program("journal", "--resume", "--yes", env=environment(**facility.settings()))
    assert ran.code == 0
    assert len(facility.broker.sent) == MESSAGES


@pytest.mark.slow
def test_what_waits_is_sent_while_the_screen_is_closed_where_one_says_so(facility: LiveFacility) -> None:
    with sending(facility, "2") as ui:
        ask_to_leave(ui)
        ui.type("f")
        ui.wait_for(ui.ended)
        assert ui.process.returncode == 0
        assert ui.shows(f"{MESSAGES} sent")
        assert ui.modes_now == ui.modes
    assert states(facility) == {"accepted": MESSAGES}


@pytest.mark.slow
def test_ctrl_c_leaves_the_rest_planned_once_the_screen_is_closed(facility: LiveFacility) -> None:
    with sending(facility, "0.5") as ui:
        ask_to_leave(ui)
        ui.type("f")
        ui.wait_for(lambda: ui.shows("ctrl+c leaves the rest planned") and ui.modes_now == ui.modes)
        ui.wait_for(lambda: ui.shows("\x1b[?1049l"))
        ui.type("\x03")
        ui.wait_for(ui.ended)
        assert ui.process.returncode == -signal.SIGINT
        ui.wait_for(lambda: ui.shows("planned: icat-tui journal --resume"))
    assert states(facility)["planned"] == MESSAGES - len(facility.broker.sent)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_leaves_planned_what_waits(facility: LiveFacility, number: signal.Signals) -> None:
    with sending(facility) as ui:
        ui.process.send_signal(number)
        ui.wait_for(ui.ended)
        assert ui.process.returncode == -number
        ui.wait_for(lambda: ui.shows("planned: icat-tui journal --resume"))
    sent = len(facility.broker.sent)
    assert states(facility) == {"accepted": sent, "planned": MESSAGES - sent}


@pytest.mark.slow
def test_a_second_q_does_not_leave(facility: LiveFacility) -> None:
    with sending(facility, "0.5") as ui:
        ask_to_leave(ui, "qq")
        ui.type("qqqq")
        ui.type("s")
        threading.Event().wait(1)
        assert not ui.ended()
        ui.process.kill()


@pytest.mark.parametrize("words", [(), ("--proposal", "hg333"), ("demo",)])
def test_without_a_terminal_it_is_never_opened_and_sync_is_named(
    facility: LiveFacility, words: tuple[str, ...], tmp_path: Path
) -> None:
    facility.session(unregistered=1)
    ran = run_program(*words, env=environment(**facility.settings()) | {"XDG_CACHE_HOME": str(tmp_path)})
    assert ran.code == 2
    assert "sync" in ran.err
    assert ran.err.count("\n") == 1


def test_no_print_runs_without_a_terminal(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    ran = run_program("--no-print", env=environment(**facility.settings()))
    assert ran.code == 0

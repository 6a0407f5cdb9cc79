"""Signals, and a reader that goes away: quick, nothing torn, and the caller sees it (promises.md 11, interface.md)."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cancel import Cancelled
from icat_tui.cli.signals import STOPPING, SignalCancellation
from tests.support.icatplus import HANG
from tests.support.place import Place
from tests.support.program import PATIENCE, Ran, environment

AT_ONCE = 5.0
"""Seconds within which a program ends that should take one: the machine may be busy."""


@contextmanager
def started(place: Place, *words: str, before: Sequence[str] = ()) -> Iterator["subprocess.Popen[str]"]:
    """Start a program whose ICAT+ hangs; yield it once it waits for an answer."""
    place.icatplus.fault = lambda target: HANG if "slow" in target else None
    command = [*before, sys.executable, "-m", "icat_tui", *words]
    streams: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    env = environment(**place.settings())
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, text=True, **streams) as program:
        try:
            assert place.icatplus.hung.wait(PATIENCE)
            yield program
        finally:
            program.kill()


def ended(program: "subprocess.Popen[str]", number: int) -> Ran:
    """Send a signal, and return what came of it; the program has to end at once."""
    begun = time.monotonic()
    program.send_signal(number)
    out, err = program.communicate(timeout=PATIENCE)
    assert time.monotonic() - begun < AT_ONCE
    return Ran(program.returncode, out, err)


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_ends_the_run_though_icat_plus_hangs_and_is_raised_again(
    number: signal.Signals, place: Place, tmp_path: Path
) -> None:
    place.session()
    place.session("slow1/id10/20231019")
    overview, cache = tmp_path / "overview", tmp_path / "cache"
    with started(place, "sync", "--json", "--save-dir", str(overview), "--cache-dir", str(cache)) as program:
        ran = ended(program, number)
    assert ran.code == -number
    assert ran.summary["exit_code"] == 128 + number
    assert ran.err == f"icat-tui: stopped by {number.name}\n"
    assert not overview.exists()


def test_an_overview_is_not_touched_by_a_run_that_was_stopped(place: Place, tmp_path: Path) -> None:
    place.session()
    words = ["sync", "--save-dir", str(tmp_path / "overview"), "--cache-dir", str(tmp_path / "cache")]
    env = environment(**place.settings())
    subprocess.run([sys.executable, "-m", "icat_tui", "-q", *words], env=env, timeout=PATIENCE, check=True)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "overview").rglob("*")}
    assert before
    place.session("slow1/id10/20231019")
    with started(place, *words) as program:
        ran = ended(program, signal.SIGTERM)
    assert ran.code == -signal.SIGTERM
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "overview").rglob("*")} == before


def test_check_ends_by_a_signal_too(place: Place) -> None:
    place.session("slow1/id10/20231019")
    with started(place, "check", "--json", "--proposal", "slow1") as program:
        ran = ended(program, signal.SIGINT)
    assert (ran.code, ran.summary["exit_code"]) == (-signal.SIGINT, 130)


def test_a_person_is_told_what_it_came_to_until_then(place: Place) -> None:
    place.session("slow1/id10/20231019")
    with started(place, "sync") as program:
        ran = ended(program, signal.SIGINT)
    assert "Stopped before everything was looked at" in ran.out


def test_a_shell_that_called_us_sees_128_and_the_signal(place: Place) -> None:
    place.session("slow1/id10/20231019")
    script = '"$@" & trap "kill -TERM $!" TERM; wait $!; wait $!; echo $? >&2'
    with started(place, "sync", "-q", before=["bash", "-c", script, "bash"]) as program:
        ran = ended(program, signal.SIGTERM)
    assert ran.err.splitlines()[-1] == "143"


def test_what_ignores_a_signal_goes_on(place: Place) -> None:
    place.session("slow1/id10/20231019")
    with started(place, "sync", "-q", before=["nohup"]) as program:
        program.send_signal(signal.SIGHUP)
        ran = ended(program, signal.SIGTERM)
    assert ran.code == -signal.SIGTERM
    assert "stopped by SIGTERM" in ran.err


def test_the_second_signal_ends_it_whatever_it_is_at() -> None:
    program = (
        "import os, signal, threading\n"
        "from icat_tui.cli.signals import SignalCancellation\n"
        "stop = SignalCancellation()\n"
        "stop.heed_signals()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "stop.wait()\n"
        "stop.noticed = True\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "threading.Event().wait()\n"
        "print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    stop = SignalCancellation()
    assert [signal.getsignal(number) for number in STOPPING] == before
    with closing(stop):
        stop.heed_signals()
        assert all(signal.getsignal(number) not in before for number in STOPPING)
        assert not stop
    assert [signal.getsignal(number) for number in STOPPING] == before


def test_the_code_is_that_of_the_signal_that_came() -> None:
    stop = SignalCancellation()
    stop.received = signal.SIGHUP
    assert stop.code == 129


@pytest.mark.parametrize("form", ["--json", "-v"])
def test_a_reader_that_has_seen_enough_ends_us_without_a_word(form: str, place: Place) -> None:
    for number in range(30):
        place.session(f"hg{number}/id10/20231019", registered=20)
    command = f'"{sys.executable}" -m icat_tui sync {form} 2>&1 | head -n 1; echo "${{PIPESTATUS[@]}}"'
    if form == "-v":  # both streams
        command = command.replace("2>&1", "2>/dev/null")
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment(**place.settings()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    first, codes = done.stdout.splitlines()
    assert first
    assert codes == f"{128 + signal.SIGPIPE} 0"
    assert done.stderr == ""


def test_a_stop_that_comes_after_the_work_still_counts(place: Place) -> None:
    program = (
        "import os, signal, sys\n"
        "from icat_tui.cli.main import main; from icat_tui.cli import scan_run\n"
        "finish = scan_run.ScanRun.finish\n"
        "def stopped(self, *args):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    self.run.cancellation.wait()\n"
        "    return finish(self, *args)\n"
        "scan_run.ScanRun.finish = stopped\n"
        "sys.exit(main(['sync', '--json']))\n"
    )
    place.session()
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(**place.settings()) | {"PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert (ran.code, ran.summary["exit_code"], ran.summary["sessions"]) == (-signal.SIGTERM, 143, 1)


# -- whatever it is at -----------------------------------------------------------------------------------------------

HANGS = """
import builtins, os, sys
waiting, reader = os.pipe()
listdir = os.listdir
def hanging(path="."):
    if str(path).endswith("visitor"):
        print("hangs", file=sys.stderr, flush=True)
        os.read(waiting, 1)  # as a mount does that is gone
    return listdir(path)
os.listdir = hanging
from icat_tui.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def stuck(place: Place, *command: str, **env: str) -> Iterator["subprocess.Popen[str]"]:
    streams: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    settings = environment(**place.settings()) | {"PYTHONPATH": os.getcwd()} | env
    with subprocess.Popen([sys.executable, *command], env=settings, text=True, **streams) as program:
        try:
            yield program
        finally:
            program.kill()


def test_before_the_settings_are_read_a_signal_does_what_it_does_to_any_program(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        beacon = {"BEACON_HOST": f"127.0.0.1:{silent.getsockname()[1]}"}
        with stuck(place, "-m", "icat_tui", "sync", "--json", **beacon) as program, silent.accept()[0]:
            ran = ended(program, signal.SIGINT)
    assert (ran.code, ran.out, ran.err) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_that_hangs_on_a_mount_within_a_second(number: signal.Signals, place: Place) -> None:
    place.session()
    with stuck(place, "-c", HANGS, "sync", "-q") as program:
        assert program.stderr is not None
        assert program.stderr.readline() == "hangs\n"
        ran = ended(program, number)
    assert (ran.code, ran.out) == (-number, "")
    assert ran.err == f"icat-tui: stopped by {number.name}, in the midst of what does not end\n"


def test_a_signal_ends_a_run_whose_reader_takes_nothing(place: Place) -> None:
    for number in range(60):
        place.session(f"hg{number}/id10/20231019", registered=20)
    with stuck(place, "-m", "icat_tui", "sync", "--json") as program:
        assert program.stdout is not None
        assert program.stdout.readline()
        begun = time.monotonic()
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE) == -signal.SIGTERM
        assert time.monotonic() - begun < AT_ONCE


def test_what_sends_the_same_signal_to_a_program_and_its_group_sends_it_once(place: Place) -> None:
    place.session("slow1/id10/20231019")
    with started(place, "sync", "--json") as program:
        program.send_signal(signal.SIGTERM)
        ran = ended(program, signal.SIGTERM)
    assert (ran.code, ran.summary["exit_code"]) == (-signal.SIGTERM, 143)


def test_while_messages_are_out_there_is_more_time_and_once_it_ends_too() -> None:
    stop = SignalCancellation()
    assert stop.patience < 1
    stop.expect_receipts()
    assert 3 < stop.patience < 4
    stop.cancel()
    assert not stop.noticed
    with pytest.raises(Cancelled):
        stop.check()
    assert stop.noticed

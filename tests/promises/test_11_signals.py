"""Promise 11, by the installed program: a signal ends it in time and in order, and it says so."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.support.beamtime import Beamtime
from tests.support.program import PATIENCE
from tests.support.scripted_broker import Client, Frame

LATEST = 4.0
"""Seconds from a signal to the end, where messages are out; the machine may be busy."""


def start(beamtime: Beamtime, *words: str, answers: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "icat_tui", *words, str(beamtime.session)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | beamtime.environment,
    )
    assert process.stdin
    process.stdin.write(answers)
    process.stdin.flush()
    return process


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[float, str]:
    """Send a signal; return the seconds until the end, and what was said on stderr."""
    began = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    return time.monotonic() - began, said


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGHUP))]
)
def test_while_messages_are_out_it_ends_in_order(beamtime: Beamtime, number: signal.Signals) -> None:
    for each in ("0001", "0002"):
        beamtime.dataset(each)
    out = threading.Event()

    def silent(_client: Client, _frame: Frame) -> None:
        out.set()

    beamtime.broker.script = silent
    process = start(beamtime, "sync", "--register", "--no-print", answers="a\n")
    assert out.wait(PATIENCE)
    seconds, said = ended(process, number)
    assert process.returncode == -number
    assert seconds < LATEST + 2
    assert said
    states = dict(beamtime.standing())
    assert set(states) == {"colA_0001", "colA_0002"}


def test_while_a_question_waits_it_ends_at_once_and_sends_nothing(beamtime: Beamtime) -> None:
    beamtime.dataset()
    process = start(beamtime, "sync", "--register", "--no-print")
    assert process.stderr
    heard = ""
    while "(y/" not in heard:
        more = process.stderr.read(1)
        assert more, heard
        heard += more
    seconds, said = ended(process, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    assert seconds < LATEST
    assert "SIGTERM" in said
    assert beamtime.broker.connections == 0

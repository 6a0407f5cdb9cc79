"""Promise 8, by the installed program: two runs at once send each message once, and say who was in the way."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from icat_tui.disk.stored_xml import parse_stored
from tests.support.beamtime import ZONE, Beamtime
from tests.support.program import PATIENCE
from tests.support.scripted_broker import Client, Frame


def start(beamtime: Beamtime, *more: str) -> subprocess.Popen[str]:
    """Begin to register everything in the session."""
    words = ["sync", "--register", "--no-print", *more, str(beamtime.session)]
    process = subprocess.Popen(
        [sys.executable, "-m", "icat_tui", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | beamtime.environment | {"ICAT_TUI_VERIFY_WAIT": "0s"},
    )
    assert process.stdin
    process.stdin.write("a\n")
    process.stdin.flush()
    return process


@pytest.mark.parametrize("wait", ["0s", "20s"])
def test_each_message_is_sent_once(beamtime: Beamtime, wait: str) -> None:
    for number in range(4):
        beamtime.dataset(f"{number:04d}")
    second: list[subprocess.Popen[str]] = []

    def slowly(client: Client, frame: Frame) -> None:
        if not second:
            second.append(start(beamtime, "--wait", wait))
            with suppress(subprocess.TimeoutExpired):
                second[0].wait(2)
        client.receipt(frame)

    beamtime.broker.script = slowly
    first = start(beamtime)
    _, said = first.communicate(timeout=PATIENCE)
    _, other = second[0].communicate(timeout=PATIENCE)
    assert first.returncode == 0, said
    assert second[0].returncode in (0, 3, 5), other
    locations = [parse_stored("", body, ZONE).location for body in beamtime.bodies]
    assert sorted(locations) == sorted(set(locations))
    assert len(locations) == 4

"""Promise 3, by the installed program: what was confirmed is sent byte for byte, or not at all with the reason."""

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from icat_tui.journal.records import RecordKind
from tests.support.beamtime import Beamtime
from tests.support.journal_entries import records_in
from tests.support.program import PATIENCE, run_program
from tests.support.scripted_broker import Client, Frame


def registered(beamtime: Beamtime, **settings: str) -> subprocess.CompletedProcess[str]:
    """Register with "a" for all questions, and a look at disk, ICAT and journal before each message."""
    more = {"ICAT_TUI_RECHECK_AGE": "0s", "ICAT_TUI_RATE": "2", "ICAT_TUI_VERIFY_WAIT": "0s", **settings}
    return subprocess.run(
        [sys.executable, "-m", "icat_tui", "sync", "--register", "--no-print", str(beamtime.session)],
        input="a\n",
        capture_output=True,
        text=True,
        env=os.environ | beamtime.environment | more,
        timeout=PATIENCE,
        check=False,
    )


def truncate(beamtime: Beamtime) -> None:
    file = beamtime.raw / "colA" / "colA_0002" / "colA_0002.h5"
    os.truncate(file, 100)
    os.utime(file, (1.7e9, 1.7e9))


def take_away(beamtime: Beamtime) -> None:
    (beamtime.raw / "colA" / "colA_0002" / "colA_0002.h5").unlink()
    os.utime(beamtime.raw / "colA" / "colA_0002", (1.7e9, 1.7e9))


def tell_icat(beamtime: Beamtime) -> None:
    beamtime.register(beamtime.raw / "colA" / "colA_0002")


def touch(beamtime: Beamtime) -> None:
    os.utime(beamtime.raw / "colA" / "colA_0002")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (truncate, "it is invalid now"),
        (take_away, "it is invalid now"),
        (tell_icat, "it is registered now"),
        (touch, "it is in progress now"),
    ],
)
def test_what_changes_while_others_are_sent_is_skipped_and_said(
    beamtime: Beamtime, change: Callable[[Beamtime], None], reason: str
) -> None:
    for name in ("0001", "0002"):
        beamtime.dataset(name)

    def changing(client: Client, frame: Frame) -> None:
        change(beamtime)
        client.receipt(frame)

    beamtime.broker.script = changing
    ran = registered(beamtime)
    assert len(beamtime.bodies) == 1
    assert reason in ran.stderr
    assert ran.returncode == 0
    assert run_program("journal", "--resume", "--yes", env=os.environ | beamtime.environment).code == 0
    assert len(beamtime.bodies) == 1, "what was skipped is no longer planned"


def test_the_plan_is_what_goes_out_byte_for_byte(beamtime: Beamtime) -> None:
    paths: list[Path] = [beamtime.dataset(f"{number:04d}", "pièce & œuf") for number in range(3)]
    assert registered(beamtime).returncode == 0
    planned = [record.digest for record in records_in(beamtime.journal) if record.record is RecordKind.PLAN]
    assert len(planned) == len(paths)
    assert [sha256(body).hexdigest() for body in beamtime.bodies] == planned

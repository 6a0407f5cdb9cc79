"""`icat-tui store-raw` for another team and beside somebody else, as the installed program."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.facility import Facility
from icat_tui.sync.session_lock import locked
from tests.support.beamtime import Beamtime
from tests.support.program import PATIENCE, run_program


def words(path: Path, *more: str, proposal: str = "hg444") -> list[str]:
    where = ("--beamline", "id99", "--proposal", proposal, "--path", str(path))
    return ["store-raw", *where, "--dataset", "0001", "--sample", "sA", *more]


@pytest.mark.parametrize(("typed", "code"), [("hg444", ExitCode.DONE), ("hg333", ExitCode.USAGE), ("", ExitCode.USAGE)])
def test_on_a_terminal_the_proposal_of_another_team_is_typed_once_more(
    beamtime: Beamtime, typed: str, code: ExitCode
) -> None:
    path = beamtime.dataset()
    here, there = os.openpty()
    os.write(here, f"{typed}\n".encode())
    ran = subprocess.run(
        [sys.executable, "-m", "icat_tui", *words(path)],
        stdin=there,
        capture_output=True,
        text=True,
        env=os.environ | beamtime.environment,
        timeout=PATIENCE,
        check=False,
    )
    os.close(here)
    os.close(there)
    assert (ran.returncode, len(beamtime.bodies)) == (code, code == ExitCode.DONE)
    assert "is of proposal hg333: to show its data to the team of hg444, type that proposal once more" in ran.stderr


def test_a_script_says_which_other_team_is_meant(beamtime: Beamtime) -> None:
    path, settings = beamtime.dataset(), os.environ | beamtime.environment
    refused = run_program(*words(path), env=settings)
    assert (refused.code, beamtime.bodies) == (ExitCode.USAGE, [])
    assert "--yes-proposal hg444" in refused.err
    assert run_program(*words(path, "--yes-proposal", "hg444"), env=settings).code == ExitCode.DONE
    sent, _ = run_program("journal", "--json", env=settings).records
    assert sent["state"] == "accepted"
    beamtime.ingest()
    verified = run_program("journal", "--verify", env=settings)
    assert "ICAT does not show it yet" in verified.out, "it is looked for under hg444, where the message went"


def test_what_somebody_else_registers_is_waited_for(beamtime: Beamtime) -> None:
    path, settings = beamtime.dataset(), os.environ | beamtime.environment
    with locked(beamtime.state_dir, str(beamtime.session), Facility()):
        for more in ([], ["--wait", "0.1s"]):
            ran = run_program(*words(path, *more, proposal="hg333"), env=settings)
            assert ran.code == ExitCode.LOCKED
            assert f"(process {os.getpid()})" in ran.err
    locking = locked(beamtime.state_dir, str(beamtime.session), Facility())
    locking.__enter__()
    timer = threading.Timer(1.0, locking.__exit__, (None, None, None))
    timer.start()
    ran = run_program(*words(path, "--wait", "30s", proposal="hg333"), env=settings)
    timer.join()
    assert (ran.code, len(beamtime.bodies)) == (ExitCode.DONE, 1)

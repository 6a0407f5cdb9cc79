"""Promise 7, by the installed program: files of state are whole, whenever it is killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.beamtime import Beamtime
from tests.support.program import PATIENCE, run_program

KILLED = "tests.support.killed_program"


def synced(beamtime: Beamtime, here: Path, kill_at: int | None = None) -> int:
    """Scan with a cache and an overview below a directory; return the exit code, negative where it was killed."""
    program = ["icat_tui"] if kill_at is None else [KILLED, str(kill_at)]
    words = ["sync", "-q", "--cache-dir", f"{here}/cache", "--save-dir", f"{here}/overview", str(beamtime.session)]
    return subprocess.run(
        [sys.executable, "-m", *program, *words],
        env=os.environ | beamtime.environment,
        cwd=Path(__file__).parents[2],
        timeout=PATIENCE,
        check=False,
    ).returncode


def files_in(here: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(here)): path.read_bytes()
        for path in here.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("point", [5, 14, *(pytest.param(each, marks=pytest.mark.slow) for each in (8, 20))])
def test_a_run_that_is_killed_leaves_whole_files_or_none(beamtime: Beamtime, tmp_path: Path, point: int) -> None:
    beamtime.register(beamtime.dataset("0001"), file_count=1)
    beamtime.dataset("0002")
    code = synced(beamtime, tmp_path / "killed", point)
    for name, content in files_in(tmp_path / "killed").items():
        assert content, f"{name} is empty"
        assert content.endswith(b"\n") or name.endswith(".json"), f"{name} is cut off"
        if name.endswith(".json"):
            json.loads(content)
    assert synced(beamtime, tmp_path / "killed") == 0, f"after {code}"
    assert synced(beamtime, tmp_path / "clean") == 0
    overview = {name for name in files_in(tmp_path / "killed") if name.startswith("overview")}
    assert overview == {name for name in files_in(tmp_path / "clean") if name.startswith("overview")}


def test_what_is_no_cache_file_is_set_aside_and_said(beamtime: Beamtime, tmp_path: Path) -> None:
    beamtime.register(beamtime.dataset("0001"), file_count=1)
    settings = os.environ | beamtime.environment
    words = ("sync", "-q", "--cache-dir", str(tmp_path / "cache"), str(beamtime.session))
    run_program(*words, env=settings)
    (file,) = [path for path in (tmp_path / "cache").rglob("*.json") if "hg333" in path.name]
    file.write_bytes(file.read_bytes()[:-20])
    ran = run_program(*words, env=settings)
    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert "set aside" in ran.err
    assert file.with_name(f"{file.name}.unreadable").exists()

"""What `icat-tui` says of raw data that lies in no session, and of directories that are nobody's."""

import os
from pathlib import Path

import pytest

from icat_tui.domain.errors import ExitCode
from tests.support.beamtime import Beamtime
from tests.support.program import Ran, run_program


def run(beamtime: Beamtime, *words: str) -> Ran:
    return run_program(*words, env=os.environ | beamtime.environment)


def left_beside(beamtime: Beamtime) -> Path:
    """Make a directory with raw data beside a session in which all is well; return it."""
    beamtime.register(beamtime.dataset())
    path = beamtime.session.with_name("20231019_bis")
    (path / "RAW_DATA" / "colB" / "colB_0001").mkdir(parents=True)
    return path


def test_raw_data_that_lies_in_no_session_is_told_and_counted(beamtime: Beamtime) -> None:
    bis = left_beside(beamtime)
    ran = run(beamtime, "sync", "--json")
    (record,) = [record for record in ran.records if record["type"] == "ignored"]
    assert (record["path"], record["reason"]) == (str(bis), "not a session directory: holds raw data")
    assert (ran.summary["ignored"], ran.summary["sessions"], ran.summary["failed"]) == (1, 1, 0)
    line = f"not a session directory: {bis}, holds raw data\n"
    assert ran.code == ExitCode.DONE
    assert ran.err.endswith(line)
    for words in (("sync", "--no-print"), ("check", str(beamtime.session.parent))):
        told = run(beamtime, *words)
        assert (told.code, told.err.count(line)) == (ExitCode.DONE, 1)
    within = run_program("check", env=os.environ | beamtime.environment, cwd=bis)
    assert (within.code, within.err.count(f"{str(bis)!r} is not called by a date")) == (ExitCode.USAGE, 1)
    silent = run(beamtime, "sync", "-q")
    assert (silent.code, silent.out, silent.err) == (ExitCode.DONE, "", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_what_nobody_may_list_and_file_systems_make_does_not_count(beamtime: Beamtime) -> None:
    beamtime.register(beamtime.dataset())
    for above in (beamtime.root, beamtime.session.parent, beamtime.raw):
        (above / "lost+found").mkdir(mode=0)
    ran = run(beamtime, "sync", "--no-print")
    assert ran.code == ExitCode.DONE
    assert "lost+found" not in ran.err

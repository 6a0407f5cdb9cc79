"""Promise 2, by the installed program: what is bad in one session, or one dataset, changes nothing else."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from icat_tui.domain.errors import ExitCode
from tests.support.beamtime import Beamtime
from tests.support.program import Ran, run_program

BAD = ("loop", "pipe for a file", "no HDF5", "dangling link", "pipe for a message", "name of bytes")


def spoil(beamtime: Beamtime, kind: str) -> None:
    path = beamtime.dataset("0001")
    file = path / "colA_0001.h5"
    match kind:
        case "loop":
            (path.parent / "colA_0002").symlink_to("colA_0002")
        case "pipe for a file":
            file.unlink()
            os.mkfifo(file)
        case "no HDF5":
            file.write_bytes(b"\x89HDF\r\n\x1a\n and no more")
        case "dangling link":
            file.unlink()
            file.symlink_to("/nowhere/at/all")
        case "pipe for a message":
            (beamtime.raw / "__icat__").mkdir()
            os.mkfifo(beamtime.raw / "__icat__" / "colA_0001.xml")
        case _:
            (beamtime.raw / os.fsdecode(b"colA/colA_\xff\n")).mkdir()
    with suppress(OSError):  # what leads nowhere has no time
        beamtime.age()


def scanned(beamtime: Beamtime, *words: str) -> Ran:
    return run_program("sync", "--json", *words, env=os.environ | beamtime.environment)


@pytest.mark.parametrize("kind", [*BAD[:2], *(pytest.param(kind, marks=pytest.mark.slow) for kind in BAD[2:])])
def test_another_session_is_told_as_without_it(beamtime: Beamtime, good: Path, kind: str) -> None:
    alone = scanned(beamtime, str(good)).sessions
    spoil(beamtime, kind)
    both = scanned(beamtime)
    assert both.code in (ExitCode.DONE, ExitCode.PARTIAL)
    assert bool(both.err) == (both.code != ExitCode.DONE)
    assert len(both.sessions) == 2
    assert both.sessions[str(good)] == alone[str(good)]
    assert sorted(both.sessions[str(good)].datasets.values()) == ["registered", "unregistered"]

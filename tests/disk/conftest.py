"""Fixtures of the tests of the disk: sessions, and paths that the system refuses."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from icat_tui.disk import location
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from tests.support.sessions_on_disk import make_raw_directories


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty data root."""
    path = tmp_path / "visitor"
    path.mkdir()
    return path


@pytest.fixture
def session(root: Path) -> SessionDirectory:
    """Return a session that has an empty raw directory."""
    path = root / "hg333" / "id99" / "20231019"
    (path / "RAW_DATA").mkdir(parents=True)
    return SessionDirectory(str(path), "hg333", "id99", "20231019", RawFormat.ESRFV3)


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | Path, int], None]:
    """Return a function that makes the system refuse a path with an error number, also for root."""
    refused: dict[str, int] = {}

    def guard(name: str) -> None:
        call = getattr(os, name)

        def guarded(path: object, *arguments: object, **options: object) -> object:
            number = refused.get(str(path))
            if number is not None:
                raise OSError(number, os.strerror(number), path)
            return call(path, *arguments, **options)

        monkeypatch.setattr(os, name, guarded)

    for name in ("scandir", "stat"):
        guard(name)

    def refuse(path: str | Path, number: int) -> None:
        refused[str(path)] = number

    return refuse


@pytest.fixture
def two_proposals(root: Path) -> Path:
    make_raw_directories(root, "hg333/id99/20231019", "hg333/id99/20231020", "hg333/id27/20231019", "ma1/id99/20231019")
    (root / "hg333/id99/20231019/RAW_DATA/colA/colA_0001").mkdir(parents=True)
    return root


@pytest.fixture
def id16bspec_session(session: SessionDirectory) -> SessionDirectory:
    return structs.replace(session, format=RawFormat.ID16BSPEC)


@pytest.fixture
def mx_session(session: SessionDirectory) -> SessionDirectory:
    return structs.replace(session, format=RawFormat.MX)


@pytest.fixture
def three_files(tmp_path: Path) -> Path:
    """Return a dataset directory with three files, two of them in directories below."""
    path = tmp_path / "colA_0001"
    (path / "scan0001" / "below").mkdir(parents=True)
    for name in ("colA_0001.h5", "scan0001/frame_0.h5", "scan0001/below/frame_1.h5"):
        (path / name).write_text("")
    return path


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of mounts of a machine of a facility."""
    listed = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:50 /export/visitor /data/visitor rw - nfs4 server:/export/visitor rw,local_lock=none
31 22 0:50 /export /mnt/all rw - nfs4 server:/export rw,local_lock=none
32 22 0:51 / /data/lustre rw - lustre mds:/fs rw
33 22 0:52 / /data/old\\040name rw - nfs host:/old rw,nolock,local_lock=flock
34 22 0:53 net:[4026531840] /run/netns/x rw - nsfs nsfs rw
"""
    (tmp_path / "mountinfo").write_text(listed)
    monkeypatch.setattr(location, "MOUNTS", tmp_path / "mountinfo")
    monkeypatch.setattr(location, "_is_same", lambda *_: True)

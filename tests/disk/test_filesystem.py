"""Tests of access to paths: one that can't be accessed is never taken for one that is not there."""

import errno
import os
from pathlib import Path

import pytest

from icat_tui.disk.filesystem import count_files, stat_or_error


def test_a_dead_link_is_told_from_a_name_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "dead").symlink_to("nowhere")
    dead, absent = stat_or_error(str(tmp_path / "dead")), stat_or_error(str(tmp_path / "absent"))
    assert isinstance(dead, OSError)
    assert dead.errno == errno.ENOLINK
    assert isinstance(absent, OSError)
    assert absent.errno == errno.ENOENT


def test_files_that_can_not_be_counted_are_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "one").write_text("")
    assert count_files(str(tmp_path)) == 1
    assert count_files(str(tmp_path / "no")) is None
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert count_files(str(tmp_path)) is None

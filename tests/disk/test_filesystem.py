"""Tests of access to paths: one that can't be accessed is never taken for one that is not there."""

import errno
from pathlib import Path

from icat_tui.disk.filesystem import stat_or_error


def test_a_dead_link_is_told_from_a_name_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "dead").symlink_to("nowhere")
    dead, absent = stat_or_error(str(tmp_path / "dead")), stat_or_error(str(tmp_path / "absent"))
    assert isinstance(dead, OSError)
    assert dead.errno == errno.ENOLINK
    assert isinstance(absent, OSError)
    assert absent.errno == errno.ENOENT

"""Where a path lies: links and mounts resolved."""

import subprocess
import sys
from pathlib import Path

import pytest

from icat_tui.disk import location
from icat_tui.disk.location import lock_warning, resolved


def test_links_lead_to_where_a_path_lies_and_what_is_not_there_has_a_place_too(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    assert resolved(str(tmp_path / "link" / "a" / "b")) == resolved(str(tmp_path / "there" / "a" / "b"))
    assert resolved(str(tmp_path / "link")) == str((tmp_path / "there").resolve())
    (tmp_path / "loop").symlink_to("loop")
    assert resolved(str(tmp_path / "loop")).endswith("loop")


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/data/visitor/hg333", "/mnt/all/visitor/hg333"),
        ("/mnt/all/visitor/hg333", "/mnt/all/visitor/hg333"),
        ("/data/visitor", "/mnt/all/visitor"),
        ("/mnt/all/other", "/mnt/all/other"),
        ("/data/visitors/hg333", "/data/visitors/hg333"),
        ("/data/lustre/hg333", "/data/lustre/hg333"),
    ],
)
def test_of_several_mounts_of_one_file_system_it_is_always_the_same(path: str, place: str) -> None:
    assert resolved(path) == place


@pytest.mark.usefixtures("mounted")
def test_another_mount_that_hides_it_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "_is_same", lambda *_: False)
    assert resolved("/data/visitor/hg333") == "/data/visitor/hg333"


def test_without_a_list_of_mounts_links_alone_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "MOUNTS", tmp_path / "none")
    assert resolved("/data/visitor/hg333") == "/data/visitor/hg333"
    assert lock_warning("/data/visitor") == ""


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize(
    ("path", "warning"),
    [
        ("/data/visitor", ""),
        ("/data/lustre/x", "/data/lustre is mounted without flock"),
        ("/data/old name/x", "/data/old name is mounted with local_lock=flock, nolock"),
        ("/home", ""),
    ],
)
def test_locks_that_do_not_hold_between_machines_are_warned_of(path: str, warning: str) -> None:
    assert lock_warning(path).startswith(warning)
    assert bool(lock_warning(path)) == bool(warning)


@pytest.mark.namespace
def test_a_bind_mount_is_the_directory_that_it_shows(tmp_path: Path) -> None:
    (tmp_path / "data" / "visitor" / "hg1").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    asked = f"from icat_tui.disk.location import resolved; print(resolved('{tmp_path}/other/hg1/new'))"
    script = f'mount --bind {tmp_path}/data/visitor {tmp_path}/other && {sys.executable} -c "{asked}"'
    done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}/data/visitor/hg1/new\n"

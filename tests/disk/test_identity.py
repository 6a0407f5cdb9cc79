"""Identity of directories: links seen through, what is gone told from what is refused, locations put back on mounts."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from icat_tui.disk.identity import identity, is_gone, links_in, paths_here
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Trouble


def test_two_names_of_a_directory_have_one_identity(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "link").symlink_to("one")
    assert identity(str(tmp_path / "link")) == identity(str(tmp_path / "one")) is not None
    assert identity(str(tmp_path / "two")) != identity(str(tmp_path / "one"))
    assert identity(str(tmp_path / "none")) is None


def test_what_is_refused_or_a_dead_link_is_not_gone(tmp_path: Path, refuse: Callable[[str | Path, int], None]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dead").symlink_to("nowhere")
    gone = {name: is_gone(str(tmp_path / name)) for name in ("none", "none/below", "file/below", "dead", "file")}
    assert gone == {"none": True, "none/below": True, "file/below": True, "dead": False, "file": False}
    for name in ("none", "none/below", "file/below", "dead"):
        assert identity(str(tmp_path / name)) is None
    for number in (errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP):
        refuse(tmp_path / "none", number)
        for found in (is_gone(str(tmp_path / "none")), identity(str(tmp_path / "none"))):
            assert isinstance(found, Trouble)
            assert found.text == f"{tmp_path / 'none'} can't be looked at: {os.strerror(number)}"


def test_links_are_found_with_the_name_of_what_they_lead_to(
    tmp_path: Path, refuse: Callable[[str | Path, int], None]
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("other")
    (tmp_path / "other").symlink_to("real")
    assert links_in(str(tmp_path)) == {"link": "real", "other": "real"}
    assert links_in(str(tmp_path / "real")) == links_in(str(tmp_path / "none")) == {}
    refuse(tmp_path / "real", errno.EIO)
    refused = links_in(str(tmp_path / "real"))
    assert isinstance(refused, Trouble)
    assert str(tmp_path / "real") in refused.text


@pytest.mark.parametrize(
    ("location", "roots", "paths"),
    [
        ("/data/visitor/x", ["/data/visitor"], ["/data/visitor/x"]),
        ("/data/visitor/x", ["/data/visitor/"], ["/data/visitor/x"]),
        ("/data/visitor/x", ["/mnt/a/data/visitor"], ["/mnt/a/data/visitor/x"]),
        ("/mnt/a/data/visitor/x", ["/mnt/a/data/visitor"], ["/mnt/a/data/visitor/x"]),
        ("/data/visitor/x", ["/mnt/data/visitor", "/data/visitor"], ["/mnt/data/visitor/x", "/data/visitor/x"]),
        ("/data/visitors/x", ["/data/visitor"], []),
        ("/data/id10/x", ["/data/visitor", "/srv"], []),
        ("/data/visitor", ["/data/visitor"], ["/data/visitor"]),
        ("/tmp/x", ["/"], ["/tmp/x"]),
    ],
)
def test_a_location_lies_below_the_roots_with_their_mount_points(
    location: str, roots: list[str], paths: list[str]
) -> None:
    assert paths_here(location, roots, Facility()) == paths


def test_without_a_marker_locations_are_paths() -> None:
    facility = Facility(mount_marker="")
    assert paths_here("/data/visitor/x", ["/mnt/data/visitor"], facility) == []
    assert paths_here("/mnt/data/visitor/x", ["/mnt/data/visitor"], facility) == ["/mnt/data/visitor/x"]

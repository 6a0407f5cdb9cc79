"""Opening of files that people and other programs leave for us."""

import os
from pathlib import Path

import pytest

from icat_tui.regular_file import open_regular, read_regular


def test_a_regular_file_is_read_also_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "link") == read_regular(str(tmp_path / "file")) == b"content"


@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "link to a pipe"])
def test_nothing_else_is_opened_or_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "directory":
            place.mkdir()
        case "device":
            place = Path("/dev/zero")
        case _:
            os.mkfifo(tmp_path / "pipe")
            place.symlink_to(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="it is no regular file") as caught:
        open_regular(place)
    assert caught.value.filename == str(place)
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nowhere")

"""Opening of files that several users write."""

import errno
import os
from pathlib import Path

import pytest

from icat_tui.journal.shared_file import is_still, make, make_directory, open_existing, open_or_make
from tests.support.users import GROUP, become


def test_a_file_is_made_once_and_opened_then(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_existing(tmp_path / "new", os.O_RDWR)
    for text in (b"one", b"two"):
        descriptor = open_or_make(tmp_path / "new", os.O_RDWR | os.O_APPEND)
        os.write(descriptor, text)
        os.close(descriptor)
    assert (tmp_path / "new").read_bytes() == b"onetwo"
    with pytest.raises(FileExistsError):
        make(tmp_path / "new", os.O_RDWR)


@pytest.mark.parametrize("kind", ["link", "dangling", "second name", "pipe", "directory", "device"])
def test_what_is_no_file_of_its_own_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    victim, place = tmp_path / "victim", tmp_path / "place"
    victim.write_text("precious")
    match kind:
        case "link":
            place.symlink_to(victim)
        case "dangling":
            place.symlink_to(tmp_path / "nowhere")
        case "second name":
            place.hardlink_to(victim)
        case "pipe":
            os.mkfifo(place)
        case "directory":
            place.mkdir()
        case "device":
            place = Path("/dev/null")
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
        with pytest.raises(OSError, match=r"link|regular|directory|No such device"):
            open_or_make(place, flags)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(("mode", "file", "directory"), [(0o755, 0o600, 0o700), (0o775, 0o660, 0o2770)])
def test_where_a_group_writes_it_can_write_whatever_the_umask(
    tmp_path: Path, mode: int, file: int, directory: int
) -> None:
    tmp_path.chmod(mode)
    before = os.umask(0o077)
    try:
        os.close(make(tmp_path / "file", os.O_RDWR))
        make_directory(tmp_path / "directory")
        make_directory(tmp_path / "directory")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o7777 == file
    assert (tmp_path / "directory").stat().st_mode & 0o7777 == directory


def test_a_name_that_another_file_has_now_is_noticed(tmp_path: Path) -> None:
    descriptor = make(tmp_path / "file", os.O_RDWR)
    assert is_still(tmp_path / "file", descriptor)
    (tmp_path / "file").unlink()
    assert not is_still(tmp_path / "file", descriptor)
    os.close(make(tmp_path / "file", os.O_RDWR))
    assert not is_still(tmp_path / "file", descriptor)
    os.close(descriptor)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_file_of_another_user_in_a_sticky_directory_is_opened(shared_directory: Path) -> None:
    os.chown(shared_directory, -1, GROUP)
    shared_directory.chmod(0o3775)
    os.close(make(shared_directory / "file", os.O_RDWR))
    os.chown(shared_directory / "file", 12001, GROUP)
    child = os.fork()
    if not child:
        become(12002)
        os._exit(os.write(open_or_make(shared_directory / "file", os.O_RDWR), b"x") - 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_file_that_another_process_makes_meanwhile_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slower(path: Path, flags: int) -> int:
        path.write_bytes(b"theirs")
        return make(path, flags)

    monkeypatch.setattr("icat_tui.journal.shared_file.make", slower)
    with open(open_or_make(tmp_path / "file", os.O_RDONLY), "rb") as file:
        assert file.read() == b"theirs"


def test_only_what_is_a_link_itself_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="it is a link, and no file of its own"):
        open_existing(tmp_path / "link", os.O_RDONLY)
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    with pytest.raises(OSError, match=r"Too many (levels of )?symbolic links") as caught:
        open_existing(tmp_path / "ring" / "file", os.O_RDONLY)
    assert caught.value.errno == errno.ELOOP
    (tmp_path / "directory").mkdir()
    (tmp_path / "through").symlink_to(tmp_path / "directory")
    with pytest.raises(FileNotFoundError):
        open_existing(tmp_path / "through" / "file", os.O_RDONLY)

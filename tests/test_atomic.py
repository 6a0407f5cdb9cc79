"""Tests of atomic writing: there is always a whole file, the old or the new one (promises.md 7)."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icat_tui.atomic import FILE_MODE, SCRIPT_MODE, make_directory, write_file, write_pieces
from icat_tui.domain.errors import SaveError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_there_with_the_directories_above_it(tmp_path: Path) -> None:
    path = tmp_path / "esrfv3" / "deeper" / "todo.csv"
    assert write_file(path, b"a\r\n")
    assert path.read_bytes() == b"a\r\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["todo.csv"]


@pytest.mark.usefixtures("group_umask")
@pytest.mark.parametrize(("wanted", "umask", "expected"), [(FILE_MODE, 0o002, 0o664), (SCRIPT_MODE, 0o027, 0o750)])
def test_the_umask_decides_on_permissions(tmp_path: Path, wanted: int, umask: int, expected: int) -> None:
    os.umask(umask)
    write_file(tmp_path / "new" / "file", b"", mode=wanted)
    assert mode(tmp_path / "new" / "file") == expected
    assert mode(tmp_path / "new") == 0o775 & ~umask


@pytest.mark.parametrize("content", [b"same", b"", b"x" * 3_000_000])
def test_a_file_whose_bytes_would_not_change_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    assert write_file(path, content)
    before = path.stat()
    assert not write_file(path, content)
    assert path.stat() == before


@pytest.mark.parametrize("old", [b"", b"ol", b"old", b"older", b"newer"])
def test_any_other_content_is_replaced(tmp_path: Path, old: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(old)
    assert write_pieces(path, lambda: (b"n", b"", b"ew"))
    assert path.read_bytes() == b"new"


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    assert write_file(path, b"1")
    assert path.read_bytes() == b"1"


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"other people's")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert write_file(link, b"other people's")
    assert target.read_bytes() == b"other people's"
    assert not link.is_symlink()


def test_who_reads_meanwhile_has_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and whole")
    with path.open("rb") as reader:
        assert reader.read(3) == b"old"
        write_file(path, b"new")
        assert reader.read() == b" and whole"


def no_space(*_arguments: object, **_options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing_pieces(error: BaseException) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield b"half of it"
        raise error

    return pieces


@pytest.mark.parametrize("call", ["os.open", "os.fsync", "os.replace"])
def test_when_it_fails_the_old_file_stays_and_the_temporary_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "todo.csv"
    path.write_bytes(b"old")
    monkeypatch.setattr(call, no_space)
    with pytest.raises(SaveError, match="No space left on device") as caught:
        write_file(path, b"new")
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["todo.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("our mistake")])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "todo.csv"
    path.write_bytes(b"half of old")
    with pytest.raises(type(error)):
        write_pieces(path, failing_pieces(error))
    assert path.read_bytes() == b"half of old"
    assert os.listdir(tmp_path) == ["todo.csv"]


@pytest.mark.parametrize("name", ["file/below", "directory"])
def test_a_place_that_can_hold_no_file_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "directory").mkdir()
    with pytest.raises(SaveError, match=name):
        write_file(tmp_path / name, b"new")
    assert sorted(os.listdir(tmp_path)) == ["directory", "file"]


def test_the_error_is_one_line_whatever_the_name(tmp_path: Path) -> None:
    (tmp_path / "a\n\x1b[31m").write_bytes(b"")
    with pytest.raises(SaveError) as caught:
        write_file(tmp_path / "a\n\x1b[31m" / "b", b"new")
    assert str(caught.value).isprintable()


def test_a_directory_that_is_there_already_is_fine(tmp_path: Path) -> None:
    make_directory(tmp_path)
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()

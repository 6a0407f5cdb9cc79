"""Write a file so that there is always a whole one: the old or the new (promises.md 7).

Knows no room: bytes in, a file out. A temporary file in the same directory, fsync, rename; whatever fails on the way
leaves the old file as it was and no temporary one behind. The directory is not synced: should the machine go down
before the new name is on the disk, the old file is there, whole.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from icat_tui.domain.errors import SaveError
from icat_tui.text import visible

FILE_MODE = 0o664
SCRIPT_MODE = 0o774
DIRECTORY_MODE = 0o775
"""All of them less the umask, as they were before us (icat.md, "Cache files", "Overview files")."""

_BLOCK = 1 << 20


def write_file(path: Path, content: bytes, *, mode: int = FILE_MODE) -> os.stat_result | None:
    """Make `content` what the file at `path` holds; return what `stat` says of it, None where it held that already.

    A regular file that holds it already is left alone, its times and mode too; anything else, a symbolic link among
    them, is replaced. Missing directories are made. Raises `SaveError`, with what was there before still in place.
    """
    return write_pieces(path, lambda: (content,), mode=mode)


def write_pieces(path: Path, pieces: Callable[[], Iterable[bytes]], *, mode: int = FILE_MODE) -> os.stat_result | None:
    """Do the same for content too large to hold: `pieces` is called once to compare it and once to write it."""
    try:
        if _holds(path, pieces()):
            return None
        make_directory(path.parent)
        return _replace(path, pieces(), mode)
    except OSError as error:
        raise SaveError(
            f"{visible(str(path))} was not saved: {error.strerror or error}. "
            "What it held before is still there; free space or set permissions, and run again"
        ) from error


def make_directory(path: Path) -> None:
    """Make a directory and those above it, by the mode of ours; raises `OSError`."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with contextlib.suppress(FileExistsError):  # another run was faster; if it is no directory the next step says so
        path.mkdir(DIRECTORY_MODE)


def _holds(path: Path, pieces: Iterable[bytes]) -> bool:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as file:
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False  # not there, or not to be compared: writing it says whether that is trouble


def _replace(path: Path, pieces: Iterable[bytes], mode: int) -> os.stat_result:
    # The name is of our own making and short, so that a name as long as the file system allows can be written too.
    temporary = path.with_name(f".icat-tui-{secrets.token_hex(8)}.tmp")
    try:
        # os.open leaves the umask (and a default ACL) to the system: reading the umask is not safe among threads.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb", buffering=_BLOCK) as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(descriptor)
            status = os.fstat(descriptor)  # once it has its name another run may have replaced it
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise
    return status

"""Atomic writing of files: there is always a whole file, the old or the new one (promises.md 7).

A temporary file in the same directory is written, synced and renamed. What must stay true: a failure on the way leaves
the old file as it was and no temporary file behind. The directory is not synced: if the machine goes down before the
new name is on disk, the old file is there, whole.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from icat_tui.domain.errors import SaveError
from icat_tui.regular_file import open_regular
from icat_tui.text import visible

FILE_MODE = 0o664
SCRIPT_MODE = 0o774
DIRECTORY_MODE = 0o775
"""Modes, less the umask, as in earlier programs (icat.md, "Cache files", "Overview files")."""

_BLOCK = 1 << 20


def write_file(path: Path, content: bytes, *, mode: int = FILE_MODE) -> os.stat_result | None:
    """Write `content` to the file at `path`; return the result of `stat`, None where the file had it already.

    A regular file that has this content already is not touched, nor are its times and mode; anything else, also a
    symbolic link, is replaced. Missing directories are made. Raises `SaveError`; then the earlier file is still there.
    """
    return write_pieces(path, lambda: (content,), mode=mode)


def write_pieces(path: Path, pieces: Callable[[], Iterable[bytes]], *, mode: int = FILE_MODE) -> os.stat_result | None:
    """Write content that is too large for memory; `pieces` is called once to compare it and once to write it.

    Otherwise it does the same as `write_file`.
    """
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
    """Make a directory and its missing parents with DIRECTORY_MODE; raises `OSError`."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with contextlib.suppress(FileExistsError):  # another run was faster; if it is no directory, the next step fails
        path.mkdir(DIRECTORY_MODE)


def _holds(path: Path, pieces: Iterable[bytes]) -> bool:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with open_regular(path) as file:
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False  # not there, or not readable: whether that is an error shows when it is written


def _replace(path: Path, pieces: Iterable[bytes], mode: int) -> os.stat_result:
    # The temporary name is short, so that a file name as long as the file system allows can be written too.
    temporary = path.with_name(f".icat-tui-{secrets.token_hex(8)}.tmp")
    try:
        # os.open leaves the umask (and a default ACL) to the system: reading the umask is not safe among threads.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb", buffering=_BLOCK) as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(descriptor)
            status = os.fstat(descriptor)  # before renaming: another run may replace the renamed file at once
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            temporary.unlink()
        raise
    return status

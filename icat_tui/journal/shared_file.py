"""Opening of files that several users write: the journal and the locks (interface.md, "Journal").

What must stay true: only a regular file with one name is opened, whatever others put in its place; nothing is cut off
or written before that is known. A file is opened before it is made, as a directory with the sticky bit lets nobody open
another user's file with O_CREAT (`fs.protected_regular`).
"""

import errno
import os
import stat
from pathlib import Path

FILE_MODE = 0o664
DIRECTORY_MODE = 0o775
"""Modes less the umask; in a directory that a group can write, GROUP_FILE_MODE and GROUP_DIRECTORY_MODE count."""
GROUP_FILE_MODE = 0o660
GROUP_DIRECTORY_MODE = 0o2770
GROUP_WRITABLE = 0o020

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # O_NONBLOCK: opening a named pipe would wait for ever


def open_existing(path: Path, flags: int) -> int:
    """Return the descriptor of a regular file with one name. Raises OSError, FileNotFoundError where there is none.

    The flags are without O_TRUNC, which would cut off what is opened before it is known.
    """
    try:
        descriptor = os.open(path, flags | _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a link, and no file of its own", str(path)) from error
        raise
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    if stat.S_ISREG(status.st_mode):
        raise OSError(errno.EMLINK, "it is a regular file with other names too", str(path))
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def open_or_make(path: Path, flags: int) -> int:
    """Return the descriptor of a regular file with one name, which is made where there is none. Raises OSError."""
    while True:
        try:
            return open_existing(path, flags)
        except FileNotFoundError:
            pass
        try:
            return make(path, flags)
        except FileExistsError:
            continue  # another process was faster


def make(path: Path, flags: int) -> int:
    """Return the descriptor of a new file. Raises OSError, FileExistsError where the name is taken."""
    descriptor = os.open(path, flags | _FLAGS | os.O_CREAT | os.O_EXCL, FILE_MODE)
    if _group_writes(path.parent):
        os.fchmod(descriptor, GROUP_FILE_MODE)
    return descriptor


def make_directory(path: Path) -> None:
    """Make a directory, not its parents, where there is none; raises OSError."""
    try:
        path.mkdir(DIRECTORY_MODE)
    except FileExistsError:
        return  # if it is no directory, the next step fails
    if _group_writes(path.parent):
        path.chmod(GROUP_DIRECTORY_MODE)


def sync_directory(path: Path) -> None:
    """Return once the names in a directory are on the disk; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_still(path: Path, descriptor: int) -> bool:
    """Return whether a name is still that of an open file."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _group_writes(directory: Path) -> bool:
    return bool(directory.stat().st_mode & GROUP_WRITABLE)

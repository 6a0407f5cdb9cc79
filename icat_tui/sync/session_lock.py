"""Locks of sessions: one registration of a session at a time; a lock ends with its process (promises.md 8).

Scanning takes none. The holder writes its user, host and process into the lock's file, for others to read. What must
stay true: only a holder is named. The name is removed at the end, and that of a process that has ended is not returned.
"""

import fcntl
import hashlib
import json
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icat_tui.atomic import FILE_MODE, make_directory
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError
from icat_tui.domain.model import SessionDirectory
from icat_tui.text import visible

LONGEST_SIGNATURE = 4096
"""Bytes."""


class SessionLockedError(IcatTuiError):
    """Error: another process is registering the session; `holder` names it."""

    code = ExitCode.LOCKED

    def __init__(self, directory: SessionDirectory, holder: str) -> None:
        """Make the error's text from the session and the holder."""
        super().__init__(f"{directory.path} is being registered by {holder}: try again later")
        self.holder = holder


@contextmanager
def locked(state_dir: Path, directory: SessionDirectory) -> Iterator[None]:
    """Hold the lock of a session. Raises SessionLockedError, or SaveError where no lock can be made."""
    path = lock_path(state_dir, directory)
    try:
        descriptor = _open(path)
    except OSError as error:
        raise _no_lock(path, error) from error
    try:
        _acquire(descriptor, path, directory)
        _write(descriptor, _signature())
        try:
            yield
        finally:
            _write(descriptor, b"")
    finally:
        os.close(descriptor)


def registering_now(state_dir: Path, directory: SessionDirectory) -> str:
    """Return who is registering a session, by the lock's file; empty: nobody, as far as it shows.

    It takes no lock, so it keeps nobody from registering.
    """
    try:
        descriptor = os.open(lock_path(state_dir, directory), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return _holder(descriptor) if os.fstat(descriptor).st_size else ""
    finally:
        os.close(descriptor)


def lock_path(state_dir: Path, directory: SessionDirectory) -> Path:
    """Return the file that is locked while a session is registered."""
    return state_dir / "locks" / f"{hashlib.sha256(os.fsencode(directory.path)).hexdigest()[:16]}.lock"


def _open(path: Path) -> int:
    """Return the lock file, opened for writing, as NFS needs it to lock; for reading where it is not writable."""
    make_directory(path.parent)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _acquire(descriptor: int, path: Path, directory: SessionDirectory) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SessionLockedError(directory, _holder(descriptor)) from None
    except OSError as error:
        raise _no_lock(path, error) from error


def _no_lock(path: Path, error: OSError) -> SaveError:
    return SaveError(
        f"The lock {visible(str(path))} can't be made: {error.strerror or error}. Nothing is sent without it; make its "
        "directory writable for all who register, or name another state_dir"
    )


# -- who holds it ----------------------------------------------------------------------------------------------------


def _signature() -> bytes:
    return json.dumps({"pid": os.getpid(), "user": _user(), "host": socket.gethostname()}).encode()


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _write(descriptor: int, signature: bytes) -> None:
    with suppress(OSError):  # another user's file, or a full disk: the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, signature, 0)


def _holder(descriptor: int) -> str:
    """Return who holds the lock, as far as the file shows."""
    try:
        signature = json.loads(os.pread(descriptor, LONGEST_SIGNATURE, 0))
        user, host, process = str(signature["user"]), str(signature["host"]), int(signature["pid"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "somebody else"
    if host == socket.gethostname() and not Path(f"/proc/{process}").exists():
        return "somebody else"  # that process was killed, and the holder now could not write its name
    return f"{user} on {host} (process {process})"

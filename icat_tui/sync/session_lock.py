"""Locks of sessions: one registration of a session at a time; a lock ends with its process (promises.md 8).

Scanning takes none. A session is known by where it lies, whatever its spelling. The holder writes its user, host and
process into the lock's file, for others to read. What must stay true: only a holder is named, and a lock that is held
is that of the file which has the name now. The text is removed at the end, and that of a process that has ended is not
returned.
"""

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from icat_tui.cancel import Cancellation
from icat_tui.disk.location import resolved
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.journal.directory import user_name
from icat_tui.journal.shared_file import is_still, make_directory, open_existing, open_or_make
from icat_tui.text import visible

LONGEST_SIGNATURE = 4096
"""Bytes."""
PAUSE = 0.1
"""Seconds between two attempts to get a lock that another holds."""


class SessionLockedError(IcatTuiError):
    """Error: another process is registering the session; `holder` names it."""

    code = ExitCode.LOCKED

    def __init__(self, path: str, holder: str) -> None:
        """Make the error's text from the session and the holder."""
        super().__init__(f"{path} is being registered by {holder}: try again later")
        self.holder = holder


@contextmanager
def locked(
    state_dir: Path,
    path: str,
    facility: Facility,
    wait: timedelta = timedelta(),
    cancellation: Cancellation | None = None,
) -> Iterator[None]:
    """Hold the lock of a session, after waiting so long for it at most, or until it is cancelled.

    Raises SessionLockedError, or SaveError where no lock can be made.
    """
    name = lock_path(state_dir, resolved(path), facility)
    cancellation = cancellation or Cancellation()
    until = time.monotonic() + wait.total_seconds()
    while True:
        try:
            descriptor = _held(name, path)
            break
        except SessionLockedError:
            if cancellation or time.monotonic() >= until:
                raise
            cancellation.wait(min(PAUSE, max(0.0, until - time.monotonic())))
    try:
        _write(descriptor, _signature())
        try:
            yield
        finally:
            _write(descriptor, b"")
    finally:
        os.close(descriptor)


def registering_now(state_dir: Path, location: str, facility: Facility) -> str:
    """Return who is registering the session at a location, by the lock's file; empty: nobody, as far as it shows.

    It takes no lock, so it keeps nobody from registering.
    """
    try:
        descriptor = open_existing(lock_path(state_dir, location, facility), os.O_RDONLY)
    except OSError:
        return ""
    try:
        return _holder(descriptor) if os.fstat(descriptor).st_size else ""
    finally:
        os.close(descriptor)


def lock_path(state_dir: Path, location: str, facility: Facility) -> Path:
    """Return the file that is locked while a session, or a dataset that lies in none, is registered."""
    key = location_key(location, facility)
    return state_dir / "locks" / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.lock"


def _held(name: Path, path: str) -> int:
    """Return the descriptor of a lock file that is locked. Raises SessionLockedError, SaveError."""
    try:
        make_directory(name.parent)
        while True:
            descriptor = _open(name)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise SessionLockedError(path, holder) from None
            except BaseException:
                os.close(descriptor)
                raise
            if is_still(name, descriptor):
                return descriptor
            os.close(descriptor)  # tidied away meanwhile: the next one may hold another file of that name
    except OSError as error:
        raise SaveError(
            f"The lock {visible(str(name))} can't be made: {error.strerror or error}. Nothing is sent without it; make "
            "its directory writable for all who register, or name another state_dir"
        ) from error


def _open(name: Path) -> int:
    """Return the lock file, opened for writing, as NFS needs it to lock; for reading where it is not writable."""
    try:
        return open_or_make(name, os.O_RDWR)
    except PermissionError:
        return open_existing(name, os.O_RDONLY)


# -- who holds it ----------------------------------------------------------------------------------------------------


def _signature() -> bytes:
    return json.dumps({"pid": os.getpid(), "user": user_name(), "host": socket.gethostname()}).encode()


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

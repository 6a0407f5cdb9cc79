"""One registration of a session at a time: a lock that dies with its holder (promises.md 8).

Scanning holds none. Who holds it stands in the file, for the others to see.
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

from icat_tui.domain.errors import ExitCode, IcatTuiError
from icat_tui.domain.model import SessionDirectory
from icat_tui.sync.files import make_directory

FILE_MODE = 0o664


class SessionLockedError(IcatTuiError):
    """Somebody else is registering the session."""

    code = ExitCode.LOCKED

    def __init__(self, directory: SessionDirectory, holder: str) -> None:
        """Say who holds the lock."""
        super().__init__(f"{directory.path} is being registered by {holder}: try again later")
        self.directory = directory
        self.holder = holder


@contextmanager
def locked(state_dir: Path, directory: SessionDirectory) -> Iterator[None]:
    """Hold the lock of a session. Raises SessionLockedError, or OSError where no lock can be made."""
    path = state_dir / "locks" / f"{hashlib.sha256(os.fsencode(directory.path)).hexdigest()[:16]}.lock"
    make_directory(path.parent)
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SessionLockedError(directory, _holder(path)) from None
        with suppress(OSError):  # another user's file, or a full disk: the lock holds all the same
            _sign(path)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """Return the lock file, opened: for a lock it need not be ours to write."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _sign(path: Path) -> None:
    user = pwd.getpwuid(os.geteuid()).pw_name
    path.write_text(json.dumps({"pid": os.getpid(), "user": user, "host": socket.gethostname()}))


def _holder(path: Path) -> str:
    try:
        held = json.loads(path.read_text())
        return f"{held['user']} on {held['host']} (process {held['pid']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "somebody else"

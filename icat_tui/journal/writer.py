"""The journal: what was to be sent, was about to be sent, and what became of it (interface.md, "Journal").

One file for everybody who registers, a JSON object a line. What must stay true: no message goes out before its intent
is on the disk, and nothing that was ever written is changed or joined with something else. Every append takes the lock,
and starts on a line of its own, whatever a run that died left behind.
"""

import errno
import fcntl
import json
import os
import pwd
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from icat_tui.domain.message import Message
from icat_tui.journal.reader import Sending
from icat_tui.journal.records import JournalError, Kind, SendOutcome
from icat_tui.text import visible

FILE_MODE = 0o664
DIRECTORY_MODE = 0o775
"""Less the umask: the journal is shared by all who register."""
LOCK_TIMEOUT = 10.0
"""Seconds until a lock that another process keeps is an error."""


class Journal:
    """Writes records of this process, by this user on this host, into a journal that others write too."""

    def __init__(self, path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        """Name the file; it is made, with its directories, when there is something to write."""
        self.path = path
        self._lock_timeout = lock_timeout
        self._user = _user()
        self._host = socket.gethostname()

    def check(self) -> None:
        """Raise JournalError where nothing could be written; an empty file is made, nothing is written."""
        with self._opened() as descriptor, self._locked(descriptor):
            pass

    def plan(self, messages: Iterable[Message]) -> None:
        """Write down what will be sent, and return once it is on the disk."""
        self._append([self._record(Kind.PLAN, message, body=_as_text(message.body)) for message in messages], sync=True)

    def intend(self, messages: Iterable[Message]) -> None:
        """Write down that these go out now, and return once it is on the disk: only then may they be sent."""
        self._append([self._record(Kind.INTENT, message) for message in messages], sync=True)

    def conclude(self, outcomes: Iterable[tuple[Message, SendOutcome, str]]) -> None:
        """Write down what became of messages, each with the broker's words or the reason.

        It is not waited for: should the machine go down, the intent remains, which says "no receipt".
        """
        self._append(
            [
                self._record(Kind.OUTCOME, message, outcome=outcome.value, **({"words": words} if words else {}))
                for message, outcome, words in outcomes
            ]
        )

    def seen(self, messages: Iterable[Message | Sending]) -> None:
        """Write down that ICAT shows what these messages were to bring about."""
        self._append([self._record(Kind.SEEN, message) for message in messages])

    def _record(self, kind: Kind, message: Message | Sending, **more: str) -> bytes:
        record = {
            "record": kind.value,
            "id": message.id,
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "user": self._user,
            "host": self._host,
            "action": message.action.value,
            "dataset": message.dataset,
            "icat_id": message.icat_id,
            "investigation": message.investigation,
            "destination": message.destination,
            "digest": message.digest,
        }
        # The standard library's ASCII: a path that is not UTF-8 stands in it as `\udcXX` (interface.md, "Cache").
        return json.dumps(record | more).encode() + b"\n"

    def _append(self, lines: list[bytes], *, sync: bool = False) -> None:
        if not lines:
            return
        with self._opened() as descriptor:
            with self._locked(descriptor):
                end = os.lseek(descriptor, 0, os.SEEK_END)
                torn = end and os.pread(descriptor, 1, end - 1) != b"\n"
                _write(descriptor, (b"\n" if torn else b"") + b"".join(lines))
            if sync:
                os.fsync(descriptor)
                if not end:
                    self._sync_directory()

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            self.path.parent.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalError(
                f"The journal {visible(str(self.path))} can't be written: {error.strerror or error}. Nothing is sent "
                "without it; make it writable for all who register, or name another state_dir"
            ) from error

    @contextmanager
    def _locked(self, descriptor: int) -> Iterator[None]:
        deadline = time.monotonic() + self._lock_timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, "another process keeps it locked") from None
                time.sleep(0.002)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _sync_directory(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _user() -> str:
    """Return who runs this, by the system's word and not the environment's."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())

"""Writing of the journal: plans, intents, outcomes and effects of messages (interface.md, "Journal").

One file for all who register, a JSON object a line. What must stay true: a method that records plans or intents returns
only once they are on the disk, and no record is ever changed or joined with another one. Every append takes the lock
and starts on a new line, even after a line that a run left incomplete when it died.
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
from icat_tui.journal.records import JournalError, RecordKind, SendOutcome
from icat_tui.text import visible

FILE_MODE = 0o664
DIRECTORY_MODE = 0o775
"""Less the umask: the journal is shared by all who register."""
LOCK_TIMEOUT = 10.0
"""Seconds until a lock that another process keeps is an error."""


class Journal:
    """Writer of the journal for this process, user and host; other processes write to the same file."""

    def __init__(self, path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        """Keep the path of the file; it is made, with its directories, at the first append."""
        self.path = path
        self._lock_timeout = lock_timeout
        self._user = _user()
        self._host = socket.gethostname()

    def check_writable(self) -> None:
        """Raise JournalError where the journal can't be written; make the file, but write nothing to it."""
        with self._opened() as descriptor, self._locked(descriptor):
            pass

    def record_plans(self, messages: Iterable[Message]) -> None:
        """Record the messages that will be sent, and return once that is on the disk."""
        self._append(
            [self._record(RecordKind.PLAN, message, body=_as_text(message.body)) for message in messages], sync=True
        )

    def record_intents(self, messages: Iterable[Message]) -> None:
        """Record that these messages go out now, and return once that is on the disk: only then may they be sent."""
        self._append([self._record(RecordKind.INTENT, message) for message in messages], sync=True)

    def record_outcomes(self, outcomes: Iterable[tuple[Message, SendOutcome, str]]) -> None:
        """Record the outcomes of messages, each with the broker's text or the reason.

        This does not wait for the disk: should the machine go down, the intent remains, which means "no receipt".
        """
        self._append(
            [
                self._record(RecordKind.OUTCOME, message, outcome=outcome.value, **({"words": words} if words else {}))
                for message, outcome, words in outcomes
            ]
        )

    def record_seen(self, messages: Iterable[Message | Sending]) -> None:
        """Record that ICAT shows the effects of these messages."""
        self._append([self._record(RecordKind.SEEN, message) for message in messages])

    def _record(self, kind: RecordKind, message: Message | Sending, **more: str) -> bytes:
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
        # Escaped to ASCII by the standard library: bytes that are not UTF-8 become `\udcXX` (interface.md, "Cache").
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
    """Return the name of the user who runs this process, from the user database and not from the environment."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())

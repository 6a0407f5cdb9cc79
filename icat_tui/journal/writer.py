"""Writing of the journal: plans, intents, outcomes and effects of messages (interface.md, "Journal").

One file for each proposal, for all who register. What must stay true: a method that records plans or intents returns
only once they are on the disk, and no record is ever changed or joined with another one. Every append takes the lock of
its file and starts on a new line; a line that a process left incomplete when it died is recorded as torn.
"""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from icat_tui.domain.message import Message
from icat_tui.journal.directory import (
    JournalDirectory,
    JournalNotThereError,
    Mark,
    make_journal,
    mark_of,
    name_shard,
    new_mark,
    user_name,
)
from icat_tui.journal.records import SCHEMA, JournalError, RecordKind, SendOutcome, Settlement, line
from icat_tui.journal.sendings import Sending
from icat_tui.journal.shard import shard_of
from icat_tui.journal.shared_file import open_existing, open_or_make, sync_directory
from icat_tui.text import visible

LOCK_TIMEOUT = 10.0
"""Seconds until a lock that another process keeps is an error."""

LONGEST_HEADER = 4096
"""Bytes."""

Subject = Message | Sending
"""A message of this run, or of an earlier one by the journal."""


class Journal:
    """Writer of the journal for this process, user and host; other processes write to the same files."""

    def __init__(self, directory: JournalDirectory, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        """Keep the directory; the user's own journal is made at the first append, and a shard at its first record."""
        self.directory = directory
        self._lock_timeout = lock_timeout
        self._user, self._host = user_name(), socket.gethostname()
        self._order = ""
        self._known: set[str] = set()
        """Shards that are in the list of shards."""

    def for_order(self) -> "Journal":
        """Return a writer for the messages of one confirmation: their records have its id in common."""
        writer = Journal(self.directory, lock_timeout=self._lock_timeout)
        writer._order = uuid4().hex
        return writer

    def check_writable(self) -> None:
        """Raise JournalError where the journal can't be written; make the user's own, but write no record."""
        with self._explained():
            self._mark()
            path = self.directory.path
            for place in (path, self.directory.records):
                if not os.access(place, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))

    # -- records ---------------------------------------------------------------------------------------------------

    def record_plans(self, messages: Iterable[Message]) -> None:
        """Record the messages that will be sent, and return once that is on the disk."""
        self._append(((each, self._record(RecordKind.PLAN, each, body=_as_text(each.body))) for each in messages), True)

    def record_intents(self, messages: Iterable[Message]) -> None:
        """Record that these messages go out now, and return once that is on the disk: only then may they be sent."""
        self._append(((each, self._record(RecordKind.INTENT, each)) for each in messages), True)

    def record_outcomes(self, outcomes: Iterable[tuple[Message, SendOutcome, str]]) -> None:
        """Record the outcomes of messages, each with the broker's text or the reason.

        This does not wait for the disk: should the machine go down, the intent remains, which means "no receipt".
        """
        self._append(
            (each, self._record(RecordKind.OUTCOME, each, outcome=outcome.value, **_words(words)))
            for each, outcome, words in outcomes
        )

    def record_skipped(self, skipped: Iterable[tuple[Subject, str]]) -> None:
        """Record the messages that were confirmed and are not sent, each with the reason."""
        self._append((each, self._record(RecordKind.SKIPPED, each, words=reason)) for each, reason in skipped)

    def record_seen(self, seen: Iterable[tuple[Subject, int | None]]) -> None:
        """Record that ICAT shows the effects of these messages, each with the dataset's id in ICAT."""
        self._append((each, self._record(RecordKind.SEEN, each, icat_id=icat_id)) for each, icat_id in seen)

    def record_settled(self, sending: Sending, settled: Settlement, why: str) -> None:
        """Record what a person says that became of a message, and return once that is on the disk."""
        record = self._record(RecordKind.SETTLED, sending, settled=settled.value, words=why)
        self._append([(sending, record)], True)

    def set_aside(self, shard: str, record: dict[str, object]) -> None:
        """Record a damaged line as set aside, and return once that is on the disk."""
        self._append_to(shard, [{"record": "set_aside", "schema": SCHEMA, **self._writer(), **record}], sync=True)

    def take_in(self, shard: str, lines: list[bytes]) -> None:
        """Append lines as they are, and return once they are on the disk: those of a journal of the first version."""
        self._append_lines(shard, lines, sync=True)

    def _record(self, kind: RecordKind, message: Subject, **more: object) -> dict[str, object]:
        return {
            "record": kind.value,
            "schema": SCHEMA,
            "id": message.id,
            "order": self._order if isinstance(message, Message) else message.order,
            **self._writer(),
            "action": message.action.value,
            "dataset": message.dataset,
            "location": message.location or message.dataset,
            "proposal": message.proposal,
            "beamline": message.beamline,
            "icat_id": message.icat_id,
            "investigation": message.investigation,
            "destination": message.destination,
            "digest": message.digest,
            **more,
        }

    def _writer(self) -> dict[str, object]:
        return {"time": datetime.now(UTC).isoformat(timespec="microseconds"), "user": self._user, "host": self._host}

    # -- files -----------------------------------------------------------------------------------------------------

    def _append(self, records: Iterable[tuple[Subject, dict[str, object]]], sync: bool = False) -> None:
        by_shard: dict[str, list[dict[str, object]]] = {}
        for message, record in records:
            by_shard.setdefault(shard_of(message.location or message.dataset), []).append(record)
        for shard, members in by_shard.items():
            self._append_to(shard, members, sync=sync)

    def _append_to(self, shard: str, records: list[dict[str, object]], *, sync: bool) -> None:
        self._append_lines(shard, list(map(line, records)), sync=sync)

    def _append_lines(self, shard: str, lines: list[bytes], *, sync: bool) -> None:
        with self._explained():
            descriptor = self._opened(shard)
            try:
                with self._locked(descriptor):
                    end = os.lseek(descriptor, 0, os.SEEK_END)
                    _write(descriptor, _end_of_torn_line(descriptor, end) + b"".join(lines))
                if sync:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _opened(self, shard: str) -> int:
        """Return the descriptor of a shard. Raises JournalNotThereError where it was there before, and is not now."""
        mark, path = self._mark(), self.directory.shard(shard)
        if shard not in self._known:
            with name_shard(self.directory, mark, shard) as named:
                if not named:
                    self._begin(shard, mark)
            self._known.add(shard)
        try:
            descriptor = open_existing(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            descriptor = None
        if descriptor is not None and os.fstat(descriptor).st_size:
            return descriptor
        if descriptor is not None:
            os.close(descriptor)
        raise JournalNotThereError(
            f"The journal {visible(str(path))} is gone or empty, and it was written before: restore it from a backup. "
            "Nothing is sent without it"
        )

    def _begin(self, shard: str, mark: Mark) -> None:
        """Write the header of a shard that is not in the list yet; there is none in it where its maker died."""
        path = self.directory.shard(shard)
        descriptor = open_or_make(path, os.O_RDWR | os.O_APPEND)
        try:
            if b"\n" not in os.pread(descriptor, LONGEST_HEADER, 0):
                os.ftruncate(descriptor, 0)
                _write(descriptor, line({"record": "shard", "schema": SCHEMA, "journal": mark.id, "shard": shard}))
            os.fsync(descriptor)
            sync_directory(path.parent)
        finally:
            os.close(descriptor)

    def _mark(self) -> Mark:
        """Return the mark of the journal; the user's own is made where there is none."""
        mark = mark_of(self.directory)
        if mark is None:
            self.directory.path.mkdir(0o700, parents=True, exist_ok=True)
            mark = new_mark()
            make_journal(self.directory.path, mark)
        return mark

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(
                f"The journal {visible(str(error.filename or self.directory.path))} can't be written: "
                f"{error.strerror or error}. Nothing is sent without it; make it writable for all who register, or "
                "name another state_dir"
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


def _end_of_torn_line(descriptor: int, end: int) -> bytes:
    """Return what ends a line that a process left incomplete: a newline, and a record about it; empty where none is."""
    start = end
    while start and (block := os.pread(descriptor, min(start, 4096), max(0, start - 4096))):
        newline = block.rfind(b"\n")
        if newline >= 0:
            start = start - len(block) + newline + 1
            break
        start -= len(block)
    if start == end:
        return b""
    return b"\n" + line({"record": "torn", "schema": SCHEMA, "offset": start, "length": end - start})


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _words(words: str) -> dict[str, object]:
    return {"words": words} if words else {}

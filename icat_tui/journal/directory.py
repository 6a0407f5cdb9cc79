"""The directory of the journal: its mark, the list of its shards, and whether it is there (interface.md, "Journal").

What must stay true (promises.md 4): a journal that was there and is missing, emptied or another one now is never taken
for one in which nothing was written.
"""

import fcntl
import grp
import json
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct

from icat_tui.domain.errors import UsageError
from icat_tui.journal.records import NO_RECORD, JournalError, is_whole, line
from icat_tui.journal.shared_file import make, make_directory, open_existing, open_or_make, sync_directory
from icat_tui.text import visible

MARK = "icat-tui-journal.json"
SHARDS = "shards.jsonl"
RECORDS = "journal"
FIRST_VERSION = "journal.jsonl"
"""The journal of the first version: one file in the directory of the state."""
SCHEMA = 1
LARGEST_MARK = 1 << 16
"""Bytes."""


class Mark(Struct, frozen=True, kw_only=True):
    """Mark of a directory that is a journal."""

    schema: int
    id: str
    made_at: str
    made_by: str
    host: str
    imported: tuple[str, ...] = ()
    """Journals of the first version that were taken in, as `fingerprint` has them."""


class JournalDirectory(Struct, frozen=True):
    """Directory of a journal, as the settings name it."""

    path: Path
    own: bool = False
    """Whether it is the user's own, which is made when it is first needed; a shared one is made by `journal --init`."""
    older: tuple[Path, ...] = ()
    """Where a journal of the first version may lie, beside the one in the directory itself."""

    @property
    def records(self) -> Path:
        """The directory of the shards."""
        return self.path / RECORDS

    def shard(self, name: str) -> Path:
        """Return the path of a shard."""
        return self.records / f"{name}.jsonl"


class JournalNotThereError(JournalError):
    """Error: a journal is not where the settings say, or a part of it is gone."""


# -- whether it is there ---------------------------------------------------------------------------------------------


def mark_of(directory: JournalDirectory) -> Mark | None:
    """Return the mark of a journal; None of the user's own that was not made yet.

    Raises JournalNotThereError where it is not there, JournalError where it can't be read or is of a newer version.
    """
    mark = read_mark(directory.path)
    if mark is None and directory.own and not _has_content(directory.path):
        return None
    if mark is None:
        raise JournalNotThereError(
            f"The journal is not in {visible(str(directory.path))}: there is no {MARK}. Mount it, correct state_dir, "
            f"or make a new journal there by icat-tui journal --init {visible(str(directory.path))}"
        )
    return mark


def read_mark(path: Path) -> Mark | None:
    """Return the mark in a directory; None where there is none. Raises JournalError where it can't be read."""
    try:
        descriptor = open_existing(path / MARK, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path / MARK, error) from error
    with open(descriptor, "rb") as file:
        content = file.read(LARGEST_MARK)
    try:
        mark = msgspec.convert(json.loads(content), Mark)
    except NO_RECORD as error:
        raise JournalError(f"{visible(str(path / MARK))} is no mark of a journal: {error}") from error
    if mark.schema != SCHEMA:
        raise JournalError(f"The journal in {visible(str(path))} was written by a newer version: use that one")
    return mark


def named_shards(directory: JournalDirectory, mark: Mark | None) -> frozenset[str]:
    """Return the names of the shards that a journal has, by its list.

    Raises JournalNotThereError where the list is gone, JournalError where it can't be read or is damaged.
    """
    if mark is None:
        return frozenset()
    path = directory.path / SHARDS
    try:
        descriptor = open_existing(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise JournalNotThereError(
            f"The journal in {visible(str(directory.path))} lacks {SHARDS}, its list of proposals: what was sent is "
            "not known without it. Restore it from a backup"
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    with open(descriptor, "rb") as file:
        lines = file.read().split(b"\n")[:-1]  # a last line without its end was not relied on
    try:
        if all(map(is_whole, lines)):
            return frozenset(msgspec.json.decode(text, type=_ShardName).shard for text in lines)
    except NO_RECORD:
        pass
    raise JournalError(f"{visible(str(path))} is damaged: restore it from a backup")


class _ShardName(Struct, frozen=True):
    """Line of the list of shards."""

    shard: str


def first_version_of(directory: JournalDirectory, mark: Mark | None) -> Path | None:
    """Return a journal of the first version that was not taken in yet; None where there is none."""
    taken = mark.imported if mark else ()
    for path in (directory.path / FIRST_VERSION, *directory.older):
        if path.is_file() and fingerprint(path) not in taken:
            return path
    return None


def fingerprint(path: Path) -> str:
    """Return a text that tells one journal of the first version from another, and from itself with more in it."""
    return f"{path.absolute()} ({path.stat().st_size} bytes)"


def check_for_sending(directory: JournalDirectory) -> None:
    """Raise UsageError where nothing may be sent by this journal, as it is not there or can't be read."""
    try:
        mark = mark_of(directory)
        named_shards(directory, mark)
    except JournalError as error:
        raise UsageError(f"{error}. Nothing is sent without it") from error
    older = first_version_of(directory, mark)
    if older is not None:
        raise UsageError(
            f"{visible(str(older))} is a journal of the first version: nothing is sent before it is taken in by "
            f"icat-tui journal --init {visible(str(directory.path))} --import {visible(str(older))}"
        )


def unreadable(path: Path, error: OSError) -> JournalError:
    """Return the error of a file of the journal that can't be read."""
    return JournalError(
        f"The journal {visible(str(path))} can't be read: {error.strerror or error}. What was sent is not known "
        "without it; make it readable for all who register"
    )


def _has_content(path: Path) -> bool:
    """Return whether a directory holds records of a journal, which must not be taken for a new one."""
    try:
        return any((path / RECORDS).iterdir())  # its list is made before them, and empty where its maker died
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from error


# -- making it -------------------------------------------------------------------------------------------------------


def new_mark(imported: tuple[str, ...] = ()) -> Mark:
    """Return the mark of a journal that this user makes now."""
    return Mark(
        schema=SCHEMA,
        id=uuid4().hex,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        made_by=user_name(),
        host=socket.gethostname(),
        imported=imported,
    )


def user_name() -> str:
    """Return the name of the user who runs this process, from the user database and not from the environment."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def writers_of(path: Path) -> str:
    """Return in words which others can write in a directory."""
    try:
        status = path.stat()
    except OSError:
        return "nobody"
    if status.st_mode & stat.S_IWOTH:
        return "everybody"
    if not status.st_mode & stat.S_IWGRP:
        return "nobody else"
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return f"the group {group}"


def make_journal(path: Path, mark: Mark) -> None:
    """Make a journal in a directory that is there. The mark comes last: without it there is none. Raises OSError."""
    make_directory(path / RECORDS)
    make_directory(path / "locks")
    os.close(open_or_make(path / SHARDS, os.O_RDWR | os.O_APPEND))
    write_mark(path, mark)


def write_mark(path: Path, mark: Mark) -> None:
    """Write the mark of a journal, whole or not at all. Raises OSError."""
    temporary = path / f".{MARK}.{mark.id}"
    temporary.unlink(missing_ok=True)
    descriptor = make(temporary, os.O_WRONLY)
    with open(descriptor, "wb") as file:
        file.write(json.dumps(msgspec.to_builtins(mark)).encode() + b"\n")
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path / MARK)
    sync_directory(path)


@contextmanager
def name_shard(directory: JournalDirectory, mark: Mark, shard: str) -> Iterator[bool]:
    """Give whether a shard is in the list of shards, and have it there, on the disk, at the end. Raises OSError."""
    descriptor = open_existing(directory.path / SHARDS, os.O_RDWR | os.O_APPEND)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        named = shard in named_shards(directory, mark)
        yield named
        if not named:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            torn = end and os.pread(descriptor, 1, end - 1) != b"\n"
            if torn:
                os.ftruncate(descriptor, os.pread(descriptor, end, 0).rfind(b"\n") + 1)
            os.write(descriptor, line({"record": "name", "schema": SCHEMA, "shard": shard}))
            os.fsync(descriptor)
    finally:
        os.close(descriptor)

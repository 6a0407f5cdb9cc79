"""Sessions as JSON files, one each, so that the next run need not look at everything again (interface.md, "Cache").

What must stay true: a file is whole or it is not there, and nothing that failed is written as if it were complete. The
standard library writes and, where msgspec refuses, reads: paths can hold bytes that are no text.
"""

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from icat_tui.domain import timeslot
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import DiskSession, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.sync.files import write_file

SCHEMA = 1
"""Goes up whenever a rule or a field changes: older files are scanned anew."""
SETTLED_CATEGORIES = frozenset({Category.OK, Category.EMPTY, Category.HAS_INVALID})
UNSETTLED_STATUSES = frozenset({Status.UNKNOWN, Status.PENDING})
LONGEST_NAME = 180
"""Characters of proposal, beamline and date in a file name: the digest of the path makes it unique."""

Part = TypeVar("Part")


class Verdict(Struct, frozen=True, kw_only=True):
    """What a file says without its disk half: enough to show the session, and to use it where it is settled."""

    schema: int
    settled: bool
    session: Session


class Entry(Struct, frozen=True, kw_only=True):
    """A whole file: what was concluded, and what lay on disk then."""

    schema: int
    settled: bool
    session: Session
    disk: DiskSession


class Unreadable(Struct, frozen=True):
    """A file that is torn or not ours; it was set aside."""

    path: str
    reason: str


class SessionCache:
    """The cache files below one directory. Every method may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`, which need not exist yet."""
        self.directory = directory / "icat-tui"

    def path(self, directory: SessionDirectory) -> Path:
        """Return the file of a session."""
        name = f"{directory.proposal}_{directory.beamline}_{directory.date}"
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:LONGEST_NAME]
        digest = hashlib.sha256(os.fsencode(directory.path)).hexdigest()[:16]
        return self.directory / directory.format / f"{plain}-{digest}.json"

    def verdict(self, directory: SessionDirectory) -> Verdict | Unreadable | None:
        """Return what was concluded about a session; None where there is no file."""
        return _read(self.path(directory), Verdict)

    def entry(self, directory: SessionDirectory) -> Entry | Unreadable | None:
        """Return all that is kept of a session; None where there is no file."""
        return _read(self.path(directory), Entry)

    def entry_in(self, path: Path) -> Entry | Unreadable | None:
        """Return all that one of `files` keeps; None where it has gone meanwhile."""
        return _read(path, Entry)

    def verdicts(self, raw_format: RawFormat) -> Iterator[Verdict | Unreadable]:
        """Yield what was concluded about every session of a format, in the order of the files' names."""
        for path in self.files(raw_format):
            if (found := _read(path, Verdict)) is not None:
                yield found

    def files(self, raw_format: RawFormat) -> list[Path]:
        """Return the files of a format by name."""
        try:
            with os.scandir(self.directory / raw_format) as listing:
                return sorted(Path(item.path) for item in listing if item.name.endswith(".json"))
        except FileNotFoundError:
            return []

    def save(self, session: Session, disk: DiskSession, now: datetime) -> None:
        """Write a session's file. Raises SaveError, and then what was there still is."""
        read = tuple(dataset for dataset in disk.datasets if dataset.read_at)
        entry = Entry(
            schema=SCHEMA,
            settled=is_settled(session, now),
            session=session,
            disk=structs.replace(disk, datasets=read, listed=()),
        )
        text = json.dumps(msgspec.to_builtins(entry), separators=(",", ":"))
        write_file(self.path(session.directory), text.encode("ascii"))

    def drop(self, directory: SessionDirectory) -> None:
        """Forget a session. Raises SaveError where the file is there and can't be removed."""
        path = self.path(directory)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(f"{path} could not be removed: {error.strerror}") from error


def is_settled(session: Session, now: datetime) -> bool:
    """Return whether a session may be used without looking again (interface.md, "Cache")."""
    return (
        session.category in SETTLED_CATEGORIES
        and not UNSETTLED_STATUSES.intersection(session.counts)
        and session.fit is not None
        and timeslot.is_over(session.fit, now)
    )


def is_due(session: Session, now: datetime, max_age: timedelta | None) -> bool:
    """Return whether ICAT was asked so long ago that it is to be asked again."""
    return max_age is not None and now - session.seen_at > max_age


def _read(path: Path, kind: type[Part]) -> Part | Unreadable | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unreadable(
            str(path), f"cache file {path} could not be read ({error.strerror}): the session is scanned anew"
        )
    try:
        found = _decode(content, kind)
    except (ValueError, msgspec.MsgspecError) as error:
        return _set_aside(path, str(error))
    if found.schema != SCHEMA:  # type: ignore[attr-defined]  # both kinds of Part have one
        return None
    return found


def _decode(content: bytes, kind: type[Part]) -> Part:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError:
        loaded: Any = json.loads(content)  # lone surrogates: bytes in a path that are no text
        return msgspec.convert(loaded, kind)


def _set_aside(path: Path, why: str) -> Unreadable:
    """Rename a file that can't be used, so that nobody stumbles over it again and nothing is lost."""
    aside = path.with_name(f"{path.name}.unreadable")
    try:
        os.replace(path, aside)
    except OSError as error:
        return Unreadable(str(path), f"cache file {path} can't be used ({why}) nor set aside ({error.strerror})")
    reason = f"cache file {path} can't be used ({why}): set aside as {posixpath.basename(aside)}"
    return Unreadable(str(path), reason)

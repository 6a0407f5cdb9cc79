"""Reading of the journal, shard by shard, while other processes go on writing it (interface.md, "Journal").

What must stay true (promises.md 4): a shard that is gone, emptied, or another one now is never read as one in which
nothing was written; one shard that can't be read keeps no other from being read.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Message
from icat_tui.journal.directory import JournalDirectory, mark_of, named_shards, unreadable
from icat_tui.journal.records import NO_RECORD, JournalError, planned_message, read_lines
from icat_tui.journal.sendings import Sending, ShardIndex
from icat_tui.journal.shard import shard_of
from icat_tui.journal.shared_file import open_existing
from icat_tui.text import visible


class ShardReader:
    """Reader of one shard; it reads each line once."""

    def __init__(self, path: Path, facility: Facility) -> None:
        """Keep the path of the shard; it is read by `refresh`."""
        self.path = path
        self.trouble = ""
        """Why it can't be read; empty where it can, or is not there and never was."""
        self.modified = 0.0
        """When it was last written, in seconds since the epoch: no record in it is younger."""
        self._facility = facility
        self._inode = 0
        self._end = 0
        self.index = ShardIndex(facility)

    def refresh(self, *, named: bool, journal: str) -> None:
        """Read the lines that were added since the last time.

        `named` says whether the journal, of the id `journal`, lists the shard. Raises nothing: see `trouble`.
        """
        try:
            descriptor = open_existing(self.path, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            self.trouble = self._gone() if named or self._end else ""
            return
        except OSError as error:
            self.trouble = str(unreadable(self.path, error))
            return
        with open(descriptor, "rb") as file:
            try:
                self._read(file)
            except OSError as error:
                self.trouble = str(unreadable(self.path, error))
                return
        self.trouble = self._header_trouble(named=named, journal=journal)

    def reread(self) -> None:
        """Read the lines that were added since, of a shard that is there."""
        header = self.index.header
        self.refresh(named=True, journal=header.journal if header else "")

    def _read(self, file: BinaryIO) -> None:
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self._end:
            self._inode, self._end, self.index = status.st_ino, 0, ShardIndex(self._facility)
        self.modified = status.st_mtime
        for line in read_lines(file, self._end):
            self.index.add((line,))
            self._end = line.end

    def _header_trouble(self, *, named: bool, journal: str) -> str:
        header = self.index.header
        if header is None:
            return self._gone() if named or self._end else ""
        if header.journal != journal or f"{header.shard}.jsonl" != self.path.name:
            return (
                f"The journal {visible(str(self.path))} belongs elsewhere: it was written as {visible(header.shard)} "
                f"of the journal {visible(header.journal)}. Put back what was there"
            )
        return ""

    def _gone(self) -> str:
        return (
            f"The journal {visible(str(self.path))} is gone, emptied or cut off at its beginning: what was sent is not "
            "known. Restore it from a backup"
        )


class JournalReader:
    """Reader of a journal: of the shards that were asked for."""

    def __init__(self, directory: JournalDirectory, facility: Facility) -> None:
        """Keep the directory; it is read by `refresh` and `shard`."""
        self.directory = directory
        self._facility = facility
        self._shards: dict[str, ShardReader] = {}
        self._journal = ""
        self._named: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Read the records that were added since to the shards that were read before.

        Raises JournalError where the journal is not there or can't be read as a whole; for single shards see their
        `trouble`.
        """
        mark = mark_of(self.directory)
        self._journal, self._named = (mark.id if mark else ""), named_shards(self.directory, mark)
        for name, shard in self._shards.items():
            shard.refresh(named=name in self._named, journal=self._journal)

    def shard(self, name: str) -> ShardReader:
        """Return a shard, read as of the last `refresh` or now."""
        if name not in self._shards:
            self._shards[name] = self.read_once(name)
        return self._shards[name]

    def shards_of(self, paths: Iterable[str]) -> list[ShardReader]:
        """Return the shards that hold what was sent about a dataset, by its paths."""
        return [self.shard(name) for name in dict.fromkeys(map(shard_of, paths))]

    def loaded(self) -> list[ShardReader]:
        """Return the shards that were read so far."""
        return list(self._shards.values())

    def all_shards(self) -> Iterator[ShardReader]:
        """Yield every shard, by name, and keep none: a journal of years has a million records.

        Raises JournalError where they can't be listed.
        """
        return map(self.read_once, self.names())

    def names(self) -> list[str]:
        """Return the names of all shards, sorted. Raises JournalError where they can't be listed."""
        if not self._journal:
            return []  # the user's own, which was not made yet
        try:
            found = {path.stem for path in self.directory.records.iterdir() if path.suffix == ".jsonl"}
        except FileNotFoundError:
            found = set()
        except OSError as error:
            raise unreadable(self.directory.records, error) from error
        return sorted(found | self._named)

    def read_once(self, name: str) -> ShardReader:
        """Return a shard, read now, and do not keep it."""
        shard = ShardReader(self.directory.shard(name), self._facility)
        shard.refresh(named=name in self._named, journal=self._journal)
        return shard

    def message(self, planned: Sending) -> Message:
        """Return the message of a plan, byte for byte. Raises JournalError where it can't be read."""
        path = self.directory.shard(shard_of(planned.location))
        try:
            with open(open_existing(path, os.O_RDONLY), "rb") as file:
                return planned_message(file, planned.plan or 0)
        except (OSError, *NO_RECORD) as error:
            raise JournalError(
                f"The journal {visible(str(path))} has no plan at byte {planned.plan} ({error}): read it again"
            ) from error

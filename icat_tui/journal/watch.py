"""Watch over a journal while others write it: every shard once, then those that changed (interface.md, "Journal").

What must stay true: a line is read again only with its whole shard, and only the first time that this one has changed;
a look at a journal in which nothing happened opens no file. Of the shards that nobody writes any more only a few are
looked at each time: a journal of years has thousands, on a network.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from icat_tui.domain.facility import Facility
from icat_tui.journal.directory import MARK, SHARDS, JournalDirectory
from icat_tui.journal.reader import JournalReader, ShardReader

RECENT = 24 * 60 * 60
"""Seconds after which a shard that was not written counts as one that nobody writes."""
FEW = 100
"""How many of those are looked at each time."""

Stamp = tuple[int, int, int]
"""Inode, bytes and time of a file: another one where it was written."""


class JournalWatch:
    """Watch over all shards of a journal; used by one thread."""

    def __init__(self, directory: JournalDirectory, facility: Facility) -> None:
        """Keep the directory; it is read by `changed`."""
        self.reader = JournalReader(directory, facility)
        self._lists: tuple[Stamp | None, ...] | None = None
        """Of what the journal is known by, when it was read last."""
        self._names: list[str] = []
        self._stamps: dict[str, Stamp | None] = {}
        """Of each shard when it was read last."""
        self._next = 0
        """Where the next look at shards that nobody writes begins."""

    def changed(self) -> Iterator[ShardReader]:
        """Yield the shards that were not read yet, or have changed since; those written last come first.

        Raises JournalError where the journal is not there, or can't be read as a whole.
        """
        directory = self.reader.directory
        lists = tuple(map(_stamp, (directory.path / MARK, directory.path / SHARDS, directory.records)))
        anew = lists != self._lists
        if anew:
            self._lists = None
            self.reader.refresh()
            self._names = self.reader.names()
        stamps = {name: _stamp(directory.shard(name)) for name in self._to_look_at(all_of_them=anew)}
        written = [name for name, stamp in stamps.items() if name not in self._stamps or self._stamps[name] != stamp]
        if written:
            self.reader.refresh()  # after the stamps: what is written from here on is read again
        self._lists = lists
        for name in sorted(written, key=lambda name: (stamps[name] or (0, 0, 0))[2], reverse=True):
            shard = self.reader.shard(name) if name in self._stamps else self.reader.read_once(name)
            self._stamps[name] = stamps[name]
            yield shard

    def _to_look_at(self, *, all_of_them: bool) -> list[str]:
        if all_of_them or len(self._names) <= FEW:
            return self._names
        since = (time.time() - RECENT) * 1e9
        known = [(name, self._stamps.get(name)) for name in self._names]
        written = [name for name, stamp in known if stamp is None or stamp[2] >= since]
        begin = self._next % len(self._names)
        self._next = begin + FEW
        return list(dict.fromkeys([*written, *self._names[begin : begin + FEW]]))


def _stamp(path: Path) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None  # why, the reader says
    return status.st_ino, status.st_size, status.st_mtime_ns

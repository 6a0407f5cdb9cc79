"""Messages that a user confirmed, that were never sent, and that nobody is sending now: what to resume.

What must stay true: it is cheap, as it is asked for at each start. A shard is read in full only where its lines begin
like one with something planned in it, and only when it has changed; a look at a journal of years reads a part of it.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import session_of
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.sendings import Sending
from icat_tui.sync.session_lock import registering_now

PLAN, OTHER = b'{"record": "plan", "schema": 1, "id": "', b'", "schema": 1, "id": "'
"""Beginning of the line of a plan, and what follows the kind in those of other records about a message."""
MOST_AT_ONCE = 1 << 28
"""Bytes of shards that one look reads; those written last come first, and the next look goes on."""
LONGEST_KIND = 32
"""Bytes from the start of a line in which its kind ends."""


class ShardStamp(NamedTuple):
    """File as it was at one time."""

    inode: int
    size: int
    time: int
    """In nanoseconds."""


class PlannedByUser(Struct, frozen=True):
    """Messages that a user confirmed, that were never sent, and that nobody is sending now."""

    number: int = 0
    oldest: datetime | None = None
    """When the first of them was confirmed; None: there are none."""


class PlannedMessages:
    """Planned messages of a journal; used by one thread at a time."""

    def __init__(self, directory: JournalDirectory, facility: Facility) -> None:
        """Keep the directory; it is read by `of`."""
        self._reader, self._facility = JournalReader(directory, facility), facility
        self._known: dict[str, tuple[ShardStamp, tuple[Sending, ...]]] = {}
        """Planned messages by shard, and how its file was then."""

    def of(self, user: str, waiting: Callable[[], Container[str]] = frozenset) -> PlannedByUser:
        """Return what a user planned and nobody is sending.

        `waiting` returns the ids of messages that this process still sends; it is called after the journal was read. An
        order of which a session is locked is being sent, with all of its sessions. Raises JournalError.
        """
        planned = [sending for sending in self._planned() if sending.user == user]
        being_sent = waiting()
        by_order: defaultdict[str, list[Sending]] = defaultdict(list)
        for sending in planned:
            if sending.id not in being_sent:
                by_order[sending.order or sending.id].append(sending)
        left = [each for members in by_order.values() if not self._is_being_sent(members) for each in members]
        return PlannedByUser(len(left), min((each.time for each in left), default=None))

    def _is_being_sent(self, sendings: list[Sending]) -> bool:
        places = {session_of(each.location) or each.location for each in sendings}
        state_dir = self._reader.directory.path
        return any(registering_now(state_dir, place, self._facility) for place in places)

    def _planned(self) -> Iterator[Sending]:
        self._reader.refresh()
        shard = self._reader.directory.shard
        stamps = {name: stamp for name in self._reader.names() if (stamp := _stamp(shard(name)))}
        left = MOST_AT_ONCE
        for name, stamp in sorted(stamps.items(), key=lambda item: item[1].time, reverse=True):
            known = self._known.get(name)
            if (known is None or known[0] != stamp) and left > 0:
                left -= stamp.size
                planned = tuple(self._reader.read_once(name).index.planned()) if has_plans(shard(name)) else ()
                known = self._known[name] = stamp, planned
            yield from known[1] if known else ()


def _stamp(path: Path) -> ShardStamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None  # what was planned there can't be resumed
    return ShardStamp(status.st_ino, status.st_size, status.st_mtime_ns)


def has_plans(path: Path) -> bool:
    """Return whether a shard may hold a plan that is the last record about its message; True where that is not clear.

    It looks at the beginnings of the lines alone. Raises nothing: what can't be read has no plan.
    """
    try:
        with path.open("rb") as shard:
            return _has_plans(shard)
    except OSError:
        return False


def _has_plans(shard: BinaryIO) -> bool:
    planned: set[bytes] = set()
    for line in shard:
        if line.startswith(PLAN):
            planned.add(line[len(PLAN) : line.find(b'"', len(PLAN))])
        elif planned and (at := line.find(OTHER, 0, LONGEST_KIND + len(OTHER))) >= 0:
            begin = at + len(OTHER)
            planned.discard(line[begin : line.find(b'"', begin)])
        elif b'"plan"' in line:
            return True  # written by another program, in another order
    return bool(planned)

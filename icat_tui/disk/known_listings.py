"""Listings of directories that are known: to look again costs one `stat` a directory, as long as nothing has changed.

What must stay true: a listing is used again only where its directory has not changed since, by a stamp that was at rest
when it was listed; entries that could not be looked at are looked at each time.
"""

import os
import time

from msgspec import Struct

from icat_tui.disk.filesystem import EntryKind, entries_of, stamp
from icat_tui.domain.model import Stamp

AT_REST = 2.0
"""Seconds that a directory must not have changed before it was listed, for its listing to be used again."""

Entries = list[tuple[str, EntryKind]]


class _Listing(Struct, frozen=True, gc=False):
    stamp: Stamp
    entries: Entries


class KnownListings:
    """Listings of the directories above the sessions, kept from one search to the next."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[str, _Listing] = {}

    def entries(self, path: str) -> Entries:
        """Return name and kind of the entries of a directory, by name; raises OSError if it can't be listed."""
        status = os.stat(path)
        now = stamp(status)
        known = self._known.get(path)
        if known is not None and known.stamp == now:
            return known.entries
        self._known.pop(path, None)
        at_rest = time.time() - max(status.st_mtime, status.st_ctime) >= AT_REST
        entries = entries_of(path)
        if at_rest and all(kind is not EntryKind.REFUSED for _, kind in entries):
            self._known[path] = _Listing(now, entries)
        return entries

"""Matching of ICAT's rows and of stored messages to dataset directories, and what is still needed from the disk.

Pure. What must stay true: a row belongs to a directory by its location, never by its name.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from icat_tui.domain import timeslot
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key, session_of
from icat_tui.domain.model import (
    CatalogueDataset,
    DiskSession,
    Fit,
    Investigation,
    SessionDirectory,
    StoredMessage,
    last_change,
)
from icat_tui.domain.surroundings import Surroundings

Rows = dict[str, list[CatalogueDataset]]
"""Rows that ICAT lists, by `location_key`; more than one where a dataset was registered twice."""


def rows_by_session(rows: Iterable[CatalogueDataset], facility: Facility) -> dict[str, Rows]:
    """Return rows by their session, whose key is case-folded, then by location.

    Rows that lie in no session are left out.
    """
    sessions: dict[str, Rows] = {}
    for row in rows:
        key = location_key(row.location, facility)
        if session := session_of(key):
            sessions.setdefault(session.casefold(), {}).setdefault(key, []).append(row)
    return sessions


class RowLookup:
    """Rows that ICAT lists in one session, looked up by location."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        """Merge the rows of several investigations, one part for each."""
        self.by_key: Rows = dict(parts[0]) if parts else {}
        for part in parts[1:]:
            for key, rows in part.items():
                self.by_key[key] = self.by_key.get(key, []) + rows
        self._folded: dict[str, str] | None = None

    def differing_in_case(self, key: str) -> CatalogueDataset | None:
        """Return a row whose location differs in upper and lower case only; None where there is none."""
        if self._folded is None:
            self._folded = {known.casefold(): known for known in self.by_key}
        known = self._folded.get(key.casefold())
        return self.by_key[known][0] if known and known != key else None


class CatalogueSession(Struct, frozen=True, kw_only=True):
    """Answers of ICAT about one session."""

    asked_at: datetime
    investigations: tuple[Investigation, ...] = ()
    """All of the session's proposal and beamline."""
    fit: Fit | None = None
    """Investigation that the session belongs to; None with empty `trouble`: ICAT has none."""
    listed: RowLookup
    """Datasets of the investigations whose datasets were listed."""
    trouble: str = ""
    """Reason why nothing could be determined; empty where ICAT answered."""
    gaps: tuple[str, ...] = ()
    """Reasons why a dataset that is not listed may be registered nevertheless."""


class NeededFromDisk(Struct, frozen=True):
    """Paths of the datasets that need a closer look at the disk before a session can be compared."""

    to_read: tuple[str, ...] = ()
    """Datasets to be opened: ICAT does not list them, and there is no usable stored message about them."""
    to_date: tuple[str, ...] = ()
    """Datasets whose directory's modification time is needed to find the newest."""
    to_count: tuple[str, ...] = ()
    """Datasets whose directory is checked for entries: ICAT counts 0 files."""


def session_key(directory: SessionDirectory, facility: Facility) -> str:
    """Return the key that the location keys of a session's datasets start with."""
    return location_key(directory.path, facility)


def not_listed(
    directory: SessionDirectory, disk: DiskSession, listed: RowLookup, facility: Facility
) -> tuple[str, ...]:
    """Return the paths of the datasets on disk that ICAT does not list."""
    prefix, length = session_key(directory, facility), len(directory.path)
    return tuple(dataset.path for dataset in disk.datasets if prefix + dataset.path[length:] not in listed.by_key)


def needed_from_disk(
    directory: SessionDirectory,
    disk: DiskSession,
    catalogue: CatalogueSession,
    around: Surroundings,
) -> NeededFromDisk:
    """Return what is still needed from the disk; nothing where ICAT's answer leaves the session undetermined."""
    if catalogue.trouble or catalogue.fit is None:
        return NeededFromDisk()
    facility, listed = around.facility, catalogue.listed
    absent = () if catalogue.gaps else not_listed(directory, disk, listed, facility)
    stored = stored_by_path(directory, disk, facility)
    to_read = tuple(path for path in absent if path not in stored)
    ongoing = bool(to_read) and timeslot.is_ongoing(catalogue.fit, around.now, last_change(disk))
    prefix, length = session_key(directory, facility), len(directory.path)
    to_count = [
        dataset.path
        for dataset in disk.datasets
        if (rows := listed.by_key.get(prefix + dataset.path[length:])) and max(file_count_of(row) for row in rows) == 0
    ]
    return NeededFromDisk(
        to_read=to_read,
        to_date=tuple(dataset.path for dataset in disk.datasets) if ongoing else (),
        to_count=tuple(to_count),
    )


def file_count_of(row: CatalogueDataset) -> int:
    """Return the file count of a row, 1 for an absent one: that is not 0 (icat.md, "Known faults", D25)."""
    return 1 if row.file_count is None else row.file_count


def stored_by_path(directory: SessionDirectory, disk: DiskSession, facility: Facility) -> dict[str, StoredMessage]:
    """Return the usable stored message of each dataset that has one, by the dataset's path.

    It belongs to the dataset that it names, whatever its file is called (icat.md, "Known faults", D7).
    """
    messages = {location_key(message.location, facility): message for message in disk.stored}
    prefix, length = session_key(directory, facility), len(directory.path)
    found = {dataset.path: messages.get(prefix + dataset.path[length:]) for dataset in disk.datasets}
    return {
        path: message
        for path, message in found.items()
        if message and not disagreement_with(directory, message, facility)
    }


def disagreement_with(directory: SessionDirectory, message: StoredMessage, facility: Facility) -> str:
    """Return how a stored message contradicts the session it lies in, else "" (icat.md, "Known faults", D30)."""
    if message.proposal.lower() != directory.proposal.lower():
        return f"it is of proposal {message.proposal}"
    if facility.beamline(message.beamline) != directory.beamline:
        return f"it is of beamline {message.beamline}"
    return ""

"""Matching of ICAT's rows and of stored messages to dataset directories, and what is still needed from the disk.

Pure. What must stay true: a row belongs to a directory by its location, never by its name.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from icat_tui.domain import timeslot
from icat_tui.domain.elsewhere import NOTHING_ELSEWHERE, Elsewhere, InvestigationRows, Rows
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import folded_key, location_key
from icat_tui.domain.model import (
    CatalogueDataset,
    DiskSession,
    Fit,
    ForeignRow,
    Investigation,
    LastListed,
    NeededFromDisk,
    SessionDirectory,
    StoredMessage,
    last_change,
)
from icat_tui.domain.surroundings import ForeignRowsSeen, Surroundings


class RowLookup:
    """Rows that ICAT lists in one session, looked up by location."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        """Merge the rows of several investigations, one part for each."""
        self.by_key: Rows = dict(parts[0]) if parts else {}
        for part in parts[1:]:
            for key, rows in part.items():
                self.by_key[key] = self.by_key.get(key, []) + rows
        self._folded: dict[str, str] | None = None

    def spelled_otherwise(self, key: str) -> CatalogueDataset | None:
        """Return a row whose location differs in case or Unicode normalisation only; None where there is none."""
        if self._folded is None:
            self._folded = {folded_key(known): known for known in self.by_key}
        known = self._folded.get(folded_key(key))
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
    looked_into: tuple[InvestigationRows, ...] = ()
    """Everything that these investigations list, also in other sessions."""
    earlier: Mapping[str, LastListed] = {}
    """When earlier runs saw datasets in ICAT, by `location_key`."""
    elsewhere: Elsewhere = NOTHING_ELSEWHERE
    """Rows that are about datasets of the session, although they have another location."""

    def rows_of(self, key: str, path: str) -> Sequence[CatalogueDataset]:
        """Return the rows of a dataset: those with its location, else one that names the same directory otherwise."""
        if rows := self.listed.by_key.get(key):
            return rows
        same = self.elsewhere.same.get(path)
        return (same,) if same else ()

    def is_registered(self, key: str, path: str) -> bool:
        """Return whether ICAT has a dataset, under whatever location, proposal and beamline."""
        return bool(self.rows_of(key, path)) or path in self.elsewhere.foreign


def session_key(directory: SessionDirectory, facility: Facility) -> str:
    """Return the key that the location keys of a session's datasets start with."""
    return location_key(directory.path, facility)


def not_listed(
    directory: SessionDirectory, disk: DiskSession, listed: RowLookup, facility: Facility
) -> tuple[str, ...]:
    """Return the paths of the datasets on disk whose location ICAT does not list."""
    prefix, length = session_key(directory, facility), len(directory.path)
    return tuple(dataset.path for dataset in disk.datasets if prefix + dataset.path[length:] not in listed.by_key)


def absent(
    directory: SessionDirectory, disk: DiskSession, catalogue: CatalogueSession, facility: Facility
) -> tuple[str, ...]:
    """Return the paths of the datasets on disk that ICAT does not have."""
    prefix, length = session_key(directory, facility), len(directory.path)
    return tuple(
        dataset.path
        for dataset in disk.datasets
        if not catalogue.is_registered(prefix + dataset.path[length:], dataset.path)
    )


def foreign_rows_of(
    directory: SessionDirectory, paths: Iterable[str], seen: ForeignRowsSeen, facility: Facility
) -> dict[str, ForeignRow]:
    """Return the rows of other proposals or beamlines that are about datasets at these paths."""
    prefix, length = session_key(directory, facility), len(directory.path)
    return {path: row for path in paths if (row := seen.at(prefix + path[length:]))}


def needed_from_disk(
    directory: SessionDirectory,
    disk: DiskSession,
    catalogue: CatalogueSession,
    around: Surroundings,
) -> NeededFromDisk:
    """Return what is still needed from the disk; nothing where ICAT's answer leaves the session undetermined."""
    if catalogue.trouble or catalogue.fit is None:
        return NeededFromDisk()
    facility = around.facility
    lacking = () if catalogue.gaps else absent(directory, disk, catalogue, facility)
    stored = stored_by_path(directory, disk, facility)
    to_read = tuple(path for path in lacking if path not in stored and path not in catalogue.elsewhere.unclear)
    ongoing = bool(to_read) and timeslot.is_ongoing(catalogue.fit, around.now, last_change(disk))
    prefix, length = session_key(directory, facility), len(directory.path)
    to_count = [
        dataset.path
        for dataset in disk.datasets
        if (rows := catalogue.rows_of(prefix + dataset.path[length:], dataset.path))
        and max(file_count_of(row) for row in rows) == 0
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

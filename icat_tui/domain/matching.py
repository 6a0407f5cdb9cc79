"""Which rows of ICAT and which stored messages belong to which dataset directory, and so which datasets want a look.

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
"""What ICAT lists by `location_key`; more than one where something was registered twice."""


def rows_by_session(rows: Iterable[CatalogueDataset], facility: Facility) -> dict[str, Rows]:
    """Return rows by the session that they lie in, its key without regard to case, then by location.

    What lies in no session is left out.
    """
    sessions: dict[str, Rows] = {}
    for row in rows:
        key = location_key(row.location, facility)
        if session := session_of(key):
            sessions.setdefault(session.casefold(), {}).setdefault(key, []).append(row)
    return sessions


class Listed:
    """What ICAT lists in one session, to be looked up by location."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        """Take together the rows of the investigations that were looked into."""
        self.by_key: Rows = dict(parts[0]) if parts else {}
        for part in parts[1:]:
            for key, rows in part.items():
                self.by_key[key] = self.by_key.get(key, []) + rows
        self._folded: dict[str, str] | None = None

    def differing_in_case(self, key: str) -> CatalogueDataset | None:
        """Return a row whose location is the same but for upper and lower case."""
        if self._folded is None:
            self._folded = {known.casefold(): known for known in self.by_key}
        known = self._folded.get(key.casefold())
        return self.by_key[known][0] if known and known != key else None


class CatalogueSession(Struct, frozen=True, kw_only=True):
    """What ICAT said that bears on one session."""

    asked_at: datetime
    investigations: tuple[Investigation, ...] = ()
    """All of the session's proposal and beamline."""
    fit: Fit | None = None
    """The one that the session belongs to; without it and without trouble ICAT has none."""
    listed: Listed
    """Datasets of the investigations that were looked into."""
    trouble: str = ""
    """Why nothing at all can be said."""
    gaps: tuple[str, ...] = ()
    """Why a dataset that is not listed may be registered all the same."""


class Wanted(Struct, frozen=True):
    """What must be looked at on disk before a session can be judged: paths of datasets."""

    read: tuple[str, ...] = ()
    """To be opened: ICAT does not list them, and no stored message speaks for them."""
    dated: tuple[str, ...] = ()
    """Whose directory's time is needed, to tell the newest."""
    counted: tuple[str, ...] = ()
    """Of which one must know whether they hold anything: ICAT counts 0 files."""


def session_key(directory: SessionDirectory, facility: Facility) -> str:
    """Return what the locations of a session's datasets start with."""
    return location_key(directory.path, facility)


def not_listed(directory: SessionDirectory, disk: DiskSession, listed: Listed, facility: Facility) -> tuple[str, ...]:
    """Return the paths of the datasets on disk that ICAT does not list."""
    prefix, length = session_key(directory, facility), len(directory.path)
    return tuple(dataset.path for dataset in disk.datasets if prefix + dataset.path[length:] not in listed.by_key)


def wanted(
    directory: SessionDirectory,
    disk: DiskSession,
    catalogue: CatalogueSession,
    around: Surroundings,
) -> Wanted:
    """Return what must still be looked at on disk; nothing where ICAT's answer leaves all of it undetermined."""
    if catalogue.trouble or catalogue.fit is None:
        return Wanted()
    facility, listed = around.facility, catalogue.listed
    absent = () if catalogue.gaps else not_listed(directory, disk, listed, facility)
    stored = stored_by_path(directory, disk, facility)
    read = tuple(path for path in absent if path not in stored)
    ongoing = bool(read) and timeslot.is_ongoing(catalogue.fit, around.now, last_change(disk))
    prefix, length = session_key(directory, facility), len(directory.path)
    counted = [
        dataset.path
        for dataset in disk.datasets
        if (rows := listed.by_key.get(prefix + dataset.path[length:])) and max(file_count_of(row) for row in rows) == 0
    ]
    return Wanted(
        read=read, dated=tuple(dataset.path for dataset in disk.datasets) if ongoing else (), counted=tuple(counted)
    )


def file_count_of(row: CatalogueDataset) -> int:
    """Return the count, where absent counts as some: it is not 0 (icat.md, "Known faults", D25)."""
    return 1 if row.file_count is None else row.file_count


def stored_by_path(directory: SessionDirectory, disk: DiskSession, facility: Facility) -> dict[str, StoredMessage]:
    """Return the usable stored message of each dataset that has one: the one that names it (icat.md, "Known faults", D7)."""
    messages = {location_key(message.location, facility): message for message in disk.stored}
    prefix, length = session_key(directory, facility), len(directory.path)
    found = {dataset.path: messages.get(prefix + dataset.path[length:]) for dataset in disk.datasets}
    return {
        path: message
        for path, message in found.items()
        if message and not disagreement_with(directory, message, facility)
    }


def disagreement_with(directory: SessionDirectory, message: StoredMessage, facility: Facility) -> str:
    """Return how a stored message contradicts the directory that it lies in (icat.md, "Known faults", D30)."""
    if message.proposal.lower() != directory.proposal.lower():
        return f"it is of proposal {message.proposal}"
    if facility.beamline(message.beamline) != directory.beamline:
        return f"it is of beamline {message.beamline}"
    return ""

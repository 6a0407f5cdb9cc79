"""Rows of ICAT that are about a dataset although their location is another than its directory's.

Pure. What must stay true: times, sample and name only raise a doubt, which a person decides on; a dataset counts as
registered under another location only if that leads to the same directory, or if it is this very location in an
investigation of another proposal (interface.md, "Status of a dataset").
"""

import posixpath
import threading
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import folded_key, location_key, session_of
from icat_tui.domain.model import CatalogueDataset, ForeignRow, SessionDirectory
from icat_tui.domain.timeslot import parse_time

Rows = dict[str, list[CatalogueDataset]]
"""Rows that ICAT lists, by `location_key`; more than one where a dataset was registered twice."""
NO_SESSION = ""
"""Key of the rows whose location lies in no session."""
TOLERANCE = 1.0
"""Seconds by which times may differ that are the same: ICAT may round them."""


class Elsewhere(Struct, frozen=True, kw_only=True):
    """Rows about datasets of a session that have another location, by the dataset's path."""

    same: Mapping[str, CatalogueDataset] = {}
    """The location leads to the same directory."""
    foreign: Mapping[str, ForeignRow] = {}
    """They are listed in an investigation of another proposal or beamline."""
    moved: Mapping[str, CatalogueDataset] = {}
    """They have the same times and sample, and their location is not on disk any more."""
    moved_to: Mapping[int, str] = {}
    """Path on disk of datasets that look moved, by their id in ICAT."""
    unclear: Mapping[str, str] = {}
    """Reasons why it is not known whether ICAT has a dataset under another location."""


NOTHING_ELSEWHERE = Elsewhere()


class Times(Struct, frozen=True):
    """Start, end and sample of a dataset: by them it is recognised at another place."""

    start: datetime
    end: datetime
    sample: str


class InvestigationRows:
    """Rows of one investigation, by session and location; may be used from any thread."""

    def __init__(self, rows: Iterable[CatalogueDataset], facility: Facility) -> None:
        """Sort rows by their session, by `folded_key`, and within it by location."""
        self.by_session: dict[str, Rows] = {}
        self._lock = threading.Lock()
        self._by_start: tuple[list[float], list[CatalogueDataset]] | None = None
        for row in rows:
            key = location_key(row.location, facility)
            session = session_of(key)
            folded = folded_key(session) if session else NO_SESSION
            self.by_session.setdefault(folded, {}).setdefault(key, []).append(row)

    def __iter__(self) -> Iterator[tuple[str, CatalogueDataset]]:
        """Yield all rows with the key of their location."""
        for session in self.by_session.values():
            for key, rows in session.items():
                for row in rows:
                    yield key, row

    def named(self, names: Collection[str]) -> Iterator[tuple[str, CatalogueDataset]]:
        """Yield the rows whose directory has one of these names, with the key of their location."""
        return ((key, row) for key, row in self if key[key.rfind("/") + 1 :] in names)

    def at(self, times: Times, zone: tzinfo) -> Iterator[CatalogueDataset]:
        """Yield the acquisitions with these times and this sample."""
        starts, rows = self._sorted_by_start(zone)
        start, end = times.start.timestamp(), times.end.timestamp()
        for place in range(bisect_left(starts, start - TOLERANCE), len(starts)):
            if starts[place] > start + TOLERANCE:
                return
            row = rows[place]
            ended = _timestamp(row.end, zone)
            if row.sample == times.sample and ended is not None and abs(ended - end) <= TOLERANCE:
                yield row

    def _sorted_by_start(self, zone: tzinfo) -> tuple[list[float], list[CatalogueDataset]]:
        with self._lock:
            if self._by_start is None:
                timed = [
                    (start, row)
                    for _, row in self
                    if row.acquisition and (start := _timestamp(row.start, zone)) is not None
                ]
                timed.sort(key=lambda each: (each[0], each[1].id))
                self._by_start = [start for start, _ in timed], [row for _, row in timed]
            return self._by_start


def _timestamp(text: str, zone: tzinfo) -> float | None:
    """Return a time in seconds since the epoch; None where it can't be read."""
    try:
        return parse_time(text, zone).timestamp() if text else None
    except ValueError:
        return None


def foreign_rows(
    rows: InvestigationRows, investigation: int, directory: SessionDirectory, facility: Facility
) -> Iterator[ForeignRow]:
    """Yield the rows of an investigation that lie in sessions of another proposal or beamline.

    `directory` is any session of the investigation's proposal and beamline.
    """
    own = _comparable(directory.proposal), directory.beamline
    for session in rows.by_session.values():
        key = next(iter(session))
        place = session_of(key)
        if place is None:
            continue
        *_, proposal, beamline, _ = place.split("/")
        if (_comparable(proposal), facility.beamline(beamline)) == own:
            continue
        for listed in session.values():
            for row in listed:
                yield ForeignRow(
                    row.location, row.id, investigation, directory.proposal, directory.beamline, row.file_count
                )


def _comparable(proposal: str) -> str:
    """Return a proposal as ICAT compares them: `HG-333` is `hg333`."""
    return proposal.replace("-", "").lower()


def the_moved_one(path: str, gone: Collection[CatalogueDataset], facility: Facility) -> CatalogueDataset | None:
    """Return the dataset of ICAT that looks moved to a path, out of those that are not on disk any more.

    None where there is none, or several: then the only one with the same name.
    """
    by_location = {location_key(row.location, facility): row for row in gone}
    if len(by_location) > 1:
        name = posixpath.basename(path)
        by_location = {key: row for key, row in by_location.items() if posixpath.basename(key) == name}
    return next(iter(by_location.values())) if len(by_location) == 1 else None

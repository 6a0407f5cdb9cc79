"""Search for datasets that ICAT has at another place: under another name of the same directory, or where they were.

It looks at the disk, and only for datasets whose location ICAT does not list. What must stay true: of ICAT's locations
only those below a data root are looked at, and one that can't be looked at proves nothing.
"""

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import realpath

from msgspec import Struct

from icat_tui.disk.identity import Identity, identity, is_gone, links_in, paths_here
from icat_tui.domain.elsewhere import Times, the_moved_one
from icat_tui.domain.facility import Facility
from icat_tui.domain.matching import CatalogueSession, absent, not_listed, session_key, stored_by_path
from icat_tui.domain.model import CatalogueDataset, DiskSession, Metadata, SessionDirectory, StoredMessage, Trouble
from icat_tui.domain.surroundings import Surroundings

LEVELS = 3
"""A session lies at `<root>/<proposal>/<beamline>/<date>`."""


@dataclass(frozen=True)
class Place:
    """Session with what is known of it on disk, and the data roots."""

    directory: SessionDirectory
    disk: DiskSession
    around: Surroundings

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The data roots of the settings and the one that the session lies in, links in them resolved too."""
        path = self.directory.path
        for _ in range(LEVELS):
            path = posixpath.dirname(path)
        roots = (*self.around.data_roots, path)
        return tuple(dict.fromkeys((*roots, *map(realpath, roots))))

    def key(self, path: str) -> str:
        """Return the location key of a path in the session."""
        return session_key(self.directory, self.around.facility) + path[len(self.directory.path) :]

    def paths_here(self, row: CatalogueDataset) -> list[str]:
        """Return where a dataset of ICAT may lie on this disk."""
        return paths_here(posixpath.normpath(row.location), self.roots, self.around.facility)


class Found(Struct, frozen=True):
    """Result of a search, by the path of a dataset."""

    rows: dict[str, CatalogueDataset]
    unclear: dict[str, str]
    """Reasons why it could not be found out."""


def same_directories(place: Place, catalogue: CatalogueSession) -> Found:
    """Return the rows whose location is another name of a dataset's directory.

    Looked at are locations that end in the same name, or in that of the directory that a link leads to, those that
    differ in spelling only, and those that are links beside the dataset.
    """
    lacking = not_listed(place.directory, place.disk, catalogue.listed, place.around.facility)
    if not lacking or catalogue.fit is None or catalogue.trouble:
        return Found({}, {})
    search = _SearchForDirectories(place, catalogue, lacking)
    found = Found({}, {})
    for path in lacking:
        match search.row_of(path):
            case CatalogueDataset() as row:
                found.rows[path] = row
            case Trouble(text=reason):
                found.unclear[path] = reason
    return found


class _SearchForDirectories:
    """Search for rows whose location leads to the directory of a dataset."""

    def __init__(self, place: Place, catalogue: CatalogueSession, lacking: Collection[str]) -> None:
        self.place, self.catalogue = place, catalogue
        self.links = {parent: links_in(parent) for parent in dict.fromkeys(map(posixpath.dirname, lacking))}
        names = set(map(posixpath.basename, lacking))
        for links in self.links.values():
            if not isinstance(links, Trouble):
                names.update(links, links.values())
        self.named: dict[str, list[tuple[str, CatalogueDataset]]] = defaultdict(list)
        for rows in catalogue.looked_into:
            for key, row in rows.named(names):
                self.named[posixpath.basename(key)].append((key, row))
        self.known: dict[int, list[Identity | Trouble | None]] = {}
        """What the locations of rows lead to, by id."""

    def row_of(self, path: str) -> CatalogueDataset | Trouble | None:
        """Return the row of a dataset's directory; Trouble where a location could not be looked at."""
        links = self.links[posixpath.dirname(path)]
        rows = list(self.candidates(path, {} if isinstance(links, Trouble) else links))
        own = identity(path) if rows else None
        trouble = next((one for one in (links, own) if isinstance(one, Trouble)), None)
        for row in rows if isinstance(own, tuple) else ():
            for led in self.leads_to(row):
                if led == own:
                    return row
                trouble = trouble or (led if isinstance(led, Trouble) else None)
        return trouble

    def candidates(self, path: str, links: Mapping[str, str]) -> Iterator[CatalogueDataset]:
        """Yield the rows that may be about the dataset at a path."""
        parent, name = posixpath.split(path)
        if near := self.catalogue.listed.spelled_otherwise(self.place.key(path)):
            yield near
        for known in {name, links.get(name, name)}:
            yield from (row for _, row in self.named.get(known, ()))
        beside = self.place.key(parent)
        for link in links:
            yield from (row for key, row in self.named.get(link, ()) if posixpath.dirname(key) == beside)

    def leads_to(self, row: CatalogueDataset) -> list[Identity | Trouble | None]:
        if row.id not in self.known:
            self.known[row.id] = [identity(path) for path in self.place.paths_here(row)]
        return self.known[row.id]


def moved_datasets(place: Place, catalogue: CatalogueSession) -> Found:
    """Return the datasets of ICAT that look moved to a dataset's directory (interface.md, "Moved").

    The datasets were read before, or have a stored message.
    """
    directory, disk, around = place.directory, place.disk, place.around
    found = Found({}, {})
    if catalogue.trouble or catalogue.fit is None or catalogue.gaps:
        return found
    times = {path: _times(message) for path, message in stored_by_path(directory, disk, around.facility).items()}
    times |= {dataset.path: _times(dataset.metadata) for dataset in disk.datasets if dataset.metadata}
    known: dict[int, bool | Trouble] = {}
    for path in absent(directory, disk, catalogue, around.facility):
        gone = []
        for row in _rows_at(times.get(path), catalogue, around.facility):
            if row.id not in known:
                known[row.id] = _is_gone(row, place)
            if isinstance(refused := known[row.id], Trouble):
                found.unclear[path] = f"it may have moved: {refused.text}"
            elif known[row.id]:
                gone.append(row)
        if path not in found.unclear and (moved := the_moved_one(path, gone, around.facility)):
            found.rows[path] = moved
    return found


def _rows_at(times: Times | None, catalogue: CatalogueSession, facility: Facility) -> Iterator[CatalogueDataset]:
    if times is not None:
        for listed in catalogue.looked_into:
            yield from listed.at(times, facility.zone)


def _is_gone(row: CatalogueDataset, place: Place) -> bool | Trouble:
    """Return whether a dataset of ICAT is at none of the places where it may lie here."""
    for path in place.paths_here(row):
        if (gone := is_gone(path)) is not True:
            return gone
    return True


def _times(known: StoredMessage | Metadata) -> Times:
    return Times(known.start, known.end, known.sample)

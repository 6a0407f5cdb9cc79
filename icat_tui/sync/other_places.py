"""Search for datasets that ICAT has at another place: under another name of the same directory, or where they were.

It looks at the disk, and only for datasets whose location ICAT does not list. What must stay true: of ICAT's locations
only those below a data root are looked at, and one that can't be looked at proves nothing.
"""

import posixpath
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from os.path import realpath

from icat_tui.disk.identity import Identity, identity, is_gone, links_beside, paths_here, real_names
from icat_tui.domain.elsewhere import Times, the_moved_one
from icat_tui.domain.formats import location_key
from icat_tui.domain.matching import CatalogueSession, absent, not_listed, session_key, stored_by_path
from icat_tui.domain.model import CatalogueDataset, DiskSession, Metadata, SessionDirectory, StoredMessage
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

    def is_beside(self, row: CatalogueDataset, parent: str) -> bool:
        """Return whether a dataset of ICAT lies in this directory of the session."""
        return posixpath.dirname(location_key(row.location, self.around.facility)) == self.key(parent)


def same_directories(place: Place, catalogue: CatalogueSession) -> dict[str, CatalogueDataset]:
    """Return the rows whose location is another name of a dataset's directory, by the dataset's path.

    Looked at are locations that end in the same name, or in that of the directory that a link leads to, those that
    differ in spelling only, and those that are links beside the dataset.
    """
    lacking = not_listed(place.directory, place.disk, catalogue.listed, place.around.facility)
    if not lacking or catalogue.fit is None or catalogue.trouble:
        return {}
    links = links_beside(lacking)
    real = real_names(lacking, links)
    names = {posixpath.basename(path) for path in lacking}.union(real.values(), *links.values())
    named: dict[str, list[CatalogueDataset]] = defaultdict(list)
    for rows in catalogue.looked_into:
        for key, row in rows.named(names):
            named[posixpath.basename(key)].append(row)
    known: dict[int, set[Identity | None]] = {}
    found = {}
    for path in lacking:
        parent, name = posixpath.split(path)
        candidates = [row for name in {name, real.get(path, name)} for row in named.get(name, ())]
        candidates += [row for link in links[parent] for row in named.get(link, ()) if place.is_beside(row, parent)]
        if near := catalogue.listed.spelled_otherwise(place.key(path)):
            candidates.append(near)
        if candidates and (same := _same(identity(path), candidates, place, known)):
            found[path] = same
    return found


def _same(
    own: Identity | None, rows: Iterable[CatalogueDataset], place: Place, known: dict[int, set[Identity | None]]
) -> CatalogueDataset | None:
    """Return the first row whose location leads to a directory; `known` keeps what locations lead to, by id."""
    for row in rows:
        if row.id not in known:
            known[row.id] = {identity(path) for path in place.paths_here(row)}
        if own is not None and own in known[row.id]:
            return row
    return None


def moved_datasets(place: Place, catalogue: CatalogueSession) -> dict[str, CatalogueDataset]:
    """Return the datasets of ICAT that look moved to a dataset's directory, by its path (interface.md, "Moved").

    The datasets were read before, or have a stored message.
    """
    directory, disk, around = place.directory, place.disk, place.around
    if catalogue.trouble or catalogue.fit is None or catalogue.gaps:
        return {}
    lacking = frozenset(absent(directory, disk, catalogue, around.facility))
    times = {path: _times(message) for path, message in stored_by_path(directory, disk, around.facility).items()}
    times |= {dataset.path: _times(dataset.metadata) for dataset in disk.datasets if dataset.metadata}
    gone: dict[int, bool] = {}

    def is_gone_here(row: CatalogueDataset) -> bool:
        if row.id not in gone:
            gone[row.id] = all(map(is_gone, place.paths_here(row)))
        return gone[row.id]

    found = {}
    for path in lacking.intersection(times):
        rows = [row for listed in catalogue.looked_into for row in listed.at(times[path], around.facility.zone)]
        if moved := the_moved_one(path, [row for row in rows if is_gone_here(row)], around.facility):
            found[path] = moved
    return found


def _times(known: StoredMessage | Metadata) -> Times:
    return Times(known.start, known.end, known.sample)

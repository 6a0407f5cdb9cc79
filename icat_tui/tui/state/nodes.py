"""Nodes of the tree, their places and their order.

What must stay true: the place of a node is its identity and its order at once. Places sorted are the tree from top to
bottom, and whatever lies below a node comes right after it and before `after(place)`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from itertools import groupby
from typing import NamedTuple

from icat_tui.domain.status import ACTIONABLE, ATTENTION, ATTENTION_STATUSES, Category, Status
from icat_tui.domain.summary import STATUSES, Counts, DatasetEntry, SessionRow

Place = tuple[str, ...]
"""Proposal and beamline (or beamline and proposal), date, path of the session, collection, directory, path."""


class Level(IntEnum):
    """Kind of a node, as the number of parts of its place."""

    OUTER = 1
    """A proposal; a beamline in the other order."""
    INNER = 2
    SESSION = 4
    COLLECTION = 5
    DATASET = 7


class Node(NamedTuple):
    """Row of the tree. It holds no status of a session: that is looked up when it is shown."""

    place: Place
    depth: int
    folded: int = 0
    """How many of the levels above are on this row, as they have no other entry."""
    within: str | None = None
    """Of an open session with one collection: the collection, whose datasets are then right below the session."""
    datasets: Sequence[DatasetEntry] = ()
    """Of a collection: what is shown in it. Of a dataset: itself."""
    tally: "Tally | None" = None
    """Of a collection: what its datasets have together."""

    @property
    def level(self) -> Level:
        """The kind of the node."""
        return Level(len(self.place))

    @property
    def session(self) -> str | None:
        """The path of the session that it is or lies in; None: a group of sessions."""
        return self.place[3] if len(self.place) >= Level.SESSION else None

    @property
    def dataset(self) -> DatasetEntry | None:
        """The dataset that it is."""
        return self.datasets[0] if len(self.place) == Level.DATASET else None


def place_of(row: SessionRow, *, beamline_first: bool) -> Place:
    """Return where a session stands in the tree."""
    directory = row.directory
    groups = (directory.beamline, directory.proposal) if beamline_first else (directory.proposal, directory.beamline)
    return (*groups, directory.date, directory.path)


def turned(place: Place) -> Place:
    """Return a place in the other order of proposals and beamlines."""
    return (place[1], place[0], *place[2:]) if len(place) > Level.OUTER else place


def after(place: Place) -> Place:
    """Return a place that comes after all that lies below another, and before whatever follows: no name holds NUL."""
    return (*place[:-1], f"{place[-1]}\0")


def above(place: Place) -> Iterator[Place]:
    """Yield the places of what a node lies in, the closest first."""
    for level in reversed(Level):
        if level < len(place):
            yield place[:level]


# -- rows below a session --------------------------------------------------------------------------------------------


def in_collections(datasets: Sequence[DatasetEntry]) -> dict[str, list[DatasetEntry]]:
    """Return datasets by their collection, both in order."""
    ordered = sorted(datasets, key=lambda entry: (entry.collection, entry.directory, entry.path))
    return {name: list(entries) for name, entries in groupby(ordered, lambda entry: entry.collection)}


def session_nodes(
    place: Place, depth: int, datasets: Sequence[DatasetEntry], is_open: Callable[[Place], bool]
) -> Iterator[Node]:
    """Yield what is below an open session, all of `datasets` being shown in it."""
    collections = in_collections(datasets)
    for name, members in collections.items():
        if len(collections) == 1 or not name:
            yield from (_dataset_node(place, depth, entry, 0) for entry in members)
        elif len(members) == 1:
            yield _dataset_node(place, depth, members[0], 1)
        else:
            collection = Node((*place, name), depth, datasets=members, tally=tally_datasets(members))
            yield collection
            if is_open(collection.place):
                yield from collection_nodes(collection)


def _dataset_node(session: Place, depth: int, entry: DatasetEntry, folded: int) -> Node:
    return Node((*session, entry.collection, entry.directory, entry.path), depth, folded, datasets=(entry,))


def collection_nodes(collection: Node) -> list[Node]:
    """Return what is below an open collection."""
    session = collection.place[: Level.SESSION]
    return [_dataset_node(session, collection.depth + 1, entry, 0) for entry in collection.datasets]


# -- what nodes have together ----------------------------------------------------------------------------------------


class Tally(NamedTuple):
    """Sum over the sessions of a group, or the datasets of a collection."""

    sign: Category | Status | None
    """What in it most wants attention; None: nothing of it was scanned yet."""
    counts: Counts


PRESSING = sorted(Category, key=lambda category: category not in ATTENTION)
"""Categories in the order in which one of them stands for a group: what wants attention first, else as they are."""
PRESSING_STATUSES = sorted(
    STATUSES, key=lambda status: (status not in ACTIONABLE, status not in ATTENTION_STATUSES, status == STATUSES[0])
)
"""Statuses in the order in which one of them stands for a collection: what can be registered first."""


def tally_datasets(datasets: Sequence[DatasetEntry]) -> Tally:
    """Return what datasets, at least one, have together."""
    numbers = Counter(entry.status for entry in datasets)
    counts = tuple(numbers[status] for status in STATUSES)
    return Tally(next(status for status in PRESSING_STATUSES if numbers[status]), counts)

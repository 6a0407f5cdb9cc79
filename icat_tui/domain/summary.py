"""Compact form of a session for the tree and the index: small enough for 20,000 sessions with 1,000,000 datasets.

What must stay true: it has everything that a row of the tree shows and that a filter searches. The datasets of a
session are one string, which is split into objects only when they are shown.
"""

import posixpath
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from icat_tui.domain.formats import RAW_DIRECTORIES, dataset_name
from icat_tui.domain.model import Dataset, Match, Session, SessionDirectory, category_now
from icat_tui.domain.status import Category, Status

STATUSES = tuple(Status)
ENTRY = "\0"
"""Mark before each dataset in `SessionRow.names`: the one character that neither paths nor typed filters have."""
SAMPLE = "\x1f"
"""Separator of the path and the sample of a dataset; the last one counts, as a path can have it."""

CHARACTERS = {status: chr(number) for number, status in enumerate(STATUSES, 1)}
"""Character of each status in `SessionRow.names`: a control character, as typed filters have none."""

Counts = tuple[int, ...]
"""Number of datasets with each status, in the order of `Status`; empty: there are no datasets."""


class SessionRow(Struct, frozen=True, kw_only=True, gc=False):
    """Session in the compact form of the tree and the index."""

    directory: SessionDirectory
    category: Category | None = None
    """None: not scanned yet."""
    counts: Counts = ()
    names: str = ""
    """For each dataset `ENTRY`, one of `CHARACTERS`, its path below the raw directory (the whole path where it
    lies elsewhere), `SAMPLE` and its sample, if one is known."""
    stale: bool = False
    """Whether it could not be determined now, so that counts and names are of an earlier state."""
    seen_at: datetime | None = None
    """When ICAT was asked."""
    match: Match | None = None
    """How its investigation fits; None: it has none, or that is not known."""
    changed_at: datetime | None = None
    """When the last of its datasets ended; None: that is not known."""


class DatasetEntry(NamedTuple):
    """Dataset that was unpacked from `SessionRow.names`."""

    status: Status
    path: str
    collection: str
    """Path of its collection below the raw directory; empty: it lies in none."""
    directory: str
    """The name of its directory."""
    sample: str


def session_row(session: Session) -> SessionRow:
    """Return the compact form of a session."""
    counts = session.counts
    return SessionRow(
        directory=session.directory,
        category=category_now(session),
        counts=tuple(counts.get(status, 0) for status in STATUSES) if counts else (),
        names="".join(_packed(session.directory, dataset) for dataset in session.datasets),
        stale=session.stale,
        seen_at=session.seen_at,
        match=session.fit.match if session.fit else None,
        changed_at=max((dataset.end for dataset in session.datasets if dataset.end), default=None),
    )


def _packed(directory: SessionDirectory, dataset: Dataset) -> str:
    path = dataset.path.removeprefix(f"{directory.raw_path}/").replace(ENTRY, "\ufffd")
    sample = (dataset.sample or "").replace(ENTRY, "\ufffd").replace(SAMPLE, "\ufffd")
    return f"{ENTRY}{CHARACTERS[dataset.status]}{path}{SAMPLE}{sample}"


def packed_datasets(row: SessionRow) -> list[str]:
    """Return the datasets of a session, each as packed in `SessionRow.names`, without `ENTRY`."""
    return row.names.split(ENTRY)[1:]


def unpacked(row: SessionRow, packed: str) -> DatasetEntry:
    """Return the dataset of an element of `packed_datasets`."""
    below, _, sample = packed[1:].rpartition(SAMPLE)
    elsewhere = below.startswith("/")
    path = below if elsewhere else f"{row.directory.raw_path}/{below}"
    collection, _, directory = (_below(row.directory, below) if elsewhere else below).rpartition("/")
    return DatasetEntry(STATUSES[ord(packed[0]) - 1], path, collection, directory, sample)


def entries(row: SessionRow) -> list[DatasetEntry]:
    """Return all datasets of a session in their order in `SessionRow.names`."""
    return [unpacked(row, packed) for packed in packed_datasets(row)]


def _below(directory: SessionDirectory, location: str) -> str:
    """Return the part below the raw directory of a location that ICAT has under another mount point or beamline."""
    if location == directory.raw_path:  # it could not be listed
        return posixpath.basename(location)
    raw = RAW_DIRECTORIES[directory.format]
    _, _, below = location.partition(f"/{directory.date}/{raw}/" if raw else f"/{directory.date}/")
    return below or location


def dataset_label(directory: SessionDirectory, entry: DatasetEntry) -> str:
    """Return the name of a dataset without that of its collection, or of its directory where it has no name."""
    parent = posixpath.basename(entry.collection)
    return dataset_name(parent, entry.directory, directory.format) or entry.directory

"""What the tree and the index keep of each session: small enough for 20,000 of them with 1,000,000 datasets.

What must stay true: everything that a row of the tree shows, and everything that a filter looks at, is in here. The
datasets are one string for a session, split only when they are shown; they never become objects otherwise.
"""

import posixpath
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from icat_tui.domain.formats import RAW_DIRECTORIES, dataset_name
from icat_tui.domain.model import Dataset, Session, SessionDirectory, category_now
from icat_tui.domain.status import Category, Status

STATUSES = tuple(Status)
ENTRY = "\0"
"""Before each dataset of `SessionRow.names`: the one character that no path and no typed filter holds."""
SAMPLE = "\x1f"
"""Between the path and the sample of a dataset; the last one counts, as a path can hold it."""

CHARACTERS = {status: chr(number) for number, status in enumerate(STATUSES, 1)}
"""What stands for a status in `SessionRow.names`: control characters, as no typed filter holds them."""

Counts = tuple[int, ...]
"""How many datasets have each status, in the order of `Status`; empty: none at all."""


class SessionRow(Struct, frozen=True, kw_only=True, gc=False):
    """A session as the tree knows it."""

    directory: SessionDirectory
    category: Category | None = None
    """None: not scanned yet."""
    counts: Counts = ()
    names: str = ""
    """For each dataset `ENTRY`, one of `CHARACTERS`, its path below the raw directory (or all of it where it
    lies elsewhere), `SAMPLE` and its sample, if one is known."""
    stale: bool = False
    """Whether it could not be determined now: counts and names are what was known before."""
    seen_at: datetime | None = None
    """When ICAT was asked."""


class DatasetEntry(NamedTuple):
    """A dataset as `SessionRow.names` has it."""

    status: Status
    path: str
    collection: str
    """Empty: it lies in no collection."""
    directory: str
    """The name of its directory."""
    sample: str


def session_row(session: Session) -> SessionRow:
    """Return what the tree keeps of a session."""
    counts = session.counts
    return SessionRow(
        directory=session.directory,
        category=category_now(session),
        counts=tuple(counts.get(status, 0) for status in STATUSES) if counts else (),
        names="".join(_packed(session.directory, dataset) for dataset in session.datasets),
        stale=session.stale,
        seen_at=session.seen_at,
    )


def _packed(directory: SessionDirectory, dataset: Dataset) -> str:
    path = dataset.path.removeprefix(f"{directory.raw_path}/").replace(ENTRY, "\ufffd")
    sample = (dataset.sample or "").replace(ENTRY, "\ufffd").replace(SAMPLE, "\ufffd")
    return f"{ENTRY}{CHARACTERS[dataset.status]}{path}{SAMPLE}{sample}"


def packed_datasets(row: SessionRow) -> list[str]:
    """Return the datasets of a session as they are in its string, without `ENTRY`."""
    return row.names.split(ENTRY)[1:]


def unpacked(row: SessionRow, packed: str) -> DatasetEntry:
    """Return a dataset from what `packed_datasets` has of it."""
    below, _, sample = packed[1:].rpartition(SAMPLE)
    elsewhere = below.startswith("/")
    path = below if elsewhere else f"{row.directory.raw_path}/{below}"
    collection, _, directory = (_below(row.directory, below) if elsewhere else below).rpartition("/")
    return DatasetEntry(STATUSES[ord(packed[0]) - 1], path, collection, directory, sample)


def entries(row: SessionRow) -> list[DatasetEntry]:
    """Return all datasets of a session in the order in which it has them."""
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

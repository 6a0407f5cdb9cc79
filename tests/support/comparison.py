"""Sample sessions on disk and in ICAT for tests of the comparison, and functions that compare them."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from icat_tui.domain.comparison import compare
from icat_tui.domain.elsewhere import InvestigationRows
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.matching import CatalogueSession, RowLookup, session_key
from icat_tui.domain.model import (
    CatalogueDataset,
    Dataset,
    DiskDataset,
    DiskSession,
    Fit,
    Match,
    Metadata,
    Session,
    SessionDirectory,
    Stamp,
    StoredMessage,
    Trouble,
    TroubleKind,
)
from icat_tui.domain.status import Status
from icat_tui.domain.surroundings import SentMessages, Surroundings
from tests.support.samples import NOW
from tests.support.time_slot import END, FACILITY, START

DAY = timedelta(days=1)
DURING = START + timedelta(days=2)
HOUR = timedelta(hours=1)
SESSION = SessionDirectory("/data/visitor/hg333/id99/20231019", "hg333", "id99", "20231019", RawFormat.ESRFV3)
RAW = SESSION.raw_path
COLLECTION = f"{RAW}/colA"
FIT = Fit(7, Match.INSIDE, START, START, END)
OPEN_ENDED = Fit(7, Match.INSIDE, START, START, None)
INVALID = Trouble(TroubleKind.INVALID, "HDF5 file does not exist")
GAP = "another investigation of the proposal could not be looked into: HTTP 500"
REFUSED = Trouble(TroubleKind.UNKNOWN, "Permission denied")


def nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000_000


def on_disk(name: str = "0001", collection: str = "colA", **known: Any) -> DiskDataset:
    """Return a dataset directory that was listed, but not read."""
    path = f"{RAW}/{collection}/{collection}_{name}"
    return structs.replace(DiskDataset(path=path, collection=collection, name=name), **known)


def read(name: str = "0001", collection: str = "colA", **known: Any) -> DiskDataset:
    """Return a dataset that was read, can be registered, and has not changed lately."""
    metadata, moment = Metadata(START + HOUR, START + 2 * HOUR, "sA"), nanoseconds(START + 2 * HOUR)
    seen = on_disk(name, collection, read=True, metadata=metadata, modified=moment, file_modified=moment)
    return structs.replace(seen, **known)


def invalid(name: str = "0001", **known: Any) -> DiskDataset:
    return structs.replace(read(name, metadata=None, trouble=INVALID), **known)


def row(name: str = "0001", number: int = 1, location: str = "", **known: Any) -> CatalogueDataset:
    """Return a row of ICAT for a dataset in colA."""
    found = CatalogueDataset(number, location or f"{COLLECTION}/colA_{name}", 7, name, file_count=1)
    return structs.replace(found, **known)


def message(name: str = "0001", file: str = "", location: str = "", **known: Any) -> StoredMessage:
    """Return a stored message about a dataset in colA."""
    path, named = f"{RAW}/__icat__/{file or f'colA_{name}'}.xml", location or f"{COLLECTION}/colA_{name}"
    left = StoredMessage(path, named, name, "hg333", "id99", "sB", START + 3 * HOUR, START + 4 * HOUR)
    return structs.replace(left, **known)


def disk_of(*datasets: DiskDataset, **known: Any) -> DiskSession:
    """Return a session that was listed in full."""
    session = DiskSession(
        listed_at=NOW.timestamp(),
        first_seen=NOW.timestamp(),
        listed=(RAW, *sorted({f"{RAW}/{dataset.collection}" for dataset in datasets})),
        datasets=datasets,
        fingerprint={RAW: Stamp(1, nanoseconds(START), nanoseconds(START), 2, 0)},
    )
    return structs.replace(session, **known)


def catalogue_of(*rows: CatalogueDataset, fit: Fit | None = FIT, **known: Any) -> CatalogueSession:
    """Return complete answers of ICAT with these rows."""
    everything = InvestigationRows(rows, FACILITY)
    listed = everything.by_session.get(session_key(SESSION, FACILITY), {})
    return CatalogueSession(asked_at=NOW, fit=fit, listed=RowLookup([listed]), looked_into=(everything,), **known)


def judged(
    disk: DiskSession, catalogue: CatalogueSession, now: datetime = NOW, sent: SentMessages | None = None
) -> Session:
    return compare(SESSION, disk, catalogue, Surroundings(facility=FACILITY, now=now, sent=sent))


def only(session: Session) -> Dataset:
    (dataset,) = session.datasets
    return dataset


def statuses(session: Session) -> dict[str, Status]:
    return {dataset.path.removeprefix(f"{RAW}/"): dataset.status for dataset in session.datasets}

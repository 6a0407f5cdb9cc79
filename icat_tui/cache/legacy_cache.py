"""Cache files of earlier programs: their sessions are shown as stale until they are scanned (icat.md, "Cache files").

What must stay true: only paths, names and statuses are taken from them, no message is made from them, and they are
never changed (interface.md, "Caches of other programs"). Those programs delete files that they do not know, so our own
lie in another directory.
"""

import json
import os
import posixpath
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat, session_of
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.regular_file import read_regular

OLD_STATUSES = (
    Status.UNREGISTERED,
    Status.NOT_UPLOADED,
    Status.REGISTERED,
    Status.INVALID,
    Status.REGISTERED_WITHOUT_FILES,
)


class OldDataset(Struct, frozen=True):
    """Dataset in a cache file of an earlier program, with the fields that are used."""

    path: str
    name: str | None = None


class OldSession(Struct, frozen=True):
    """Session in a cache file of an earlier program, with the fields that are used."""

    session_dir: str
    datasets: dict[str, list[OldDataset]]


def old_sessions(cache_dir: Path, raw_format: RawFormat, facility: Facility) -> Iterator[Session]:
    """Yield the sessions in the files of a format, as stale; files that can't be read are left out."""
    try:
        with os.scandir(cache_dir / raw_format) as listing:
            paths = sorted(Path(entry.path) for entry in listing if entry.name.endswith(".json"))
    except OSError:
        return  # no such directory: there is no earlier cache
    for path in paths:
        if session := read_old_session(path, raw_format, facility):
            yield session


def read_old_session(path: Path, raw_format: RawFormat, facility: Facility) -> Session | None:
    """Return the session in a file; None where the file is not one of those programs."""
    try:
        loaded: Any = json.loads(read_regular(path))
        old = msgspec.convert(loaded, OldSession)
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    place = old.session_dir.rstrip("/")
    if session_of(place) != place or not place.startswith("/"):
        return None
    *_, proposal, beamline, day = place.split("/")
    directory = SessionDirectory(place, proposal, facility.beamline(beamline), day, raw_format)
    datasets = [
        _dataset(dataset, status, directory) for status in OLD_STATUSES for dataset in old.datasets.get(status, [])
    ]
    if any(not dataset.path.startswith(f"{directory.raw_path}/") for dataset in datasets):
        return None
    return _session(directory, datasets, written)


def _dataset(old: OldDataset, status: Status, directory: SessionDirectory) -> Dataset:
    path = old.path.rstrip("/")
    collection = posixpath.dirname(path).removeprefix(directory.raw_path).strip("/")
    return Dataset(path=path, collection=collection, name=old.name, status=status)


def _session(directory: SessionDirectory, datasets: list[Dataset], written: datetime) -> Session:
    return Session(
        directory=directory,
        category=Category.UNKNOWN,
        determined=False,
        reasons=("from a cache of icat-sync-raw: not scanned yet",),
        datasets=tuple(sorted(datasets, key=lambda dataset: dataset.path)),
        seen_at=written,
        cached=True,
        stale=True,
    )

"""Stamps of files and directories, and when equal stamps mean that nothing has changed (interface.md, "Cache").

A stamp that was young when its file was read proves nothing: the file can change again within the same tick of its
clock. So equal stamps count only where they had been at rest for long enough before what they vouch for was read.
"""

import errno
import os
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from msgspec import structs

from icat_tui.disk.filesystem import look, refusal, stamp
from icat_tui.domain.formats import metadata_file
from icat_tui.domain.matching import Wanted
from icat_tui.domain.model import NANOSECONDS, DiskDataset, DiskSession, SessionDirectory, Stamp, TroubleKind

AT_REST = 10
"""Seconds for which a fingerprint has been seen before a scan, so that this scan's reading can be relied on."""


def trusted(stamps: Iterable[Stamp | None], *, read_at: float, first_seen: float, fingerprint_age: timedelta) -> bool:
    """Return whether equal stamps will mean that what was read at `read_at` still holds.

    `read_at`: when the scan began that read it; `first_seen`: when the scan began that first met these stamps; both in
    seconds since the epoch. Either the newest stamp was older than `fingerprint_age` at `read_at`, or all of them had
    been seen 10 s before. None among them: it changed while it was looked at, and nothing can be said.
    """
    moments: list[int] = []
    for one in stamps:
        if one is None:
            return False
        moments += (one.modified, one.changed)
    if read_at - first_seen >= AT_REST:
        return True
    return not moments or read_at - max(moments) / NANOSECONDS > fingerprint_age.total_seconds()


# -- a dataset -------------------------------------------------------------------------------------------------------


class DatasetLook(NamedTuple):
    """What `stat` says of a dataset's directory and of its metadata file."""

    directory: os.stat_result | OSError
    file: os.stat_result | OSError | None
    """None: there is no telling what the file would be called."""

    @property
    def modified(self) -> int | None:
        """Modification time of the directory in nanoseconds."""
        return None if isinstance(self.directory, OSError) else self.directory.st_mtime_ns

    @property
    def file_modified(self) -> int | None:
        """Modification time of the metadata file in nanoseconds."""
        return self.file.st_mtime_ns if isinstance(self.file, os.stat_result) else None

    @property
    def stamps(self) -> tuple[Stamp | None, Stamp | None] | None:
        """Both stamps, None for a file that is not there; None where the system refused one of them."""
        if isinstance(self.directory, OSError):
            return None
        if isinstance(self.file, OSError):
            return (stamp(self.directory), None) if self.file.errno == errno.ENOENT else None
        return stamp(self.directory), self.file and stamp(self.file)


def metadata_path(directory: SessionDirectory, dataset: DiskDataset) -> str | None:
    """Return the file that says what a dataset is; None where its directory's name does not tell (icat.md, "Raw data formats")."""
    if dataset.name is None:
        return None
    parent, name = os.path.split(dataset.path)
    file = metadata_file(directory.proposal, os.path.basename(parent), name, directory.format)
    return file and f"{dataset.path}/{file}"


def look_at_dataset(directory: SessionDirectory, dataset: DiskDataset) -> DatasetLook:
    """Return what `stat` says of a dataset now."""
    path = metadata_path(directory, dataset)
    return DatasetLook(look(dataset.path), look(path) if path else None)


def still_holds(dataset: DiskDataset, now: DatasetLook, fingerprint_age: timedelta) -> bool:
    """Return whether what was found out about a dataset is what one would find now."""
    if dataset.stamps is None or dataset.stamps != now.stamps:
        return False
    if dataset.trouble and dataset.trouble.kind == TroubleKind.UNKNOWN:
        return False
    present = [one for one in dataset.stamps if one is not None]  # a file that appears moves its directory's stamp
    return trusted(present, read_at=dataset.read_at, first_seen=dataset.first_seen, fingerprint_age=fingerprint_age)


def unchanged(
    directory: SessionDirectory, previous: DiskSession, current: DiskSession, fingerprint_age: timedelta
) -> bool:
    """Return whether what an earlier scan found in a session is what a full scan would find now.

    `current` is the session's listing of now; the datasets that were looked into then are looked at here. The rule is
    that of interface.md, "Cache": equal is not enough, the stamps must have been at rest before they were relied on.
    """
    if not same_listing(previous, current) or current.unlisted:
        return False
    if current.trouble and current.trouble.kind == TroubleKind.UNKNOWN:
        return False
    listing_holds = trusted(
        previous.fingerprint.values(),
        read_at=previous.listed_at,
        first_seen=previous.first_seen,
        fingerprint_age=fingerprint_age,
    )
    looked_into = (dataset for dataset in previous.datasets if dataset.read_at)
    return listing_holds and all(
        still_holds(dataset, look_at_dataset(directory, dataset), fingerprint_age) for dataset in looked_into
    )


def same_listing(previous: DiskSession, current: DiskSession) -> bool:
    """Return whether two listings found the same, and neither moved while it was taken."""
    return (
        previous.fingerprint == current.fingerprint
        and previous.names == current.names
        and previous.trouble == current.trouble
        and None not in current.fingerprint.values()
    )


def look_at(
    directory: SessionDirectory,
    disk: DiskSession,
    wanted: Wanted,
    previous: DiskSession | None,
    fingerprint_age: timedelta,
) -> DiskSession:
    """Return a session with more known of the wanted datasets, as far as that needs no file to be opened.

    Of those to be read, what `previous` read is taken over where it still holds; the others stay `read=False`, for
    `metadata.read_datasets`. Those to be dated get `modified`, those to be counted `entries`, or `trouble` instead.
    """
    earlier = {dataset.path: dataset for dataset in previous.datasets} if previous else {}
    to_read, to_date, to_count = set(wanted.read), set(wanted.dated), set(wanted.counted)
    datasets: list[DiskDataset] = []
    for dataset in disk.datasets:
        known, path = dataset, dataset.path
        before = earlier.get(path)
        if path in to_read and before and before.name == dataset.name:
            known = _taken_over(directory, dataset, before, fingerprint_age)
        if path in to_count:
            known = _count(directory, known, before, disk.listed_at)
        if path in to_date and known.modified is None:
            seen = look(path)
            known = known if isinstance(seen, OSError) else structs.replace(known, modified=seen.st_mtime_ns)
        datasets.append(known)
    return structs.replace(disk, datasets=tuple(datasets))


def _taken_over(
    directory: SessionDirectory, dataset: DiskDataset, earlier: DiskDataset, fingerprint_age: timedelta
) -> DiskDataset:
    """Return the earlier reading where it holds, else the dataset with how long its stamps have been the same."""
    now = look_at_dataset(directory, dataset)
    if earlier.read and still_holds(earlier, now, fingerprint_age):
        return earlier
    if now.stamps is None or now.stamps != earlier.stamps:
        return dataset
    return structs.replace(dataset, stamps=now.stamps, first_seen=earlier.first_seen)


def _count(
    directory: SessionDirectory, dataset: DiskDataset, earlier: DiskDataset | None, started: float
) -> DiskDataset:
    """Return a dataset with whether its directory holds anything at all, hidden names included (icat.md, "Dataset statuses")."""
    before = look_at_dataset(directory, dataset)
    entries, trouble = None, None
    try:
        with os.scandir(dataset.path) as listing:
            entries = next(listing, None) is not None
    except OSError as error:
        trouble = refusal(error, "the dataset directory can't be listed")
    stamps = before.stamps if before.stamps == look_at_dataset(directory, dataset).stamps else None
    same = earlier is not None and stamps is not None and earlier.stamps == stamps
    return structs.replace(
        dataset,
        modified=before.modified,
        file_modified=before.file_modified,
        entries=entries,
        trouble=trouble,
        stamps=stamps,
        first_seen=earlier.first_seen if earlier and same else started,
        read_at=started,
    )

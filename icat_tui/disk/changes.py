"""Comparison of stamps: whether what an earlier scan read still holds (interface.md, "Unchanged and gone").

A stamp that was young when its file was read proves nothing: the file can change again within the same tick of the
file system's clock. What must stay true: equal stamps count only if they were old enough, or known for long enough,
when the file or directory was read.
"""

import errno
import os
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from msgspec import structs

from icat_tui.disk.file_count import newest_below
from icat_tui.disk.filesystem import refusal, stamp, stat_or_error
from icat_tui.domain.formats import metadata_file
from icat_tui.domain.model import (
    NANOSECONDS,
    DiskDataset,
    DiskSession,
    NeededFromDisk,
    SessionDirectory,
    Stamp,
    TroubleKind,
)

AT_REST = 10
"""Seconds for which stamps must have been known before a scan, so that its results can be relied on."""


def trusted(stamps: Iterable[Stamp | None], *, read_at: float, first_seen: float, fingerprint_age: timedelta) -> bool:
    """Return whether equal stamps prove that what was read at `read_at` still holds.

    `read_at` is when the scan began that read it, `first_seen` when the scan began that first saw these stamps, both in
    seconds since the epoch. They prove it if the newest stamp was older than `fingerprint_age` at `read_at`, or if all
    of them had been seen 10 s before. A stamp that is None proves nothing: it changed while it was read.
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


class DatasetStat(NamedTuple):
    """Results of `stat` for a dataset's directory and its metadata file."""

    directory: os.stat_result | OSError
    file: os.stat_result | OSError | None
    """None: the name of the file is not known, as the directory's name does not fit the format."""

    @property
    def modified(self) -> int | None:
        """Modification time of the directory in nanoseconds; None where it is not known."""
        return None if isinstance(self.directory, OSError) else self.directory.st_mtime_ns

    @property
    def file_modified(self) -> int | None:
        """Modification time of the metadata file in nanoseconds; None where it is not known."""
        return self.file.st_mtime_ns if isinstance(self.file, os.stat_result) else None

    @property
    def stamps(self) -> tuple[Stamp | None, Stamp | None] | None:
        """Both stamps, with None for a file that is not there; None where the directory or file can't be accessed."""
        if isinstance(self.directory, OSError):
            return None
        if isinstance(self.file, OSError):
            return (stamp(self.directory), None) if self.file.errno == errno.ENOENT else None
        return stamp(self.directory), self.file and stamp(self.file)


def metadata_path(directory: SessionDirectory, dataset: DiskDataset) -> str | None:
    """Return the path of a dataset's metadata file; None where the directory's name does not fit the format.

    The rule is in icat.md, "Raw data formats".
    """
    if dataset.name is None:
        return None
    parent, name = os.path.split(dataset.path)
    file = metadata_file(directory.proposal, os.path.basename(parent), name, directory.format)
    return file and f"{dataset.path}/{file}"


def stat_dataset(directory: SessionDirectory, dataset: DiskDataset) -> DatasetStat:
    """Return the results of `stat` for a dataset now."""
    path = metadata_path(directory, dataset)
    return DatasetStat(stat_or_error(dataset.path), stat_or_error(path) if path else None)


def still_holds(dataset: DiskDataset, now: DatasetStat, fingerprint_age: timedelta) -> bool:
    """Return whether reading a dataset again would give the same as before."""
    if dataset.stamps is None or dataset.stamps != now.stamps:
        return False
    if dataset.trouble and dataset.trouble.kind == TroubleKind.UNKNOWN:
        return False
    present = [one for one in dataset.stamps if one is not None]  # a file that appears moves its directory's stamp
    return trusted(present, read_at=dataset.read_at, first_seen=dataset.first_seen, fingerprint_age=fingerprint_age)


def unchanged(
    directory: SessionDirectory, previous: DiskSession, current: DiskSession, fingerprint_age: timedelta
) -> bool:
    """Return whether a full scan of a session would find the same as an earlier scan.

    `current` is the session's listing of now; for the datasets that were examined then, `stat` is called here. Equal
    stamps are not enough, they must also be trusted (interface.md, "Unchanged and gone").
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
    examined = (dataset for dataset in previous.datasets if dataset.read_at)
    return listing_holds and all(
        still_holds(dataset, stat_dataset(directory, dataset), fingerprint_age) for dataset in examined
    )


def same_listing(previous: DiskSession, current: DiskSession) -> bool:
    """Return whether two listings have the same names and stamps, and nothing changed during the current one."""
    return (
        previous.fingerprint == current.fingerprint
        and previous.names == current.names
        and previous.trouble == current.trouble
        and None not in current.fingerprint.values()
    )


def examine_datasets(
    directory: SessionDirectory,
    disk: DiskSession,
    needed: NeededFromDisk,
    previous: DiskSession | None,
    fingerprint_age: timedelta,
) -> DiskSession:
    """Return a session with what is needed of its datasets filled in, as far as no file has to be opened.

    For datasets to be read, the result in `previous` is reused if it still holds; the others stay `read=False`, for
    `metadata.read_datasets`. Those to be dated get `modified`, those to be counted `entries`, or `trouble` instead.
    """
    earlier = {dataset.path: dataset for dataset in previous.datasets} if previous else {}
    to_read, to_date, to_count = set(needed.to_read), set(needed.to_date), set(needed.to_count)
    datasets: list[DiskDataset] = []
    for dataset in disk.datasets:
        known, path = dataset, dataset.path
        before = earlier.get(path)
        if path in to_read and before and before.name == dataset.name:
            known = _reuse_earlier(directory, dataset, before, fingerprint_age)
        if path in to_count:
            known = _count(directory, known, before, disk.listed_at)
        if path in to_date and known.modified is None:
            seen = stat_or_error(path)
            known = known if isinstance(seen, OSError) else structs.replace(known, modified=seen.st_mtime_ns)
        datasets.append(known)
    return structs.replace(disk, datasets=tuple(datasets))


def _reuse_earlier(
    directory: SessionDirectory, dataset: DiskDataset, earlier: DiskDataset, fingerprint_age: timedelta
) -> DiskDataset:
    """Return the earlier result if it still holds, else the dataset with the time its stamps were first seen."""
    now = stat_dataset(directory, dataset)
    if earlier.read and still_holds(earlier, now, fingerprint_age):
        return earlier
    if now.stamps is None or now.stamps != earlier.stamps:
        return dataset
    return structs.replace(dataset, stamps=now.stamps, first_seen=earlier.first_seen)


def _count(
    directory: SessionDirectory, dataset: DiskDataset, earlier: DiskDataset | None, started: float
) -> DiskDataset:
    """Return a dataset with `entries` and `content_modified`: whether its directory has any entry, and of what age.

    These decide on `registered_without_files` (icat.md, "Dataset statuses").
    """
    before = stat_dataset(directory, dataset)
    entries, modified, trouble = None, None, None
    try:
        modified = newest_below(dataset.path)
        entries = modified is not None
    except OSError as error:
        trouble = refusal(error, "the dataset directory can't be listed")
    stamps = before.stamps if before.stamps == stat_dataset(directory, dataset).stamps else None
    same = earlier is not None and stamps is not None and earlier.stamps == stamps
    return structs.replace(
        dataset,
        modified=before.modified,
        file_modified=before.file_modified,
        entries=entries,
        content_modified=modified,
        trouble=trouble,
        stamps=stamps,
        first_seen=earlier.first_seen if earlier and same else started,
        read_at=started,
    )

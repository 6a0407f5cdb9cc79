"""Stamps of files and directories, and when equal stamps mean that nothing has changed (interface.md, "Cache").

A stamp that was young when its file was read proves nothing: the file can change again within the same tick of its
clock. So equal stamps count only where they had been at rest for long enough before what they vouch for was read.
"""

import errno
import os
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from icat_tui.domain.formats import metadata_file
from icat_tui.domain.model import DiskDataset, SessionDirectory, Stamp, Trouble, TroubleKind

AT_REST = 10
"""Seconds for which a fingerprint has been seen before a scan, so that this scan's reading can be relied on."""
NANOSECONDS = 1_000_000_000


def stamp(status: os.stat_result) -> Stamp:
    """Return what tells of a change."""
    return Stamp(status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_nlink, status.st_size)


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


# -- what the system says --------------------------------------------------------------------------------------------


def look(path: str) -> os.stat_result | OSError:
    """Return what `stat` says of a path, links followed, or why it says nothing.

    ENOENT means that the name is not there; for a link to what is not there it is ENOLINK, as its target may only be
    out of reach.
    """
    try:
        return os.stat(path)
    except FileNotFoundError as error:
        if os.path.islink(path):
            return OSError(errno.ENOLINK, "a link to what is not there", path)
        return error
    except OSError as error:
        return error


def refusal(error: OSError, what: str = "") -> Trouble:
    """Return an error of the system as trouble that leaves everything open, in the system's words."""
    words = error.strerror or str(error)
    return Trouble(TroubleKind.UNKNOWN, f"{what}: {words}" if what else words)


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
    """Return the file that says what a dataset is; None where its directory's name does not tell (§1.6)."""
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

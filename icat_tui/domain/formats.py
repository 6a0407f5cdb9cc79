"""The raw data formats: where datasets lie and how they are named (icat-facts.md §1).

The one place that knows paths and file names of a format. All of it is text: nothing here looks at a disk.
"""

import posixpath
import re
from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from icat_tui.domain.facility import Facility


class RawFormat(StrEnum):
    """How a session's raw data lies on disk (icat-facts.md §1.6)."""

    ESRFV1 = "esrfv1"
    ESRFV2 = "esrfv2"
    ESRFV3 = "esrfv3"
    ID16BSPEC = "id16bspec"
    MX = "mx"


AUTO = "auto"
"""In the place of a format: found out for each session, by `detect_format`."""

RAW_DIRECTORIES = {
    RawFormat.ESRFV1: "",
    RawFormat.ESRFV2: "raw",
    RawFormat.ESRFV3: "RAW_DATA",
    RawFormat.ID16BSPEC: "RAW_DATA",
    RawFormat.MX: "RAW_DATA",
}
STORED_DIRECTORY = "__icat__"
"""Beside the collections: where BLISS leaves the messages that nobody took (§1.1)."""
V2_DIRECTORIES = frozenset({"raw", "processed", "_nobackup"})
V3_DIRECTORIES = frozenset({"RAW_DATA", "PROCESSED_DATA", "NOBACKUP", "SCRIPTS", "GALLERY", "NOTES"})
MX_METADATA = "metadata.json"

FORBIDDEN = re.compile(r"""[/\\{}%<>:"'|?*@#\x00-\x1f\x7f]""")
"""Characters that no proposal, beamline, collection or dataset can hold (§1.2)."""
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't carry, surrogates of undecodable bytes among them."""


# -- below a session -------------------------------------------------------------------------------------------------


def raw_directory(session_path: str, raw_format: RawFormat) -> str:
    """Return the directory that holds the collections of a session."""
    name = RAW_DIRECTORIES[raw_format]
    return f"{session_path}/{name}" if name else session_path


def detect_format(beamline: str, names: Collection[str], facility: Facility) -> RawFormat:
    """Return the format of a session (interface.md, "Selection").

    The facility's word on the beamline comes first, then the directories: `names` are those in the session directory.
    """
    if beamline in facility.formats:
        return RawFormat(facility.formats[beamline])
    if "RAW_DATA" in names:
        return RawFormat.ESRFV3
    if "raw" in names:
        return RawFormat.ESRFV2
    if V3_DIRECTORIES.intersection(names):
        return RawFormat.ESRFV3
    if V2_DIRECTORIES.intersection(names):
        return RawFormat.ESRFV2
    return RawFormat.ESRFV1


def is_collection(name: str, raw_format: RawFormat) -> bool:
    """Return whether a directory of this name in the raw directory is looked into."""
    if name.startswith(".") or name == STORED_DIRECTORY:
        return False
    return raw_format != RawFormat.ESRFV1 or name not in V2_DIRECTORIES | V3_DIRECTORIES


def dataset_name(collection: str, directory: str, raw_format: RawFormat) -> str | None:
    """Return the name of the dataset in `<collection>/<directory>`; None where the format does not allow that name.

    BLISS repeats the collection: `foo_a/foo_a_b_0001` is dataset `b_0001` (§1.2). The others use the whole name.
    """
    if raw_format in (RawFormat.ID16BSPEC, RawFormat.MX):
        return directory
    name = directory.removeprefix(f"{collection}_")
    if name in (directory, "") or FORBIDDEN.search(directory) or directory.endswith(".h5"):
        return None
    return name


def metadata_file(proposal: str, collection: str, directory: str, raw_format: RawFormat) -> str | None:
    """Return the name of the file in a dataset directory that says what it is; None where its name does not tell.

    The collection is the name of the parent directory (§1.6).
    """
    if raw_format == RawFormat.MX:
        return MX_METADATA
    if raw_format == RawFormat.ID16BSPEC:
        name = dataset_name(collection, directory, RawFormat.ESRFV3)
        return name and f"{proposal}-{collection}-{name}.h5"
    return f"{directory}.h5"


# -- sessions and locations ------------------------------------------------------------------------------------------


def session_date(name: str) -> date | None:
    """Return the date that a session directory is named by; None where it is not a date (`20250231`)."""
    if not re.fullmatch("[0-9]{8}", name):
        return None
    try:
        return datetime.strptime(name, "%Y%m%d").date()
    except ValueError:
        return None


def session_of(path: str) -> str | None:
    """Return the part of an absolute path that is a session: `<root>/<proposal>/<beamline>/<date>`; None without."""
    parts = path.split("/")
    for place in range(3, len(parts)):
        if session_date(parts[place]):
            return "/".join(parts[: place + 1])
    return None


def strip_mount_point(path: str, marker: str) -> str:
    """Return a dataset's location as ICAT is told it, its case untouched (§1.4).

    Of the data root everything before the first directory called `marker` goes; a path without a session, or without
    that directory above it, stays as it is.
    """
    session = session_of(path)
    if session is None or not marker:
        return path
    root = session.split("/")[:-3]
    if marker not in root:
        return path
    return "/" + "/".join(path.split("/")[root.index(marker) :])


def location_key(path: str, facility: Facility) -> str:
    """Return what two locations of the same dataset have in common (interface.md, "Status of a dataset").

    The mount point goes and the beamline directory becomes the beamline's name; all other parts count exactly.
    """
    if "//" in path or "/." in path or path.endswith("/"):
        path = posixpath.normpath(path).replace("//", "/", 1)
    session = session_of(path)
    if session is None:
        return path
    return (
        _session_key(session, facility.mount_marker, tuple(facility.beamline_directories.items()))
        + path[len(session) :]
    )


@lru_cache(maxsize=4096)
def _session_key(session: str, marker: str, directories: tuple[tuple[str, str], ...]) -> str:
    facility = Facility(mount_marker=marker, beamline_directories=dict(directories))
    parent, beamline, day = strip_mount_point(session, marker).rsplit("/", 2)
    return f"{parent}/{facility.beamline(beamline)}/{day}"

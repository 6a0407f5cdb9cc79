"""The raw data formats: where datasets lie and how they are named (icat.md, "Paths").

The one place that knows paths and file names of a format. All of it is text: nothing here looks at a disk.
"""

import posixpath
import re
from collections.abc import Collection
from datetime import date
from enum import StrEnum
from functools import lru_cache

from icat_tui.domain.facility import Facility


class RawFormat(StrEnum):
    """How a session's raw data lies on disk (icat.md, "Raw data formats")."""

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
"""Beside the collections: where BLISS leaves the messages that nobody took (icat.md, "Schemas")."""
V2_DIRECTORIES = frozenset({"raw", "processed", "_nobackup"})
"""What a session of format v2 can hold (icat.md, "Schemas")."""
V3_DIRECTORIES = frozenset({"RAW_DATA", "PROCESSED_DATA", "NOBACKUP", "SCRIPTS", "GALLERY", "NOTES"})
"""What a session of format v3 can hold (icat.md, "Schemas")."""
MX_METADATA = "metadata.json"
"""In every dataset directory of format mx (icat.md, "Raw data formats")."""

FORBIDDEN = re.compile(r"""[/\\{}%<>:"'|?*@#\x00-\x1f]""")
"""Characters that no proposal, beamline, collection or dataset can hold (icat.md, "Names and beamline directories"; DEL is not among them)."""
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't carry, surrogates of undecodable bytes among them."""
DATED = re.compile(r"/[0-9]{8}(?=/|\Z)")
"""A directory on a path that is called as a session is."""


# -- below a session -------------------------------------------------------------------------------------------------


def raw_directory(session_path: str, raw_format: RawFormat) -> str:
    """Return the directory that holds the collections of a session."""
    name = RAW_DIRECTORIES[raw_format]
    return f"{session_path}/{name}" if name else session_path


def detect_format(beamline: str, names: Collection[str], facility: Facility) -> RawFormat:
    """Return the format of a session (interface.md, "Selection").

    The facility's word on the beamline comes first, then the directories: `names` are those in the session directory.
    """
    if named := facility.raw_format(beamline):
        return RawFormat(named)
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


def is_name(text: str) -> bool:
    """Return whether a proposal, beamline, collection or dataset can be called this (icat.md, "Names and beamline directories")."""
    return bool(text) and not text.endswith(".h5") and not FORBIDDEN.search(text)


def dataset_name(collection: str, directory: str, raw_format: RawFormat) -> str | None:
    """Return the name of the dataset in `<collection>/<directory>`; None where the format does not allow that name.

    The collection is the name of the parent directory. BLISS repeats it: `foo_a/foo_a_b_0001` is dataset `b_0001`
    (icat.md, "Names and beamline directories"). The others use the whole name.
    """
    if raw_format in (RawFormat.ID16BSPEC, RawFormat.MX):
        return directory
    name = directory.removeprefix(f"{collection}_")
    return name if name != directory and is_name(collection) and is_name(name) else None


def metadata_file(proposal: str, collection: str, directory: str, raw_format: RawFormat) -> str | None:
    """Return the name of the file in a dataset directory that says what it is; None where its name does not tell.

    The collection is the name of the parent directory (icat.md, "Raw data formats").
    """
    if raw_format == RawFormat.MX:
        return MX_METADATA
    name = dataset_name(collection, directory, RawFormat.ESRFV3)
    if name is None:
        return None
    return f"{proposal}-{collection}-{name}.h5" if raw_format == RawFormat.ID16BSPEC else f"{directory}.h5"


# -- sessions and locations ------------------------------------------------------------------------------------------


def session_date(name: str) -> date | None:
    """Return the date that a session directory is named by, YYYYMMDD; None where it is not a date (`20250231`)."""
    if not re.fullmatch("[0-9]{8}", name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def session_of(path: str) -> str | None:
    """Return the part of an absolute path that is a session: `<root>/<proposal>/<beamline>/<date>`; None without one.

    Collections and data roots can be called like dates too. Where that leaves a choice, what follows the session
    decides, as it does in esrf-pathlib (icat.md, "Which session a path belongs to"): a directory of v3 speaks louder than one of v2, and that louder than a
    dataset of v1. The last one is meant where nothing speaks.
    """
    first = DATED.search(path)
    if first is None:
        return None
    if DATED.search(path, first.end()) is None:
        return _session(path[: first.end()])
    sessions = [session for day in DATED.finditer(path) if (session := _session(path[: day.end()]))]
    return max(reversed(sessions), key=lambda session: _fitness(path, session), default=None)


def strip_mount_point(path: str, marker: str) -> str:
    """Return a dataset's location as ICAT is told it, its case untouched (icat.md, "Mount points").

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

    The mount point goes, the beamline directory becomes the beamline's name, `..` and needless slashes are resolved;
    all other parts count exactly. Called once for every dataset that ICAT has, so what a session's datasets have in
    common is remembered.
    """
    if "//" in path or "/." in path or path.endswith("/"):
        path = posixpath.normpath(path).replace("//", "/", 1)
    session = session_of(path)
    if session is None:
        return path
    return _session_key(session, facility) + path[len(session) :]


@lru_cache(maxsize=4096)
def _session(path: str) -> str | None:
    """Return the path if it is one of a session, by its last three parts (icat.md, "Names and beamline directories")."""
    match path.rsplit("/", 3):
        case [root, proposal, beamline, day] if not root or root.startswith("/"):
            return path if is_name(proposal) and is_name(beamline) and session_date(day) else None
    return None


def _fitness(path: str, session: str) -> tuple[int, bool]:
    """Return how well what follows a session in a path speaks for its being one: the more, the better."""
    below = path[len(session) + 1 :].split("/")
    schema = 2 if below[0] in V3_DIRECTORIES else 1 if below[0] in V2_DIRECTORIES else 0
    collection, directory, *_ = (*(below[1:] if schema else below), "", "")
    return schema, dataset_name(collection, directory, RawFormat.ESRFV1) is not None


@lru_cache(maxsize=4096)
def _session_key(session: str, facility: Facility) -> str:
    parent, beamline, day = strip_mount_point(session, facility.mount_marker).rsplit("/", 2)
    return f"{parent}/{facility.beamline(beamline)}/{day}"

"""The raw data formats: where datasets lie and how they are named (icat.md, "Paths").

No other module knows the paths and file names of a format. All functions work on text: none of them accesses a disk.
"""

import posixpath
import re
from collections.abc import Collection
from datetime import date
from enum import StrEnum
from functools import lru_cache
from unicodedata import normalize

from icat_tui.domain.facility import SYSTEM_DIRECTORIES, Facility


class RawFormat(StrEnum):
    """Layout of a session's raw data on disk (icat.md, "Raw data formats")."""

    ESRFV1 = "esrfv1"
    ESRFV2 = "esrfv2"
    ESRFV3 = "esrfv3"
    ID16BSPEC = "id16bspec"
    MX = "mx"


AUTO = "auto"
"""Used in place of a format: `detect_format` determines it for each session."""

RAW_DIRECTORIES = {
    RawFormat.ESRFV1: "",
    RawFormat.ESRFV2: "raw",
    RawFormat.ESRFV3: "RAW_DATA",
    RawFormat.ID16BSPEC: "RAW_DATA",
    RawFormat.MX: "RAW_DATA",
}
STORED_DIRECTORY = "__icat__"
"""Directory beside the collections, in which BLISS leaves stored messages (icat.md, "Dataset XML")."""
V2_DIRECTORIES = frozenset({"raw", "processed", "_nobackup"})
"""Directories of a session of format v2 (icat.md, "Schemas")."""
V3_DIRECTORIES = frozenset({"RAW_DATA", "PROCESSED_DATA", "NOBACKUP", "SCRIPTS", "GALLERY", "NOTES"})
"""Directories of a session of format v3 (icat.md, "Schemas")."""
MX_METADATA = "metadata.json"
"""Metadata file in every dataset directory of format mx (icat.md, "Raw data formats")."""

FORBIDDEN = re.compile(r"""[/\\{}%<>:"'|?*@#\x00-\x1f]""")
"""Characters that no proposal, beamline, collection or dataset can hold; DEL is not among them.

The rule is in icat.md, "Names and beamline directories".
"""
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't carry, surrogates of undecodable bytes among them."""
DATE_IN_NAME = re.compile(r"(?<![0-9])([0-9]{4})([-_.]?)([0-9]{2})\2([0-9]{2})(?![0-9])")
"""What looks like a date within a name: `20231019_bis`, `2023-10-19`."""
DATE_DIRECTORY = re.compile(r"/[0-9]{8}(?=/|\Z)")
"""A directory on a path that is named like a session, by eight digits."""


# -- below a session -------------------------------------------------------------------------------------------------


def raw_directory(session_path: str, raw_format: RawFormat) -> str:
    """Return the directory that holds the collections of a session."""
    name = RAW_DIRECTORIES[raw_format]
    return f"{session_path}/{name}" if name else session_path


def detect_format(beamline: str, names: Collection[str], facility: Facility) -> RawFormat:
    """Return the format of a session (icat.md, "Schemas").

    The facility's setting for the beamline decides first, then `names`, the directories in the session directory.
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


def other_format(raw_format: RawFormat, names: Collection[str]) -> RawFormat | None:
    """Return the format that the directories of a session look like, if their raw data is elsewhere; else None."""
    if "RAW_DATA" in names:
        found = RawFormat.ESRFV3
    elif "raw" in names:
        found = RawFormat.ESRFV2
    elif not (V2_DIRECTORIES | V3_DIRECTORIES).intersection(names) and any(not name.startswith(".") for name in names):
        found = RawFormat.ESRFV1
    else:
        return None
    return None if RAW_DIRECTORIES[found] == RAW_DIRECTORIES[raw_format] else found


def is_collection(name: str, raw_format: RawFormat) -> bool:
    """Return whether a directory of this name in the raw directory is a collection, and is listed."""
    if name.startswith(".") or name in (STORED_DIRECTORY, *SYSTEM_DIRECTORIES):
        return False
    return raw_format != RawFormat.ESRFV1 or name not in V2_DIRECTORIES | V3_DIRECTORIES


def is_valid_name(text: str) -> bool:
    """Return whether a proposal, beamline, collection or dataset can have this name.

    The rule is in icat.md, "Names and beamline directories".
    """
    return bool(text) and not text.endswith(".h5") and not FORBIDDEN.search(text)


def dataset_name(collection: str, directory: str, raw_format: RawFormat) -> str | None:
    """Return the name of the dataset in `<collection>/<directory>`; None where the format does not allow that name.

    The collection is the name of the parent directory. BLISS repeats it: `foo_a/foo_a_b_0001` is dataset `b_0001`
    (icat.md, "Names and beamline directories"). Formats id16bspec and mx use the whole name.
    """
    if raw_format in (RawFormat.ID16BSPEC, RawFormat.MX):
        return directory
    name = directory.removeprefix(f"{collection}_")
    return name if name != directory and is_valid_name(collection) and is_valid_name(name) else None


def metadata_file(proposal: str, collection: str, directory: str, raw_format: RawFormat) -> str | None:
    """Return the name of the metadata file in a dataset directory; None where the directory's name does not fit.

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
    """Return the date that a session directory is named by, YYYYMMDD; None where that is not a date (`20250231`)."""
    if not re.fullmatch("[0-9]{8}", name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def date_in_name(name: str) -> str | None:
    """Return the eight digits in a name that look like a session's, possible date or not; None where there are none."""
    found = DATE_IN_NAME.search(name)
    return f"{found[1]}{found[3]}{found[4]}" if found else None


def session_of(path: str) -> str | None:
    """Return the part of an absolute path that is a session: `<root>/<proposal>/<beamline>/<date>`; None without one.

    Collections and data roots can be named like dates too. Where there are several candidates, the directories that
    follow them decide (icat.md, "Which session a path belongs to"): a directory of v3 counts more than one of v2, and
    that more than neither; then a valid dataset directory counts. Among equals the last candidate is taken.
    """
    first = DATE_DIRECTORY.search(path)
    if first is None:
        return None
    if DATE_DIRECTORY.search(path, first.end()) is None:
        return _session(path[: first.end()])
    sessions = [session for day in DATE_DIRECTORY.finditer(path) if (session := _session(path[: day.end()]))]
    return max(reversed(sessions), key=lambda session: _evidence(path, session), default=None)


def strip_mount_point(path: str, marker: str) -> str:
    """Return a dataset's location without its mount point, in unchanged case (icat.md, "Mount points").

    In the data root everything before the first directory called `marker` is removed; a path without a session, or
    without that directory in its data root, stays as it is.
    """
    session = session_of(path)
    if session is None or not marker:
        return path
    root = session.split("/")[:-3]
    if marker not in root:
        return path
    return "/" + "/".join(path.split("/")[root.index(marker) :])


def location_key(path: str, facility: Facility) -> str:
    """Return a key that is equal for two locations of the same dataset (interface.md, "Status of a dataset").

    The mount point is removed, the beamline directory becomes the beamline's name, `..` and superfluous slashes are
    resolved; all other parts stay exactly as they are. This is called once for every dataset that ICAT has, so the
    part that the datasets of a session have in common is cached.
    """
    if "//" in path or "/." in path or path.endswith("/"):
        path = posixpath.normpath(path).replace("//", "/", 1)
    session = session_of(path)
    if session is None:
        return path
    return _session_key(session, facility) + path[len(session) :]


def folded_key(key: str) -> str:
    """Return a key that is equal for locations that differ in case or Unicode normalisation only."""
    return key.lower() if key.isascii() else normalize("NFD", normalize("NFD", key).casefold())


def spelling_difference(one: str, other: str) -> str:
    """Return in words how two texts with the same `folded_key` differ."""
    if normalize("NFC", one) == normalize("NFC", other):
        return "Unicode normalisation"
    return "case" if one.casefold() == other.casefold() else "case and Unicode normalisation"


@lru_cache(maxsize=4096)
def _session(path: str) -> str | None:
    """Return the path if its last three parts are those of a session, else None.

    The names are checked by icat.md, "Names and beamline directories".
    """
    match path.rsplit("/", 3):
        case [root, proposal, beamline, day] if not root or root.startswith("/"):
            return path if is_valid_name(proposal) and is_valid_name(beamline) and session_date(day) else None
    return None


def _evidence(path: str, session: str) -> tuple[int, bool]:
    """Return how strongly the directories below a candidate show that it is a session: a higher value wins."""
    below = path[len(session) + 1 :].split("/")
    schema = 2 if below[0] in V3_DIRECTORIES else 1 if below[0] in V2_DIRECTORIES else 0
    collection, directory, *_ = (*(below[1:] if schema else below), "", "")
    return schema, dataset_name(collection, directory, RawFormat.ESRFV1) is not None


@lru_cache(maxsize=4096)
def _session_key(session: str, facility: Facility) -> str:
    parent, beamline, day = strip_mount_point(session, facility.mount_marker).rsplit("/", 2)
    return f"{parent}/{facility.beamline(beamline)}/{day}"

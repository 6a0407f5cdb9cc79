"""Reading of texts in HDF5 files of raw data, without taking a lock (icat.md, "HDF5 files of BLISS").

A lock of ours would make the acquisition fail to open its own file. What must stay true: every file is opened without
one. This also covers the environment variable that overrides what a program asks for, and the files that external links
lead to (icat.md, "Files being written"). Only `metadata` imports this module, when there is a file to be read.

The low-level API of h5py is used, as h5py's objects for files and groups take more time than reading does.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

LOCK_SETTING = "HDF5_USE_FILE_LOCKING"


@contextmanager
def _lock_setting_hidden() -> Iterator[None]:
    """Hide the variable from HDF5, which reads it once, when it is loaded, and then overrides what programs ask for."""
    setting = os.environ.pop(LOCK_SETTING, None)
    try:
        yield
    finally:
        if setting is not None:
            os.environ[LOCK_SETTING] = setting


LOCKS_FORCED = "h5py" in sys.modules and os.environ.get(LOCK_SETTING, "FALSE").upper() not in ("FALSE", "0", "")
"""Whether HDF5 was loaded before this module and locks all files that it opens: then none is opened."""

with _lock_setting_hidden():
    import h5py
    import numpy as np
    from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5s, h5t

CREATORS = frozenset({"bliss", "blissdata", "blisswriter"})
SCAN = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
OPEN_FOR_WRITING = "already open for write"
"""Words of HDF5's error for a file of its latest format that is marked as open: it can be read by SWMR at most."""
ANY_LENGTH = h5py.string_dtype()
LONGEST = 65536
"""Largest size of a text of fixed length, in bytes; a damaged file can claim any size."""
ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError)
"""Exceptions that h5py raises for errors of HDF5."""


class LocksForcedError(Exception):
    """Refusal to read a file, because HDF5 would lock it."""


class WrittenError(Exception):
    """Refusal of HDF5 to read a file that is marked as open for writing: a writer holds it, or died with it."""


class ElsewhereError(Exception):
    """Failure to open another file that an external link to a scan leads to."""


class Content(NamedTuple):
    """Texts of a file, each None where the file has none."""

    start: str | None = None
    end: str | None = None
    sample: str | None = None
    open_scan: bool = False
    """Whether the last scan has no end."""
    elsewhere: bool = False
    """Whether some of it was read from another file, by an external link."""


# -- the two layouts -------------------------------------------------------------------------------------------------


def read_bliss(path: str, *, by_scans: bool = False) -> Content:
    """Return the texts of a dataset file of BLISS, read backwards from the last scan until sample and end are known.

    The start is when the file was made, otherwise, or `by_scans`, when the first scan began. The end is that of the
    last scan with an end, the sample that of the last scan with a sample, independently (icat.md, "File layout").
    Raises one of ERRORS where the file can't be read or is not of BLISS, ElsewhereError, WrittenError,
    LocksForcedError.
    """
    with _opened(path) as file:
        creator = file.attribute(b"creator")
        if creator is None or creator.lower() not in CREATORS:
            raise ValueError("HDF5 file not created by Bliss")
        scans = file.scan_names()
        start = None if by_scans else file.attribute(b"file_time")
        if start is None and scans:
            start = file.text(file.open(file.root, scans[0]), b"start_time")
        end = sample = None
        open_scan = False
        for name in reversed(scans):
            scan = file.open(file.root, name)
            end = end or file.text(scan, b"end_time")
            open_scan = open_scan or (name == scans[-1] and end is None)
            sample = sample or file.text(scan, b"sample", b"name")
            if end and sample:
                break
        return Content(start, end, sample, open_scan, file.elsewhere)


def read_first_entry(path: str) -> Content:
    """Return the times of the first entry of a file: id16bspec has no other texts (icat.md, "Raw data formats").

    Raises the same as `read_bliss`.
    """
    with _opened(path) as file:
        names = file.scan_names() or sorted(file.root)
        if not names:
            return Content()
        scan = file.open(file.root, names[0])
        start, end = file.text(scan, b"start_time"), file.text(scan, b"end_time")
        return Content(start, end, None, start is not None and end is None, file.elsewhere)


# -- HDF5 ------------------------------------------------------------------------------------------------------------


def _access() -> h5p.PropFAID:
    """Return the property list by which files are opened without locks."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_file_locking(False, ignore_when_disabled=True)
    return access


ACCESS = _access()
ACCESS.set_fclose_degree(h5f.CLOSE_STRONG)  # closes all that was opened in the file, too
LINK_ACCESS = h5p.create(h5p.LINK_ACCESS)
LINK_ACCESS.set_elink_fapl(_access())


@contextmanager
def _opened(path: str) -> Iterator["_OpenFile"]:
    if LOCKS_FORCED:
        raise LocksForcedError
    file = _open(os.fsencode(path))
    try:
        yield _OpenFile(file)
    finally:
        file.close()


def _open(path: bytes) -> h5f.FileID:
    """Return an open file. Raises OSError, WrittenError."""
    try:
        return h5f.open(path, h5f.ACC_RDONLY, ACCESS)
    except OSError as error:
        if OPEN_FOR_WRITING not in str(error):
            raise
    try:
        return h5f.open(path, h5f.ACC_RDONLY | h5f.ACC_SWMR_READ, ACCESS)
    except OSError as error:
        raise WrittenError from error


class _OpenFile:
    """Open HDF5 file."""

    def __init__(self, file: h5f.FileID) -> None:
        self.root = h5g.open(file, b"/")
        self.name = h5f.get_name(file)
        self.elsewhere = False
        """Whether an external link was followed."""

    def scan_names(self) -> list[bytes]:
        """Return the names of the scans, ordered by their two numbers; other names are left out.

        The reasons are in icat.md, "Known faults", D19 and D22.
        """
        scans = []
        for name in self.root:
            match = SCAN.fullmatch(name.decode("ascii", "replace"))
            if match and int(match[1]) and int(match[2]):
                scans.append((int(match[1]), int(match[2]), name))
        return [name for _, _, name in sorted(scans)]

    def attribute(self, name: bytes) -> str | None:
        """Return the text of an attribute of the file; None where there is none."""
        return _value(h5a.open(self.root, name), name) if h5a.exists(self.root, name) else None

    def text(self, scan: Any, *names: bytes) -> str | None:
        """Return the text at a path below a scan; None where a part of the path is missing or the text is empty."""
        place = scan
        for name in names:
            if not isinstance(place, h5g.GroupID) or not place.links.exists(name):
                return None
            place = self.open(place, name)
        return None if place is None else _value(place, names[-1])

    def open(self, place: h5g.GroupID, name: bytes) -> Any:
        """Return the object that a link leads to; None for a dangling link within this file."""
        try:
            found = h5o.open(place, name, LINK_ACCESS)
        except ERRORS as error:
            link = place.links.get_info(name).type
            if OPEN_FOR_WRITING in str(error):
                raise WrittenError from error
            if link == h5l.TYPE_EXTERNAL:
                other, _ = place.links.get_val(name)
                raise ElsewhereError(f"{name.decode()} lies in {os.fsdecode(other)}") from None
            if link == h5l.TYPE_SOFT and isinstance(error, KeyError):
                return None
            raise
        self.elsewhere = self.elsewhere or h5f.get_name(found) != self.name
        return found


def _value(place: Any, name: bytes) -> str | None:
    """Return the text of an attribute or dataset, also of an array of one element; raises ValueError for others."""
    if not isinstance(place, h5d.DatasetID | h5a.AttrID):
        raise ValueError(f"{name.decode()} is not text")  # noqa: TRY004 - an error in the file
    space, kind = place.get_space(), place.get_type()
    count = space.get_simple_extent_npoints()
    if count == 0:
        return None
    if count > 1 or not isinstance(kind, h5t.TypeStringID) or kind.get_size() > LONGEST:
        raise ValueError(f"{name.decode()} is not text")
    array = np.empty(space.get_simple_extent_dims(), ANY_LENGTH if kind.is_variable_str() else kind.dtype)
    if isinstance(place, h5a.AttrID):
        place.read(array)
    else:
        place.read(h5s.ALL, h5s.ALL, array)
    value = array.item()
    text = value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")
    return text.strip(" \0\n") or None

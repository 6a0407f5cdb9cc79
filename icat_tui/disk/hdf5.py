"""What matters in an HDF5 file of raw data: a few texts, read without ever taking a lock (icat.md, "HDF5 files of BLISS").

A lock of ours would make the acquisition fail to open its own file, so the one thing that must stay true here is that
every file is opened without: this holds against the environment variable that overrides what a program asks for, and
for the files that external links lead to. Only `metadata` imports this module, when there is a file to be read.

h5py's low level, as its files and groups cost more than reading does.
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
    """Hide the variable from HDF5, which looks once, when it is loaded, and then overrides what programs ask for."""
    setting = os.environ.pop(LOCK_SETTING, None)
    try:
        yield
    finally:
        if setting is not None:
            os.environ[LOCK_SETTING] = setting


LOCKS_FORCED = "h5py" in sys.modules and os.environ.get(LOCK_SETTING, "FALSE").upper() not in ("FALSE", "0", "")
"""HDF5 was loaded before us and will lock whatever it opens: then nothing is opened."""

with _lock_setting_hidden():
    import h5py
    import numpy as np
    from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5s, h5t

CREATORS = frozenset({"bliss", "blissdata", "blisswriter"})
SCAN = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
ANY_LENGTH = h5py.string_dtype()
LONGEST = 65536
"""Bytes of a text of fixed length; a damaged file can claim any."""
ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError)
"""What h5py makes of the errors of HDF5, by their numbers."""


class LocksForcedError(Exception):
    """Reading would lock the file."""


class ElsewhereError(Exception):
    """A scan lies in another file, and that can't be opened."""


class Content(NamedTuple):
    """The texts of a file, None where there is none."""

    start: str | None = None
    end: str | None = None
    sample: str | None = None
    open_scan: bool = False
    """The last scan has no end."""
    elsewhere: bool = False
    """Some of it was read from another file, by an external link."""


# -- the two layouts -------------------------------------------------------------------------------------------------


def read_bliss(path: str) -> Content:
    """Return what a dataset file of BLISS says, read backwards from the last scan until sample and end are known.

    Start: when the file was made, else when the first scan began. End: of the last scan with an end; sample: of the
    last scan with a sample, each on its own (interface.md, "Invalid or unknown"). Raises one of ERRORS where the file can't be read or is not
    of BLISS, ElsewhereError, LocksForcedError.
    """
    with _opened(path) as file:
        creator = file.attribute(b"creator")
        if creator is None or creator.lower() not in CREATORS:
            raise ValueError("HDF5 file not created by Bliss")
        scans = file.scan_names()
        start = file.attribute(b"file_time")
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
    """Return the times of the first entry of a file: all that id16bspec has (icat.md, "Raw data formats"). Raises as above."""
    with _opened(path) as file:
        names = file.scan_names() or sorted(file.root)
        if not names:
            return Content()
        scan = file.open(file.root, names[0])
        end = file.text(scan, b"end_time")
        return Content(file.text(scan, b"start_time"), end, None, end is None, file.elsewhere)


# -- HDF5 ------------------------------------------------------------------------------------------------------------


def _access() -> h5p.PropFAID:
    """Return how files are opened: without locks."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_file_locking(False, ignore_when_disabled=True)
    return access


ACCESS = _access()
ACCESS.set_fclose_degree(h5f.CLOSE_STRONG)  # with all that was opened in it
LINK_ACCESS = h5p.create(h5p.LINK_ACCESS)
LINK_ACCESS.set_elink_fapl(_access())


@contextmanager
def _opened(path: str) -> Iterator["_File"]:
    if LOCKS_FORCED:
        raise LocksForcedError
    file = h5f.open(os.fsencode(path), h5f.ACC_RDONLY, ACCESS)
    try:
        yield _File(file)
    finally:
        file.close()


class _File:
    """An open file."""

    def __init__(self, file: h5f.FileID) -> None:
        self.root = h5g.open(file, b"/")
        self.name = h5f.get_name(file)
        self.elsewhere = False
        """Whether an external link was followed."""

    def scan_names(self) -> list[bytes]:
        """Return the names of the scans by their two numbers, without foreign names (icat.md, "Known faults", D19, D22)."""
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
        """Return the text at a path below a scan; None where a part of it is not there, or the text is empty."""
        place = scan
        for name in names:
            if not isinstance(place, h5g.GroupID) or not place.links.exists(name):
                return None
            place = self.open(place, name)
        return None if place is None else _value(place, names[-1])

    def open(self, place: h5g.GroupID, name: bytes) -> Any:
        """Return what a link leads to; None for one that leads nowhere in this file."""
        try:
            found = h5o.open(place, name, LINK_ACCESS)
        except ERRORS as error:
            link = place.links.get_info(name).type
            if link == h5l.TYPE_EXTERNAL:
                other, _ = place.links.get_val(name)
                raise ElsewhereError(f"{name.decode()} lies in {os.fsdecode(other)}") from None
            if link == h5l.TYPE_SOFT and isinstance(error, KeyError):
                return None
            raise
        self.elsewhere = self.elsewhere or h5f.get_name(found) != self.name
        return found


def _value(place: Any, name: bytes) -> str | None:
    """Return the text of an attribute or dataset, an array of one included; raises ValueError where it is not one."""
    if not isinstance(place, h5d.DatasetID | h5a.AttrID):
        raise ValueError(f"{name.decode()} is not text")  # noqa: TRY004 - a matter of the file
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

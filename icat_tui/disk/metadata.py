"""Reading of the metadata of datasets: BLISS, id16bspec, mx (icat.md, "Raw data formats", "HDF5 files of BLISS").

What must stay true: a dataset is `invalid` if its metadata was read and is not usable, or is not there, and `unknown`
if the system refused to read it (interface.md, "Invalid or unknown"). No dataset affects another: nothing is raised out
of `read_datasets`.

Arguments and results can be pickled, as `read_datasets` also runs in other processes. h5py is imported with the first
HDF5 file, and never for mx.
"""

import errno
import json
import os
import posixpath
import re
import stat
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import structs

from icat_tui.disk.changes import DatasetStat, metadata_path, stat_dataset
from icat_tui.disk.filesystem import doubt_of_absence, refusal
from icat_tui.domain.formats import MX_METADATA, RawFormat
from icat_tui.domain.model import DiskDataset, Metadata, PartialMetadata, SessionDirectory, Trouble, TroubleKind
from icat_tui.domain.timeslot import parse_period, parse_time
from icat_tui.regular_file import open_regular

if TYPE_CHECKING:
    from icat_tui.disk.hdf5 import Content

CANNOT = "Cannot extract dataset metadata"
SAMPLE, START, END = "Sample_name", "startDate", "endDate"
REFUSED_STAT = "can't retrieve stat info"
"""Words of HDF5 for a refusal of the system that it gives no number of."""
LARGEST_JSON = 64 * 1024 * 1024


class Reading(NamedTuple):
    """Result of reading a metadata file."""

    metadata: Metadata | None = None
    trouble: Trouble | None = None
    partial: PartialMetadata = PartialMetadata()
    """What is known where there are no metadata."""
    doubt: str = ""
    """What is odd about the metadata."""
    open_scan: bool = False
    elsewhere: bool = False
    """Whether some of it lies in another file, whose changes the stamps of this one don't show."""


def import_reader(raw_format: RawFormat) -> None:
    """Import the modules that reading a format needs; otherwise reading the first file imports them."""
    if raw_format != RawFormat.MX:
        from icat_tui.disk import hdf5  # noqa: F401, PLC0415 - brings h5py


def read_datasets(
    directory: SessionDirectory, datasets: Sequence[DiskDataset], started: float, zone_name: str
) -> list[DiskDataset]:
    """Return the datasets with their metadata read, in the same order.

    `started` is when the scan began, in seconds since the epoch; times without an offset are of the zone of this name.
    A dataset whose stamps equal those it comes with (from `changes.examine_datasets`) keeps its `first_seen`.
    """
    zone = ZoneInfo(zone_name)
    return [_read_dataset(directory, dataset, started, zone) for dataset in datasets]


def _read_dataset(directory: SessionDirectory, dataset: DiskDataset, started: float, zone: tzinfo) -> DiskDataset:
    before = stat_dataset(directory, dataset)
    reading = _read(directory, dataset, before, zone)
    after = stat_dataset(directory, dataset)
    stamps = after.stamps if after.stamps == before.stamps and not reading.elsewhere else None
    at_rest = stamps is not None and stamps == dataset.stamps
    return structs.replace(
        dataset,
        read=True,
        modified=before.modified if after.modified is None else after.modified,
        file_modified=before.file_modified if after.file_modified is None else after.file_modified,
        metadata=reading.metadata,
        partial=reading.partial,
        trouble=reading.trouble,
        doubt=reading.doubt,
        open_scan=reading.open_scan,
        stamps=stamps,
        first_seen=dataset.first_seen if at_rest else started,
        read_at=started,
    )


def _read(directory: SessionDirectory, dataset: DiskDataset, seen: DatasetStat, zone: tzinfo) -> Reading:
    """Return the metadata of a dataset, or the first error: of its directory, its name or its file."""
    if isinstance(seen.directory, OSError):
        if seen.directory.errno != errno.ENOENT:
            return Reading(trouble=refusal(seen.directory, "Dataset path could not be looked at"))
        return _absent(dataset.path, "Dataset path is not a directory")
    if dataset.name is None:
        return _invalid("Dataset path has the wrong format")
    path = metadata_path(directory, dataset)
    if path is None or seen.file is None:
        return _invalid(f"{CANNOT}: Dataset directory is not valid (it is not called after its collection)")
    return _read_file(directory, path, seen.file, zone)


def _read_file(directory: SessionDirectory, path: str, seen: os.stat_result | OSError, zone: tzinfo) -> Reading:
    mx = directory.format == RawFormat.MX
    if isinstance(seen, OSError):
        if seen.errno == errno.ENOENT:
            absent = f"{MX_METADATA} not found in {posixpath.dirname(path)}" if mx else "HDF5 file does not exist"
            return _absent(path, f"{CANNOT}: {absent}")
        return Reading(trouble=refusal(seen, f"{CANNOT}: {posixpath.basename(path)}"))
    if not stat.S_ISREG(seen.st_mode):  # opening a named pipe would wait for ever
        return _invalid(f"{CANNOT}: {posixpath.basename(path)} is not a file")
    return _read_mx(path, zone) if mx else _read_hdf5(directory, path, zone)


def _absent(path: str, text: str) -> Reading:
    if doubt := doubt_of_absence(path):
        return Reading(trouble=Trouble(TroubleKind.UNKNOWN, f"{text}: {doubt}"))
    return _invalid(text)


def _invalid(text: str) -> Reading:
    return Reading(trouble=Trouble(TroubleKind.INVALID, text))


# -- HDF5 ------------------------------------------------------------------------------------------------------------


def _read_hdf5(directory: SessionDirectory, path: str, zone: tzinfo) -> Reading:
    from icat_tui.disk import hdf5  # noqa: PLC0415 - brings h5py

    try:
        if directory.format != RawFormat.ID16BSPEC:
            return _reading_of_bliss(
                directory, hdf5.read_bliss(path), lambda: hdf5.read_bliss(path, by_scans=True), zone
            )
        content = hdf5.read_first_entry(path)
    except hdf5.LocksForcedError:
        text = f"it was not opened, as {hdf5.LOCK_SETTING} in the environment would lock it: unset that"
        return Reading(trouble=Trouble(TroubleKind.UNKNOWN, f"{CANNOT}: {text}"))
    except hdf5.ElsewhereError as error:
        return Reading(trouble=Trouble(TroubleKind.UNKNOWN, f"{CANNOT}: {error}, which can't be opened"))
    except hdf5.WrittenError:
        text = "the HDF5 file is marked as open for writing: its writer holds it, or died with it"
        return Reading(trouble=Trouble(TroubleKind.INVALID, f"{CANNOT}: {text}"), open_scan=True)
    except hdf5.ERRORS as error:
        return _without_hdf5(path, error)
    content = content._replace(sample=posixpath.basename(posixpath.dirname(posixpath.dirname(path))))
    return _reading_of_content(directory, content, zone)


def _reading_of_bliss(
    directory: SessionDirectory, content: "Content", by_scans: Callable[[], "Content"], zone: tzinfo
) -> Reading:
    """Return the metadata in a file of BLISS, with the start of its first scan where the file is the younger one.

    A file that was made anew from another has a `file_time` after all its scans.
    """
    reading = _reading_of_content(directory, content, zone)
    if reading.metadata or None in (reading.partial.start, reading.partial.end):
        return reading
    other = _reading_of_content(directory, by_scans(), zone)
    if other.metadata is None:
        return reading
    return other._replace(doubt=f"file_time {content.start} is after its end: it starts with its first scan")


def _reading_of_content(directory: SessionDirectory, content: "Content", zone: tzinfo) -> Reading:
    texts = {SAMPLE: content.sample, START: content.start, END: content.end}
    reading = _reading_of(texts, directory.format, zone, "HDF5")
    return reading._replace(open_scan=content.open_scan, elsewhere=content.elsewhere)


def _without_hdf5(path: str, error: Exception) -> Reading:
    """Return the trouble that an error of h5py means: UNKNOWN where the system refused, by its number or its words.

    A file that was there when it was looked at, and is not when it is opened, may have been renamed with a directory
    above it.
    """
    text = " ".join(str(argument) for argument in error.args if isinstance(argument, str))
    found = re.search(r"errno = ([0-9]+)", text)
    number = int(found[1]) if found else getattr(error, "errno", None)
    if number == errno.ENOENT:
        return _absent(path, f"{CANNOT}: HDF5 file does not exist")
    kind = TroubleKind.INVALID if number is None and REFUSED_STAT not in text else TroubleKind.UNKNOWN
    return Reading(trouble=Trouble(kind, f"{CANNOT}: HDF5 reading error ({text or type(error).__name__})"))


# -- mx --------------------------------------------------------------------------------------------------------------


def _read_mx(path: str, zone: tzinfo) -> Reading:
    """Return the content of `metadata.json`: a flat object whose values that are not null are parameters."""
    try:
        with open_regular(path) as file:
            found = json.loads(file.read(LARGEST_JSON).decode("utf-8-sig"))
    except OSError as error:
        return Reading(trouble=refusal(error, f"{CANNOT}: {MX_METADATA}"))
    except (ValueError, RecursionError) as error:
        return _invalid(f"{CANNOT}: {error}")
    if not isinstance(found, dict):
        return _invalid(f"{CANNOT}: {MX_METADATA} holds no object of names and values")
    parameters = {name: str(value) for name, value in found.items() if value is not None}
    texts = {name: parameters.get(name) for name in (SAMPLE, START, END)}
    return _reading_of(texts, RawFormat.MX, zone, MX_METADATA, parameters)


# -- both ------------------------------------------------------------------------------------------------------------


def _reading_of(
    texts: dict[str, str | None],
    raw_format: RawFormat,
    zone: tzinfo,
    source: str,
    parameters: dict[str, str] | None = None,
) -> Reading:
    """Return the metadata made of the texts of a file, or the reason why they are missing or wrong."""
    sample, start, end = ((texts[name] or "").strip() for name in (SAMPLE, START, END))
    partial = PartialMetadata(_known_time(start, zone), _known_time(end, zone), texts[SAMPLE] if sample else None)
    if missing := [name for name, text in ((SAMPLE, sample), (START, start), (END, end)) if not text]:
        what = f"no {', '.join(missing)} (data format assumed to be '{raw_format}')"
        return _invalid(f"{CANNOT}: {what}")._replace(partial=partial)
    try:
        begun, ended = parse_period(start, end, zone)
    except ValueError as error:
        return _invalid(f"{CANNOT}: Time could not be read from {source} ({error})")._replace(partial=partial)
    return Reading(Metadata(begun, ended, texts[SAMPLE] or "", parameters or {}))


def _known_time(text: str, zone: tzinfo) -> datetime | None:
    try:
        return parse_time(text, zone)
    except ValueError:
        return None  # the reason is told where it is needed

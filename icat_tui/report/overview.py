"""The overview: all sessions of the cache and of this run as CSV files and as scripts (interface.md, "Overview").

What must stay true: the same sessions give the same bytes, in any order, and a CSV reader gives back every path byte
for byte. Sessions are read one at a time; only their lines are kept, in a temporary file once there are many.
"""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from icat_tui.atomic import FILE_MODE, SCRIPT_MODE, write_pieces
from icat_tui.domain.errors import SaveError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat, session_date
from icat_tui.domain.model import Dataset, Fit, Session, SessionDirectory, category_now
from icat_tui.domain.status import Category, Status
from icat_tui.domain.timeslot import inside_timeslot, phase
from icat_tui.report.scripts import TAIL, ScriptCall, script_head, session_lines
from icat_tui.text import visible

COUNTS = (
    Status.UNREGISTERED,
    Status.NOT_UPLOADED,
    Status.REGISTERED,
    Status.INVALID,
    Status.REGISTERED_WITHOUT_FILES,
    Status.IN_PROGRESS,
    Status.PENDING,
    Status.UNKNOWN,
    Status.MISSING_ON_DISK,
)
"""Statuses whose datasets are counted in columns, in their order (interface.md, "CSV files")."""
SESSION_COLUMNS = (
    *("beamline", "proposal", "timeslot", "session", "url", "search_url", "path"),
    *(status.value for status in COUNTS),
    *("inside_timeslot", "match", "stale"),
)
DATASET_COLUMNS = ("path", "status", "reasons", "start", "end", "sample", "proposal", "beamline", "session")
MISSING_COLUMNS = (*DATASET_COLUMNS, "icat_id")
DATASETS = "datasets.csv"
MISSING = "missing_on_disk.csv"

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Characters that a spreadsheet takes for the beginning of a formula."""
LONE_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates that stand for no byte: only a catalogue's JSON can hold them."""
WRITER_THREADS = 8
"""Files that are written at once."""
IN_MEMORY = 32 << 20
"""Bytes of lines that are kept in memory; if there are more, all go to a temporary file without a name."""


class Destination(Struct, frozen=True, kw_only=True):
    """Directory and options of an overview."""

    directory: Path
    """Holds one directory for each format."""
    call: ScriptCall
    """Call that the scripts contain."""
    formats: tuple[RawFormat, ...] = ()
    """Formats that get their files even where no session has them."""


def write_overview(
    sessions: Iterable[Session], destination: Destination, facility: Facility, now: datetime
) -> list[Path]:
    """Write the overview of `sessions`, each given once, and return the files that had to be written.

    Files of formats that are in neither `sessions` nor `destination.formats` are left as they are. Raises `SaveError`;
    files that were written before it stay, and each of them is complete.
    """
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        lines = _SpooledLines(spool)
        present = set(destination.formats)
        for session in sessions:
            present.add(session.directory.format)
            try:
                _spool_session(session, facility, now, destination.call, lines)
            except OSError as error:
                raise SaveError(
                    f"The overview was not saved: {error.strerror or error} in {tempfile.gettempdir()}, where it is "
                    "put together. Free space there, or set TMPDIR"
                ) from error
        files = [
            file
            for raw_format in sorted(present)
            for file in _files(destination.directory / raw_format, raw_format, lines)
        ]
        with ThreadPoolExecutor(WRITER_THREADS) as pool:  # writing mostly waits for the disk
            written = list(pool.map(lambda file: write_pieces(file.path, file.content, mode=file.mode), files))
        return [file.path for file, new in zip(files, written, strict=True) if new]


def timeslot_text(fit: Fit | None, now: datetime, zone: ZoneInfo) -> str:
    """Return the time slot as one cell without commas, at which other programs split (icat.md, "Overview files")."""
    if fit is None or fit.start is None:
        return ""
    start = fit.start.astimezone(zone)
    prefix = phase(fit.start, fit.end, now).name
    if fit.end is None:
        return f"{prefix}: {start} - ???"
    return f"{prefix}: {start} - {fit.end.astimezone(zone)} ({fit.end - fit.start})".replace(",", " ")


# -- lines, in the order of the sessions -----------------------------------------------------------------------------


class _SpooledLines:
    """Lines of all files of an overview, spooled in any order and read back sorted by a key."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self._reading = Lock()
        self._places: dict[tuple[RawFormat, str], list[tuple[tuple[str, ...], int, int]]] = {}

    def add(self, raw_format: RawFormat, name: str, key: tuple[str, ...], text: str) -> None:
        """Add the lines of one session to a file."""
        content = _encoded(text)
        place = (key, self._spool.tell(), len(content))
        self._spool.write(content)
        self._places.setdefault((raw_format, name), []).append(place)

    def pieces(self, raw_format: RawFormat, name: str) -> Iterator[bytes]:
        """Yield the lines of a file, sorted."""
        for _, offset, length in sorted(self._places.get((raw_format, name), ())):
            with self._reading:
                self._spool.seek(offset)
                content = self._spool.read(length)
            yield content


def _spool_session(session: Session, facility: Facility, now: datetime, call: ScriptCall, lines: _SpooledLines) -> None:
    directory = session.directory
    category = category_now(session)
    key = (directory.beamline, directory.proposal, directory.date, directory.path)
    lines.add(directory.format, f"{category}.csv", key, _csv([_session_row(session, facility, now)]))
    lines.add(directory.format, f"{category}.sh", key, session_lines(session, category, call))
    if session.stale:
        return
    for name, missing in ((DATASETS, False), (MISSING, True)):
        rows = [
            _dataset_row(session, dataset, facility.zone)
            for dataset in sorted(session.datasets, key=lambda dataset: dataset.path)
            if dataset.status != Status.REGISTERED and (dataset.status == Status.MISSING_ON_DISK) == missing
        ]
        if rows:
            lines.add(directory.format, name, (directory.path,), _csv(rows))


def _session_row(session: Session, facility: Facility, now: datetime) -> list[str]:
    directory, fit, counts = session.directory, session.fit, session.counts
    inside = inside_timeslot(fit)
    return [
        directory.beamline,
        directory.proposal,
        timeslot_text(fit, now, facility.zone),
        _day(directory),
        facility.investigation_url(fit.id) if fit else "",
        facility.search_url(directory.beamline, directory.proposal),
        f"{directory.raw_path}/",
        *(str(counts.get(status, 0)) for status in COUNTS),
        "" if inside is None else "yes" if inside else "no",
        fit.match if fit else "",
        session.seen_at.astimezone(facility.zone).isoformat() if session.stale else "",
    ]


def _dataset_row(session: Session, dataset: Dataset, zone: ZoneInfo) -> list[str]:
    row = [
        dataset.path,
        dataset.status,
        "; ".join(dataset.reasons),
        dataset.start.astimezone(zone).isoformat() if dataset.start else "",
        dataset.end.astimezone(zone).isoformat() if dataset.end else "",
        dataset.sample or "",
        session.directory.proposal,
        session.directory.beamline,
        _day(session.directory),
    ]
    if dataset.status == Status.MISSING_ON_DISK:
        row.append("" if dataset.icat_id is None else str(dataset.icat_id))
    return row


def _day(directory: SessionDirectory) -> str:
    day = session_date(directory.date)
    return day.isoformat() if day else directory.date


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row] for row in rows)
    return text.getvalue()


def _encoded(text: str) -> bytes:
    return LONE_SURROGATES.sub(lambda found: visible(found[0]), text).encode("utf-8", "surrogateescape")


# -- files -----------------------------------------------------------------------------------------------------------


class _OverviewFile(NamedTuple):
    """A file of the overview."""

    path: Path
    content: Callable[[], Iterator[bytes]]
    mode: int = FILE_MODE


def _files(directory: Path, raw_format: RawFormat, lines: _SpooledLines) -> Iterator[_OverviewFile]:
    tables = {f"{category}.csv": SESSION_COLUMNS for category in Category}
    tables |= {DATASETS: DATASET_COLUMNS, MISSING: MISSING_COLUMNS}
    for name, columns in tables.items():
        yield _OverviewFile(directory / name, partial(_content, _csv([columns]), lines, raw_format, name))
    for category in Category:
        name, head = f"{category}.sh", script_head(category, raw_format)
        yield _OverviewFile(directory / name, partial(_content, head, lines, raw_format, name, TAIL), SCRIPT_MODE)


def _content(head: str, lines: _SpooledLines, raw_format: RawFormat, name: str, tail: str = "") -> Iterator[bytes]:
    yield head.encode()
    yield from lines.pieces(raw_format, name)
    yield tail.encode()

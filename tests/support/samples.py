"""Sessions to export and to report: every status, every category, and names that mean harm."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Dataset, Fit, Investigation, Match, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.report.overview import Destination
from icat_tui.report.scripts import ScriptCall
from tests.support.time_slot import END, START

NOW = datetime.fromisoformat("2026-01-31T08:00:00+01:00")
INSIDE = Fit(id=7, match=Match.INSIDE, target=START, start=START, end=END)
CALL = ScriptCall(
    program=("/opt/icat-tui/bin/icat-sync-raw",),
    store_program=("/opt/icat-tui/bin/icat-store-raw",),
    cache_dir="/var/cache/icat",
    save_dir="/srv/over view",
)


def destination(directory: Path, *formats: RawFormat) -> Destination:
    """Return the place of an overview below a temporary directory; what the scripts say does not depend on it."""
    return Destination(directory=directory, call=CALL, formats=formats)


def a_directory(
    proposal: str = "hg333", beamline: str = "id99", date: str = "20231019", raw_format: RawFormat = RawFormat.ESRFV3
) -> SessionDirectory:
    """Return where a session lies."""
    path = f"/data/visitor/{proposal}/{beamline}/{date}"
    return SessionDirectory(path=path, proposal=proposal, beamline=beamline, date=date, format=raw_format)


def a_dataset(directory: SessionDirectory, name: str, status: Status, *reasons: str) -> Dataset:
    """Return a dataset of collection `colA`."""
    registered = status in (Status.REGISTERED, Status.REGISTERED_WITHOUT_FILES, Status.MISSING_ON_DISK)
    return Dataset(
        path=f"{directory.raw_path}/colA/colA_{name}",
        collection="colA",
        name=name,
        status=status,
        reasons=reasons,
        start=None if status == Status.INVALID else START + timedelta(hours=1),
        end=None if status == Status.INVALID else START + timedelta(hours=2),
        sample=None if status == Status.INVALID else "sA",
        icat_id=3 if registered else None,
        investigation=7 if registered else None,
    )


def a_session(
    category: Category,
    *datasets: tuple[str, Status, *tuple[str, ...]],
    directory: SessionDirectory | None = None,
    fit: Fit | None = INSIDE,
    reasons: tuple[str, ...] = (),
    stale: bool = False,
) -> Session:
    """Return a session of these datasets: name, status, reasons."""
    directory = directory or a_directory()
    return Session(
        directory=directory,
        category=category,
        reasons=reasons,
        fit=fit,
        datasets=tuple(a_dataset(directory, *dataset) for dataset in datasets),
        seen_at=NOW - timedelta(minutes=5),
        stale=stale,
    )


def every_status() -> Session:
    """Return a session with a dataset of each status."""
    return a_session(
        Category.TODO,
        ("0001", Status.REGISTERED),
        ("0002", Status.REGISTERED, "file count unknown"),
        ("0003", Status.UNREGISTERED, "ended 1:00:00 after the end of the session", "sample, with comma"),
        ("0004", Status.NOT_UPLOADED),
        ("0005", Status.REGISTERED_WITHOUT_FILES),
        ("0006", Status.INVALID, "HDF5 file does not exist"),
        ("0007", Status.IN_PROGRESS, "its last scan has no end"),
        ("0008", Status.PENDING, "accepted 2026-01-31"),
        ("0009", Status.MISSING_ON_DISK),
        ("0010", Status.UNKNOWN, "Permission denied"),
    )


def hostile() -> Session:
    """Return a session whose names would do harm, were they not made harmless."""
    return a_session(
        Category.HAS_INVALID,
        ("[red]x[/red]", Status.INVALID, "\x1b[31mno\n# rm -rf /"),
        ("$(reboot)\nrm -rf `pwd`", Status.INVALID),
        (os.fsdecode(b"\xff\xfe'\"\\"), Status.INVALID),
        ("\u202egnp.exe", Status.INVALID, 'says "no", twice'),
        directory=a_directory(proposal="=cmd()"),
        reasons=("a\x07reason",),
    )


def every_category() -> list[Session]:
    """Return sessions of every category, some of them in special circumstances."""
    ongoing = Fit(id=9, match=Match.INSIDE, target=NOW, start=NOW - timedelta(days=1), end=NOW + timedelta(days=1))
    endless = Fit(id=10, match=Match.EDGE, target=START - timedelta(days=1), start=START)
    far = Fit(id=11, match=Match.FAR, target=END + timedelta(days=9), start=START, end=END)
    chosen_from = (Investigation(11, "AB-12", START, END, "[b]Title[/b]"), Investigation(12, "AB-12", END))
    todo = a_session(Category.TODO, ("1", Status.UNREGISTERED), directory=a_directory("ab12", date="20231102"), fit=far)
    return [
        every_status(),
        hostile(),
        Session(
            directory=todo.directory,
            category=todo.category,
            fit=far,
            candidates=chosen_from,
            datasets=todo.datasets,
            seen_at=NOW,
        ),
        a_session(
            Category.TODO_ONGOING,
            ("1", Status.NOT_UPLOADED),
            directory=a_directory("ma1", date="20260130"),
            fit=ongoing,
        ),
        a_session(Category.NOT_IN_ICAT, directory=a_directory("none1"), fit=None),
        a_session(Category.OK, ("1", Status.REGISTERED), directory=a_directory("open1", date="20231018"), fit=endless),
        a_session(
            Category.UNKNOWN,
            ("1", Status.UNKNOWN, "ICAT+ does not answer"),
            directory=a_directory("un1"),
            fit=None,
            reasons=("ICAT+ does not answer",),
        ),
        a_session(
            Category.OK, ("1", Status.REGISTERED), ("2", Status.INVALID), directory=a_directory("st1"), stale=True
        ),
        a_session(Category.EMPTY, directory=a_directory("em1"), reasons=("no RAW_DATA directory",)),
        a_session(Category.OK, ("1", Status.REGISTERED), directory=a_directory("v2", raw_format=RawFormat.ESRFV2)),
    ]

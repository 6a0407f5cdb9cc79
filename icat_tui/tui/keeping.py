"""Exports and the cache, as keys ask for them: what is written, what is dropped, and how that is told.

What must stay true: both write only where the settings say.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from icat_tui.cache.invalidate import Checked, Finding, invalidate
from icat_tui.domain.errors import UsageError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.report.overview import Destination, write_overview
from icat_tui.text import counted
from icat_tui.tui.sessions import Sessions
from icat_tui.tui.workplace import Workplace


def export(place: Workplace, sessions: Sessions, shown: Sequence[SessionDirectory] | None) -> str:
    """Write the overview, or of what is `shown` one in a new directory; return what is told of it.

    Raises UsageError where the settings name no directory, SaveError where it can't be written.
    """
    save_dir, now = place.save_dir, place.now()
    if save_dir is None:
        raise UsageError("nothing is exported, as no directory is named: give --save-dir DIR, or set save_dir")
    if shown is None:
        directory, chosen = save_dir, sessions.everything()
    else:
        directory, chosen = _dated(save_dir, now.astimezone(place.facility.zone)), sessions.these(shown)
    written = write_overview(chosen, Destination(directory=directory, call=place.call), place.facility, now)
    what = counted(len(written), "file") if written else "nothing had changed, so no file was"
    return f"{what} written to {directory}"


def _dated(save_dir: Path, now: datetime) -> Path:
    """Return a directory that is not there yet."""
    name = f"filtered-{now:%Y%m%d-%H%M%S}"
    number, directory = 1, save_dir / name
    while directory.exists():
        number += 1
        directory = save_dir / f"{name}-{number}"
    return directory


class Invalidated(Struct, frozen=True):
    """What a check of the cache came to."""

    changed: tuple[SessionDirectory, ...]
    gone: tuple[SessionDirectory, ...]
    told: str


def drop_stale(place: Workplace, sessions: Sessions) -> Invalidated:
    """Drop from the cache what is gone or has changed on disk."""
    settings = place.settings
    around = place.surroundings(None)
    checked = [
        each
        for each in invalidate(
            place.cache, RawFormat, around, fingerprint_age=settings.fingerprint_age, jobs=settings.jobs
        )
        if isinstance(each, Checked)
    ]
    for each in checked:
        if each.finding in (Finding.CHANGED, Finding.GONE):
            place.index.drop(each.directory)
            sessions.forget(each.directory)
    by_finding = {finding: tuple(each.directory for each in checked if each.finding == finding) for finding in Finding}
    changed, gone, uncertain = (by_finding[each] for each in (Finding.CHANGED, Finding.GONE, Finding.UNCERTAIN))
    told = f"{counted(len(checked), 'cached session')} checked: {len(changed)} changed and {len(gone)} gone, dropped"
    if uncertain:
        told += f"; {len(uncertain)} kept, as nobody knows whether they are there"
    return Invalidated(changed, gone, told)


def drop(sessions: Sessions, directories: Sequence[SessionDirectory]) -> str:
    """Drop sessions from the cache and return what is told of it. Raises SaveError."""
    for directory in directories:
        sessions.drop(directory)
    return f"{counted(len(directories), 'session')} dropped from the cache"

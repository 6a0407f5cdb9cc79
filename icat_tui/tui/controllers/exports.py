"""Exports and the cache, as keys ask for them: what is written, what is dropped, and how that is told.

What must stay true: both write only where the settings say.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from icat_tui.domain.errors import UsageError
from icat_tui.domain.model import SessionDirectory
from icat_tui.report.overview import Destination, write_overview
from icat_tui.text import counted
from icat_tui.tui.state.session_store import Sessions
from icat_tui.tui.workspace import Workspace


def export(place: Workspace, sessions: Sessions, shown: Sequence[SessionDirectory] | None) -> str:
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
    written = write_overview(
        chosen, Destination(directory=directory, call=place.services.script_call()), place.facility, now
    )
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

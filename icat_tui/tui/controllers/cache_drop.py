"""TODO."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from icat_tui.cache.invalidate import Checked, Finding, invalidate
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.summary import SessionRow
from icat_tui.text import counted
from icat_tui.tui.controllers.exports import export
from icat_tui.tui.state.session_store import Sessions
from icat_tui.tui.state.targets import directories_of, shown_directories
from icat_tui.tui.workspace import Workspace

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui


class Invalidated(Struct, frozen=True):
    """What a check of the cache came to."""

    changed: tuple[SessionDirectory, ...]
    gone: tuple[SessionDirectory, ...]
    told: str


def drop_stale(place: Workspace, sessions: Sessions) -> Invalidated:
    """Drop from the cache what is gone or has changed on disk."""
    settings = place.services.settings
    around = place.services.surroundings(place.now(), None)
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


class Housekeeping:
    """What the app does about files of ours."""

    def __init__(self, app: "IcatTui") -> None:
        """Work for an app."""
        self._app = app

    def export(self) -> None:
        """Write the overview, or under a filter what is shown."""
        app = self._app
        shown = shown_directories(app.model) if app.model.filter.active else None
        app.background("exporting", lambda: export(app.place, app.sessions, shown), app.hint)

    def drop(self) -> None:
        """Drop what the cursor is on from the cache; ask first where it is much."""
        app = self._app
        directories = directories_of(app.model, app.model.node)
        app.ask_above_many(
            f"Drop {len(directories):,} sessions from the cache?",
            len(directories),
            lambda: app.background(
                "dropping from the cache",
                lambda: drop(app.sessions, directories),
                lambda told: self._dropped(directories, (), told),
            ),
        )

    def drop_stale(self) -> None:
        """Drop from the cache what has changed on disk or is gone; ask first where much is cached."""
        app = self._app

        def dropped(found: Invalidated) -> None:
            self._dropped(found.changed, found.gone, found.told)

        number = len(app.intake.known)
        app.ask_above_many(
            f"Check {number:,} cached sessions against the disk, and drop those that are gone or have changed?",
            number,
            lambda: app.background("checking the cache", lambda: drop_stale(app.place, app.sessions), dropped),
        )

    def _dropped(self, changed: Sequence[SessionDirectory], gone: Sequence[SessionDirectory], told: str) -> None:
        app = self._app
        for directory in (*changed, *gone):
            app.intake.known.pop(directory.path, None)
        with app.session_tree.changing() as model:
            model.put(SessionRow(directory=each) for each in changed if each.path in model.sessions)
            model.drop(each.path for each in gone)
        app.hint(told)
        app.show_state()
        app.detail.follow(app.model.node)

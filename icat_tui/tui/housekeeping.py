"""Exports and the cache, from keys to what is shown of them; what is done stands in `keeping`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.summary import SessionRow
from icat_tui.tui.keeping import Invalidated, drop, drop_stale, export
from icat_tui.tui.row_facts import directories_of, shown_directories

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui


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

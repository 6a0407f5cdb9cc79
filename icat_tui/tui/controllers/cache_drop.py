"""Dropping sessions from the cache: those under the cursor, or all that are gone or have changed on disk."""

from collections.abc import Sequence

from msgspec import Struct

from icat_tui.cache.invalidate import CheckedSession, Finding, invalidate
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.text import counted
from icat_tui.tui.host import Host
from icat_tui.tui.screens.yes_no import ask_above_many
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.workspace import Workspace


class Invalidated(Struct, frozen=True):
    """Result of a check of the cache."""

    changed: tuple[SessionDirectory, ...]
    gone: tuple[SessionDirectory, ...]
    summary: str
    """For a person."""


class CacheDrop:
    """Controller of the keys that drop sessions from the cache."""

    def __init__(self, host: Host, workspace: Workspace, store: SessionStore) -> None:
        """Drop from the cache of a workspace."""
        self._host, self._workspace, self._store = host, workspace, store

    def drop(self, directories: Sequence[SessionDirectory]) -> None:
        """Drop sessions from the cache; ask first where they are many."""

        def remove() -> tuple[list[SessionDirectory], str]:
            dropped, trouble = [], ""
            for directory in directories:
                try:
                    self._store.drop_cached(directory)
                    dropped.append(directory)
                except SaveError as error:
                    trouble = trouble or str(error)
            return dropped, trouble

        def removed(result: tuple[list[SessionDirectory], str]) -> None:
            dropped, trouble = result
            self._store.drop(dropped)
            self._host.hint(f"{counted(len(dropped), 'session')} dropped from the cache")
            if trouble:
                self._host.complain(trouble)

        ask_above_many(
            self._host,
            f"Drop {len(directories):,} sessions from the cache?",
            len(directories),
            lambda: self._host.background("dropping from the cache", remove, removed),
        )

    def drop_stale(self) -> None:
        """Drop from the cache what has changed on disk or is gone; ask first where much is cached."""

        def dropped(found: Invalidated) -> None:
            self._store.drop(found.changed, found.gone)
            self._host.hint(found.summary)

        number = sum(row.category is not None for row in self._store.rows.values())
        ask_above_many(
            self._host,
            f"Check {number:,} cached sessions against the disk, and drop those that are gone or have changed?",
            number,
            lambda: self._host.background("checking the cache", lambda: invalidated(self._workspace), dropped),
        )


def invalidated(workspace: Workspace) -> Invalidated:
    """Remove the cache files of sessions that are gone or have changed on disk; return which these were."""
    settings = workspace.services.settings
    surroundings = workspace.services.surroundings(workspace.now(), None)
    found = invalidate(
        workspace.cache, RawFormat, surroundings, fingerprint_age=settings.fingerprint_age, jobs=settings.jobs
    )
    checked = [each for each in found if isinstance(each, CheckedSession)]
    for each in checked:
        if each.finding in (Finding.CHANGED, Finding.GONE):
            workspace.index.drop(each.directory)
    by_finding = {finding: tuple(each.directory for each in checked if each.finding == finding) for finding in Finding}
    changed, gone, uncertain = (by_finding[each] for each in (Finding.CHANGED, Finding.GONE, Finding.UNCERTAIN))
    summary = (
        f"{counted(len(checked), 'cached session')} checked: {len(changed):,} changed and {len(gone):,} gone, dropped"
    )
    if uncertain:
        summary += f"; {len(uncertain):,} kept, as nobody knows whether they are there"
    return Invalidated(changed, gone, summary)

"""Dropping sessions from the cache: those under the cursor, or all that are gone or have changed on disk."""

from collections.abc import Callable, Collection, Container, Sequence
from contextlib import suppress

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

    def __init__(self, host: Host, workspace: Workspace, store: SessionStore, check_cache: Callable[[], None]) -> None:
        """Drop from the cache of a workspace; `check_cache` has what is there again shown."""
        self._host, self._workspace, self._store = host, workspace, store
        self._check_cache = check_cache
        self._dropped: list[SessionDirectory] = []
        """What can be taken back."""

    def drop(self, directories: Sequence[SessionDirectory]) -> None:
        """Drop sessions from the cache; ask first where they are many."""

        def remove() -> tuple[list[SessionDirectory], str]:
            dropped, trouble = [], ""
            for directory in directories:
                try:
                    self._store.set_aside(directory)
                    dropped.append(directory)
                except SaveError as error:
                    trouble = trouble or str(error)
            return dropped, trouble

        def removed(result: tuple[list[SessionDirectory], str]) -> None:
            dropped, trouble = result
            self._dropped += dropped
            self._store.drop(dropped)
            self._host.hint(f"{counted(len(dropped), 'session')} dropped from the cache: U takes it back")
            if trouble:
                self._host.complain(trouble)

        ask_above_many(
            self._host,
            f"Drop {len(directories):,} sessions from the cache?",
            len(directories),
            lambda: self._host.background("dropping from the cache", remove, removed),
        )

    def drop_stale(self, shown: Collection[SessionDirectory] | None) -> None:
        """Drop what has changed on disk or is gone, of what is `shown` only (None: all); ask first where it is much."""
        only = None if shown is None else frozenset(directory.path for directory in shown)

        def dropped(found: Invalidated) -> None:
            self._dropped += [*found.changed, *found.gone]
            self._store.drop(found.changed, found.gone)
            self._host.hint(found.summary)

        rows = self._store.rows
        number = sum(row.category is not None for path, row in rows.items() if only is None or path in only)
        ask_above_many(
            self._host,
            f"Check {number:,} cached sessions against the disk, and drop those that are gone or have changed?",
            number,
            lambda: self._host.background("checking the cache", lambda: invalidated(self._workspace, only), dropped),
        )

    def take_back(self) -> None:
        """Put back what was dropped; what has been scanned since stays as it is."""
        if not self._dropped:
            self._host.hint("there is nothing dropped that could be taken back")
            return
        dropped, self._dropped = self._dropped, []

        def put_back() -> int:
            return sum(self._workspace.cache.put_back(directory) for directory in dropped)

        def done(number: int) -> None:
            self._host.hint(f"{counted(number, 'session')} taken back into the cache")
            self._check_cache()

        self._host.background("taking back", put_back, done)

    def close(self) -> None:
        """Remove for good what was dropped."""
        for directory in self._dropped:
            with suppress(SaveError):  # it lies beside the cache, and nothing reads it
                self._workspace.cache.forget_aside(directory)


def invalidated(workspace: Workspace, only: Container[str] | None = None) -> Invalidated:
    """Take sessions out of the cache that are gone or have changed on disk; return which these were.

    `only` are the paths of those that are looked at; None: all.
    """
    settings = workspace.services.settings
    surroundings = workspace.services.surroundings(workspace.now(), None)
    found = invalidate(
        workspace.cache,
        RawFormat,
        surroundings,
        fingerprint_age=settings.fingerprint_age,
        jobs=settings.jobs,
        only=only,
        aside=True,
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

"""The search for sessions, at the start and again and again, and the check of the cache's index.

What must stay true: new and gone sessions come without moving the cursor; a session is gone only where the directory
that it lay in was listed and does not hold it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from icat_tui.cache.session_index import Changes
from icat_tui.cancel import Cancellation
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed
from icat_tui.domain.status import Status
from icat_tui.domain.summary import SessionRow
from icat_tui.text import counted
from icat_tui.tui.controllers.scans import without_sessions
from icat_tui.tui.controllers.stoppable import StoppableWork
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.messages import IndexChanged, SessionsDiscovered
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.workspace import Workspace

TOGETHER = 0.3
"""Seconds for which sessions that are found are collected before they are told of."""


class Listed(Struct, frozen=True):
    """Sessions that are on disk now, and what could not be listed."""

    found: tuple[SessionDirectory, ...]
    failed: tuple[str, ...]
    """Directories of which it is not known what they hold."""
    troubles: tuple[str, ...]

    def lacks(self, path: str) -> bool:
        """Return whether a session that is not among those found is surely gone."""
        return not any(path == failed or path.startswith(f"{failed.rstrip('/')}/") for failed in self.failed)


# -- in threads ------------------------------------------------------------------------------------------------------


def check_cache(workspace: Workspace, tell: Callable[[Changes], object]) -> None:
    """Tell of what the cache says now and the index did not; write the index. Raises SaveError."""
    for changes in workspace.index.check(workspace.stop):
        tell(changes)
    workspace.index.save()


def discover(workspace: Workspace, tell: Callable[[Sequence[SessionDirectory], Sequence[str]], object]) -> None:
    """Tell of the sessions that were asked for as they are found, and of directories that can't be listed."""
    found: list[SessionDirectory] = []
    troubles: list[str] = []
    told = time.monotonic()
    for each in workspace.found():
        if workspace.stop:
            return
        if isinstance(each, SessionDirectory):
            found.append(each)
        else:
            troubles.append(without_sessions(each))
        if time.monotonic() - told > TOGETHER:
            tell(found, troubles)
            found, troubles, told = [], [], time.monotonic()
    tell(found, troubles)


def list_again(workspace: Workspace, stop: Cancellation) -> Listed | None:
    """Return the sessions that are on disk now; None where that was stopped. Raises UsageError without a data root."""
    found: list[SessionDirectory] = []
    failed: list[str] = []
    troubles: list[str] = []
    for each in workspace.found_again():
        if stop or workspace.stop:
            return None
        if isinstance(each, SessionDirectory):
            found.append(each)
            continue
        if isinstance(each, DirectoryFailed):
            failed.append(each.path)
        troubles.append(without_sessions(each))
    return Listed(tuple(found), tuple(failed), tuple(troubles))


# -- in the UI's thread ----------------------------------------------------------------------------------------------


class Discovery:
    """Controller of the search for sessions and of the check of the index."""

    def __init__(
        self, host: Host, workspace: Workspace, store: SessionStore, in_view: Mapping[str, SessionRow]
    ) -> None:
        """Look for nothing yet."""
        self._host, self._workspace, self._store, self._in_view = host, workspace, store, in_view
        self._roots = tuple(f"{root.rstrip('/')}/" for root in workspace.services.settings.data_root)
        self._on_disk: set[str] = set()
        """Sessions that a search of this run has found, by path."""
        self._looking = True
        """Whether the search at the start still goes on."""
        self._again = StoppableWork(host, "the search", "the search for sessions is stopped")
        """Searches after that."""
        self._troubles: tuple[str, ...] = ()
        """What was told of the last search."""

    def belongs(self, path: str) -> bool:
        """Return whether a session of the cache is shown before it is found: one below our data roots."""
        return not self._workspace.narrow and path.startswith(self._roots)

    def begin(self) -> None:
        """Check what the index says, look for sessions, and do both again every so often."""
        host, workspace = self._host, self._workspace
        self.check_cache()
        if workspace.narrow:
            self._looking = False  # what is found is scanned, and comes with that
        else:
            host.background(
                "looking for sessions",
                lambda: discover(workspace, lambda *found: host.post_message(SessionsDiscovered(*found))),
                lambda _: self._ended(),
            )
        if seconds := workspace.services.settings.refresh.total_seconds():
            host.set_interval(seconds, partial(self.look_again, by_itself=True))

    def check_cache(self) -> None:
        """Show what the cache says by now and the index did not."""
        host = self._host
        host.background(
            "checking the index",
            lambda: check_cache(self._workspace, lambda changes: host.post_message(IndexChanged(changes))),
            lambda _: None,
        )

    def _ended(self) -> None:
        self._looking = False
        self._host.show_state()

    # -- again -----------------------------------------------------------------------------------------------------

    def look_again(
        self, then: Callable[[list[SessionDirectory]], None] = lambda _: None, *, by_itself: bool = False
    ) -> None:
        """Look for sessions again, and do something with those that are new; say what came of it if it was asked for.

        By itself it waits for no search before it, and is silent where nothing has changed.
        """
        if self._looking or self._again:
            if not by_itself:
                self._host.hint("sessions are being looked for already")
            return

        def listed(now: Listed | None) -> None:
            if now is not None:
                then(self._compare(now, by_itself=by_itself))

        self._again.begin("looking for sessions again", partial(list_again, self._workspace), listed)
        self.check_cache()

    def _compare(self, now: Listed, *, by_itself: bool) -> list[SessionDirectory]:
        """Take in what is new and what is gone; return what is new."""
        found = {directory.path: directory for directory in now.found}
        new = [directory for path, directory in found.items() if path not in self._in_view]
        gone = [path for path in self._on_disk if path not in found and path in self._in_view and now.lacks(path)]
        self._on_disk = set(found) | {path for path in self._on_disk if not now.lacks(path)}
        if gone:
            self._store.drop((), [self._in_view[path].directory for path in gone])
        if new:
            self._store.take(new)
        for trouble in now.troubles:
            if trouble not in self._troubles:
                self._host.say(trouble, Status.UNKNOWN.colour)
        self._troubles = now.troubles
        told = f"looked again: {counted(len(new), 'new session')}, {len(gone):,} gone"
        if not by_itself:
            self._host.hint(told)
        elif new or gone:
            self._host.say(told)
        return new

    @property
    def activities(self) -> list[Activity]:
        """The searches that can be stopped."""
        return self._again.activities

    # -- what comes in ---------------------------------------------------------------------------------------------

    def take(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        """Take in what was found on disk."""
        self._on_disk.update(directory.path for directory in found)
        self._store.take([directory for directory in found if directory.path not in self._in_view])
        for trouble in troubles:
            self._host.say(trouble, Status.UNKNOWN.colour)
        self._troubles += tuple(troubles)

    def index_changed(self, message: IndexChanged) -> None:
        """Take in what the cache says and the index did not."""
        self._store.changed(message.changes)
        for unreadable in message.changes.unreadable:
            self._host.say(unreadable.reason, Status.UNKNOWN.colour)

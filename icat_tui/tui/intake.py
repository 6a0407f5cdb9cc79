"""What comes into the tree: from the index, from discovery, from scans as they run, and from registrations.

What must stay true: what a thread has found is fetched once a second and put in at once, so that nothing moves more
often than one can follow.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.timer import Timer

from icat_tui.cache.session_index import Changes
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.status import Status
from icat_tui.domain.summary import SessionRow
from icat_tui.text import counted
from icat_tui.tui.background import Done, in_background
from icat_tui.tui.finding import check_cache, discover
from icat_tui.tui.scanning import Batch, Scan, directories_only
from icat_tui.tui.widgets.status_bar import Said
from icat_tui.tui.workplace import Found

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

FIRST_FLUSH, FLUSH = 0.2, 1.0
"""Seconds after which what a scan found is shown: for the first time, and from then on."""


class Intake:
    """What the app knows of sessions, and how it comes to know more."""

    def __init__(self, app: "IcatTui") -> None:
        """Begin with what the index says."""
        self._app = app
        self.known = app.place.index.rows
        """What the cache says of sessions, by path."""
        self.scans: dict[int, Scan] = {}
        self.icatplus: Said | None = None
        """Whether ICAT+ answered the last time."""
        self._flushing: Timer | None = None
        self._opening: set[str] = set()
        """Sessions that are opened once they are scanned."""
        self._roots = tuple(f"{root.rstrip('/')}/" for root in app.place.settings.data_root)
        app.model.put(filter(self._belongs, self.known.values()))

    def begin(self) -> None:
        """Check what the index says, and look for sessions; scan them where less than everything was asked for."""
        app = self._app
        in_background(app, "checking the index", lambda: check_cache(app.place, self._post_changes))
        if app.place.narrow:
            self.scan_found(app.place.found(), use_cache=True)
        else:
            in_background(app, "looking for sessions", lambda: discover(app.place, self.post_found))

    def open_once_scanned(self, directory: SessionDirectory) -> None:
        """Scan a session that was entered, and open it then."""
        self._opening.add(directory.path)
        self.scan([directory])

    def cancel(self) -> None:
        """Call all scans off, without waiting for them."""
        for scan in self.scans.values():
            scan.cancel()

    def post_found(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        """Take what discovery has come across; from its thread."""
        self._app.post_message(Done(lambda: self._found(found, troubles)))

    def _post_changes(self, changes: Changes) -> None:
        self._app.post_message(Done(lambda: self._changed(changes)))

    def _changed(self, changes: Changes) -> None:
        """Take what the cache says and the index did not know."""
        self.known.update({row.directory.path: row for row in changes.rows})
        for path in changes.gone:
            self.known.pop(path, None)
        shown = self._app.model.sessions
        self._put(row for row in changes.rows if row.directory.path in shown or self._belongs(row))
        for each in changes.unreadable:
            self._app.say(each.reason, Status.UNKNOWN.colour)

    def _belongs(self, row: SessionRow) -> bool:
        """Return whether a session of the cache is shown before it is found: one below our data roots."""
        return not self._app.place.narrow and row.directory.path.startswith(self._roots)

    def _found(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        new = [directory for directory in found if directory.path not in self._app.model.sessions]
        if new:
            self._put(self.known.get(directory.path) or SessionRow(directory=directory) for directory in new)
        for trouble in troubles:
            self._app.say(trouble, Status.UNKNOWN.colour)

    def take_row(self, row: SessionRow) -> None:
        """Show how a session is now."""
        self.known[row.directory.path] = row
        self._put([row])

    def _put(self, rows: Iterable[SessionRow]) -> None:
        with self._app.session_tree.changing() as model:
            model.put(rows)
        self._app.show_state()
        self._app.detail.follow(self._app.model.node)

    def scan_found(self, found: Iterable[Found], *, use_cache: bool, total: int | None = None) -> None:
        """Scan sessions in a thread."""
        scan = Scan(self._app.sessions.keep, total)
        self.scans[scan.id] = scan
        make = partial(self._app.place.scan_plan, iter(found), use_cache=use_cache)
        in_background(self._app, "scanning", lambda: scan.run(make), lambda _: self.flush())
        self._app.set_timer(FIRST_FLUSH, self.flush)
        if self._flushing is None:
            self._flushing = self._app.set_interval(FLUSH, self.flush)
        self._app.show_state()

    def scan(self, directories: Sequence[SessionDirectory]) -> None:
        """Scan sessions anew; ask first where they are many."""
        if not directories:
            self._app.hint("there is no session here to scan")
            return
        self._app.ask_above_many(
            f"Scan {len(directories):,} sessions, without the cache?",
            len(directories),
            lambda: self.scan_found(directories_only(list(directories)), use_cache=False, total=len(directories)),
        )

    def flush(self) -> None:
        """Show what scans have found since the last time."""
        if not self._app.is_open:
            return
        rows: list[SessionRow] = []
        for scan in list(self.scans.values()):
            if ended := scan.ended:
                del self.scans[scan.id]
            batch = scan.fetch()
            self._found(batch.found, batch.troubles)
            rows += batch.rows
            self._judge_icatplus(batch)
            if ended and batch.finished:
                how = "stopped" if batch.finished.cancelled else "done"
                self._app.say(f"scan {how}: {counted(scan.done, 'session')} in {batch.finished.seconds:.1f} s")
        if self._flushing is not None and not self.scans:
            self._flushing.stop()
            self._flushing = None
        if rows:
            self.known.update({row.directory.path: row for row in rows})
            self._put(rows)
            self._open_scanned({row.directory.path for row in rows})
        else:
            self._app.show_state()

    def _open_scanned(self, paths: set[str]) -> None:
        """Open what was entered before it was scanned, if the cursor is still there."""
        node = self._app.model.node
        if node and node.session in self._opening & paths:
            self._app.session_tree.action_open()
        self._opening -= paths

    def _judge_icatplus(self, batch: Batch) -> None:
        if batch.rows:
            silent = batch.undetermined == len(batch.rows)
            self.icatplus = Said("ICAT+ did not answer", "red") if silent else Said("ICAT+ ok", "green")

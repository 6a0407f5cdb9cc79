"""What `sync` and `check` have in common: settings into a scan, its events into what is told as it goes.

Nothing is kept here: sessions flow through to whoever asks for them, and only their counts stay.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from msgspec import structs

from icat_tui.cache.session_index import SessionIndex
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log, progress
from icat_tui.cli.selected_sessions import Selected
from icat_tui.cli.session_reporter import Output, tell
from icat_tui.domain.errors import ExitCode, SaveError, exit_code
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import (
    CacheUnusable,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Category
from icat_tui.journal.records import JournalError
from icat_tui.journal.view import JournalView
from icat_tui.report.lines import plain
from icat_tui.report.sync_text import trouble_text
from icat_tui.report.totals import Totals
from icat_tui.services import Services
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.text import and_more


class Scanning:
    """One run over the sessions that were asked for."""

    def __init__(self, run: Run, now: datetime, *, keep_cache: bool) -> None:
        """Prepare it. Raises UsageError where the settings don't suffice or what was named can't be used."""
        settings, services = run.settings, Services(run.settings)
        self.run, self.now, self.services = run, now, services
        self.format = settings.format or (AUTO if run.asked.command == "check" else RawFormat.ESRFV3)
        self.selected = Selected(settings, run.asked, self.format)
        kept = services.cache() if keep_cache else None
        self.index = SessionIndex(kept) if kept else None
        """What this run saves in the cache."""
        self.cache = services.cache(self.index) if self.index else None
        self.view: JournalView | None = None
        self.view_trouble = ""
        """Why it is not known what was sent before."""
        try:
            self.view = services.journal_view()
        except JournalError as error:
            self.view_trouble = str(error)
        self.surroundings = services.surroundings(now, self.view)
        self.catalogue = services.catalogue()
        self.totals = run.ending.totals = Totals()
        self.found: set[RawFormat] = set()
        """The formats that sessions have."""
        self.unusable: list[str] = []
        """Why cache files were of no use: sessions are scanned without them."""
        self.happened: set[ExitCode] = set()
        """What the exit code is to be made of, besides what the totals say."""

    @property
    def formats(self) -> list[RawFormat]:
        """The formats that sessions may have."""
        return list(RawFormat) if self.format == AUTO else [RawFormat(self.format)]

    def sessions(self, output: Output, held: Callable[[Session], bool] = lambda _: False) -> Iterator[Session]:
        """Yield the sessions as they are scanned, each told of but the ones that are `held`. Raises Cancelled."""
        return self._told(self._plan(), output, held)

    def once_more(self, directories: Collection[SessionDirectory], output: Output) -> Iterator[Session]:
        """Yield sessions as they are now, without the cache, which gets to know them. Raises Cancelled."""
        if not directories:
            return iter(())
        plan = structs.replace(self._plan(), found=tuple(directories), use_cache=False)
        return self._told(plan, output, lambda _: False)

    def _told(self, plan: ScanPlan, output: Output, held: Callable[[Session], bool]) -> Iterator[Session]:
        found = 0
        with progress(shown=self._shows_progress()) as show:
            for event in scan(plan, self.run.stop):
                if isinstance(event, SessionScanned) and held(event.session):
                    yield event.session
                    continue
                self.totals.add(event)
                if isinstance(event, SessionsFound):
                    found += len(event.directories)
                show(self.totals.sessions, found)
                tell(event, output)
                if isinstance(event, CacheUnusable):
                    self.unusable.append(event.reason)
                elif isinstance(event, SessionScanned):
                    self.found.add(event.session.directory.format)
                    yield event.session
        self.run.stop.check()

    def finish(self, output: Output, todo: Collection[Category]) -> ExitCode:
        """Say what went wrong, and return the exit code; sessions of the categories `todo` count for it."""
        self.catalogue.close()
        self._save_index()
        if self.view_trouble:
            output.failure(f"what was sent before is not known: {self.view_trouble}")
            self.happened.add(ExitCode.PARTIAL)
        missing = self.selected.missing()
        for what in missing:
            output.failure(what)
            self.happened.add(ExitCode.USAGE)
        if not (missing or self.totals.sessions or self.totals.failed):
            log.warning("no session on disk matches what was asked for")
        if self.unusable:
            log.warning("%s%s", self.unusable[0], and_more(len(self.unusable)))
        for line in plain(trouble_text(self.totals)).splitlines():
            log.error("%s", line)
        code = exit_code(self.happened | self.totals.exit_codes(todo))
        if not self.run.settings.api_key and any("API key" in reason for reason in self.totals.troubles):
            log.error("no API key was given: set ICAT_TUI_API_KEY, or api_key_file in config.toml")
        return code

    def _save_index(self) -> None:
        """Let the index know what was saved; without it the next who needs it looks at the cache files."""
        if self.index is None:
            return
        try:
            self.index.add_to_saved()
        except SaveError as error:
            log.info("%s", error)

    def _plan(self) -> ScanPlan:
        plan = self.services.scan_plan(self.selected.sessions(), self.catalogue, self.surroundings, self.cache)
        return structs.replace(plan, investigation=vars(self.run.asked).get("investigation"))

    def _shows_progress(self) -> bool:
        """Return whether a bar says how far it is: where sessions are printed on a terminal, they say it."""
        asked = vars(self.run.asked)
        printed = sys.stdout.isatty() and not (asked.get("no_print") or asked["json"])
        return sys.stderr is not None and sys.stderr.isatty() and not (asked["quiet"] or printed)

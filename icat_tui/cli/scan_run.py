"""What `sync` and `check` have in common: settings into a scan, its events into what is told as it goes.

Nothing is kept here: sessions flow through to whoever asks for them, and only their counts stay.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log, progress
from icat_tui.cli.selected_sessions import Selected
from icat_tui.cli.session_reporter import Output, tell
from icat_tui.domain.errors import ExitCode, SaveError, UsageError, exit_code
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import (
    CacheUnusable,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Category
from icat_tui.domain.surroundings import Surroundings
from icat_tui.journal.records import JournalError
from icat_tui.journal.view import JournalView
from icat_tui.report.lines import plain
from icat_tui.report.sync_text import trouble_text
from icat_tui.report.totals import Totals
from icat_tui.services import icatplus_for
from icat_tui.settings.schema import Settings, journal_path
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.text import and_more


class Scanning:
    """One run over the sessions that were asked for."""

    def __init__(self, run: Run, now: datetime, *, keep_cache: bool) -> None:
        """Prepare it. Raises UsageError where the settings don't suffice or what was named can't be used."""
        settings = run.settings
        self.run, self.now = run, now
        self.format = settings.format or (AUTO if run.asked.command == "check" else RawFormat.ESRFV3)
        self.selected = Selected(settings, run.asked, self.format)
        self.cache: SessionCache | None = None
        self.index: SessionIndex | None = None
        """What this run saves in the cache."""
        if keep_cache and settings.cache_dir:
            self.index = SessionIndex(SessionCache(Path(settings.cache_dir)))
            self.cache = SessionCache(Path(settings.cache_dir), self.index.put)
        self.view, self.view_trouble = _journal_view(settings)
        self.around = Surroundings(
            facility=settings.facility,
            now=now,
            settle_time=settings.settle_time,
            sent=self.view,
            pending_timeout=settings.pending_timeout,
        )
        self.catalogue = catalogue_for(settings)
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
        settings = self.run.settings
        return ScanPlan(
            found=self.selected.sessions(),
            catalogue=self.catalogue,
            around=self.around,
            cache=self.cache,
            fingerprint_age=settings.fingerprint_age,
            max_age=settings.max_age,
            jobs=settings.jobs,
            processes=None,
            investigation=vars(self.run.asked).get("investigation"),
        )

    def _shows_progress(self) -> bool:
        """Return whether a bar says how far it is: where sessions are printed on a terminal, they say it."""
        asked = vars(self.run.asked)
        printed = sys.stdout.isatty() and not (asked.get("no_print") or asked["json"])
        return sys.stderr is not None and sys.stderr.isatty() and not (asked["quiet"] or printed)


def _journal_view(settings: Settings) -> tuple[JournalView | None, str]:
    """Return what the journal says of what was sent; None and why, where it can't be read."""
    try:
        return JournalView(journal_path(settings), settings.facility), ""
    except JournalError as error:
        return None, str(error)


def catalogue_for(settings: Settings) -> IcatPlus:
    """Return the client of ICAT+ that the settings describe. Raises UsageError where they name none."""
    catalogue = icatplus_for(settings)
    if catalogue is None:
        raise UsageError(
            "no URL of ICAT+ is known: give --icatplus URL, set ICAT_TUI_ICATPLUS or icatplus in config.toml, "
            "or name in BEACON_HOST a Beacon that knows it"
        )
    if not settings.api_key:
        log.info("no API key is known: asking ICAT+ without one")
    return catalogue

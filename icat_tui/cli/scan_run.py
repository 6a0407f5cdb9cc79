"""One scan for `sync` and `check`: made from the settings, with its events reported as they come.

What must stay true: sessions are yielded and not kept; only their counts are.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from msgspec import structs

from icat_tui.cache.session_index import SessionIndex
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log, progress
from icat_tui.cli.selected_sessions import SelectedSessions
from icat_tui.cli.session_reporter import SessionOutput, report_event
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
from icat_tui.report.sync_text import ignored_text, trouble_text
from icat_tui.report.totals import Totals
from icat_tui.services import NO_ICATPLUS, NO_ICATPLUS_TO_CHECK, Services
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.text import and_more


class ScanRun:
    """Scan of the selected sessions, with its totals and exit codes."""

    def __init__(self, run: Run, now: datetime, *, keep_cache: bool) -> None:
        """Prepare it. Raises UsageError where settings are missing or a PATH or data root can't be used."""
        settings, services = run.settings, Services(run.settings)
        self.run, self.now, self.services = run, now, services
        self.format = settings.format or (AUTO if run.arguments.command == "check" else RawFormat.ESRFV3)
        self.selected = SelectedSessions(settings, run.arguments, self.format)
        kept = services.cache() if keep_cache else None
        self.index = SessionIndex(kept) if kept else None
        """Index of what this run saves in the cache."""
        self.cache = services.cache(self.index) if self.index else None
        self.view: JournalView | None = None
        self.view_trouble = ""
        """Why the journal could not be read; empty where it could."""
        try:
            self.view = services.journal_view()
        except JournalError as error:
            self.view_trouble = str(error)
        self.surroundings = services.surroundings(now, self.view)
        self.catalogue = services.catalogue(NO_ICATPLUS_TO_CHECK if self.checks else NO_ICATPLUS)
        self.totals = run.summary.totals = Totals()
        self.found: set[RawFormat] = set()
        """Formats of the sessions found."""
        self.cache_faults: list[str] = []
        """Why cache files could not be used; their sessions are scanned without them."""
        self.exit_codes: set[ExitCode] = set()
        """Exit codes of what went wrong, besides those of the totals."""

    @property
    def checks(self) -> bool:
        """Whether this is `check`, for a scientist."""
        return bool(self.run.arguments.command == "check")

    @property
    def formats(self) -> list[RawFormat]:
        """Formats that sessions may have."""
        return list(RawFormat) if self.format == AUTO else [RawFormat(self.format)]

    def sessions(
        self, output: SessionOutput, held_back: Callable[[Session], bool] = lambda _: False
    ) -> Iterator[Session]:
        """Yield the sessions as they are scanned; all but those `held_back` are reported. Raises Cancelled."""
        return self._scan_and_report(self._plan(), output, held_back)

    def rescan(self, directories: Collection[SessionDirectory], output: SessionOutput) -> Iterator[Session]:
        """Yield sessions scanned again without using the cache, and save them there unless ICAT+ is doubted.

        Raises Cancelled.
        """
        if not directories:
            return iter(())
        cache = None if self.totals.doubt else self.cache
        plan = structs.replace(self._plan(), found=tuple(directories), use_cache=False, cache=cache)
        return self._scan_and_report(plan, output, lambda _: False)

    def _scan_and_report(
        self, plan: ScanPlan, output: SessionOutput, held_back: Callable[[Session], bool]
    ) -> Iterator[Session]:
        found = 0
        with progress(shown=self._shows_progress()) as show:
            for event in scan(plan, self.run.cancellation):
                if isinstance(event, SessionScanned) and held_back(event.session):
                    yield event.session
                    continue
                self.totals.add(event)
                if isinstance(event, SessionsFound):
                    found += len(event.directories)
                show(self.totals.sessions, found)
                report_event(event, output)
                if isinstance(event, CacheUnusable):
                    self.cache_faults.append(event.reason)
                elif isinstance(event, SessionScanned):
                    self.found.add(event.session.directory.format)
                    yield event.session
        self.run.cancellation.check()

    def finish(self, output: SessionOutput, todo: Collection[Category]) -> ExitCode:
        """Report what went wrong, and return the exit code; sessions of the categories `todo` count for it."""
        self.catalogue.close()
        self._save_index()
        if self.view_trouble:
            output.report_failure(f"nothing can be called pending: {self.view_trouble}")
            if not self.checks:  # where nothing is pending all is the same without a journal
                self.exit_codes.add(ExitCode.PARTIAL)
        missing = self.selected.missing()
        for what in missing:
            output.report_failure(what)
            self.exit_codes.add(ExitCode.USAGE)
        if not (missing or self.totals.sessions or self.totals.failed):
            self._report_no_session(output)
        if self.totals.doubt:
            output.report_failure(self.totals.doubt)
        if self.cache_faults:
            log.error("%s%s", self.cache_faults[0], and_more(len(self.cache_faults)))  # also for those who want quiet
        for line in plain(ignored_text(self.totals)).splitlines():
            log.warning("%s", line)
        for line in plain(trouble_text(self.totals)).splitlines():
            log.error("%s", line)
        code = exit_code(self.exit_codes | self.run.summary.exit_codes | self.totals.exit_codes(todo))
        if not self.run.settings.api_key and any("API key" in reason for reason in self.totals.troubles):
            log.error("no API key was given: set ICAT_TUI_API_KEY, or api_key_file in config.toml")
        return code

    def _report_no_session(self, output: SessionOutput) -> None:
        """Report that nothing was found: `check` fails where what was named is there and holds no session."""
        if self.checks and self.selected.is_named:
            output.report_failure("there is no session in what was named: check the PATH, or the names")
            self.exit_codes.add(ExitCode.USAGE)
        else:
            log.warning("no session on disk matches what was asked for")

    def _save_index(self) -> None:
        """Add what was saved to the index of the cache; where that fails the next reader reads the cache files."""
        if self.index is None:
            return
        try:
            self.index.add_to_saved()
        except SaveError as error:
            log.info("%s", error)

    def _plan(self) -> ScanPlan:
        plan = self.services.scan_plan(self.selected.sessions(), self.catalogue, self.surroundings, self.cache)
        # Where a person names datasets, those that the cache does not know are looked for on disk.
        return structs.replace(
            plan,
            investigation=vars(self.run.arguments).get("investigation"),
            use_cache=plan.use_cache and self.selected.datasets is None,
        )

    def _shows_progress(self) -> bool:
        """Return whether to show a progress bar: not where sessions are printed on a terminal."""
        arguments = vars(self.run.arguments)
        printed = sys.stdout.isatty() and not (arguments.get("no_print") or arguments["json"])
        return sys.stderr is not None and sys.stderr.isatty() and not (arguments["quiet"] or printed)

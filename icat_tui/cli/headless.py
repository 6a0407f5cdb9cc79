"""The work without a screen: what `sync` and `check` do with the sessions that were asked for.

Everything is told as it happens and nothing is kept: sessions flow from the scan through the report into the overview.
"""

import os
import sys
import sysconfig
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.cli.narration import log, progress
from icat_tui.cli.output import JsonLines, Output, Text, write_lines
from icat_tui.cli.selecting import Selected
from icat_tui.domain.compare import Surroundings
from icat_tui.domain.errors import ExitCode, SaveError, UsageError, exit_code
from icat_tui.domain.events import SavingFailed, DirectoryFailed, SessionFailed, SessionScanned, SessionsFound
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.domain.model import Session
from icat_tui.domain.status import Status
from icat_tui.domain.visible import visible
from icat_tui.settings import Settings
from icat_tui.sync.cache import SessionCache, Unreadable
from icat_tui.sync.cancel import Cancellation
from icat_tui.sync.check import FileCount, check_text, closing_check_text
from icat_tui.sync.export import Destination, write_overview
from icat_tui.sync.invalidate import Finding, invalidate
from icat_tui.sync.old_cache import old_sessions
from icat_tui.sync.records import TODO, TODO_OR_MORE, Totals
from icat_tui.sync.report import plain, trouble_text
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.sync.scripts import ScriptCall

FULL_REPORT = 20
"""Troubles that are told one by one at the end."""


def sync(settings: Settings, asked: Namespace, cancellation: Cancellation) -> ExitCode:
    """Scan what was asked for, print it, write the overview, and return what it came to.

    Raises UsageError where the settings don't suffice or a named thing is not there, Cancelled when it is called off.
    """
    now = datetime.now(UTC)
    output = output_for(settings, asked, now)
    work = _Work(settings, asked, output, now, cancellation)
    happened: set[ExitCode] = set()
    overview: list[Path] = []
    if asked.invalidate_cache:
        happened |= work.invalidate()
    with progress(shown=_shows_progress(asked)) as work.show_progress:
        try:
            overview = work.write_overview()
        except SaveError as error:
            happened.add(ExitCode.PARTIAL)
            log.error("%s", error)
            output.error(str(error))
    cancellation.check()
    for missing in work.selected.missing():
        happened.add(ExitCode.USAGE)
        log.error("%s", missing)
        output.error(missing)
    happened |= work.totals.happened(TODO if asked.exit_code else ())
    return work.finish(happened, overview)


def check(settings: Settings, asked: Namespace, cancellation: Cancellation) -> ExitCode:
    """Say in words what is in the catalogue, what is not and why; looks at everything anew and writes nothing."""
    now = datetime.now(UTC)
    work = _Work(settings, asked, output_for(settings, asked, now), now, cancellation)
    for session in work.scanned():
        if not asked.json:
            write_lines(check_text(session, _count_files(session), settings.facility))
    cancellation.check()
    missing = work.selected.missing()
    for text in missing:
        log.error("%s", text)
    if not asked.json:
        write_lines(closing_check_text())
    happened = work.totals.happened(TODO_OR_MORE) | ({ExitCode.USAGE} if missing else set())
    return work.finish(happened, [])


def output_for(settings: Settings, asked: Namespace, now: datetime) -> Output:
    """Return where results go, as the arguments want it."""
    if asked.json:
        return JsonLines(settings.facility)
    talks = asked.command != "check" and not asked.quiet
    return Text(settings.facility, now, sessions=talks and not asked.no_print, closing=talks)


def _shows_progress(asked: Namespace) -> bool:
    """Return whether a bar says how far it is: where sessions are printed, they say it."""
    printed = sys.stdout.isatty() and not (asked.no_print or asked.json)
    return sys.stderr.isatty() and not asked.quiet and not printed


class _Work:
    """One run over the sessions that were asked for."""

    def __init__(
        self, settings: Settings, asked: Namespace, output: Output, now: datetime, cancellation: Cancellation
    ) -> None:
        self.settings, self.asked, self.output, self.cancellation = settings, asked, output, cancellation
        self.format = RawFormat(settings.format) if settings.format not in (None, AUTO) else settings.format
        if self.format is None:
            self.format = AUTO if asked.command == "check" else RawFormat.ESRFV3
        self.selected = Selected(settings, asked, self.format)
        keeps_cache = settings.cache_dir and asked.command != "check"
        self.cache = SessionCache(Path(settings.cache_dir)) if keeps_cache and settings.cache_dir else None
        self.around = Surroundings(facility=settings.facility, now=now, settle_time=settings.settle_time)
        self.totals = Totals()
        self.show_progress: Callable[[int, int], None] = lambda *_: None
        self.catalogue = catalogue_for(settings)

    def scanned(self) -> Iterator[Session]:
        """Yield the sessions as they are scanned, having told of each."""
        settings = self.settings
        plan = ScanPlan(
            found=self.selected.sessions(),
            catalogue=self.catalogue,
            around=self.around,
            cache=self.cache,
            fingerprint_age=settings.fingerprint_age,
            max_age=settings.max_age,
            jobs=settings.jobs,
            processes=None,
            investigation=getattr(self.asked, "investigation", None),
        )
        known = 0
        for event in scan(plan, self.cancellation):
            self.totals.add(event)
            match event:
                case SessionsFound(directories=directories):
                    known += len(directories)
                case SessionScanned(session=session):
                    self.output.session(session)
                    yield session
                case DirectoryFailed(path=path, reason=reason) | SavingFailed(path=path, reason=reason):
                    self.output.error(reason, path)
                case SessionFailed(directory=directory, reason=reason, details=details):
                    self.output.error(reason, directory.path)
                    log.debug("%s", visible(details))
            self.show_progress(self.totals.sessions, known)
        self.cancellation.check()

    def invalidate(self) -> set[ExitCode]:
        """Drop cached sessions that are gone or have changed; return what to make the exit code of."""
        happened: set[ExitCode] = set()
        if self.cache is None:
            raise UsageError("--invalidate-cache without a cache: give --cache-dir")
        try:
            found = invalidate(
                self.cache,
                self._formats(),
                self.around,
                fingerprint_age=self.settings.fingerprint_age,
                jobs=self.settings.jobs,
            )
            for checked in found:
                self.cancellation.check()
                if isinstance(checked, Unreadable):
                    happened.add(ExitCode.PARTIAL)
                    log.warning("%s", visible(checked.reason))
                elif checked.finding == Finding.UNCERTAIN:
                    happened.add(ExitCode.PARTIAL)
                    log.warning("kept %s in the cache: %s", visible(checked.directory.path), visible(checked.reason))
                elif checked.finding != Finding.KEPT:
                    log.info("dropped %s from the cache: %s", visible(checked.directory.path), checked.finding)
        except SaveError as error:
            happened.add(ExitCode.PARTIAL)
            log.error("%s", error)
        return happened

    def _formats(self) -> list[RawFormat]:
        return list(RawFormat) if self.format == AUTO else [RawFormat(self.format or RawFormat.ESRFV3)]

    # -- the overview --

    def write_overview(self) -> list[Path]:
        """Scan, and write the overview where it was asked for; return its directories."""
        if self.settings.save_dir is None:
            for _ in self.scanned():
                pass
            return []
        formats = self._formats() if self.format != AUTO else []
        destination = Destination(
            directory=Path(self.settings.save_dir), call=self._script_call(), formats=tuple(formats)
        )
        write_overview(self._all_sessions(), destination, self.settings.facility, self.around.now)
        present = formats or [each for each in RawFormat if (destination.directory / each).is_dir()]
        return [destination.directory / each for each in present]

    def _all_sessions(self) -> Iterator[Session]:
        """Yield the sessions of this run, then those that only the cache knows."""
        seen: set[str] = set()
        for session in self.scanned():
            seen.add(session.directory.path)
            yield session if session.determined else self._last_known(session)
        if self.cache is None or self.settings.cache_dir is None:
            return
        for raw_format in self._formats():
            for verdict in self.cache.verdicts(raw_format):
                if isinstance(verdict, Unreadable):
                    self.totals.add(SavingFailed(verdict.path, verdict.reason))
                elif verdict.session.directory.path not in seen:
                    seen.add(verdict.session.directory.path)
                    yield verdict.session
            for session in old_sessions(Path(self.settings.cache_dir), raw_format, self.settings.facility):
                if session.directory.path not in seen:
                    yield session

    def _last_known(self, session: Session) -> Session:
        """Return what was known of a session before, where it could not be determined now."""
        verdict = self.cache.verdict(session.directory) if self.cache else None
        return (
            structs.replace(verdict.session, stale=True) if verdict and not isinstance(verdict, Unreadable) else session
        )

    def _script_call(self) -> ScriptCall:
        settings = self.settings
        return ScriptCall(
            program=_program("icat-sync-raw", "sync"),
            store_program=_program("icat-store-raw", "store-raw"),
            data_roots=settings.data_root if "data_root" in settings.origin else (),
            cache_dir=settings.cache_dir,
            save_dir=settings.save_dir,
            config=settings.config,
        )

    # -- the end --

    def finish(self, happened: set[ExitCode], overview: list[Path]) -> ExitCode:
        """Say what went wrong and what it came to; return the exit code."""
        self.catalogue.close()
        for line in plain(trouble_text(self.totals)).splitlines():
            log.error("%s", line)
        code = exit_code(happened)
        cache_dir = Path(self.settings.cache_dir) if self.cache and self.settings.cache_dir else None
        self.output.end(self.totals, code, cache_dir, overview)
        return code


def catalogue_for(settings: Settings) -> IcatPlus:
    """Return the client of ICAT+ that the settings describe. Raises UsageError where they don't suffice."""
    if not settings.icatplus or not settings.api_key:
        what = "URL of ICAT+" if not settings.icatplus else "API key of ICAT+"
        how = "--icatplus URL or ICAT_TUI_ICATPLUS" if not settings.icatplus else "ICAT_TUI_API_KEY or api_key_file"
        raise UsageError(f"no {what} is known: give {how}, or name a Beacon that knows it in BEACON_HOST")
    return IcatPlus(settings.icatplus, settings.api_key, zone=settings.facility.zone, jobs=settings.jobs)


def _program(script: str, command: str) -> tuple[str, ...]:
    """Return how a program of ours is called from anywhere."""
    installed = Path(sysconfig.get_path("scripts")) / script
    return (str(installed),) if installed.exists() else (sys.executable, "-m", "icat_tui", command)


def count_files(path: str) -> int | None:
    """Return how many files lie in a directory, at any depth; None where not all of it could be looked at."""
    refused: list[OSError] = []
    number = sum(len(files) for _, _, files in os.walk(path, onerror=refused.append))
    return None if refused else number


def _count_files(session: Session) -> dict[str, FileCount]:
    """Return how many files the datasets that ICAT has hold on disk and in ICAT."""
    in_icat = (Status.REGISTERED, Status.REGISTERED_WITHOUT_FILES)
    return {
        dataset.path: FileCount(count_files(dataset.path), dataset.file_count)
        for dataset in session.datasets
        if dataset.status in in_icat
    }

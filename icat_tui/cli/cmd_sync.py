"""`icat-tui sync`: scans, prints, registers and writes the overview, without a screen.

What must stay true: the overview has each session once, and a cancelled run does not change it.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from icat_tui.cache.invalidate import Finding, invalidate
from icat_tui.cache.known_sessions import known_sessions, last_known
from icat_tui.cache.session_cache import Unreadable
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.cli.scan_run import ScanRun
from icat_tui.cli.session_reporter import SessionOutput, sync_raw_text
from icat_tui.domain.errors import ExitCode, SaveError
from icat_tui.domain.formats import AUTO
from icat_tui.domain.model import Session
from icat_tui.report.overview import Destination, write_overview
from icat_tui.report.sync_text import closing_text
from icat_tui.report.totals import TODO
from icat_tui.text import and_more


def sync(run: Run) -> ExitCode:
    """Scan the selected sessions, print them, write the overview, and return the exit code.

    Raises UsageError where settings are missing or a PATH or data root is not there, Cancelled when it is cancelled.
    """
    arguments, settings, now = run.arguments, run.settings, datetime.now(UTC)
    scan_run = ScanRun(run, now, keep_cache=True)
    output = SessionOutput(run, sync_raw_text(settings.facility, now))
    overview: list[Path] = []
    if not arguments.quiet:
        cache_dir = Path(settings.cache_dir) if settings.cache_dir else None
        run.summary.closing_lines = closing_text(scan_run.totals, cache_dir, overview)
    fresh = scan_run.sessions(output)
    if arguments.register or arguments.auto_register:
        from icat_tui.cli.register_run import JournalUnusableError, RegisterRun  # noqa: PLC0415 - late: most runs send nothing

        try:
            register_run = RegisterRun(scan_run, output, now)
        except JournalUnusableError as error:
            if not arguments.auto_register:
                raise
            output.report_failure(f"nothing is registered: {error}")  # without a person the scan is worth it alone
            scan_run.exit_codes.add(ExitCode.PARTIAL)
        else:
            fresh = register_run.sessions(scan_run.sessions(output, register_run.hold_back))
            run.summary.sent = register_run.reporter.sent
            if not arguments.quiet:
                run.summary.closing_lines = chain(run.summary.closing_lines, register_run.reporter.closing_text())
    if arguments.invalidate_cache:
        _invalidate(scan_run, output)
    if settings.save_dir:
        overview += _write_overview(scan_run, fresh, output, Path(settings.save_dir))
    else:
        for _ in fresh:
            pass
    return scan_run.finish(output, TODO if arguments.exit_code else ())


# -- the cache -------------------------------------------------------------------------------------------------------


def _invalidate(scan_run: ScanRun, output: SessionOutput) -> None:
    """Drop cached sessions that are gone or have changed. Raises Cancelled."""
    settings = scan_run.run.settings
    if scan_run.cache is None:
        log.warning("--invalidate-cache does nothing without a cache: give --cache-dir")
        return
    uncertain: dict[str, list[str]] = {}
    age, jobs = settings.fingerprint_age, settings.jobs
    try:
        for found in invalidate(
            scan_run.cache, scan_run.formats, scan_run.surroundings, fingerprint_age=age, jobs=jobs
        ):
            scan_run.run.cancellation.check()
            if isinstance(found, Unreadable):
                scan_run.cache_faults.append(found.reason)
            elif found.finding == Finding.UNCERTAIN:
                uncertain.setdefault(found.reason, []).append(found.directory.path)
            elif found.finding != Finding.KEPT:
                log.info("%s is %s: dropped from the cache", found.directory.path, found.finding)
    except SaveError as error:
        scan_run.exit_codes.add(ExitCode.PARTIAL)
        output.report_failure(str(error))
    for reason, paths in uncertain.items():
        scan_run.exit_codes.add(ExitCode.PARTIAL)
        output.report_failure(
            f"{paths[0]} is kept in the cache{and_more(len(paths))}, though it may be gone: {reason}", paths[0]
        )


# -- the overview ----------------------------------------------------------------------------------------------------


def _write_overview(scan_run: ScanRun, fresh: Iterator[Session], output: SessionOutput, directory: Path) -> list[Path]:
    """Write the overview of the sessions of this run as they come; return its directories for their formats."""
    run = scan_run.run
    asked_for = () if scan_run.format == AUTO else tuple(scan_run.formats)
    destination = Destination(directory=directory, call=scan_run.services.script_call(), formats=asked_for)
    sessions = every_session(scan_run, fresh, output)
    try:
        write_overview(sessions, destination, run.settings.facility, scan_run.now)
    except SaveError as error:
        scan_run.exit_codes.add(ExitCode.PARTIAL)
        output.report_failure(str(error))
        for _ in sessions:  # the rest of the scan is done all the same
            pass
        return []
    return [path for each in sorted(scan_run.found.union(asked_for)) if (path := directory / each).is_dir()]


def every_session(scan_run: ScanRun, fresh: Iterator[Session], output: SessionOutput) -> Iterator[Session]:
    """Yield the sessions of this run as they come, then those that only the cache has: each once.

    Raises Cancelled, and SaveError where ICAT+ is doubted.
    """
    seen: set[str] = set()
    for session in fresh:
        seen.add(session.directory.path)
        yield session if session.determined else _last_known(scan_run, session)
    if scan_run.totals.doubt:
        raise SaveError("The overview was left as it was, as ICAT+ may not be the right one")
    yield from _cached_only(scan_run, seen, output)


def _cached_only(scan_run: ScanRun, seen: set[str], output: SessionOutput) -> Iterator[Session]:
    """Yield the sessions that only the cache has, and report its files that can't be read."""
    if scan_run.cache is None:
        return
    unread: list[str] = []
    for found in known_sessions(scan_run.cache, scan_run.formats, scan_run.services.facility):
        scan_run.run.cancellation.check()
        if not isinstance(found, Unreadable):
            if found.directory.path not in seen:
                yield found
        elif os.path.lexists(found.path):
            unread.append(found.path)
        else:
            scan_run.cache_faults.append(found.reason)
    if unread:
        scan_run.exit_codes.add(ExitCode.PARTIAL)
        more = and_more(len(unread))
        output.report_failure(f"the overview lacks sessions, as {unread[0]} can't be read{more}: let us read them")


def _last_known(scan_run: ScanRun, session: Session) -> Session:
    """Return a session that could not be determined now as it was known before, marked stale."""
    if scan_run.cache is None:
        return session
    return last_known(scan_run.cache, session.directory, scan_run.services.facility) or session

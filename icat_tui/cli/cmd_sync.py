"""`icat-tui sync`: the work without a screen. Scans, prints, and writes the overview.

What must stay true: the overview has each session once, and is not touched by a run that was called off.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from msgspec import structs

from icat_tui.cache.invalidate import Finding, invalidate
from icat_tui.cache.legacy_cache import old_sessions, read_old_session
from icat_tui.cache.session_cache import Unreadable
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.cli.scan_run import Scanning
from icat_tui.cli.session_reporter import Output, in_the_words_of_sync_raw
from icat_tui.domain.errors import ExitCode, SaveError
from icat_tui.domain.formats import AUTO
from icat_tui.domain.model import Session
from icat_tui.report.overview import Destination, write_overview
from icat_tui.report.sync_text import closing_text
from icat_tui.report.totals import TODO
from icat_tui.text import and_more


def sync(run: Run) -> ExitCode:
    """Scan what was asked for, print it, write the overview, and return what it came to.

    Raises UsageError where the settings don't suffice or a named thing is not there, Cancelled when it is called off.
    """
    asked, settings, now = run.asked, run.settings, datetime.now(UTC)
    scanning = Scanning(run, now, keep_cache=True)
    output = Output(run, in_the_words_of_sync_raw(settings.facility, now))
    overview: list[Path] = []
    if not asked.quiet:
        cache_dir = Path(settings.cache_dir) if settings.cache_dir else None
        run.ending.closing = closing_text(scanning.totals, cache_dir, overview)
    fresh = scanning.sessions(output)
    if asked.register or asked.auto_register:
        from icat_tui.cli.register_run import Registering  # noqa: PLC0415 - late: most runs send nothing

        registering = Registering(scanning, output, now)
        fresh = registering.through(scanning.sessions(output, registering.holds))
        run.ending.sent = registering.reporter.sent
        if not asked.quiet:
            run.ending.closing = chain(run.ending.closing, registering.reporter.closing_text())
    if asked.invalidate_cache:
        _invalidate(scanning, output)
    if settings.save_dir:
        overview += _write_overview(scanning, fresh, output, Path(settings.save_dir))
    else:
        for _ in fresh:
            pass
    return scanning.finish(output, TODO if asked.exit_code else ())


# -- the cache -------------------------------------------------------------------------------------------------------


def _invalidate(scanning: Scanning, output: Output) -> None:
    """Drop cached sessions that are gone or have changed. Raises Cancelled."""
    settings = scanning.run.settings
    if scanning.cache is None:
        log.warning("--invalidate-cache does nothing without a cache: give --cache-dir")
        return
    uncertain: dict[str, list[str]] = {}
    age, jobs = settings.fingerprint_age, settings.jobs
    try:
        for found in invalidate(
            scanning.cache, scanning.formats, scanning.surroundings, fingerprint_age=age, jobs=jobs
        ):
            scanning.run.stop.check()
            if isinstance(found, Unreadable):
                scanning.unusable.append(found.reason)
            elif found.finding == Finding.UNCERTAIN:
                uncertain.setdefault(found.reason, []).append(found.directory.path)
            elif found.finding != Finding.KEPT:
                log.info("%s is %s: dropped from the cache", found.directory.path, found.finding)
    except SaveError as error:
        scanning.happened.add(ExitCode.PARTIAL)
        output.failure(str(error))
    for reason, paths in uncertain.items():
        scanning.happened.add(ExitCode.PARTIAL)
        output.failure(
            f"{paths[0]} is kept in the cache{and_more(len(paths))}, though it may be gone: {reason}", paths[0]
        )


# -- the overview ----------------------------------------------------------------------------------------------------


def _write_overview(scanning: Scanning, fresh: Iterator[Session], output: Output, directory: Path) -> list[Path]:
    """Write the overview of the sessions of this run as they come; return its directories that have to do with it."""
    run = scanning.run
    asked_for = () if scanning.format == AUTO else tuple(scanning.formats)
    destination = Destination(directory=directory, call=scanning.services.script_call(), formats=asked_for)
    sessions = every_session(scanning, fresh, output)
    try:
        write_overview(sessions, destination, run.settings.facility, scanning.now)
    except SaveError as error:
        scanning.happened.add(ExitCode.PARTIAL)
        output.failure(str(error))
        for _ in sessions:  # what is left of the scan is done all the same
            pass
        return []
    return [path for each in sorted(scanning.found.union(asked_for)) if (path := directory / each).is_dir()]


def every_session(scanning: Scanning, fresh: Iterator[Session], output: Output) -> Iterator[Session]:
    """Yield the sessions of this run as they come, then those that only a cache knows: each once. Raises Cancelled."""
    seen: set[str] = set()
    for session in fresh:
        seen.add(session.directory.path)
        yield session if session.determined else _last_known(scanning, session)
    unread: list[str] = []
    for session in _cached(scanning, unread):
        if session.directory.path not in seen:
            seen.add(session.directory.path)
            yield session
    if unread:
        scanning.happened.add(ExitCode.PARTIAL)
        output.failure(
            f"the overview lacks sessions, as {unread[0]} can't be read{and_more(len(unread))}: let us read them"
        )


def _cached(scanning: Scanning, unread: list[str]) -> Iterator[Session]:
    """Yield what our cache knows, then what those of the programs before us do; fill in what could not be read.

    A torn file was set aside, and knows nothing. One that can't be read may know of a session that nobody else does.
    """
    cache_dir = scanning.run.settings.cache_dir
    if scanning.cache is None or cache_dir is None:
        return
    for raw_format in scanning.formats:
        for found in scanning.cache.verdicts(raw_format):
            scanning.run.stop.check()
            if not isinstance(found, Unreadable):
                yield found.session
            elif os.path.lexists(found.path):
                unread.append(found.path)
            else:
                scanning.unusable.append(found.reason)
    for raw_format in scanning.formats:
        yield from old_sessions(Path(cache_dir), raw_format, scanning.run.settings.facility)


def _last_known(scanning: Scanning, session: Session) -> Session:
    """Return what was known of a session before, as that, where it could not be determined now."""
    settings, directory = scanning.run.settings, session.directory
    if scanning.cache is None or settings.cache_dir is None:
        return session
    known = scanning.cache.verdict(directory)
    if known is not None and not isinstance(known, Unreadable):
        return structs.replace(known.session, stale=True)
    name = f"{directory.proposal}_{directory.beamline}_{directory.date}.json"
    old = read_old_session(Path(settings.cache_dir, directory.format, name), directory.format, settings.facility)
    return old if old and old.directory.path == directory.path else session

"""Text of a scan on stdout, in the order and the words of `icat-sync-raw` (icat.md, "Output and exit codes").

What must stay true: lines are text and never markup, every name in them has been made visible, and glyph and word
express the same as the colour. rich is imported only to colour.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import session_date
from icat_tui.domain.model import Fit, Match, Session, category_now
from icat_tui.domain.status import Category, Status
from icat_tui.domain.timeslot import Phase, inside_timeslot, phase
from icat_tui.report.lines import Line
from icat_tui.report.shell_words import bash_word
from icat_tui.report.totals import Totals
from icat_tui.text import and_more, counted, visible

RULE = "-" * 32
TITLES = {
    Status.REGISTERED: "Registered datasets",
    Status.INVALID: "Invalid datasets",
    Status.UNREGISTERED: "Unregistered datasets",
    Status.NOT_UPLOADED: "Datasets not uploaded",
    Status.REGISTERED_WITHOUT_FILES: "Registered datasets without files",
    Status.IN_PROGRESS: "Datasets in progress",
    Status.PENDING: "Pending datasets",
    Status.MISSING_ON_DISK: "Datasets missing on disk",
    Status.UNKNOWN: "Unknown datasets",
}
"""Statuses in the order in which they are listed: the five of `icat-sync-raw`, then those of icat-tui."""
ALWAYS_COUNTED = tuple(TITLES)[:5]
MOST_REASONS = 20
"""Reasons that are listed one by one at the end; more would not be read on a terminal."""


# -- one session -----------------------------------------------------------------------------------------------------


def session_text(session: Session, facility: Facility, now: datetime) -> Iterator[Line]:
    """Yield the summary of a session: its datasets by status and why, their counts, its directory, its time slot."""
    yield Line(RULE)
    yield from _datasets(session)
    yield Line()
    yield from _counts(session, facility)
    yield Line()
    yield from _directory(session)
    yield Line()
    yield from _investigation(session, facility, now)
    yield Line()
    yield Line(RULE)


def _datasets(session: Session) -> Iterator[Line]:
    for status, title in TITLES.items():
        datasets = [dataset for dataset in session.datasets if dataset.status == status]
        if not datasets:
            continue
        yield Line()
        yield Line(f"{status.glyph} {title}:", status.colour)
        for dataset in datasets:
            yield Line(f"  {visible(dataset.path)}/")
            for reason in dataset.reasons:
                yield Line(f"   {visible(reason)}")


def _counts(session: Session, facility: Facility) -> Iterator[Line]:
    category, counts = category_now(session), session.counts
    yield Line(f"{category.glyph} Datasets ({category.word.upper()}):", category.colour)
    if session.stale:
        seen = session.seen_at.astimezone(facility.zone).isoformat(" ", "seconds")
        yield Line(f" could not be determined now; as of {seen}:")
    for reason in session.reasons:
        yield Line(f" {visible(reason)}")
    for status in TITLES:
        number = counts.get(status, 0)
        if number or status in ALWAYS_COUNTED:
            yield Line(f" {status.glyph} {number} {status.word}", status.colour if number else "")


def _directory(session: Session) -> Iterator[Line]:
    directory = session.directory
    yield Line(f"Directory: {visible(directory.raw_path)}/")
    day = session_date(directory.date)
    warning = " (WARNING: not inside time slot!)" if inside_timeslot(session.fit) is False else ""
    yield Line(f" Start time: {day or visible(directory.date)}{warning}", "yellow" if warning else "")


def _investigation(session: Session, facility: Facility, now: datetime) -> Iterator[Line]:
    directory, fit = session.directory, session.fit
    search = Line(f" Search URL: {visible(facility.search_url(directory.beamline, directory.proposal))}")
    if fit is None:
        # Only a complete, empty answer means that there is none (icat.md, "Known faults", D4).
        none = category_now(session) == Category.NOT_IN_ICAT
        yield Line("No corresponding investigation" if none else "Investigation: could not be determined")
        yield search
        return
    yield Line(f"Investigation ID: {fit.id}")
    yield Line(f" URL: {facility.investigation_url(fit.id)}")
    yield search
    yield from _timeslot(fit, facility, now)
    yield Line(f" Match: {fit.match}", "" if fit.match == Match.INSIDE else "yellow")
    if fit.match in (Match.FAR, Match.AMBIGUOUS):
        yield from _candidates(session, facility)


def _timeslot(fit: Fit, facility: Facility, now: datetime) -> Iterator[Line]:
    if fit.start is not None:
        relation = _relation(fit.start, now, "Started", "start")
        yield Line(f" Start time: {fit.start.astimezone(facility.zone)} {relation}")
    if fit.end is None:
        yield Line(" Duration: open-ended (not official)")
        return
    yield Line(f" End time: {fit.end.astimezone(facility.zone)} {_relation(fit.end, now, 'Ended', 'end')}")
    if fit.start is not None:
        warning = " (WARNING: ONGOING)" if phase(fit.start, fit.end, now) == Phase.ONGOING else ""
        yield Line(f" Duration: {fit.end - fit.start}{warning}", "yellow" if warning else "")


def _relation(moment: datetime, now: datetime, past: str, future: str) -> str:
    if now >= moment:
        return f"({past} {_seconds(now - moment)} ago)"
    return f"(Will {future} in {_seconds(moment - now)})"


def _seconds(duration: timedelta) -> timedelta:
    """Return a positive duration in whole seconds."""
    return timedelta(days=duration.days, seconds=duration.seconds)


def _candidates(session: Session, facility: Facility) -> Iterator[Line]:
    yield Line(" Candidates, to be chosen by --investigation ID:")
    for candidate in session.candidates:
        start, end = (
            moment.astimezone(facility.zone).isoformat(" ") if moment else "???"
            for moment in (candidate.start, candidate.end)
        )
        yield Line(f"  {candidate.id}: {start} - {end} {visible(candidate.title or '')}".rstrip())


# -- the end of a run ------------------------------------------------------------------------------------------------


def closing_text(totals: Totals, cache_dir: Path | None = None, overview: Sequence[Path] = ()) -> Iterator[Line]:
    """Yield the sums at the end of a run; `overview` are the directories of the overview, one for each format."""
    yield Line()
    sessions = ", ".join(
        f"{category.glyph} {number} {category.word}" for category in Category if (number := totals.categories[category])
    )
    yield Line(f"{counted(totals.sessions, 'session')}{': ' if sessions else ''}{sessions}")
    if totals.cancelled:
        yield Line("Stopped before everything was looked at", "yellow")
    seconds, tenths = divmod(round(totals.seconds * 10), 10)
    yield Line(f"Total synchronization time was {timedelta(seconds=seconds)}.{tenths}")
    if cache_dir is not None:
        yield Line(f"Cache was used from {visible(str(cache_dir))}")
    for directory in overview:
        yield Line(f"Results can be found in {visible(str(directory))}")
        if totals.categories[Category.TODO]:
            yield Line(f"To fix issues run {bash_word(str(directory / 'todo.sh'))} --register")


def ignored_text(totals: Totals) -> Iterator[Line]:
    """Yield a line for each of the first directories that hold raw data and are no sessions, and their number."""
    for path, reason in totals.first_ignored:
        yield Line(f"not a session directory: {visible(path)}, {visible(reason)}", "yellow")
    if more := totals.ignored - len(totals.first_ignored):
        yield Line(f"{more:,} more hold raw data and are no session directories: --json lists them", "yellow")


def trouble_text(totals: Totals) -> Iterator[Line]:
    """Yield failures, one line for each of the first reasons, and one for what else is unknown."""
    for reason, (path, number) in islice(totals.troubles.items(), MOST_REASONS):
        yield Line(f"{visible(path)}: {visible(reason)}{and_more(number)}", "red")
    if len(totals.troubles) > MOST_REASONS:
        more = counted(len(totals.troubles) - MOST_REASONS, "reason")
        yield Line(f"{more} more why something is unknown: the sessions themselves tell, and unknown.csv", "red")
    if totals.unknown_elsewhere:
        path, reason = totals.first_unknown
        datasets = counted(totals.unknown_elsewhere, "dataset")
        first = "the first is " if totals.unknown_elsewhere > 1 else ""
        yield Line(f"{datasets} could not be determined: {first}{visible(path)} ({visible(reason)})", "red")
    if totals.unsaved:
        yield Line(f"{visible(totals.first_unsaved)}{and_more(totals.unsaved)}", "red")

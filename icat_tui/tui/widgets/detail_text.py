"""The text of the detail: the reasons first.

What must stay true: every text that comes from outside has been made visible, and none of it is markup.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from textual.content import Content

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Dataset, FileCount, Match, Session, category_now
from icat_tui.domain.status import Category, Marked, Status
from icat_tui.domain.summary import STATUSES, Counts, SessionRow
from icat_tui.text import counted, moment_text, slot_text, visible
from icat_tui.tui.state.nodes import Tally
from icat_tui.tui.theme import style
from icat_tui.tui.widgets.status_text import sessions_text

FITS = {
    Match.INSIDE: "the session is inside its time slot",
    Match.EDGE: "the session is at the edge of its time slot",
    Match.FAR: "the session is far from its time slot: choose one of the candidates",
    Match.AMBIGUOUS: "it could be another one just as well: choose one of the candidates",
}
NAME_WIDTH = 14
"""Columns of what a line is about."""


class DetailLine(NamedTuple):
    """Line of the detail: what it is about, a text that has been made visible, and its colour name."""

    about: str
    text: str
    colour: str = ""


def dataset_detail(session: Session, dataset: Dataset, facility: Facility, files: FileCount | None = None) -> Content:
    """Return what is told about a dataset; `files` are counted on disk once there was time to."""
    return _content(_dataset(session, dataset, facility, files))


def session_detail(session: Session, facility: Facility, now: datetime) -> Content:
    """Return what is told about a session."""
    return _content(_session(session, facility, now))


def unscanned_detail(row: SessionRow) -> Content:
    """Return what is told about a session of which no more is known than where it lies."""
    return _content(
        [DetailLine("", "  not scanned yet: enter or s scans it"), DetailLine("path", visible(row.directory.path))],
    )


def group_detail(label: str, together: Tally, within: Mapping[str, Mapping[Category | None, int]]) -> Content:
    """Return what is told about a proposal, a beamline or a collection.

    `within` has sessions by category: those of each beamline of a proposal, and the other way round, or all of them
    under an empty name. It is empty for a collection.
    """
    lines = [DetailLine("", visible(label))]
    lines += [
        DetailLine(f"{visible(name)} " if name else "", sessions_text(categories))
        for name, categories in within.items()
    ]
    return _content([*lines, *_counts(together.counts)])


# -- lines -----------------------------------------------------------------------------------------------------------


def _dataset(session: Session, dataset: Dataset, facility: Facility, files: FileCount | None) -> Iterator[DetailLine]:
    yield _head(dataset.status)
    yield from _reasons(dataset.reasons)
    yield from _time_slot(session, facility)
    if dataset.sample is not None:
        yield DetailLine("sample", visible(dataset.sample))
    if dataset.start or dataset.end:
        yield DetailLine("taken", slot_text(dataset.start, dataset.end, facility.zone))
    yield DetailLine("files", _files(dataset, files))
    yield DetailLine("path", visible(dataset.path))
    if dataset.stored:
        yield DetailLine("metadata", visible(dataset.stored))
    yield from _links(session, facility)


def _session(session: Session, facility: Facility, now: datetime) -> Iterator[DetailLine]:
    yield _head(category_now(session))
    if session.stale:
        yield DetailLine("", "could not be determined now; this is what was known before", Status.UNKNOWN.colour)
    yield from _reasons(session.reasons)
    yield from _time_slot(session, facility)
    counts = session.counts
    yield from _counts(tuple(counts.get(status, 0) for status in STATUSES))
    asked = moment_text(session.seen_at, now, facility.zone) if session.seen_at else "not yet"
    yield DetailLine("asked ICAT", asked)
    yield DetailLine("path", visible(session.directory.path))
    yield from _links(session, facility)


def _head(sign: Marked) -> DetailLine:
    return DetailLine("", f"{sign.glyph} {sign.word}: {sign.meaning}", sign.colour)


def _reasons(reasons: Sequence[str]) -> Iterator[DetailLine]:
    for reason in reasons:
        yield DetailLine("why", visible(reason))


def _time_slot(session: Session, facility: Facility) -> Iterator[DetailLine]:
    fit = session.fit
    if fit is None:
        none = category_now(session) == Category.NOT_IN_ICAT
        yield DetailLine("investigation", "none in ICAT" if none else "could not be determined")
        return
    yield DetailLine("time slot", slot_text(fit.start, fit.end, facility.zone))
    yield DetailLine("investigation", f"{fit.id}: {FITS[fit.match]}", "" if fit.match == Match.INSIDE else "yellow")
    if fit.match in (Match.FAR, Match.AMBIGUOUS):
        for candidate in session.candidates:
            slot = slot_text(candidate.start, candidate.end, facility.zone)
            yield DetailLine("candidate", f"{candidate.id}: {slot} {visible(candidate.title or '')}".rstrip())


def _files(dataset: Dataset, files: FileCount | None) -> str:
    on_disk = files.on_disk if files else None
    registered = dataset.file_count if dataset.icat_id is not None else 0
    if dataset.status == Status.UNKNOWN and dataset.icat_id is None:
        registered = None
    has = "an unknown number" if registered is None else f"{registered:,}"
    if files is None or on_disk is None:
        return f"ICAT has {has}; not counted on disk"
    return f"ICAT has {has} of {'' if files.complete else 'at least '}{on_disk:,}"


def _counts(counts: Counts) -> Iterator[DetailLine]:
    for status, number in zip(STATUSES, counts, strict=False):
        if number:
            yield DetailLine("", f"{status.glyph} {counted(number, 'dataset')} {status.word}", status.colour)


def _links(session: Session, facility: Facility) -> Iterator[DetailLine]:
    directory = session.directory
    if session.fit is not None:
        yield DetailLine("portal", visible(facility.investigation_url(session.fit.id)))
    yield DetailLine("search", visible(facility.search_url(directory.beamline, directory.proposal)))


def _content(lines: Sequence[DetailLine] | Iterator[DetailLine]) -> Content:
    return Content("\n").join(
        Content.assemble((f"{line.about:{NAME_WIDTH}}" if line.about else "", ""), (line.text, style(line.colour)))
        for line in lines
    )

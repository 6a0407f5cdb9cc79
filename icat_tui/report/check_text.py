"""Text of `icat-tui check` for a scientist: the data that the catalogue has or lacks, why, and a mail that asks for it.

What must stay true: data that could not be checked is never called missing, the text begins with how many files on
disk the catalogue has, and ends with what `check` does not look at.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import session_date
from icat_tui.domain.model import MOST_FILES_IN_ICAT, Dataset, FileCount, Session, category_now
from icat_tui.domain.status import ACTIONABLE, Category, Marked, Status
from icat_tui.domain.timeslot import inside_timeslot, is_over
from icat_tui.report.lines import Line
from icat_tui.text import counted, visible

IN_CATALOGUE = (Status.REGISTERED, Status.REGISTERED_WITHOUT_FILES)
"""On disk and in the catalogue."""
NOT_IN_CATALOGUE = (Status.UNREGISTERED, Status.NOT_UPLOADED, Status.INVALID, Status.IN_PROGRESS)
"""Known not to be in the catalogue: ICAT has none of their files."""

EXPLANATIONS = {
    Status.UNREGISTERED: "can be registered: everything needed is there, but the catalogue was not told",
    Status.NOT_UPLOADED: "can be registered: a message to the catalogue was written, but did not get there",
    Status.REGISTERED_WITHOUT_FILES: "in the catalogue, but without files, so they can't be downloaded",
    Status.INVALID: "can't be registered as is",
    Status.IN_PROGRESS: "may still be written, and should get there without you: look again later",
    Status.PENDING: "on the way: sent, and not seen in the catalogue yet",
    Status.UNKNOWN: "could not be checked; this does not mean that it is not there",
    Status.MISSING_ON_DISK: "in the catalogue, but no longer on disk; nothing is to be done in the catalogue",
}
"""Meaning of each status but `registered`, in the order in which they are listed."""
MOVED = "moved, as it looks: the catalogue has the same times and sample at a place that is not on disk any more"
"""Said in place of the status: it is for a person to decide, and does not get there by itself."""
LATE = "changed lately in a session that is over: look again later, as somebody may have to register it then"
"""Said of what is in progress in a session that is over: restored data, files that arrive late."""
NOT_LOOKED_AT = (
    "Not looked at: processed data (PROCESSED_DATA), and anything else outside the raw data directories. Nor was what",
    "is inside the files: only how many there are, without links and hidden files.",
)


def check_text(session: Session, files: Mapping[str, FileCount], facility: Facility) -> Iterator[Line]:
    """Yield the text about a session; `files` holds the file counts of its datasets by path.

    For datasets that ICAT does not have, counts on disk are enough; datasets without counts are left out of the sums.
    """
    marked = _headline(session, files)
    yield Line(f"{marked.glyph} {_name(session)}", marked.colour)
    yield Line(f"  {visible(session.directory.path)}")
    if outage := _outage(session):
        yield Line(f"  Could not be checked: {visible(outage)}. This does not mean that it is not there.")
        yield Line()
        return
    yield from _files(session, files)
    if session.stale:
        seen = session.seen_at.astimezone(facility.zone).isoformat(" ", "minutes")
        yield Line(f"  It could not be checked now. What was known on {seen}:", Status.UNKNOWN.colour)
    for reason in session.reasons:
        yield Line(f"  Note: {visible(reason)}")
    yield from _catalogue(session, facility)
    yield from _explanations(session)
    yield from _mail(session, files)
    yield Line()


def brief_check_text(session: Session, files: Mapping[str, FileCount]) -> Iterator[Line]:
    """Yield a line about a session, for several that were not named one by one."""
    marked = _headline(session, files)
    short = [each for each, _ in _short_of_files(session, files) if each.status == Status.REGISTERED]
    said = [_in_brief(session)]
    said += [f"ICAT lacks files of {counted(len(short), 'dataset')}"] if short else []
    text = f"{marked.glyph} {_name(session)}: {'; '.join(said)}  {visible(session.directory.path)}"
    yield Line(text, marked.colour)


def _in_brief(session: Session) -> str:
    if session.stale or _outage(session):
        return "could not be checked"
    if session.category == Category.NOT_IN_ICAT:
        return "the catalogue does not know this proposal at this beamline"
    if session.category == Category.EMPTY:
        return "; ".join(("no raw data", *map(visible, session.reasons)))
    there, on_disk = len(_with_status(session, *IN_CATALOGUE)), _number_on_disk(session)
    numbers = [f"{number:,} {status.word}" for status in EXPLANATIONS if (number := session.counts.get(status, 0))]
    return "; ".join((f"{there:,} of {counted(on_disk, 'dataset')} in the catalogue", *numbers))


def _outage(session: Session) -> str:
    """Return the one reason why nothing of a session could be checked; empty where there is none, or there are more."""
    checked = [each for each in session.datasets if each.status not in (Status.UNKNOWN, Status.MISSING_ON_DISK)]
    if session.stale or checked or category_now(session) != Category.UNKNOWN:
        return ""
    unknown = _with_status(session, Status.UNKNOWN)
    reasons = {*session.reasons, *(reason for dataset in unknown for reason in dataset.reasons)}
    return reasons.pop() if len(reasons) == 1 else ""


def _number_on_disk(session: Session) -> int:
    return len(session.datasets) - len(_with_status(session, Status.MISSING_ON_DISK))


def lacks_files(session: Session, files: Mapping[str, FileCount]) -> bool:
    """Return whether the catalogue has fewer files of a dataset than are on disk."""
    return bool(_short_of_files(session, files))


def closing_check_text(*, brief: bool = False) -> Iterator[Line]:
    """Yield the end of the whole text: what `check` did not look at; after lines in brief, where there is more."""
    if brief:
        yield Line()
        yield Line("More about a session: icat-tui check PATH")
    for text in NOT_LOOKED_AT:
        yield Line(text)


def _headline(session: Session, files: Mapping[str, FileCount]) -> Marked:
    """Return the category, or a status that stands for it: a session that lacks files is not simply there."""
    category = category_now(session)
    return Status.REGISTERED_WITHOUT_FILES if category == Category.OK and lacks_files(session, files) else category


def _short_of_files(session: Session, files: Mapping[str, FileCount]) -> list[tuple[Dataset, FileCount]]:
    return [
        (dataset, count)
        for dataset in _with_status(session, *IN_CATALOGUE)
        if (count := files.get(dataset.path)) and count.short
    ]


def _name(session: Session) -> str:
    directory = session.directory
    return visible(f"{directory.proposal} on {directory.beamline}, {session_date(directory.date) or directory.date}")


def _with_status(session: Session, *statuses: Status) -> list[Dataset]:
    return [dataset for dataset in session.datasets if dataset.status in statuses]


def _catalogue(session: Session, facility: Facility) -> Iterator[Line]:
    if session.category == Category.NOT_IN_ICAT:
        yield Line("  The catalogue does not know this proposal at this beamline, so it can't have any of this data.")
        return
    if session.category == Category.EMPTY:
        yield Line("  There is no raw data here.")
    on_disk = _number_on_disk(session)
    if on_disk:
        there, unchecked = len(_with_status(session, *IN_CATALOGUE)), len(_with_status(session, Status.UNKNOWN))
        if unchecked:
            yield Line(f"  Could not be checked: {unchecked:,} of {counted(on_disk, 'dataset')} on disk")
        if unchecked < on_disk:
            yield Line(f"  In the catalogue: {there:,} of {counted(on_disk, 'dataset')} on disk")
    if session.fit is not None:
        yield Line(f"  In the portal: {facility.investigation_url(session.fit.id)}")
    if inside_timeslot(session.fit) is False:
        yield Line("  Mind that this date is outside the time slot of that investigation: it may be another one's.")


def _files(session: Session, files: Mapping[str, FileCount]) -> Iterator[Line]:
    on_disk = in_icat = uncounted = 0
    complete = True
    for dataset in session.datasets:
        count = files.get(dataset.path)
        if count is None or dataset.status == Status.MISSING_ON_DISK:
            continue
        known = 0 if dataset.status in NOT_IN_CATALOGUE else count.in_icat
        if count.on_disk is None or known is None or dataset.status == Status.UNKNOWN:
            uncounted += 1
            continue
        on_disk += count.on_disk
        in_icat += min(known, count.on_disk)
        complete = complete and count.complete
    differing = list(_differing_counts(session, files))
    if on_disk:
        least = "" if complete else "at least "
        colon = ":" if differing else ""
        yield Line(f"  Of {least}{counted(on_disk, 'file')} counted on disk, ICAT has {in_icat:,}{colon}")
    yield from differing
    if uncounted:
        yield Line(f"  The files of {counted(uncounted, 'dataset')} could not be compared")


def _differing_counts(session: Session, files: Mapping[str, FileCount]) -> Iterator[Line]:
    """Yield a line for each dataset of which the catalogue has not all files."""
    for dataset in _with_status(session, *IN_CATALOGUE):
        count = files.get(dataset.path)
        if count is None or count.in_icat is None or count.on_disk is None or count.in_icat >= count.on_disk:
            continue
        most = "" if count.short else f"; it lists no more than {MOST_FILES_IN_ICAT:,} of a dataset"
        yield Line(f"    {visible(dataset.path)}: {_of_files(count)}{most}")


def _of_files(count: FileCount) -> str:
    return f"{count.in_icat:,} of {'' if count.complete else 'at least '}{count.on_disk:,}"


def _explanations(session: Session) -> Iterator[Line]:
    for status, meaning in EXPLANATIONS.items():
        datasets = _with_status(session, status)
        late = status == Status.IN_PROGRESS and _is_over(session)
        yield from _explanation(status, LATE if late else meaning, [each for each in datasets if not each.moved])
        yield from _explanation(status, MOVED, [each for each in datasets if each.moved])


def _is_over(session: Session) -> bool:
    return session.fit is not None and is_over(session.fit, session.seen_at)


def _explanation(status: Status, meaning: str, datasets: Sequence[Dataset]) -> Iterator[Line]:
    if not datasets:
        return
    yield Line()
    yield Line(f"  {status.glyph} {counted(len(datasets), 'dataset')} {meaning}:", status.colour)
    for reasons, together in groupby(datasets, key=lambda dataset: dataset.reasons):  # one outage is one reason
        for dataset in together:
            yield Line(f"    {visible(dataset.path)}")
        for reason in reasons:
            yield Line(f"      {visible(reason)}")


# -- the mail --------------------------------------------------------------------------------------------------------


def _mail(session: Session, files: Mapping[str, FileCount]) -> Iterator[Line]:
    paragraphs = list(_mail_paragraphs(session, files))
    if session.stale or not paragraphs:
        return
    yield Line()
    if session.category == Category.TODO_ONGOING and not _is_over(session):
        yield Line("  The session is not over yet, so this may still happen by itself. Wait until it is; then:")
    yield Line("  You can copy this into a mail to your local contact:")
    for text, lines in paragraphs:
        yield Line()
        yield Line(f"    {text}")
        for line in lines:
            yield Line(f"      {visible(line)}")


def _mail_paragraphs(session: Session, files: Mapping[str, FileCount]) -> Iterator[tuple[str, Sequence[str]]]:
    if session.category == Category.NOT_IN_ICAT:
        yield (
            f"ICAT has no investigation for {_name(session)}. Could you please look into it?",
            [session.directory.path],
        )
        return
    missing = _with_status(session, *(status for status in ACTIONABLE if status != Status.REGISTERED_WITHOUT_FILES))
    for wish, datasets in (
        ("register", [dataset for dataset in missing if not dataset.moved]),
        ("correct where the catalogue has", [dataset for dataset in session.datasets if dataset.moved]),
        ("add the files of", _with_status(session, Status.REGISTERED_WITHOUT_FILES)),
        ("find out what is wrong with", _with_status(session, Status.INVALID)),
    ):
        if datasets:
            yield f"Could you please {wish} {_these(datasets)} ({_name(session)})?", [each.path for each in datasets]
    short = [each for each in _short_of_files(session, files) if each[0].status == Status.REGISTERED]
    if short:
        these = _these([dataset for dataset, _ in short])
        yield (
            f"Could you please add the files that ICAT lacks of {these} ({_name(session)})?",
            [f"{dataset.path} (ICAT id {dataset.icat_id}): {_of_files(count)} files" for dataset, count in short],
        )


def _these(datasets: Sequence[Dataset]) -> str:
    return "this dataset" if len(datasets) == 1 else f"these {len(datasets):,} datasets"

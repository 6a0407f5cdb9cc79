"""Sending of planned messages that were never sent, byte for byte as they were confirmed (interface.md, "Journal").

What must stay true: only plans are sent, never a message that was sent or may have been; and only while disk, ICAT and
journal are as they were when it was planned (promises.md 3, 4).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from icat_tui.cancel import Cancellation
from icat_tui.disk.stored_xml import parse_stored
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import session_of
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Status
from icat_tui.journal.reader import Sending
from icat_tui.journal.records import planned_message
from icat_tui.sync.plan import NEEDS_CHOICE
from icat_tui.sync.session_lock import SessionLockedError
from icat_tui.sync.site import Site, session_at
from icat_tui.sync.submit import Outbox, SessionLocked, Submission, SubmitEvent, look_again

MAY_BE_REGISTERED = frozenset({Status.UNREGISTERED, Status.NOT_UPLOADED, Status.INVALID})
"""Statuses that are not in ICAT and at rest; an invalid dataset may be planned by hand, with what it lacks."""


def resume(
    planned: Iterable[Sending], submission: Submission, site: Site, cancellation: Cancellation
) -> Iterator[SubmitEvent]:
    """Send planned messages that are still valid, and yield all outcomes; the last event is `SendingFinished`.

    Each session is locked while it is sent. Raises UsageError where nothing may be sent, SaveError where the journal
    can't be read or written, or no lock can be made: nothing more is sent then.
    """
    by_dataset = sorted(planned, key=lambda sending: sending.dataset)
    with Outbox(submission, cancellation) as outbox:
        yield from outbox.send(_still_valid(by_dataset, submission, site, outbox, cancellation))


def _still_valid(
    planned: Sequence[Sending], submission: Submission, site: Site, outbox: Outbox, cancellation: Cancellation
) -> Iterator[Message]:
    """Yield the messages that are still valid, session by session."""
    by_session: dict[str | None, list[Message]] = {}
    for sending in planned:  # by the session in its path, also where the dataset itself is gone
        message = planned_message(submission.journal.path, sending.plan or 0)
        by_session.setdefault(session_of(sending.dataset), []).append(message)
    for path, messages in by_session.items():
        directory = session_at(path, site) if path else None
        if directory is None:
            outbox.skip(messages, "its session is not on this machine's disk: nobody could look at it again")
            continue
        try:
            outbox.lock(directory)
        except SessionLockedError as error:
            outbox.report(SessionLocked(directory, error.holder))
            outbox.skip(messages, str(error))
            continue
        outbox.drop_cached(directory)
        yield from _unchanged(directory, messages, submission, outbox, cancellation)


def _unchanged(
    directory: SessionDirectory,
    messages: Sequence[Message],
    submission: Submission,
    outbox: Outbox,
    cancellation: Cancellation,
) -> Iterator[Message]:
    """Yield the messages of a session that are still valid, by disk, ICAT and journal as they are now."""
    submission.view.refresh()
    open_plans = {sending.id for sending in submission.view.index.planned()}
    session = look_again(directory, submission, cancellation)
    for message in messages:
        if message.id not in open_plans:
            outbox.skip([message], "it was sent meanwhile, or something else about the same dataset was")
        elif session is None:
            outbox.skip([message], "its session could not be looked at again")
        elif reason := what_changed(message, session, submission.surroundings.facility):
            outbox.skip([message], reason)
        else:
            yield message


def what_changed(message: Message, session: Session, facility: Facility) -> str:
    """Return why a planned message is no longer valid for a session; empty where it is.

    It reads the file in `__icat__` that a stored message came from, and nothing else.
    """
    dataset = next((each for each in session.datasets if each.path == message.dataset), None)
    if dataset is None:
        return "; ".join(("nothing is known of it on disk now", *session.reasons))
    if message.action == Action.ADD_FILES:
        wanted = dataset.status == Status.REGISTERED_WITHOUT_FILES and dataset.icat_id == message.icat_id
        return "" if wanted else _now(dataset)
    if dataset.status not in MAY_BE_REGISTERED:
        return _now(dataset)
    if dataset.sent:
        return f"{dataset.sent}, and ICAT does not have it"
    return _other_investigation(message, session) or _other_content(message, dataset, facility)


def _now(dataset: Dataset) -> str:
    return f"it is {dataset.status.word} now" + (f": {'; '.join(dataset.reasons)}" if dataset.reasons else "")


def _other_investigation(message: Message, session: Session) -> str:
    """Return how the investigation differs from that of a message; empty where it does not, or the message has none."""
    fit, planned = session.fit, message.investigation
    if planned is None or (fit and fit.id == planned):
        return ""
    if fit and fit.match in NEEDS_CHOICE and any(row.id == planned for row in session.candidates):
        return ""  # a person chose it then
    return f"it was planned for investigation {planned}, and its session belongs to {fit.id if fit else 'none'} now"


def _other_content(message: Message, dataset: Dataset, facility: Facility) -> str:
    """Return how the dataset on disk differs from the content of a message; empty where it does not."""
    if message.action == Action.REGISTER_STORED:
        try:
            same = dataset.stored is not None and Path(dataset.stored).read_bytes() == message.body
        except OSError as error:
            return f"the file in __icat__ can't be read: {error.strerror}"
        return "" if same else "the file in __icat__ that was to be sent is gone or has changed"
    if dataset.status == Status.NOT_UPLOADED:
        return "BLISS has left a message for it since"
    if dataset.status == Status.INVALID:
        return ""  # it has no metadata that could have changed
    try:
        planned = parse_stored(dataset.path, message.body, facility.zone)
    except ValueError as error:
        return f"what was planned can't be compared with its files ({error})"
    found = dataset.start, dataset.end, (dataset.sample or "").replace("\n", "").strip()
    same = found == (planned.start, planned.end, planned.sample)
    return "" if same else "its files say something else than was to be sent"

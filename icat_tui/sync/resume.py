"""Sending of planned messages that were never sent, byte for byte as they were confirmed (interface.md, "Journal").

What must stay true: only plans are sent, never a message that was sent or may have been; and only while disk, ICAT and
journal are as they were when it was planned (promises.md 3, 4).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.disk.stored_xml import as_utf8, parse_stored
from icat_tui.domain.formats import session_of
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import Dataset, Session
from icat_tui.domain.status import Status
from icat_tui.ingest.dataset_xml import origin_of
from icat_tui.journal.sendings import Sending
from icat_tui.regular_file import read_regular
from icat_tui.sync.plan import NEEDS_CHOICE, Terms, make_plan
from icat_tui.sync.site import Site, session_at
from icat_tui.sync.submit import Outbox, Parcel, Submission, SubmitEvent, look_at_datasets

MAY_BE_REGISTERED = frozenset({Status.UNREGISTERED, Status.NOT_UPLOADED, Status.INVALID})
"""Statuses that are not in ICAT and at rest; an invalid dataset may be planned by hand, with what it lacks."""


def resume(
    planned: Iterable[Sending], submission: Submission, site: Site, cancellation: Cancellation
) -> Iterator[SubmitEvent]:
    """Send planned messages that are still valid, and yield all outcomes; the last event is `SendingFinished`.

    Each session is locked while it is sent; what belongs to one that somebody else is registering stays planned. Raises
    UsageError where nothing may be sent, SaveError where the journal can't be read or written, or no lock can be made:
    nothing more is sent then.
    """
    by_session: dict[str | None, list[Sending]] = {}
    for sending in sorted(planned, key=lambda sending: sending.dataset):
        by_session.setdefault(session_of(sending.dataset), []).append(sending)  # also where the dataset is gone
    with Outbox(submission, cancellation) as outbox:
        yield from outbox.send(
            _parcel(path, sendings, submission, site, cancellation) for path, sendings in by_session.items()
        )


def _parcel(
    path: str | None, planned: Sequence[Sending], submission: Submission, site: Site, cancellation: Cancellation
) -> Parcel:
    messages = [submission.view.reader.message(sending) for sending in planned]
    by_id = {sending.id: sending for sending in planned}
    directory = session_at(path, site) if path else None

    def look(messages: Sequence[Message]) -> Mapping[str, str]:
        if directory is None:
            return {
                each.id: "its session is not on this machine's disk: nobody could look at it again" for each in messages
            }
        paths = [message.dataset for message in messages]
        session = look_at_datasets(directory, paths, submission, cancellation)
        reasons = {}
        for message in messages:
            if not submission.view.is_planned(by_id[message.id]):
                reasons[message.id] = "it was sent meanwhile, or something else about the same dataset was"
            elif session is None:
                reasons[message.id] = "its session could not be looked at again"
            elif reason := what_changed(message, session, site):
                reasons[message.id] = reason
        return reasons

    lock = directory.path if directory else path or planned[0].dataset
    return Parcel(messages, lock, look, directory, keep_where_locked=True)


def what_changed(message: Message, session: Session, site: Site) -> str:
    """Return why a planned message is no longer valid for a session; empty where it is.

    It reads the file in `__icat__` that a stored message came from, and nothing else.
    """
    dataset = next((each for each in session.datasets if each.path == message.dataset), None)
    if dataset is None:
        return "; ".join(("nothing is known of it on disk now", *session.reasons))
    if dataset.sent:
        return f"{dataset.sent}, and ICAT does not have it"
    if message.action == Action.ADD_FILES:
        wanted = dataset.status == Status.REGISTERED_WITHOUT_FILES and dataset.icat_id == message.icat_id
        return "" if wanted else _now(dataset)
    if dataset.moved:
        return f"it takes a confirmation of its own: {dataset.moved}"
    by_hand = message.investigation is None
    if dataset.status not in MAY_BE_REGISTERED or (dataset.status == Status.INVALID and not by_hand):
        return _now(dataset)
    return _other_investigation(message, session) or _other_content(message, session, dataset, site)


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


def _other_content(message: Message, session: Session, dataset: Dataset, site: Site) -> str:
    """Return how what would be sent now differs from a planned message; empty where it does not."""
    if message.action == Action.REGISTER_STORED:
        try:
            same = dataset.stored is not None and as_utf8(read_regular(dataset.stored)) == message.body
        except OSError as error:
            return f"the file in __icat__ can't be read: {error.strerror}"
        except ValueError as error:
            return f"the file in __icat__ is no message any more: {error}"
        return "" if same else "the file in __icat__ that was to be sent is gone or has changed"
    if dataset.status == Status.NOT_UPLOADED:
        return "BLISS has left a message for it since"
    if message.investigation is None:
        return _other_values(message, dataset, site)
    return "" if _made_now(message, session, site) == message.body else OTHER_CONTENT


OTHER_CONTENT = "its files say something else than was to be sent"


def _made_now(message: Message, session: Session, site: Site) -> bytes | None:
    """Return the message as it would be made now, for the same investigation, machine and software."""
    fit = session.fit and structs.replace(session.fit, id=message.investigation)
    terms = Terms(
        facility=site.facility,
        origin=origin_of(message.body, site.origin),
        statuses=(Status.UNREGISTERED,),
        paths=frozenset((message.dataset,)),
        chosen=message.investigation,
    )
    offers = list(make_plan(structs.replace(session, fit=fit), terms).offers)
    return offers[0].message.body if offers else None


def _other_values(message: Message, dataset: Dataset, site: Site) -> str:
    """Return how a dataset differs from a message that a person gave values for; empty where it does not."""
    if dataset.status == Status.INVALID:
        return ""  # it has no metadata that could have changed
    try:
        planned = parse_stored(dataset.path, message.body, site.facility.zone)
    except ValueError as error:
        return f"what was planned can't be compared with its files ({error})"
    found = dataset.start, dataset.end, (dataset.sample or "").replace("\n", "").strip()
    return "" if found == (planned.start, planned.end, planned.sample) else OTHER_CONTENT

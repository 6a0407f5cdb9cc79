"""Plans of what would be sent: values that a person can look at, count and confirm, then sent byte for byte.

What must stay true: a plan is made from a compared session alone. It holds for the time when that was scanned, and is
checked again just before sending (promises.md 3).
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from icat_tui.disk.stored_xml import as_utf8
from icat_tui.domain.errors import MessageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import Dataset, Match, Session, SessionDirectory
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.ingest.dataset_xml import Identity, Origin, add_files_body, dataset_body
from icat_tui.regular_file import read_regular
from icat_tui.text import visible

UNSUPERVISED = (Status.REGISTERED_WITHOUT_FILES,)
"""Statuses that are registered without a confirmation (promises.md 6)."""
NEEDS_CHOICE = frozenset({Match.FAR, Match.AMBIGUOUS})
"""Matches of an investigation with which a person has to choose it (icat.md, "Known faults", D27)."""


class Offer(Struct, frozen=True):
    """Dataset with the message that would be sent about it."""

    dataset: Dataset
    message: Message
    warnings: tuple[str, ...] = ()


class Declined(Struct, frozen=True):
    """Dataset that was requested and that nothing can be sent about, with the reason."""

    dataset: Dataset
    reason: str


class Group(Struct, frozen=True):
    """Offers of one status in one session, which are confirmed together."""

    status: Status
    offers: tuple[Offer, ...]
    again: bool = False
    """Whether these were sent before, and ICAT never showed them: that takes a confirmation of its own."""
    moved: bool = False
    """Whether these look moved from locations that ICAT has: that takes a confirmation of its own too."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why these take a confirmation of their own, in words; empty: they don't."""
        return ("sent before and not in ICAT",) * self.again + ("moved, as it looks",) * self.moved


class Plan(Struct, frozen=True):
    """Offers for one session, in the order of sending, with what was declined."""

    session: Session
    groups: tuple[Group, ...]
    declined: tuple[Declined, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a person should know before they confirm."""

    @property
    def offers(self) -> Iterator[Offer]:
        """All offers, in the order of sending."""
        return (offer for group in self.groups for offer in group.offers)


class Terms(Struct, frozen=True, kw_only=True):
    """Terms on which plans are made."""

    facility: Facility
    origin: Origin
    statuses: tuple[Status, ...] = ACTIONABLE
    paths: frozenset[str] | None = None
    """The selected datasets; None: all."""
    chosen: int | None = None
    """The investigation that a person chose for the session."""
    again: bool = False
    """Whether what was sent before, and never seen in ICAT, is offered again, and what looks moved is offered at all.

    Only where a person confirms it.
    """


def make_plan(session: Session, terms: Terms) -> Plan:
    """Return the plan for a session; reads no files but stored messages, which are sent as they are."""
    offers: dict[tuple[Status, bool, bool], list[Offer]] = {}
    declined: list[Declined] = []
    for dataset in session.datasets:
        if dataset.status not in terms.statuses and terms.paths is None:
            continue
        if terms.paths is not None and dataset.path not in terms.paths:
            continue
        result = _offer_or_decline(session, dataset, terms)
        if isinstance(result, Declined):
            declined.append(result)
        else:
            offers.setdefault((dataset.status, bool(dataset.sent), bool(dataset.moved)), []).append(result)
    groups = tuple(
        Group(status, tuple(offers[status, again, moved]), again, moved)
        for status in ACTIONABLE
        for moved in (False, True)
        for again in (False, True)
        if (status, again, moved) in offers
    )
    return Plan(session, groups, tuple(declined), tuple(_warnings(session, groups, terms)))


def _offer_or_decline(session: Session, dataset: Dataset, terms: Terms) -> Offer | Declined:
    """Return the offer of a selected dataset, or the reason why there is none."""
    if reason := _refusal(session, dataset, terms):
        return Declined(dataset, reason)
    try:
        return _offer(session, dataset, terms)
    except (MessageError, OSError, ValueError) as error:  # ValueError: the stored message is none any more
        return Declined(dataset, str(error))


def needs_choice(session: Session, terms: Terms) -> bool:
    """Return whether a person must choose the investigation before all selected datasets can be offered."""
    if session.fit is None or not _why_no_investigation(session, terms):
        return False
    need_investigation = set(terms.statuses) - {Status.REGISTERED_WITHOUT_FILES}
    return any(
        dataset.status in need_investigation and (terms.paths is None or dataset.path in terms.paths)
        for dataset in session.datasets
    )


def _refusal(session: Session, dataset: Dataset, terms: Terms) -> str:
    """Return why nothing can be sent about a dataset; empty where something can."""
    if dataset.status in (Status.IN_PROGRESS, Status.UNKNOWN, Status.PENDING) or dataset.status not in terms.statuses:
        return f"it is {dataset.status.word}" + (f": {'; '.join(dataset.reasons)}" if dataset.reasons else "")
    if dataset.sent and not terms.again:
        return f"{dataset.sent}, and ICAT does not have it: to send it again takes a confirmation of its own"
    if dataset.moved and not terms.again:
        return f"{dataset.moved}: to send it takes a confirmation of its own"
    return "" if dataset.status == Status.REGISTERED_WITHOUT_FILES else _why_no_investigation(session, terms)


def _why_no_investigation(session: Session, terms: Terms) -> str:
    """Return why the investigation of a session is not known; empty where it is, or a person has chosen it."""
    if session.fit is None:
        return "no investigation is known for its session"
    if session.fit.match in NEEDS_CHOICE and terms.chosen != session.fit.id:
        return f"its investigation is {session.fit.match}: choose one with --investigation"
    return ""


def _warnings(session: Session, groups: Iterable[Group], terms: Terms) -> Iterator[str]:
    if session.category == Category.TODO_ONGOING:
        yield "the session is not over: BLISS may still register some of this"
    if session.fit and session.fit.match in NEEDS_CHOICE and terms.chosen == session.fit.id:
        yield f"investigation {session.fit.id} was chosen by hand: it is {session.fit.match}"
    again = sum(len(group.offers) for group in groups if group.again)
    if again:
        yield f"{again} of these were sent before, and ICAT does not have them"
    moved = sum(len(group.offers) for group in groups if group.moved)
    if moved:
        yield f"{moved} of these look moved: sent, they are in ICAT twice, once where they were"


# -- one message -----------------------------------------------------------------------------------------------------


def _offer(session: Session, dataset: Dataset, terms: Terms) -> Offer:
    """Return the offer of a dataset. Raises MessageError, or OSError where a stored message can't be read."""
    if dataset.status == Status.REGISTERED_WITHOUT_FILES and dataset.icat_id is not None:
        return Offer(dataset, _add_files(session.directory, dataset, dataset.icat_id, terms))
    if dataset.status == Status.NOT_UPLOADED and dataset.stored is not None:
        return Offer(dataset, _register_stored(session, dataset, dataset.stored, terms))
    return _offer_new_message(session, dataset, terms)


def _add_files(directory: SessionDirectory, dataset: Dataset, icat_id: int, terms: Terms) -> Message:
    return Message(
        action=Action.ADD_FILES,
        destination=terms.facility.files_queue,
        body=add_files_body(icat_id),
        dataset=dataset.path,
        location=dataset.location,
        proposal=directory.proposal,
        beamline=directory.beamline,
        icat_id=icat_id,
        investigation=dataset.investigation,
    )


def _register_stored(session: Session, dataset: Dataset, stored: str, terms: Terms) -> Message:
    return Message(
        action=Action.REGISTER_STORED,
        destination=terms.facility.dataset_queue,
        body=as_utf8(read_regular(stored)),
        dataset=dataset.path,
        location=dataset.location,
        proposal=session.directory.proposal,
        beamline=session.directory.beamline,
        investigation=session.fit.id if session.fit else None,
    )


def _offer_new_message(session: Session, dataset: Dataset, terms: Terms) -> Offer:
    if session.fit is None or dataset.sample is None or dataset.start is None or dataset.end is None:
        raise MessageError(f"{visible(dataset.path)} lacks what it takes to register it: scan it again")
    metadata: dict[str, object] = {
        **dataset.parameters,
        "Sample_name": dataset.sample,
        "startDate": dataset.start,
        "endDate": dataset.end,
        "investigationId": session.fit.id,
    }
    identity = Identity(
        beamline=session.directory.beamline,
        proposal=session.directory.proposal,
        dataset=dataset.name,
        path=dataset.path,
    )
    body = dataset_body(identity, metadata, terms.origin, mount_marker=terms.facility.mount_marker)
    message = Message(
        action=Action.REGISTER,
        destination=terms.facility.dataset_queue,
        body=body.content,
        dataset=dataset.path,
        location=dataset.location,
        proposal=session.directory.proposal,
        beamline=session.directory.beamline,
        investigation=session.fit.id,
    )
    return Offer(dataset, message, body.warnings)

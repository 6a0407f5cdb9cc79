"""What would be sent: a value that a person can look at, count and confirm, and that is then sent byte for byte.

A plan comes from a compared session alone: what it says was true when the session was scanned, and is asked again just
before sending (promises.md 3).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from icat_tui.domain.errors import MessageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import Dataset, Fit, Match, Session
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.ingest.dataset_xml import Identity, Origin, add_files_body, dataset_body
from icat_tui.text import visible

UNSUPERVISED = (Status.REGISTERED_WITHOUT_FILES,)
"""What is registered without asking anybody (promises.md 6)."""
NEEDS_CHOICE = frozenset({Match.FAR, Match.AMBIGUOUS})
"""How an investigation may fit so that a person has to choose (icat.md, "Known faults", D27)."""


class Offer(Struct, frozen=True):
    """A dataset and the message that would be sent about it."""

    dataset: Dataset
    message: Message
    warnings: tuple[str, ...] = ()


class Declined(Struct, frozen=True):
    """A dataset that was asked for and that nothing can be sent about."""

    dataset: Dataset
    reason: str


class Group(Struct, frozen=True):
    """What is confirmed together: the offers of one status in one session."""

    status: Status
    offers: tuple[Offer, ...]
    again: bool = False
    """Whether these were sent before, and ICAT never showed them: that takes a confirmation of its own."""


class Plan(Struct, frozen=True):
    """Everything that would be sent for one session, in the order of sending."""

    session: Session
    groups: tuple[Group, ...]
    declined: tuple[Declined, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a person should know before they say yes."""

    @property
    def offers(self) -> Iterator[Offer]:
        """All offers, in the order of sending."""
        return (offer for group in self.groups for offer in group.offers)


class Terms(Struct, frozen=True, kw_only=True):
    """On what terms plans are made."""

    facility: Facility
    origin: Origin
    statuses: tuple[Status, ...] = ACTIONABLE
    paths: frozenset[str] | None = None
    """The datasets that are meant; None: all."""
    chosen: int | None = None
    """The investigation that a person chose for the session."""
    again: bool = False
    """Whether what was sent before, and never seen, is offered once more: on a person's own word only."""


def make_plan(session: Session, terms: Terms) -> Plan:
    """Return what would be sent for a session; only stored messages, which would go out as they are, are read."""
    offers: dict[tuple[Status, bool], list[Offer]] = {}
    declined: list[Declined] = []
    for dataset in session.datasets:
        if dataset.status not in terms.statuses and terms.paths is None:
            continue
        if terms.paths is not None and dataset.path not in terms.paths:
            continue
        considered = _considered(session, dataset, terms)
        if isinstance(considered, Declined):
            declined.append(considered)
        else:
            offers.setdefault((dataset.status, bool(dataset.sent)), []).append(considered)
    groups = tuple(
        Group(status, tuple(offers[status, again]), again)
        for status in ACTIONABLE
        for again in (False, True)
        if (status, again) in offers
    )
    return Plan(session, groups, tuple(declined), tuple(_warnings(session, groups, terms)))


def _considered(session: Session, dataset: Dataset, terms: Terms) -> Offer | Declined:
    """Return what is offered of a dataset that is meant, or why nothing is."""
    if reason := _refusal(session, dataset, terms):
        return Declined(dataset, reason)
    try:
        return _offer(session, dataset, terms)
    except (MessageError, OSError) as error:
        return Declined(dataset, str(error))


def needs_choice(session: Session, terms: Terms) -> bool:
    """Return whether a person must choose the investigation before all that is asked for can be offered."""
    if session.fit is None or not _unplaced(session, terms):
        return False
    placed = set(terms.statuses) - {Status.REGISTERED_WITHOUT_FILES}
    return any(
        dataset.status in placed and (terms.paths is None or dataset.path in terms.paths)
        for dataset in session.datasets
    )


def _refusal(session: Session, dataset: Dataset, terms: Terms) -> str:
    """Return why nothing can be sent about a dataset; empty where something can."""
    if dataset.status in (Status.IN_PROGRESS, Status.UNKNOWN, Status.PENDING):
        return f"it is {dataset.status.word}: {'; '.join(dataset.reasons)}"
    if dataset.status not in terms.statuses:
        return f"it is {dataset.status.word}"
    if dataset.sent and not terms.again:
        return f"{dataset.sent}, and ICAT does not have it: to send it again takes a confirmation of its own"
    return "" if dataset.status == Status.REGISTERED_WITHOUT_FILES else _unplaced(session, terms)


def _unplaced(session: Session, terms: Terms) -> str:
    """Return why nobody knows the investigation of a session; empty where it is known, or a person has chosen it."""
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


# -- one message -----------------------------------------------------------------------------------------------------


def _offer(session: Session, dataset: Dataset, terms: Terms) -> Offer:
    """Return the offer of a dataset. Raises MessageError, or OSError where a stored message can't be read."""
    if dataset.status == Status.REGISTERED_WITHOUT_FILES and dataset.icat_id is not None:
        return Offer(dataset, _add_files(dataset, dataset.icat_id, terms))
    if dataset.status == Status.NOT_UPLOADED and dataset.stored is not None:
        return Offer(dataset, _stored(session.fit, dataset, dataset.stored, terms))
    return _made(session, dataset, terms)


def _add_files(dataset: Dataset, icat_id: int, terms: Terms) -> Message:
    return Message(
        action=Action.ADD_FILES,
        destination=terms.facility.files_queue,
        body=add_files_body(icat_id),
        dataset=dataset.path,
        icat_id=icat_id,
        investigation=dataset.investigation,
    )


def _stored(fit: Fit | None, dataset: Dataset, stored: str, terms: Terms) -> Message:
    return Message(
        action=Action.REGISTER_STORED,
        destination=terms.facility.dataset_queue,
        body=Path(stored).read_bytes(),
        dataset=dataset.path,
        investigation=fit.id if fit else None,
    )


def _made(session: Session, dataset: Dataset, terms: Terms) -> Offer:
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
        investigation=session.fit.id,
    )
    return Offer(dataset, message, body.warnings)

"""Registering: confirmed plans are written to the journal, checked again, and sent.

What must stay true (promises.md 3 to 5): only what was confirmed is sent, byte for byte, and only while disk, ICAT and
journal are as they were then; and it counts as registered once ICAT lists it, not before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.message import Message
from icat_tui.domain.model import Dataset
from icat_tui.sync.plan import Offer, Plan, Terms, make_plan
from icat_tui.sync.submit import OrderJournal, Outbox, Parcel, Submission, SubmitEvent, look_at_datasets


def register(
    plans: Iterable[Plan],
    terms: Terms,
    submission: Submission,
    cancellation: Cancellation,
    planned_by: OrderJournal | None = None,
) -> Iterator[SubmitEvent]:
    """Send confirmed plans and yield their outcomes; the last event is `SendingFinished`.

    Each session is locked while it is sent, its cache file removed, and disk, ICAT and journal are examined again
    before its messages are sent. `planned_by` is the writer that has them in the journal already (`Submission.plan`).
    Raises UsageError where nothing may be sent, SaveError where the journal can't be read or written, or no lock can be
    made: nothing more is sent then.
    """
    confirmed = [plan for plan in plans if plan.groups]
    with Outbox(submission, cancellation, planned_by) as outbox:
        if planned_by is None:
            outbox.plan(offer.message for plan in confirmed for offer in plan.offers)
        yield from outbox.send(_parcel(plan, terms, submission, cancellation) for plan in confirmed)


def _parcel(plan: Plan, terms: Terms, submission: Submission, cancellation: Cancellation) -> Parcel:
    directory = plan.session.directory
    offers = {offer.message.id: offer for offer in plan.offers}

    def look(messages: Sequence[Message]) -> Mapping[str, str]:
        return _changes([offers[message.id] for message in messages], plan, terms, submission, cancellation)

    return Parcel(tuple(offer.message for offer in offers.values()), directory.path, look, directory)


def _changes(
    offers: Sequence[Offer], plan: Plan, terms: Terms, submission: Submission, cancellation: Cancellation
) -> Mapping[str, str]:
    """Return why offers of a session are not as they were when they were confirmed, by the ids of their messages."""
    paths = frozenset(offer.dataset.path for offer in offers)
    session = look_at_datasets(plan.session.directory, paths, submission, cancellation, terms.chosen)
    if session is None:
        return {offer.message.id: "its session could not be looked at again" for offer in offers}
    now = make_plan(session, structs.replace(terms, paths=paths, again=True))
    offered = {offer.dataset.path: offer for offer in now.offers}
    return {
        offer.message.id: _change(offer.dataset, now)
        for offer in offers
        if not _same(offer, offered.get(offer.dataset.path))
    }


def _same(confirmed: Offer, now: Offer | None) -> bool:
    """Return whether an offer made now is the one that was confirmed."""
    return (
        now is not None
        and confirmed.dataset.status == now.dataset.status
        and confirmed.dataset.sent == now.dataset.sent
        and confirmed.dataset.moved == now.dataset.moved
        and confirmed.message.destination == now.message.destination
        and confirmed.message.body == now.message.body
    )


def _change(confirmed: Dataset, now: Plan) -> str:
    """Return why a dataset is not sent as it was confirmed."""
    dataset = next((each for each in now.session.datasets if each.path == confirmed.path), None)
    if dataset is None:
        return "it is no longer on disk"
    if dataset.status != confirmed.status:
        return f"it is {dataset.status.word} now" + (f": {'; '.join(dataset.reasons)}" if dataset.reasons else "")
    declined = [each.reason for each in now.declined if each.dataset.path == confirmed.path]
    return declined[0] if declined else "what would be sent has changed since it was confirmed"

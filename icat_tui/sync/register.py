"""Registering: confirmed plans are written to the journal, checked again, and sent.

What must stay true (promises.md 3 to 5): only what was confirmed is sent, byte for byte, and only while disk, ICAT and
journal are as they were then; and it counts as registered once ICAT lists it, not before.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.message import Message
from icat_tui.domain.model import Dataset
from icat_tui.sync.plan import Offer, Plan, Terms, make_plan
from icat_tui.sync.session_lock import SessionLockedError
from icat_tui.sync.submit import Outbox, SessionLocked, Submission, SubmitEvent, look_again


def register(
    plans: Iterable[Plan], terms: Terms, submission: Submission, cancellation: Cancellation
) -> Iterator[SubmitEvent]:
    """Send confirmed plans and yield their outcomes; the last event is `SendingFinished`.

    Each session is locked while it is sent, its cache file removed, and disk, ICAT and journal are examined again
    before its first message is sent. Raises UsageError where nothing may be sent, SaveError where the journal can't be
    read or written, or no lock can be made: nothing more is sent then.
    """
    confirmed = [plan for plan in plans if plan.groups]
    with Outbox(submission, cancellation) as outbox:
        outbox.plan(offer.message for plan in confirmed for offer in plan.offers)
        yield from outbox.send(_still_valid(confirmed, terms, submission, outbox, cancellation))


def _still_valid(
    plans: Sequence[Plan], terms: Terms, submission: Submission, outbox: Outbox, cancellation: Cancellation
) -> Iterator[Message]:
    """Yield the messages that are as they were when they were confirmed, session by session."""
    for plan in plans:
        directory = plan.session.directory
        try:
            outbox.lock(directory)
        except SessionLockedError as error:
            outbox.report(SessionLocked(directory, error.holder))
            outbox.skip((offer.message for offer in plan.offers), str(error))
            continue
        outbox.drop_cached(directory)
        yield from _unchanged(plan, terms, submission, outbox, cancellation)


def _unchanged(
    plan: Plan, terms: Terms, submission: Submission, outbox: Outbox, cancellation: Cancellation
) -> Iterator[Message]:
    """Yield the messages of a session that are unchanged; the others are skipped."""
    session = look_again(plan.session.directory, submission, cancellation, terms.chosen)
    if cancellation:
        return  # nothing was found out, and nothing is sent any more
    if session is None:
        outbox.skip((offer.message for offer in plan.offers), "its session could not be looked at again")
        return
    paths = frozenset(offer.dataset.path for offer in plan.offers)
    now = make_plan(session, structs.replace(terms, paths=paths, again=True))
    offered = {offer.dataset.path: offer for offer in now.offers}
    for offer in plan.offers:
        found = offered.get(offer.dataset.path)
        if found and _same(offer, found):
            yield offer.message
        else:
            outbox.skip([offer.message], _change(offer.dataset, now))


def _same(confirmed: Offer, now: Offer) -> bool:
    """Return whether an offer made now is the one that was confirmed."""
    return (
        confirmed.dataset.status == now.dataset.status
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

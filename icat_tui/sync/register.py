"""Registering: what a person confirmed is planned in the journal, looked at again, sent, and looked for in ICAT.

What must stay true (promises.md 3 to 5): only what was confirmed is sent, byte for byte, and only while disk, ICAT and
journal still say what they said then; and it counts as registered once ICAT lists it, not before.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import SaveError
from icat_tui.domain.message import Message
from icat_tui.domain.model import Dataset, SessionDirectory
from icat_tui.domain.scan_events import SavingFailed
from icat_tui.ingest.sender import send
from icat_tui.sync.plan import Offer, Plan, Terms, make_plan
from icat_tui.sync.session_lock import SessionLockedError, locked
from icat_tui.sync.submit import MessageSkipped, Office, RegisterEvent, SessionLocked, look_again


def register(
    plans: Iterable[Plan], terms: Terms, office: Office, cancellation: Cancellation
) -> Iterator[RegisterEvent]:
    """Send confirmed plans and yield what becomes of them; the last event is `SendingFinished`.

    Each session is locked while it is at it, its cache file removed, and disk, ICAT and journal are asked again before
    its first message goes out. Raises SaveError where the journal can't be read or written, or no lock can be made:
    nothing more is sent then.
    """
    confirmed = [plan for plan in plans if plan.groups]
    office.journal.record_plans([offer.message for plan in confirmed for offer in plan.offers])
    with ExitStack() as locks:
        desk = _Desk(terms, office, cancellation, locks)
        for event in send(
            desk.still_valid(confirmed), office.broker, office.journal, cancelled=lambda: bool(cancellation)
        ):
            yield from desk.told()
            yield event


class _Desk:
    """Where plans are looked at once more before they go out."""

    def __init__(self, terms: Terms, office: Office, cancellation: Cancellation, locks: ExitStack) -> None:
        self.terms, self.office, self.cancellation, self.locks = terms, office, cancellation, locks
        self.happened: deque[RegisterEvent] = deque()

    def told(self) -> Iterator[RegisterEvent]:
        """Yield what happened here since the last time."""
        while self.happened:
            yield self.happened.popleft()

    def still_valid(self, plans: Iterable[Plan]) -> Iterator[Message]:
        """Yield the messages that are as they were when they were confirmed, session by session."""
        for plan in plans:
            directory = plan.session.directory
            try:
                self.locks.enter_context(locked(self.office.state_dir, directory))
            except SessionLockedError as error:
                self.happened.append(SessionLocked(directory, error.holder))
                self.skip(plan.offers, str(error))
                continue
            self.forget(directory)
            yield from self.unchanged(plan)

    def forget(self, directory: SessionDirectory) -> None:
        """Remove the cache file: whatever happens now, it is no longer true."""
        if self.office.cache is None:
            return
        try:
            self.office.cache.drop(directory)
        except SaveError as error:
            self.happened.append(SavingFailed(str(self.office.cache.path(directory)), str(error)))

    def unchanged(self, plan: Plan) -> Iterator[Message]:
        """Yield the messages of a session that one would confirm again."""
        session = look_again(plan.session.directory, self.office, self.cancellation, self.terms.chosen)
        if self.cancellation:
            return  # nothing was found out, and nothing is sent any more
        if session is None:
            self.skip(plan.offers, "its session could not be looked at again")
            return
        paths = frozenset(offer.dataset.path for offer in plan.offers)
        now = make_plan(session, structs.replace(self.terms, paths=paths, again=True))
        offered = {offer.dataset.path: offer for offer in now.offers}
        for offer in plan.offers:
            found = offered.get(offer.dataset.path)
            if found and _same(offer, found):
                yield offer.message
            else:
                self.skip([offer], _change(offer.dataset, now))

    def skip(self, offers: Iterable[Offer], reason: str) -> None:
        self.happened.extend(MessageSkipped(offer.message, reason) for offer in offers)


def _same(confirmed: Offer, now: Offer) -> bool:
    """Return whether what was confirmed is what one would confirm now."""
    return (
        confirmed.dataset.status == now.dataset.status
        and confirmed.dataset.sent == now.dataset.sent
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

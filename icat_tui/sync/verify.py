"""Verification: ICAT is queried for what was sent until it lists it, or the wait is over.

What must stay true: every investigation of the proposal is queried, as ICAT may put a dataset into another one than was
expected (promises.md 5).
"""

import time
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from msgspec import Struct

from icat_tui.cancel import Cancellation
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key, session_of
from icat_tui.domain.message import Action, Message
from icat_tui.journal.sendings import Sending
from icat_tui.sync.catalogue_query import Catalogue, list_proposal

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
"""Seconds between two queries; each pause is twice the one before, up to this."""

SentItem = Message | Sending
"""A message of this run, or of an earlier one by the journal."""


class MessageConfirmed(Struct, frozen=True):
    """Event: ICAT shows the effect of a message."""

    message: SentItem
    investigation: int
    """The investigation that lists the dataset."""
    icat_id: int


class VerifyFailed(Struct, frozen=True):
    """Event: whether ICAT shows the effect of a message could not be determined; it stays pending."""

    message: SentItem
    reason: str


VerifyEvent = MessageConfirmed | VerifyFailed


def verify(
    sent: Collection[SentItem],
    catalogue: Catalogue,
    facility: Facility,
    wait: timedelta,
    cancellation: Cancellation,
) -> Iterator[VerifyEvent]:
    """Yield the sent messages whose effect ICAT shows, querying at least once, then until `wait` is over.

    A message that is neither confirmed nor failed at the end was looked for and is not listed yet. Cancelling closes
    the catalogue, so that no answer is waited for.
    """
    unregister = cancellation.on_cancel(catalogue.close)
    try:
        yield from _poll(list(sent), catalogue, facility, wait, cancellation)
    finally:
        unregister()


def _poll(
    missing: Sequence[SentItem], catalogue: Catalogue, facility: Facility, wait: timedelta, cancellation: Cancellation
) -> Iterator[VerifyEvent]:
    deadline = time.monotonic() + wait.total_seconds()
    pause = FIRST_PAUSE
    while missing and not cancellation:
        found, failed = _find_listed(missing, catalogue, facility)
        yield from found
        done = {event.message.id for event in found}
        missing = [item for item in missing if item.id not in done]
        left = deadline - time.monotonic()
        if left <= 0 and not cancellation:
            yield from failed
            return
        if missing:
            cancellation.wait(min(pause, max(0.0, left)))
            pause = min(2 * pause, LONGEST_PAUSE)


def _find_listed(
    items: Sequence[SentItem], catalogue: Catalogue, facility: Facility
) -> tuple[list[MessageConfirmed], list[VerifyFailed]]:
    """Return the items that ICAT shows now, and those that could not be looked for."""
    confirmed: list[MessageConfirmed] = []
    failed: list[VerifyFailed] = []
    groups: dict[tuple[str, str] | None, list[SentItem]] = {}
    for item in items:
        groups.setdefault(_group(item, facility), []).append(item)
    for group, members in groups.items():
        if group is None:
            reason = "its path is in no session, so its proposal and beamline are not known"
            failed += [VerifyFailed(item, reason) for item in members]
            continue
        listing = list_proposal(catalogue, facility, *group)
        by_key = {key: rows[-1] for key, rows in listing.listed.by_key.items()}
        by_id = {row.id: row for row in listing.rows}
        for item in members:
            key, at = location_key(item.dataset, facility), location_key(item.location or item.dataset, facility)
            row = by_id.get(item.icat_id) if item.icat_id is not None else by_key.get(key) or by_key.get(at)
            if row and (item.action != Action.ADD_FILES or row.file_count):
                confirmed.append(MessageConfirmed(item, row.investigation, row.id))
            elif listing.trouble:
                failed.append(VerifyFailed(item, listing.trouble))
    return confirmed, failed


def _group(item: SentItem, facility: Facility) -> tuple[str, str] | None:
    """Return beamline and proposal that ICAT was told of an item, else those of its path; None where it has none."""
    if item.proposal and item.beamline:
        return facility.beamline(item.beamline), item.proposal
    session = session_of(item.dataset)
    if session is None:
        return None
    *_, proposal, beamline, _ = session.split("/")
    return facility.beamline(beamline), proposal

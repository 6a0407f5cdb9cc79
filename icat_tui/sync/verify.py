"""Looking whether ICAT has understood: what was sent is looked for until it is listed, or the wait is over.

It is looked for in every investigation of its proposal, as ICAT may file it elsewhere than we thought (promises.md 5).
"""

import time
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from msgspec import Struct

from icat_tui.cancel import Cancellation
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key, session_of
from icat_tui.domain.message import Action, Message
from icat_tui.journal.reader import Sending
from icat_tui.sync.catalogue_query import Catalogue, list_proposal

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
"""Seconds between two looks: each twice the one before."""

Item = Message | Sending


class MessageConfirmed(Struct, frozen=True):
    """ICAT shows what a message was to bring about."""

    message: Item
    investigation: int
    """Where ICAT lists the dataset."""


class VerifyFailed(Struct, frozen=True):
    """It could not be found out what became of a message; it stays pending."""

    message: Item
    reason: str


VerifyEvent = MessageConfirmed | VerifyFailed


def verify(
    sent: Collection[Item],
    catalogue: Catalogue,
    facility: Facility,
    wait: timedelta,
    cancellation: Cancellation,
) -> Iterator[VerifyEvent]:
    """Yield what ICAT lists of what was sent, as it lists it; at least one look is taken, then until `wait` is over.

    What is neither confirmed nor failed at the end was looked for and is not there yet. Cancelling closes the
    catalogue, so that no answer is waited for.
    """
    unregister = cancellation.on_cancel(catalogue.close)
    try:
        yield from _looks(list(sent), catalogue, facility, wait, cancellation)
    finally:
        unregister()


def _looks(
    missing: Sequence[Item], catalogue: Catalogue, facility: Facility, wait: timedelta, cancellation: Cancellation
) -> Iterator[VerifyEvent]:
    deadline = time.monotonic() + wait.total_seconds()
    pause = FIRST_PAUSE
    while missing and not cancellation:
        found, failed = _look(missing, catalogue, facility)
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


def _look(
    items: Sequence[Item], catalogue: Catalogue, facility: Facility
) -> tuple[list[MessageConfirmed], list[VerifyFailed]]:
    """Return which items ICAT shows now, and which nobody could look for."""
    confirmed: list[MessageConfirmed] = []
    failed: list[VerifyFailed] = []
    groups: dict[tuple[str, str] | None, list[Item]] = {}
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
            key = location_key(item.dataset, facility)
            row = by_id.get(item.icat_id) if item.icat_id is not None else by_key.get(key)
            if row and (item.action != Action.ADD_FILES or row.file_count):
                confirmed.append(MessageConfirmed(item, row.investigation))
            elif listing.trouble:
                failed.append(VerifyFailed(item, listing.trouble))
    return confirmed, failed


def _group(item: Item, facility: Facility) -> tuple[str, str] | None:
    """Return beamline and proposal, by where the dataset lies."""
    session = session_of(item.dataset)
    if session is None:
        return None
    *_, proposal, beamline, _ = session.split("/")
    return facility.beamline(beamline), proposal

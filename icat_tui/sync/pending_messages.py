"""Messages that were sent and whose end is not known: ICAT is asked about them, or a person says what became of them.

What must stay true: nothing is sent here; what ICAT shows and what a person says is written to the journal before it is
told (interface.md, "What the latest record means").
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from icat_tui.cancel import Cancellation
from icat_tui.domain.facility import Facility
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.records import Settlement
from icat_tui.journal.sendings import Sending
from icat_tui.journal.writer import Journal
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.verify import MessageConfirmed, VerifyEvent, verify


def look_for(
    pending: Collection[Sending],
    catalogue: Catalogue,
    directory: JournalDirectory,
    facility: Facility,
    cancellation: Cancellation,
) -> Iterator[VerifyEvent]:
    """Ask ICAT once for pending messages, record what it shows, and yield that, and what could not be looked for.

    Raises JournalError where the journal can't be written.
    """
    journal = Journal(directory)
    for event in verify(pending, catalogue, facility, timedelta(0), cancellation):
        if isinstance(event, MessageConfirmed):
            journal.record_seen([(event.message, event.icat_id)])
        yield event


def settle(sendings: Sequence[Sending], directory: JournalDirectory, settled: Settlement, why: str) -> None:
    """Record what a person says that became of messages. Raises JournalError where the journal can't be written."""
    journal = Journal(directory)
    for sending in sendings:
        journal.record_settled(sending, settled, why)

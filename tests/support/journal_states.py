"""A journal with what two users confirmed, and every state that a message can have."""

from pathlib import Path

from icat_tui.domain.message import Message
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.records import SendOutcome, Settlement
from icat_tui.journal.sendings import Sending
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import index_of, message

OTHER = "opid99"


def journal_of(directory: JournalDirectory, user: str = "") -> Journal:
    """Return a writer for one confirmation, of another user where one is named."""
    journal = Journal(directory)
    if user:
        journal._user, journal._host = user, "lid99"
    order = journal.for_order()
    order._user, order._host = journal._user, journal._host
    return order


def message_in(session: str, number: int) -> Message:
    """Return a message about a dataset of a session."""
    return message(number, dataset=f"/data/visitor/{session}/RAW_DATA/colA/colA_{number:04d}", id=f"m{number}")


def sending_of(directory: JournalDirectory, identity: str) -> Sending:
    return next(each for each in index_of(directory).sendings() if each.id == identity)


def write_all_states(directory: JournalDirectory) -> None:
    """Write an order of ours about two sessions, and one of another user with every state there is."""
    ours = journal_of(directory)
    planned = [message_in("hg333/id10/20231019", 1), message_in("hg333/id10/20231020", 2)]
    ours.record_plans(planned)
    other = journal_of(directory, OTHER)
    each = [message_in("ma1/id21/20240101", number) for number in range(10, 18)]
    other.record_plans(each)
    accepted, rejected, unknown, skipped, seen, lost, intended, _planned = each
    other.record_intents([accepted, rejected, unknown, seen, lost, intended])
    other.record_outcomes(
        [
            (accepted, SendOutcome.ACCEPTED, ""),
            (rejected, SendOutcome.REJECTED, "no room left"),
            (unknown, SendOutcome.UNKNOWN, "the connection was lost"),
            (seen, SendOutcome.ACCEPTED, ""),
            (lost, SendOutcome.UNKNOWN, ""),
        ]
    )
    other.record_skipped([(skipped, "it is registered now")])
    other.record_seen([(seen, 7)])
    other.record_settled(sending_of(directory, lost.id), Settlement.LOST, "ICAT was restored")


def other_process(directory: Path, session: str, number: int) -> str:
    """Return a program that confirms one more message, as another process does."""
    return (
        "from pathlib import Path\n"
        "from icat_tui.journal.directory import JournalDirectory\n"
        "from tests.support.journal_states import journal_of, message_in\n"
        f"journal_of(JournalDirectory(Path({str(directory)!r})), {OTHER!r}).record_plans("
        f"[message_in({session!r}, {number})])\n"
    )

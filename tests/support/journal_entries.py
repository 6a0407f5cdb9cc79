"""Messages to write down, and what a journal holds of them."""

from typing import Any

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.journal.reader import JournalIndex, LastMessages
from icat_tui.journal.records import Record, read_journal
from icat_tui.journal.writer import Journal


def records(journal: Journal) -> list[Record]:
    return [line.record for line in read_journal(journal.path) if line.record]


def journal_index(journal: Journal) -> JournalIndex:
    found = JournalIndex(Facility())
    found.add(read_journal(journal.path))
    return found


def last_messages(journal: Journal, of: Message) -> LastMessages:
    return journal_index(journal).dataset(of.dataset)


def message(number: int, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "id": f"m{number:04d}",
        "action": Action.REGISTER,
        "destination": "icatIngest",
        "body": f"<dataset>{number} é</dataset>".encode(),
        "dataset": f"/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_{number:04d}",
        "investigation": 7,
    }
    return Message(**(values | changes))


def messages(count: int) -> list[Message]:
    return [message(number) for number in range(count)]

"""Messages to write down, and what a journal holds of them."""

from typing import Any

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.journal.reader import Standing, Standings
from icat_tui.journal.records import Record, read
from icat_tui.journal.writer import Journal


def records(journal: Journal) -> list[Record]:
    return [line.record for line in read(journal.path) if line.record]


def standings(journal: Journal) -> Standings:
    found = Standings(Facility())
    found.add(read(journal.path))
    return found


def standing(journal: Journal, of: Message) -> Standing:
    return standings(journal).dataset(of.dataset)


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

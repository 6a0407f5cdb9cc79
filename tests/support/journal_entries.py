"""Messages to write down, and what a journal holds of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.journal.directory import MARK, JournalDirectory, make_journal, new_mark
from icat_tui.journal.records import JournalLine, Record, read_lines
from icat_tui.journal.sendings import LastMessages, ShardIndex
from icat_tui.journal.writer import Journal

SHARD = "hg333"
"""The shard that has the messages of `message`."""


def own_journal(path: Path) -> JournalDirectory:
    """Return a journal that is made when it is first written."""
    return JournalDirectory(path, own=True)


def shared_journal(path: Path) -> JournalDirectory:
    """Return a journal that was made to be shared, as `journal --init` does."""
    path.mkdir(parents=True, exist_ok=True)
    make_journal(path, new_mark())
    return JournalDirectory(path)


def shards_in(directory: JournalDirectory) -> list[Path]:
    return sorted(directory.records.glob("*.jsonl"))


def spoil(directory: JournalDirectory) -> None:
    """Make a journal one that can't be read."""
    (directory.path / MARK).unlink()
    (directory.path / MARK).mkdir()


def lines_in(directory: JournalDirectory) -> Iterator[JournalLine]:
    for path in shards_in(directory):
        with path.open("rb") as shard:
            yield from read_lines(shard)


def records_in(directory: JournalDirectory) -> list[Record]:
    return [line.content for line in lines_in(directory) if isinstance(line.content, Record)]


def records(journal: Journal) -> list[Record]:
    return records_in(journal.directory)


def index_of(directory: JournalDirectory) -> ShardIndex:
    """Return the index of all shards; their offsets are those of each shard."""
    found = ShardIndex(Facility())
    found.add(lines_in(directory))
    return found


def journal_index(journal: Journal) -> ShardIndex:
    return index_of(journal.directory)


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

"""States of the messages in the journal, by their latest record (interface.md, "What the latest record means").

Pure over records. What must stay true: a message that went out is never shown as if it had not, whatever was planned or
rejected after it; only its effect in ICAT ends its pending state. Messages about one subject belong together: a
dataset's registration by its location, however its path is mounted, and a request for files by the dataset's id in
ICAT.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.domain.message import Action
from icat_tui.journal.records import JournalLine, Record, RecordKind, SendOutcome, read_journal


class MessageState(StrEnum):
    """State of a message by its latest record."""

    PLANNED = "planned"
    INTENDED = "intended"
    """Without an outcome: its sender died, or is sending it now."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SEEN = "seen"


PENDING_STATES = frozenset({MessageState.INTENDED, MessageState.ACCEPTED, MessageState.UNKNOWN})
"""States of a message that went out, or may have, and whose effect ICAT has not shown: never sent again by itself."""


class Sending(Struct, kw_only=True):
    """Message as the journal knows it.

    Time, user and host are those of the plan, and once it is sent those of the sending.
    """

    id: str
    action: Action
    dataset: str
    icat_id: int | None
    investigation: int | None
    destination: str
    digest: str
    state: MessageState
    time: datetime
    user: str
    host: str
    words: str = ""
    """The broker's text, or the reason why there is no receipt."""
    plan: int | None = None
    """Offset of the plan with its body (`records.planned_message`)."""

    @property
    def reason(self) -> str:
        """The reason for its state, for a person."""
        sent = f"sent {self.time.isoformat(timespec='seconds')} by {self.user} on {self.host}"
        if self.state in (MessageState.INTENDED, MessageState.UNKNOWN):
            return f"no receipt, {sent}" + (f" ({self.words})" if self.words else "")
        if self.state is MessageState.REJECTED:
            return f"rejected by the broker: {self.words}, {sent}"
        return sent if self.state is MessageState.ACCEPTED else ""


class LastMessages(Struct, frozen=True):
    """Last messages about one subject, by their state."""

    pending: Sending | None = None
    """The last one that went out and whose effect ICAT has not shown."""
    rejected: Sending | None = None
    """The last one, where the broker rejected it."""
    planned: Sending | None = None
    """The last one that was planned and not sent since: `--resume` sends it."""


NO_MESSAGES = LastMessages()


class JournalIndex:
    """Index of the messages in the journal, as far as it was read."""

    def __init__(self, facility: Facility) -> None:
        """Start with an empty journal; `facility` decides when two locations are the same."""
        self._facility = facility
        self._by_id: dict[str, Sending] = {}
        self._by_subject: dict[tuple[str, str | int], list[Sending]] = {}
        self._by_digest: dict[str, list[Sending]] = {}
        self.unreadable: list[int] = []
        """Offsets of lines that are no records: their content is lost, and a person should look."""

    def add(self, lines: Iterable[JournalLine]) -> None:
        """Add the records of further lines of the journal, in their order."""
        for line in lines:
            if line.record is None:
                self.unreadable.append(line.offset)
            else:
                self._apply(line.record, line.offset)

    def dataset(self, path: str) -> LastMessages:
        """Return the last messages about the registration of the dataset in a directory, or at that location."""
        return self._last_messages(("dataset", location_key(path, self._facility)))

    def files(self, icat_id: int) -> LastMessages:
        """Return the last requests to add the files of a dataset that ICAT has."""
        return self._last_messages(("files", icat_id))

    def sent_before(self, digest: str) -> Sending | None:
        """Return the last message with this body that went out and was not rejected, whether seen in ICAT or not."""
        sendings = reversed(self._by_digest.get(digest, []))
        return next(
            (sending for sending in sendings if sending.state in PENDING_STATES or sending.state is MessageState.SEEN),
            None,
        )

    def sendings(self) -> Iterator[Sending]:
        """Yield all messages but superseded plans, in the order of planning."""
        return iter(self._by_id.values())

    def planned(self) -> Iterator[Sending]:
        """Yield the messages that were planned and not sent since, in the order of planning."""
        return (sending for sending in self._by_id.values() if sending.state is MessageState.PLANNED)

    def pending(self) -> Iterator[Sending]:
        """Yield the messages that went out and were not seen in ICAT, in the order of planning."""
        return (sending for sending in self._by_id.values() if sending.state in PENDING_STATES)

    def _last_messages(self, subject: tuple[str, str | int]) -> LastMessages:
        sendings = self._by_subject.get(subject, ())
        if not sendings:
            return NO_MESSAGES
        last_sent = next((sending for sending in reversed(sendings) if sending.state is not MessageState.PLANNED), None)
        return LastMessages(
            pending=next((sending for sending in reversed(sendings) if sending.state in PENDING_STATES), None),
            rejected=last_sent if last_sent and last_sent.state is MessageState.REJECTED else None,
            planned=next((sending for sending in reversed(sendings) if sending.state is MessageState.PLANNED), None),
        )

    def _apply(self, record: Record, offset: int) -> None:
        sending = self._by_id.get(record.id)
        settled = sending is not None and sending.state is MessageState.SEEN
        if settled and record.record in (RecordKind.PLAN, RecordKind.OUTCOME):
            return  # the receipt came after the effect was seen in ICAT
        if sending is None or (settled and record.record is RecordKind.INTENT):
            sending = self._by_id[record.id] = _sending(record)
            self._by_subject.setdefault(self._subject(record), []).append(sending)
            self._by_digest.setdefault(sending.digest, []).append(sending)
        match record.record:
            case RecordKind.PLAN:
                sending.state, sending.plan = MessageState.PLANNED, offset
            case RecordKind.INTENT:
                sending.state = MessageState.INTENDED
                self._supersede(record)
            case RecordKind.OUTCOME:
                sending.state, sending.words = MessageState(record.outcome or SendOutcome.UNKNOWN), record.words
            case RecordKind.SEEN:
                self._settle(record)
        if record.record in (RecordKind.PLAN, RecordKind.INTENT):
            sending.time, sending.user, sending.host, sending.words = record.time, record.user, record.host, ""

    def _subject(self, record: Record) -> tuple[str, str | int]:
        if record.action is Action.ADD_FILES and record.icat_id is not None:
            return "files", record.icat_id
        return "dataset", location_key(record.dataset, self._facility)

    def _supersede(self, record: Record) -> None:
        """Drop older plans about the subject of a message that goes out now: sent too, they would register it twice."""
        subject = self._subject(record)
        for other in self._by_subject[subject]:
            if other.state is MessageState.PLANNED and other.id != record.id:
                del self._by_id[other.id]
        self._by_subject[subject] = [
            sending for sending in self._by_subject[subject] if self._by_id.get(sending.id) is sending
        ]

    def _settle(self, record: Record) -> None:
        """Mark all messages about a subject as seen: none is pending any more, and none is left to be sent."""
        for sending in self._by_subject.pop(self._subject(record), ()):
            sending.state = MessageState.SEEN


def _sending(record: Record) -> Sending:
    return Sending(
        id=record.id,
        action=record.action,
        dataset=record.dataset,
        icat_id=record.icat_id,
        investigation=record.investigation,
        destination=record.destination,
        digest=record.digest,
        state=MessageState.PLANNED,
        time=record.time,
        user=record.user,
        host=record.host,
    )


class JournalReader:
    """Reader of a journal that other processes go on writing; it reads each line once."""

    def __init__(self, path: Path, facility: Facility) -> None:
        """Keep the path of the journal; it is read by `refresh`."""
        self.path = path
        self._facility = facility
        self._file: int | None = None
        self._end = 0
        self.index = JournalIndex(facility)

    def refresh(self) -> bool:
        """Read the lines that were added since the last time, and return whether there were any.

        A journal that is another file now, or shorter, is read from its start into a new `index`. Raises JournalError
        where it can't be read: then it is not known what was sent.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            inode, size = None, 0
        else:
            inode, size = status.st_ino, status.st_size
        if inode != self._file or size < self._end:
            self._file, self._end, self.index = inode, 0, JournalIndex(self._facility)
        before = self._end
        for line in read_journal(self.path, self._end):
            self.index.add((line,))
            self._end = line.end
        return self._end != before

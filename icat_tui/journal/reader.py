"""Where every message stands, by the journal: the latest record counts (interface.md, "Journal").

Pure over records. What must stay true: what went out is never shown as if it had not, whatever was planned or rejected
after it; ICAT alone settles it. Messages about the same thing belong together: a dataset's registration by its
location, however its path is mounted, and a request for files by the dataset's id in ICAT.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.domain.message import Action
from icat_tui.journal.records import Kind, Placed, Record, SendOutcome, read


class Latest(StrEnum):
    """The latest that the journal says of a message."""

    PLANNED = "planned"
    INTENDED = "intended"
    """No outcome: its sender died, or is at it now."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SEEN = "seen"


OUT = frozenset({Latest.INTENDED, Latest.ACCEPTED, Latest.UNKNOWN})
"""It went out, or may have, and ICAT has not shown it yet: `pending`, never to be sent again by itself."""


class Sending(Struct, kw_only=True):
    """One message as the journal knows it; who and when are those of the plan, and once it is sent of the sending."""

    id: str
    action: Action
    dataset: str
    icat_id: int | None
    investigation: int | None
    destination: str
    digest: str
    latest: Latest
    time: datetime
    user: str
    host: str
    words: str = ""
    """The broker's own, or why there is no receipt."""
    plan: int | None = None
    """Where the journal has its body (`records.planned_message`)."""

    @property
    def reason(self) -> str:
        """Why it is where it is, for a person."""
        sent = f"sent {self.time.isoformat(timespec='seconds')} by {self.user} on {self.host}"
        if self.latest in (Latest.INTENDED, Latest.UNKNOWN):
            return f"no receipt, {sent}" + (f" ({self.words})" if self.words else "")
        if self.latest is Latest.REJECTED:
            return f"rejected by the broker: {self.words}, {sent}"
        return sent if self.latest is Latest.ACCEPTED else ""


class Standing(Struct, frozen=True):
    """How it stands with all messages about one thing."""

    out: Sending | None = None
    """The last one that went out and that ICAT has not shown."""
    rejected: Sending | None = None
    """The last one, where the broker rejected it."""
    planned: Sending | None = None
    """The last one that was planned and not sent since: what `--resume` takes up."""


NOTHING = Standing()


class Standings:
    """The journal as far as it was read."""

    def __init__(self, facility: Facility) -> None:
        """Start with an empty journal; `facility` says when two locations are the same."""
        self._facility = facility
        self._by_id: dict[str, Sending] = {}
        self._by_subject: dict[tuple[str, str | int], list[Sending]] = {}
        self._by_digest: dict[str, list[Sending]] = {}
        self.unreadable: list[int] = []
        """Offsets of lines that are no records: what they said is lost, and a person should look."""

    def add(self, lines: Iterable[Placed]) -> None:
        """Take up what stands in further lines of the journal, in their order."""
        for line in lines:
            if line.record is None:
                self.unreadable.append(line.offset)
            else:
                self._take(line.record, line.offset)

    def dataset(self, path: str) -> Standing:
        """Return how it stands with the registration of the dataset in a directory, or of that location."""
        return self._standing(("dataset", location_key(path, self._facility)))

    def files(self, icat_id: int) -> Standing:
        """Return how it stands with the request to add the files of a dataset that ICAT has."""
        return self._standing(("files", icat_id))

    def sent_before(self, digest: str) -> Sending | None:
        """Return the last message with this body that went out and was not rejected, seen in ICAT or not."""
        sendings = reversed(self._by_digest.get(digest, []))
        return next((sending for sending in sendings if sending.latest in OUT or sending.latest is Latest.SEEN), None)

    def sendings(self) -> Iterator[Sending]:
        """Yield all messages but plans that another sending has taken the place of, in the order of planning."""
        return iter(self._by_id.values())

    def planned(self) -> Iterator[Sending]:
        """Yield what was planned and not sent since, in the order of planning."""
        return (sending for sending in self._by_id.values() if sending.latest is Latest.PLANNED)

    def pending(self) -> Iterator[Sending]:
        """Yield what went out and was not seen in ICAT, in the order of planning."""
        return (sending for sending in self._by_id.values() if sending.latest in OUT)

    def _standing(self, subject: tuple[str, str | int]) -> Standing:
        sendings = self._by_subject.get(subject, ())
        if not sendings:
            return NOTHING
        last_sent = next((sending for sending in reversed(sendings) if sending.latest is not Latest.PLANNED), None)
        return Standing(
            out=next((sending for sending in reversed(sendings) if sending.latest in OUT), None),
            rejected=last_sent if last_sent and last_sent.latest is Latest.REJECTED else None,
            planned=next((sending for sending in reversed(sendings) if sending.latest is Latest.PLANNED), None),
        )

    def _take(self, record: Record, offset: int) -> None:
        sending = self._by_id.get(record.id)
        settled = sending is not None and sending.latest is Latest.SEEN
        if settled and record.record in (Kind.PLAN, Kind.OUTCOME):
            return  # the receipt came after somebody had seen it in ICAT
        if sending is None or (settled and record.record is Kind.INTENT):
            sending = self._by_id[record.id] = _sending(record)
            self._by_subject.setdefault(self._subject(record), []).append(sending)
            self._by_digest.setdefault(sending.digest, []).append(sending)
        match record.record:
            case Kind.PLAN:
                sending.latest, sending.plan = Latest.PLANNED, offset
            case Kind.INTENT:
                sending.latest = Latest.INTENDED
                self._supersede(record)
            case Kind.OUTCOME:
                sending.latest, sending.words = Latest(record.outcome or SendOutcome.UNKNOWN), record.words
            case Kind.SEEN:
                self._settle(record)
        if record.record in (Kind.PLAN, Kind.INTENT):
            sending.time, sending.user, sending.host, sending.words = record.time, record.user, record.host, ""

    def _subject(self, record: Record) -> tuple[str, str | int]:
        if record.action is Action.ADD_FILES and record.icat_id is not None:
            return "files", record.icat_id
        return "dataset", location_key(record.dataset, self._facility)

    def _supersede(self, record: Record) -> None:
        """Give up older plans for what goes out now: to send them too would be to send it twice."""
        subject = self._subject(record)
        for other in self._by_subject[subject]:
            if other.latest is Latest.PLANNED and other.id != record.id:
                del self._by_id[other.id]
        self._by_subject[subject] = [
            sending for sending in self._by_subject[subject] if self._by_id.get(sending.id) is sending
        ]

    def _settle(self, record: Record) -> None:
        """ICAT shows it: nothing about it is under way any more, and nothing is left to be sent."""
        for sending in self._by_subject.pop(self._subject(record), ()):
            sending.latest = Latest.SEEN


def _sending(record: Record) -> Sending:
    return Sending(
        id=record.id,
        action=record.action,
        dataset=record.dataset,
        icat_id=record.icat_id,
        investigation=record.investigation,
        destination=record.destination,
        digest=record.digest,
        latest=Latest.PLANNED,
        time=record.time,
        user=record.user,
        host=record.host,
    )


class JournalReader:
    """Keeps `standings` up to date with a journal that others go on writing, reading each line once."""

    def __init__(self, path: Path, facility: Facility) -> None:
        """Name the journal; it is read by `refresh`."""
        self.path = path
        self._facility = facility
        self._file: int | None = None
        self._end = 0
        self.standings = Standings(facility)

    def refresh(self) -> bool:
        """Read what was added since the last time, and return whether there was anything.

        A journal that is another file now, or shorter, is read from its start into new `standings`. Raises
        JournalError where it can't be read: then nothing is known of what was sent.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            inode, size = None, 0
        else:
            inode, size = status.st_ino, status.st_size
        if inode != self._file or size < self._end:
            self._file, self._end, self.standings = inode, 0, Standings(self._facility)
        before = self._end
        for line in read(self.path, self._end):
            self.standings.add((line,))
            self._end = line.end
        return self._end != before

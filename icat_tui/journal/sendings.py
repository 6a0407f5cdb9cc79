"""States of the messages in a shard of the journal, by their latest record.

Source: interface.md, "What the latest record means". Pure over records. What must stay true: a message that went out is
never shown as if it had not, whatever was planned or rejected after it; only its effect in ICAT, or a person, ends its
pending state. Messages about one subject belong together: a dataset's registration by its location, however its path is
spelled, and a request for files by the dataset's id in ICAT.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.domain.message import Action
from icat_tui.journal.records import (
    Damage,
    Header,
    JournalLine,
    Record,
    RecordKind,
    SendOutcome,
    SetAside,
    Settlement,
    Torn,
)


class MessageState(StrEnum):
    """State of a message by its latest record."""

    PLANNED = "planned"
    INTENDED = "intended"
    """Without an outcome: its sender died, or is sending it now."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    SEEN = "seen"
    LOST = "lost"
    """A person says that it never arrived."""


PENDING_STATES = frozenset({MessageState.INTENDED, MessageState.ACCEPTED, MessageState.UNKNOWN})
"""States of a message that went out, or may have, and whose effect ICAT has not shown: never sent again by itself."""


BEFORE_SEEN = frozenset({RecordKind.PLAN, RecordKind.OUTCOME, RecordKind.SKIPPED})
"""Kinds of records that say nothing new about a message whose effect was seen."""
ENDED = frozenset({MessageState.SEEN, MessageState.LOST})


Subject = tuple[str, str | int]
"""What a message is about, the same for all messages about it: the files of a dataset that ICAT has, or a location."""


class Sending(Struct, kw_only=True):
    """Message as the journal knows it.

    Time, user and host are those of the plan, and once it is sent those of the sending.
    """

    id: str
    order: str
    action: Action
    dataset: str
    location: str
    proposal: str
    beamline: str
    icat_id: int | None
    investigation: int | None
    destination: str
    digest: str
    state: MessageState
    time: datetime
    user: str
    host: str
    words: str = ""
    """The broker's text, or the reason for its state."""
    plan: int | None = None
    """Offset of the plan with its body in the shard (`records.planned_message`)."""
    about: Subject = ("", "")
    """What it is about."""

    @property
    def reason(self) -> str:
        """The reason for its state, for a person."""
        sent = f"sent {self.time.isoformat(timespec='seconds')} by {self.user} on {self.host}"
        if self.state in (MessageState.INTENDED, MessageState.UNKNOWN):
            return f"no receipt, {sent}" + (f" ({self.words})" if self.words else "")
        if self.state is MessageState.REJECTED:
            return f"rejected by the broker: {self.words}, {sent}"
        return sent if self.state is MessageState.ACCEPTED else ""


class Seen(Struct, frozen=True):
    """Sight of a dataset in ICAT."""

    icat_id: int | None
    at: datetime


class LastMessages(Struct, frozen=True):
    """Last messages about one subject, by their state."""

    pending: Sending | None = None
    """The last one that went out and whose effect ICAT has not shown."""
    rejected: Sending | None = None
    """The last one, where the broker rejected it."""
    planned: Sending | None = None
    """The last one that was planned and neither sent nor skipped since: `--resume` sends it."""
    seen: Seen | None = None
    """When ICAT showed its effect, where nothing was sent since."""


class DamagedLine(Struct, frozen=True):
    """Line that can't be read, and was not set aside."""

    offset: int
    damage: Damage

    @property
    def words(self) -> str:
        """What is wrong with it, for a person."""
        return "written by a newer version" if self.damage.newer else "damaged"


class ShardIndex:
    """Index of the messages in a shard, as far as it was read."""

    def __init__(self, facility: Facility) -> None:
        """Start with an empty shard; `facility` decides when two locations are the same."""
        self._facility = facility
        self._by_id: dict[str, Sending] = {}
        self._by_subject: dict[Subject, list[Sending]] = {}
        self._by_digest: dict[str, list[Sending]] = {}
        self._seen: dict[Subject, Seen] = {}
        self._locations: dict[str, str] = {}
        """Keys of locations by those of other spellings of them."""
        self.header: Header | None = None
        self.damaged: dict[int, DamagedLine] = {}
        """Lines that can't be read, by their offset: their content is lost, and a person should look."""
        self._set_aside: list[SetAside] = []
        self._sent_since: set[str] = set()
        """Keys of what was sent after the last line was set aside: a person confirmed it, knowing of that line."""

    def add(self, lines: Iterable[JournalLine]) -> None:
        """Add further lines of the shard, in their order."""
        for line in lines:
            match line.content:
                case Record():
                    self._apply(line.content, line.offset)
                case Header():
                    self.header = line.content if line.offset == 0 else self.header
                case Torn(offset=offset, length=length):
                    self._forgive(offset, length)
                case SetAside():
                    self._take_aside(line.content)
                case Damage():
                    self.damaged[line.offset] = DamagedLine(line.offset, line.content)

    def dataset(self, path: str) -> LastMessages:
        """Return the last messages about the registration of the dataset in a directory, or at that location."""
        key = location_key(path, self._facility)
        return self._last_messages(("dataset", self._locations.get(key, key)))

    def files(self, icat_id: int) -> LastMessages:
        """Return the last requests to add the files of a dataset that ICAT has."""
        return self._last_messages(("files", icat_id))

    def damage_about(self, path: str) -> DamagedLine | None:
        """Return a damaged line that is about a dataset, or may be."""
        if not self.damaged:
            return None
        key = location_key(path, self._facility)
        for damaged in self.damaged.values():
            about = damaged.damage.dataset
            if about is None or location_key(about, self._facility) == key:
                return damaged
        return None

    def set_aside_about(self, path: str) -> bool:
        """Return whether a line that was set aside may be about a dataset, and it was not sent since."""
        key = location_key(path, self._facility)
        return key not in self._sent_since and any(
            not aside.datasets or key in {location_key(each, self._facility) for each in aside.datasets}
            for aside in self._set_aside
        )

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
        """Yield the messages that were planned and neither sent nor skipped since, in the order of planning."""
        return (sending for sending in self._by_id.values() if sending.state is MessageState.PLANNED)

    def pending(self) -> Iterator[Sending]:
        """Yield the messages that went out and were not seen in ICAT, in the order of planning."""
        return (sending for sending in self._by_id.values() if sending.state in PENDING_STATES)

    def _last_messages(self, subject: Subject) -> LastMessages:
        sendings, seen = self._by_subject.get(subject, ()), self._seen.get(subject)
        if not sendings and seen is None:
            return NO_MESSAGES
        sent = (each for each in reversed(sendings) if each.state not in (MessageState.PLANNED, MessageState.SKIPPED))
        last_sent = next(sent, None)
        return LastMessages(
            pending=next((sending for sending in reversed(sendings) if sending.state in PENDING_STATES), None),
            rejected=last_sent if last_sent and last_sent.state is MessageState.REJECTED else None,
            planned=next((sending for sending in reversed(sendings) if sending.state is MessageState.PLANNED), None),
            seen=seen,
        )

    # -- records -------------------------------------------------------------------------------------------------------

    def _apply(self, record: Record, offset: int) -> None:
        sending = self._by_id.get(record.id)
        if sending is not None and sending.state is MessageState.SEEN and record.record in BEFORE_SEEN:
            return  # the receipt came after the effect was seen in ICAT
        if sending is None or (sending.state in ENDED and record.record is RecordKind.INTENT):
            sending = self._begin(record)
        self._advance(sending, record, offset)
        if record.record in (RecordKind.PLAN, RecordKind.INTENT):
            sending.order, sending.time, sending.user = record.order, record.time, record.user
            sending.host, sending.words = record.host, ""

    def _advance(self, sending: Sending, record: Record, offset: int) -> None:
        match record.record:
            case RecordKind.PLAN:
                sending.state, sending.plan = MessageState.PLANNED, offset
                self._supersede(sending)
            case RecordKind.INTENT:
                sending.state = MessageState.INTENDED
                self._supersede(sending)
                self._seen.pop(sending.about, None)
                if self._set_aside:
                    self._sent_since.add(location_key(record.location, self._facility))
            case RecordKind.OUTCOME:
                sending.state, sending.words = MessageState(record.outcome or SendOutcome.UNKNOWN), record.words
            case RecordKind.SKIPPED:
                if sending.state is MessageState.PLANNED:
                    sending.state, sending.words = MessageState.SKIPPED, record.words
            case RecordKind.SEEN:
                self._settle(sending.about, record)
            case RecordKind.SETTLED:
                self._settle_by_person(record, sending)

    def _begin(self, record: Record) -> Sending:
        sending = self._by_id[record.id] = _sending(record)
        key = location_key(record.location, self._facility)
        if record.dataset != record.location and (spelled := location_key(record.dataset, self._facility)) != key:
            self._locations[spelled] = key
        files = record.action is Action.ADD_FILES and record.icat_id is not None
        sending.about = ("files", record.icat_id or 0) if files else ("dataset", key)
        self._by_subject.setdefault(sending.about, []).append(sending)
        self._by_digest.setdefault(sending.digest, []).append(sending)
        return sending

    def _supersede(self, newer: Sending) -> None:
        """Drop older plans about what a message is about: sent too, they would register it twice."""
        members = self._by_subject.get(newer.about, [])
        for older in [each for each in members if each.state is MessageState.PLANNED and each is not newer]:
            members.remove(older)
            del self._by_id[older.id]

    def _settle(self, subject: Subject, record: Record) -> None:
        """Mark all messages about a subject as seen: none is pending any more, and none is left to be sent."""
        for sending in self._by_subject.pop(subject, ()):
            sending.state = MessageState.SEEN
        self._seen[subject] = Seen(record.icat_id, record.time)

    def _settle_by_person(self, record: Record, sending: Sending) -> None:
        if record.settled is Settlement.SEEN:
            self._settle(sending.about, record)
            sending.words = record.words
            return
        sending.state, sending.words = MessageState.LOST, record.words
        self._seen.pop(sending.about, None)

    # -- lines that are no records of messages ---------------------------------------------------------------------

    def _forgive(self, offset: int, length: int) -> None:
        damaged = self.damaged.get(offset)
        if damaged and len(damaged.damage.content) == length:
            del self.damaged[offset]

    def _take_aside(self, aside: SetAside) -> None:
        damaged = self.damaged.get(aside.offset)
        if damaged and hashlib.sha256(damaged.damage.content).hexdigest() == aside.digest:
            del self.damaged[aside.offset]
            self._set_aside.append(aside)
            self._sent_since.clear()


NO_MESSAGES = LastMessages()


def _sending(record: Record) -> Sending:
    return Sending(
        id=record.id,
        order=record.order,
        action=record.action,
        dataset=record.dataset,
        location=record.location,
        proposal=record.proposal,
        beamline=record.beamline,
        icat_id=record.icat_id,
        investigation=record.investigation,
        destination=record.destination,
        digest=record.digest,
        state=MessageState.PLANNED,
        time=record.time,
        user=record.user,
        host=record.host,
    )

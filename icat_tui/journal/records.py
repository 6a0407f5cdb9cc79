"""The lines of the journal and their reading: one JSON object a line (interface.md, "Journal records").

What must stay true: reading never fails because of a file's content, and no change of a line goes unnoticed: each ends
with a checksum of what stands before it. A last line without its end may still be being written and is left for the
next reading.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, BinaryIO

import msgspec

from icat_tui.domain.errors import SaveError
from icat_tui.domain.message import Action, Message

SCHEMA = 1

NO_RECORD = (ValueError, RecursionError)
"""What decoding raises for bytes that are no record: msgspec's errors are ValueErrors, and nesting can go too deep."""


class JournalError(SaveError):
    """Failure to write or read the journal: nothing can be sent."""


class RecordKind(StrEnum):
    """Kind of a record about a message."""

    PLAN = "plan"
    """A person confirmed this message; the record holds it byte for byte."""
    INTENT = "intent"
    """The message is about to be sent."""
    OUTCOME = "outcome"
    SKIPPED = "skipped"
    """The message was confirmed and is not sent, for a reason."""
    SEEN = "seen"
    """ICAT shows the effect of the message."""
    SETTLED = "settled"
    """A person says what became of the message."""


class SendOutcome(StrEnum):
    """Outcome of sending a message."""

    ACCEPTED = "accepted"
    """The broker confirmed it by a receipt."""
    REJECTED = "rejected"
    """The broker answered it with an error."""
    UNKNOWN = "unknown"
    """It went out, or may have, and there was no receipt."""


class Settlement(StrEnum):
    """What a person says that became of a message."""

    SEEN = "seen"
    LOST = "lost"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Record about a message, without the body of a plan, which `planned_message` reads when it is needed."""

    record: RecordKind
    schema: int
    id: str
    """Id of the message; all its records have it."""
    order: str = ""
    """Id of the confirmation that it was sent by; equal for all messages of one yes."""
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    user: str
    host: str
    action: Action
    dataset: str
    """The dataset directory as it was spelled."""
    location: str
    """Where that directory lies: links and mounts resolved."""
    proposal: str = ""
    """The proposal that ICAT is told."""
    beamline: str = ""
    """The beamline that ICAT is told."""
    icat_id: int | None = None
    investigation: int | None = None
    destination: str
    digest: str
    outcome: SendOutcome | None = None
    settled: Settlement | None = None
    words: str = ""
    """The broker's text, or the reason for an outcome, for skipping or for settling."""


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="shard"):
    """First line of a shard: which it is, and of which journal."""

    schema: int
    journal: str
    shard: str


class Torn(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="torn"):
    """Record about a line that a process left incomplete when it died: nothing was sent because of it."""

    schema: int
    offset: int
    length: int
    """Bytes, without the newline."""


class SetAside(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="set_aside"):
    """Record about a damaged line that a person has set aside."""

    schema: int
    offset: int
    length: int
    """Bytes, without the newline."""
    digest: str
    """SHA-256 of these bytes: a line that was changed since is damaged again."""
    datasets: tuple[str, ...] = ()
    """The datasets that it may have been about; empty: any of the shard."""


class Damage(msgspec.Struct, frozen=True):
    """Line that can't be read."""

    content: bytes
    dataset: str | None = None
    """The location that it is about; None where it does not tell."""
    newer: bool = False
    """Whether it is whole, and of a kind or schema that this version does not know."""


class JournalLine(msgspec.Struct, frozen=True):
    """Line of a shard with its position, in bytes from the start."""

    offset: int
    end: int
    """Offset of the next line."""
    content: Record | Header | Torn | SetAside | Damage


class _PlanRecord(Record, frozen=True, kw_only=True):
    """Record of a plan, with the body of the message."""

    body: str


_decoder = msgspec.json.Decoder(Record)
_CHECKSUM = b', "crc": "%08x"}'
_LENGTH = len(_CHECKSUM % 0)


# -- writing ---------------------------------------------------------------------------------------------------------


def line(record: Mapping[str, object]) -> bytes:
    """Return the line of a record.

    It is ASCII, by the standard library: bytes that are not UTF-8 become lone surrogates (interface.md, "Cache").
    """
    text = json.dumps(record).encode()
    return text[:-1] + _CHECKSUM % zlib.crc32(text) + b"\n"


# -- reading ---------------------------------------------------------------------------------------------------------


def read_lines(shard: BinaryIO, offset: int = 0) -> Iterator[JournalLine]:
    """Yield the whole lines of a shard from an offset on. Raises OSError where the file can't be read.

    A last line that lacks nothing but its newline is read too, and again the next time: its `end` is its offset.
    """
    shard.seek(offset)
    for text in shard:
        if not text.endswith(b"\n"):
            content = parse(text)
            if not isinstance(content, Damage):
                yield JournalLine(offset, offset, content)
            return
        yield JournalLine(offset, offset + len(text), parse(text[:-1]))
        offset += len(text)


def parse(text: bytes) -> Record | Header | Torn | SetAside | Damage:
    """Return what a line says; damage where it can't be read."""
    if not is_whole(text):
        return Damage(text)
    try:
        record = _decoder.decode(text)
    except NO_RECORD:
        return _other_content(text)
    return record if record.schema == SCHEMA else Damage(text, record.location, newer=True)


def planned_message(shard: BinaryIO, offset: int) -> Message:
    """Return the message of the plan at an offset, byte for byte. Raises OSError, and NO_RECORD where there is none."""
    shard.seek(offset)
    text = shard.readline().removesuffix(b"\n")
    if not is_whole(text):
        raise ValueError("the line is damaged")
    planned = msgspec.convert(json.loads(text), _PlanRecord)
    return Message(
        id=planned.id,
        action=planned.action,
        destination=planned.destination,
        body=planned.body.encode("utf-8", "surrogateescape"),
        dataset=planned.dataset,
        location=planned.location,
        proposal=planned.proposal,
        beamline=planned.beamline,
        icat_id=planned.icat_id,
        investigation=planned.investigation,
    )


def is_whole(text: bytes) -> bool:
    """Return whether the checksum at the end of a line fits what stands before it."""
    before = memoryview(text)[:-_LENGTH]  # no copy: a journal of years has a million lines
    return text[-_LENGTH:] == _CHECKSUM % zlib.crc32(b"}", zlib.crc32(before))


def _other_content(text: bytes) -> Record | Header | Torn | SetAside | Damage:
    """Return what a whole line says that is no record by msgspec.

    It refuses the lone surrogates of a path that is not UTF-8; other lines are about the shard, or of a newer version.
    """
    try:
        raw = json.loads(text)
    except NO_RECORD:
        return Damage(text)
    if not isinstance(raw, dict):
        return Damage(text)
    try:
        found: Record | Header | Torn | SetAside = msgspec.convert(raw, _kind_of(raw))
    except NO_RECORD:
        location = raw.get("location")
        return Damage(text, location if isinstance(location, str) and location else None, newer=True)
    return found if found.schema == SCHEMA else Damage(text, getattr(found, "location", None), newer=True)


def _kind_of(raw: dict[str, object]) -> type[Record] | type[Header] | type[Torn] | type[SetAside]:
    match raw.get("record"):
        case "shard":
            return Header
        case "torn":
            return Torn
        case "set_aside":
            return SetAside
    return Record

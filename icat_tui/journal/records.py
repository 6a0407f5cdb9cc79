"""The journal's records and their reading: one JSON object a line (interface.md, "Journal records").

What must stay true: reading never fails because of the file's content. A line that is no record is reported as such,
with its offset; a last line without its end may still be being written and is left for the next reading.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from icat_tui.domain.errors import SaveError
from icat_tui.domain.message import Action, Message
from icat_tui.text import visible


class JournalError(SaveError):
    """Failure to write or read the journal: nothing can be sent."""


class RecordKind(StrEnum):
    """Kind of a record."""

    PLAN = "plan"
    """A person confirmed this message; the record holds it byte for byte."""
    INTENT = "intent"
    """The message is about to be sent."""
    OUTCOME = "outcome"
    SEEN = "seen"
    """ICAT shows the effect of the message."""


class SendOutcome(StrEnum):
    """Outcome of sending a message."""

    ACCEPTED = "accepted"
    """The broker confirmed it by a receipt."""
    REJECTED = "rejected"
    """The broker answered it with an error."""
    UNKNOWN = "unknown"
    """It went out, or may have, and there was no receipt."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Record of the journal without the body of a plan, which `planned_message` reads when it is needed."""

    record: RecordKind
    id: str
    """Id of the message; all its records have it."""
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    user: str
    host: str
    action: Action
    dataset: str
    icat_id: int | None = None
    investigation: int | None = None
    destination: str
    digest: str
    outcome: SendOutcome | None = None
    words: str = ""
    """The broker's text, or the reason why there is no receipt."""


class JournalLine(msgspec.Struct, frozen=True):
    """Line of the journal with its position, in bytes from the start."""

    offset: int
    end: int
    """Offset of the next line."""
    record: Record | None
    """None: the line is no record that this version can read."""


class _PlanRecord(Record, frozen=True, kw_only=True):
    """Record of a plan, with the body of the message."""

    body: str


_decoder = msgspec.json.Decoder(Record)


def read_journal(path: Path, offset: int = 0) -> Iterator[JournalLine]:
    """Yield the lines from an offset on, one at a time; none where there is no journal.

    Raises JournalError where the file can't be read.
    """
    try:
        with path.open("rb") as journal:
            journal.seek(offset)
            for line in journal:
                whole = line.endswith(b"\n")
                record = _record(line) if line.strip() else None
                if record or (whole and line.strip()):
                    yield JournalLine(offset, offset + len(line), record)
                offset += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(
            f"The journal {visible(str(path))} can't be read: {error.strerror or error}. What was sent is not known "
            "without it; make it readable for all who register"
        ) from error


def planned_message(path: Path, offset: int) -> Message:
    """Return the message of the plan at an offset, byte for byte. Raises JournalError where there is none."""
    try:
        with path.open("rb") as journal:
            journal.seek(offset)
            planned = msgspec.convert(json.loads(journal.readline()), _PlanRecord)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise JournalError(
            f"The journal {visible(str(path))} has no plan at byte {offset} ({error}): read it again"
        ) from error
    return Message(
        id=planned.id,
        action=planned.action,
        destination=planned.destination,
        body=planned.body.encode("utf-8", "surrogateescape"),
        dataset=planned.dataset,
        icat_id=planned.icat_id,
        investigation=planned.investigation,
    )


def _record(line: bytes) -> Record | None:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _record_with_surrogates(line)


def _record_with_surrogates(line: bytes) -> Record | None:
    """Return a record that msgspec refuses: in a path that is not UTF-8, JSON has lone surrogates."""
    try:
        return msgspec.convert(json.loads(line), Record)
    except ValueError:
        return None

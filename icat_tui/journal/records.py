"""The journal's records: one JSON object a line, as they are read back (interface.md, "Journal").

What must stay true: reading never fails because of what stands in the file. A line that is no record is reported as
such, with where it stands; the last one, without its end, may still be being written and is left for the next time.
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
    """The journal can't be written or read: nothing can be sent."""


class Kind(StrEnum):
    """What a record says."""

    PLAN = "plan"
    """A person said yes to this message; it stands in the record, byte for byte."""
    INTENT = "intent"
    """It is about to be sent."""
    OUTCOME = "outcome"
    SEEN = "seen"
    """ICAT shows what the message was to bring about."""


class SendOutcome(StrEnum):
    """What became of a message that was sent."""

    ACCEPTED = "accepted"
    """The broker has it."""
    REJECTED = "rejected"
    """The broker answered it with an error."""
    UNKNOWN = "unknown"
    """It went out, or may have, and there was no receipt."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the journal, but for the body of a plan: that is read by `planned_message` when it is needed."""

    record: Kind
    id: str
    """The message's; all its records have it."""
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
    """The broker's own, or why there is no receipt."""


class Placed(msgspec.Struct, frozen=True):
    """A line and where it stands, in bytes from the start of the journal."""

    offset: int
    end: int
    """Where the next one starts."""
    record: Record | None
    """None: the line is no record that this version can read."""


class _Planned(Record, frozen=True, kw_only=True):
    body: str


_decoder = msgspec.json.Decoder(Record)


def read(path: Path, offset: int = 0) -> Iterator[Placed]:
    """Yield the lines from an offset on, one at a time however large the journal; none where there is no journal.

    Raises JournalError where the system refuses to read it.
    """
    try:
        with path.open("rb") as journal:
            journal.seek(offset)
            for line in journal:
                whole = line.endswith(b"\n")
                record = _record(line) if line.strip() else None
                if record or (whole and line.strip()):
                    yield Placed(offset, offset + len(line), record)
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
            planned = msgspec.convert(json.loads(journal.readline()), _Planned)
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
        return _foreign_record(line)


def _foreign_record(line: bytes) -> Record | None:
    """Return what msgspec refused: a path that is not UTF-8 is a lone surrogate, which JSON itself can carry."""
    try:
        return msgspec.convert(json.loads(line), Record)
    except ValueError:
        return None

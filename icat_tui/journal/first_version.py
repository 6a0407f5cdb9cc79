"""Taking in of a journal of the first version: one file, whose lines have neither checksum nor location.

What must stay true: every record is taken in with its time, user and host; a line that can't be read becomes a damaged
line of the new journal, so that nothing it may have been about is sent unasked.
"""

import json
from collections.abc import Callable
from pathlib import Path

from icat_tui.domain.message import Action
from icat_tui.journal.records import NO_RECORD, SCHEMA, JournalError, RecordKind, line
from icat_tui.journal.repair import datasets_named
from icat_tui.journal.shard import ELSEWHERE, shard_of
from icat_tui.regular_file import read_regular
from icat_tui.text import visible

KINDS = frozenset({RecordKind.PLAN, RecordKind.INTENT, RecordKind.OUTCOME, RecordKind.SEEN})
ACTIONS = frozenset(Action)
NEEDED = ("id", "time", "user", "host", "dataset", "destination", "digest")


def lines_by_shard(path: Path, location_of: Callable[[str], str]) -> tuple[dict[str, list[bytes]], int]:
    """Return the lines of a new journal by shard, and how many of the old one could not be read.

    `location_of` gives where a dataset directory lies. Raises JournalError where the file can't be read.
    """
    try:
        texts = read_regular(path).splitlines()
    except OSError as error:
        raise JournalError(f"{visible(str(path))} can't be read: {error.strerror or error}") from error
    shards: dict[str, list[bytes]] = {}
    lost: list[bytes] = []
    for text in filter(bytes.strip, texts):
        record = _record(text)
        if record is None:
            lost.append(text)
            continue
        dataset = str(record["dataset"])
        location = location_of(dataset) if dataset else ""
        shards.setdefault(shard_of(location), []).append(line({**record, "schema": SCHEMA, "location": location}))
    for text in lost:
        for shard in {shard_of(name) for name in datasets_named(text)} or set(shards) or {ELSEWHERE}:
            shards.setdefault(shard, []).append(text + b"\n")
    return shards, len(lost)


def _record(text: bytes) -> dict[str, object] | None:
    try:
        record = json.loads(text)
    except NO_RECORD:
        return None
    if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in NEEDED):
        return None
    return record if record.get("record") in KINDS and record.get("action") in ACTIONS else None

"""Setting aside of damaged lines, for a person who has looked at them (interface.md, "Journal").

What must stay true: no byte of a journal is changed, and what a damaged line may have been about takes a confirmation
of its own from then on.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress

from icat_tui.journal.reader import ShardReader
from icat_tui.journal.sendings import DamagedLine
from icat_tui.journal.writer import Journal

_NAMED = re.compile(rb'"(?:dataset|location)": ("(?:[^"\\]|\\.)*")')


def datasets_named(text: bytes) -> list[str]:
    """Return the datasets that a damaged line seems to name, sorted; what is damaged in them can't be told."""
    found = set()
    for name in _NAMED.findall(text):
        with suppress(ValueError):  # the damage may be in the name itself
            found.add(str(json.loads(name)))
    return sorted(found - {""})


def set_aside_damage(journal: Journal, shard: ShardReader) -> Iterator[DamagedLine]:
    """Set the damaged lines of a shard aside, and yield each; those of a newer version stay as they are.

    Raises JournalError where the journal can't be written.
    """
    for damaged in list(shard.index.damaged.values()):
        if damaged.damage.newer:
            continue
        text = damaged.damage.content
        digest = hashlib.sha256(text).hexdigest()
        record = {"offset": damaged.offset, "length": len(text), "digest": digest, "datasets": datasets_named(text)}
        journal.set_aside(shard.path.stem, record)
        yield damaged

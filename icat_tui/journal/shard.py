"""Shards of the journal: one file for each proposal (interface.md, "Journal").

A shard is named by the proposal directory of the location that is sent, never by the text of a message.
"""

import hashlib
import re

from icat_tui.domain.formats import session_of

ELSEWHERE = "_"
"""The shard of datasets that lie in no session; no proposal has that name, as `_` is percent-encoded in theirs."""
LONGEST_NAME = 100
"""Bytes."""


def shard_of(location: str) -> str:
    """Return the name of the shard for a dataset directory."""
    session = session_of(location)
    return ELSEWHERE if session is None else shard_of_proposal(session.rsplit("/", 3)[1])


def shard_of_proposal(proposal: str) -> str:
    """Return the name of the shard for a proposal directory."""
    lowered = proposal.lower().encode("utf-8", "surrogateescape")
    name = re.sub(rb"[^a-z0-9.-]", lambda byte: b"%%%02x" % byte[0][0], lowered).decode()
    if name in (".", ".."):
        name = name.replace(".", "%2e")
    return name if len(name) <= LONGEST_NAME else hashlib.sha256(lowered).hexdigest()

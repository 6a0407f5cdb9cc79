"""Every session that a cache knows: what our files say, then what those of the programs before us do.

What must stay true: each session comes once, and what an old file says is marked as what was known before.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import structs

from icat_tui.cache.legacy_cache import old_sessions, read_old_session
from icat_tui.cache.session_cache import CachedSession, SessionCache, Unreadable
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session, SessionDirectory


def known_sessions(
    cache: SessionCache, formats: Iterable[RawFormat], facility: Facility
) -> Iterator[Session | Unreadable]:
    """Yield every session that a cache knows, each once, and every file of ours that can't be read.

    A torn file was set aside, and knows nothing; one that can't be read may know a session that nobody else does.
    """
    formats, seen = tuple(formats), set[str]()
    for raw_format in formats:
        for found in cache.cached_sessions(raw_format):
            if isinstance(found, Unreadable):
                yield found
            elif found.session.directory.path not in seen:
                seen.add(found.session.directory.path)
                yield found.session
    for raw_format in formats:
        for session in old_sessions(_directory(cache), raw_format, facility):
            if session.directory.path not in seen:
                seen.add(session.directory.path)
                yield session


def last_known(cache: SessionCache, directory: SessionDirectory, facility: Facility) -> Session | None:
    """Return what a cache knows of a session, as what was known before; None where it knows nothing."""
    known = cache.cached_session(directory)
    if isinstance(known, CachedSession):
        return structs.replace(known.session, stale=True)
    name = f"{directory.proposal}_{directory.beamline}_{directory.date}.json"
    old = read_old_session(_directory(cache) / directory.format / name, directory.format, facility)
    return old if old and old.directory.path == directory.path else None


def _directory(cache: SessionCache) -> Path:
    """Return the directory that holds our cache and those of the programs before us."""
    return cache.directory.parent

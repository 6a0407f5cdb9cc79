"""Sessions of the UI in a store over a cache, and what the store told of them."""

from pathlib import Path
from typing import Any

from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.domain.model import Session
from icat_tui.domain.status import Status
from icat_tui.tui.state.session_store import SessionStore, StoreChange
from tests.support.cached_sessions import NOTHING_ON_DISK
from tests.support.samples import NOW, a_directory
from tests.support.time_slot import FACILITY
from tests.support.tree_rows import a_scanned

DATASET = [("colA", "0001", Status.REGISTERED)]


class KeptSessions:
    """A store over a cache in a directory, and the changes that it told of."""

    def __init__(self, directory: Path, *sessions: Session) -> None:
        self.index = SessionIndex(SessionCache(directory))
        self.cache = SessionCache(directory, self.index.put)
        for session in sessions:
            self.cache.save(session, NOTHING_ON_DISK, NOW)
        self.changes: list[StoreChange] = []
        self.store = SessionStore(self.cache, self.index, FACILITY, self.changes.append)


def a_scanned_session(proposal: str, **changes: Any) -> Session:
    return structs.replace(a_scanned(a_directory(proposal), DATASET), **changes)

"""Everything that the UI works with: services, the selection, the cache with its index, and the right to send.

What must stay true: without permission nothing can be sent from here, whatever is pressed (promises.md 6).
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.domain.facility import Facility
from icat_tui.domain.scan_events import Found
from icat_tui.journal.records import JournalError
from icat_tui.services import Services
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.plan import Terms
from icat_tui.sync.scan import ScanPlan
from icat_tui.sync.submit import Submission

NO_ICATPLUS = "no ICAT+ is known: give --icatplus URL, or set icatplus in config.toml"


@dataclass(kw_only=True)
class Workspace:
    """Everything that the UI works with, made by `Services` in the way of the UI."""

    services: Services
    found: Callable[[], Iterator[Found]]
    """Begins to look for the sessions that were asked for; once."""
    found_again: Callable[[], Iterator[Found]]
    """Looks for them anew, with one `stat` a directory that has not changed; raises UsageError."""
    narrow: bool
    """Whether less than everything was asked for: then it is scanned at once."""
    may_send: bool
    """Whether a settings file, or `--register`, allows to send."""
    index: SessionIndex
    """What is known of the sessions in the cache; it is told of what is saved."""
    stop: Cancellation
    """Called off by a signal."""
    doubt: str = ""
    """Why ICAT+ may not be the right one, by the last scan that came to its end; empty: it is."""
    journal_trouble: str = ""
    """Why the journal could not be read for the last scan; empty: it could."""

    @property
    def facility(self) -> Facility:
        """The rules of the place."""
        return self.services.facility

    @cached_property
    def cache(self) -> SessionCache:
        """The cache, which keeps the index up to date."""
        return SessionCache(self.cache_dir, self.index.put)

    @property
    def cache_dir(self) -> Path:
        """The directory of the cache."""
        return self.index.cache.directory.parent

    @property
    def save_dir(self) -> Path | None:
        """The directory of overviews; None: the settings don't say."""
        save_dir = self.services.settings.save_dir
        return Path(save_dir) if save_dir else None

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def catalogue(self) -> Catalogue:
        """Return ICAT+, on connections of its own: closing them ends nobody else's. Raises UsageError without one."""
        return self.services.catalogue(NO_ICATPLUS)

    def scan_plan(self, found: Iterator[Found], *, use_cache: bool) -> ScanPlan:
        """Return how sessions are scanned: another process always reads HDF5. Raises UsageError without ICAT+.

        A journal that can't be read is taken for no journal, and `journal_trouble` says so.
        """
        view, self.journal_trouble = None, ""
        try:
            view = self.services.journal_view()
        except JournalError as error:
            self.journal_trouble = f"nothing can be called pending: {error}"
        surroundings = self.services.surroundings(self.now(), view)
        plan = self.services.scan_plan(found, self.catalogue(), surroundings, self.cache)
        return structs.replace(plan, use_cache=use_cache, early=True, processes=max(1, (os.cpu_count() or 2) - 1))

    # -- sending ---------------------------------------------------------------------------------------------------

    @property
    def forbidden(self) -> str:
        """Why nothing can be sent, and what to do about it; empty where something can."""
        if self.services.read_only_reason:
            return self.services.read_only_reason
        if self.doubt:
            return f"nothing is sent: {self.doubt}"
        if not self.may_send:
            return "nothing is sent, as nobody allowed it: set allow_register = true in config.toml, or give --register"
        if not self.services.settings.queue:
            return "nothing can be sent, as no broker is known: give --queue HOST:PORT, or set queue in config.toml"
        return ""

    def terms(self) -> Terms:
        """Return on what terms a person's plans are made."""
        return self.services.terms(self.now(), again=True)

    def submission(self) -> Submission:
        """Return everything that a registration works with. Raises UsageError without ICAT+, JournalError."""
        view = self.services.journal_view()
        made = self.services.submission(self.now(), view, catalogue=self.catalogue(), cache=self.cache)
        return structs.replace(made, forbidden=self.forbidden)

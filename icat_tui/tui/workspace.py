"""What the UI works with: the settings in force, what was asked for, the cache, and whether it may send.

What must stay true: without permission there is no broker here, whatever is pressed (promises.md 6).
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.dataset_xml import origin_here
from icat_tui.journal.records import JournalError
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.report.scripts import ScriptCall
from icat_tui.services import broker_for, icatplus_for
from icat_tui.settings.schema import Settings, journal_path, state_directory
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.plan import Terms
from icat_tui.sync.scan import ScanPlan
from icat_tui.sync.submit import Office

Found = SessionDirectory | DirectoryFailed


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where the UI was opened, and what it may do there."""

    settings: Settings
    found: Callable[[], Iterator[Found]]
    """Begins to look for the sessions that were asked for; once."""
    narrow: bool
    """Whether less than everything was asked for: then it is scanned at once."""
    may_send: bool
    """Whether a settings file, or `--register`, allows to send."""
    index: SessionIndex
    """What is known of the sessions in the cache; it is told of what is saved."""
    call: ScriptCall
    """What the scripts of an overview call."""
    stop: Cancellation
    """Called off by a signal."""

    @property
    def facility(self) -> Facility:
        """The rules of the place."""
        return self.settings.facility

    @cached_property
    def cache(self) -> SessionCache:
        """The cache, which keeps the index up to date."""
        return SessionCache(self.cache_dir, self.index.put)

    @property
    def cache_dir(self) -> Path:
        """Where the cache lies."""
        return self.index.cache.directory.parent

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    @property
    def state_dir(self) -> Path:
        """Where the journal and the locks lie."""
        return state_directory(self.settings)

    def catalogue(self) -> Catalogue:
        """Return ICAT+, on connections of its own: closing them ends nobody else's. Raises UsageError without one."""
        catalogue = icatplus_for(self.settings)
        if catalogue is None:
            raise UsageError("no ICAT+ is known: give --icatplus URL, or set icatplus in config.toml")
        return catalogue

    def journal_view(self) -> JournalView | None:
        """Return what the journal says of what was sent; None where it can't be read."""
        try:
            return JournalView(journal_path(self.settings), self.facility)
        except JournalError:
            return None

    def surroundings(self, view: JournalView | None) -> Surroundings:
        """Return what the rules need to know now."""
        return Surroundings(
            facility=self.facility,
            now=self.now(),
            settle_time=self.settings.settle_time,
            sent=view,
            pending_timeout=self.settings.pending_timeout,
        )

    def scan_plan(self, found: Iterator[Found], *, use_cache: bool) -> ScanPlan:
        """Return how sessions are scanned: what reads HDF5 is always another process. Raises UsageError."""
        return ScanPlan(
            found=found,
            catalogue=self.catalogue(),
            around=self.surroundings(self.journal_view()),
            cache=self.cache,
            use_cache=use_cache,
            fingerprint_age=self.settings.fingerprint_age,
            max_age=self.settings.max_age,
            jobs=self.settings.jobs,
            processes=max(1, (os.cpu_count() or 2) - 1),
        )

    # -- sending ---------------------------------------------------------------------------------------------------

    @property
    def forbidden(self) -> str:
        """Why nothing can be sent, and what to do about it; empty where something can."""
        if self.settings.read_only:
            return f"nothing can be sent, as read_only is set by {self.settings.origin.get('read_only', 'a default')}"
        if not self.may_send:
            return "nothing is sent, as nobody allowed it: set allow_register = true in config.toml, or give --register"
        if not self.settings.queue:
            return "nothing can be sent, as no broker is known: give --queue HOST:PORT, or set queue in config.toml"
        return ""

    def terms(self) -> Terms:
        """Return on what terms a person's plans are made."""
        return Terms(facility=self.facility, origin=origin_here(self.now()), again=True)

    def office(self) -> Office:
        """Return what a registration works with. Raises UsageError where nothing can be sent, JournalError."""
        if self.forbidden:
            raise UsageError(self.forbidden)
        path = journal_path(self.settings)
        view = JournalView(path, self.facility)
        return Office(
            catalogue=self.catalogue(),
            around=self.surroundings(view),
            view=view,
            journal=Journal(path),
            broker=broker_for(self.settings),
            state_dir=path.parent,
            cache=self.cache,
            verify_wait=self.settings.verify_wait,
        )

    @property
    def save_dir(self) -> Path | None:
        """Where overviews go; None: the settings don't say."""
        return Path(self.settings.save_dir) if self.settings.save_dir else None

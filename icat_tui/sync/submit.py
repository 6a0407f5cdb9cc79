"""The one way to send: locked, looked at again, written down, sent, told."""

from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.domain.message import Message
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import SavingFailed, SessionScanned
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.broker import Broker
from icat_tui.ingest.send_events import SendEvent
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.scan import ScanPlan, scan


class SessionLocked(Struct, frozen=True):
    """Somebody else is registering a session: nothing of it was sent."""

    directory: SessionDirectory
    holder: str


class MessageSkipped(Struct, frozen=True):
    """A confirmed message was not sent, because something is not as it was when it was confirmed."""

    message: Message
    reason: str


RegisterEvent = SessionLocked | MessageSkipped | SavingFailed | SendEvent


class Office(Struct, frozen=True, kw_only=True):
    """What a registration works with."""

    catalogue: Catalogue
    around: Surroundings
    view: JournalView
    """What the journal says; the one that `around` knows too."""
    journal: Journal
    broker: Broker
    state_dir: Path
    """Where the locks lie, beside the journal."""
    cache: SessionCache | None = None
    verify_wait: timedelta = timedelta(seconds=30)


def look_again(
    directory: SessionDirectory,
    office: Office,
    cancellation: Cancellation,
    chosen: int | None = None,
    *,
    keep: bool = False,
) -> Session | None:
    """Return a session as it is now, by neither half of the cache; None where it could not be looked at.

    With `keep` the cache gets to know it.
    """
    office.view.refresh()
    plan = ScanPlan(
        found=(directory,),
        catalogue=office.catalogue,
        around=office.around,
        cache=office.cache if keep else None,
        use_cache=False,
        investigation=chosen,
        jobs=1,
    )
    scanned = [event.session for event in scan(plan, cancellation) if isinstance(event, SessionScanned)]
    return scanned[0] if scanned else None

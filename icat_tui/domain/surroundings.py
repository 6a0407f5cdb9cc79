"""Input of the rules besides the disk and the catalogue of a session: facility, time, settings and journal."""

from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import ForeignRow, MessageHistory


class SentMessages(Protocol):
    """Messages that were sent and what became of them, as the journal has it."""

    def registration(self, path: str, location: str) -> MessageHistory:
        """Return what was sent to register the dataset in a directory, by its spelling and by where it lies."""

    def files(self, icat_id: int, path: str, location: str) -> MessageHistory:
        """Return what was sent to add the files of a dataset."""


class ForeignRowsSeen(Protocol):
    """Rows of ICAT in sessions of another proposal or beamline, as this run and earlier ones have seen them."""

    def at(self, key: str) -> ForeignRow | None:
        """Return the row whose location has this `location_key`."""

    def note(self, group: tuple[str, str], investigation: int, rows: tuple[ForeignRow, ...], *, complete: bool) -> None:
        """Take what an investigation of this beamline and proposal lists."""

    def save(self) -> None:
        """Write what has changed. Raises SaveError."""


class Surroundings(Struct, frozen=True, kw_only=True):
    """Input of the rules besides the disk and the catalogue of a session."""

    facility: Facility
    now: datetime
    foreign: ForeignRowsSeen | None = None
    """None: nothing is known of other proposals."""
    data_roots: tuple[str, ...] = ()
    """Where data lies: only there the locations of ICAT are looked at."""
    settle_time: timedelta = timedelta(hours=1)
    """How long nothing must have changed before a dataset counts as finished."""
    sent: SentMessages | None = None
    """None: without a journal; then nothing counts as sent."""
    pending_timeout: timedelta = timedelta(hours=24)
    """How long a dataset stays `pending` after its message was sent."""

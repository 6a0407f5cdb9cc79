"""Everything that the rules need to know besides the disk and the catalogue of a session."""

from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Sent


class Correspondence(Protocol):
    """What the journal says of messages that went out."""

    def registration(self, path: str) -> Sent | None:
        """Return the last message to register the dataset in a directory that ICAT has not shown yet."""

    def files(self, icat_id: int) -> Sent | None:
        """Return the last request to add the files of a dataset that ICAT has not shown yet."""

    def rejection(self, path: str) -> str | None:
        """Return the broker's words where it rejected the last message to register a dataset."""

    def files_rejection(self, icat_id: int) -> str | None:
        """Return the broker's words where it rejected the last request to add the files of a dataset."""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the rules need to know beside disk and catalogue."""

    facility: Facility
    now: datetime
    settle_time: timedelta = timedelta(hours=1)
    """How long nothing must have changed before a dataset is taken for finished."""
    sent: Correspondence | None = None
    """None: nothing was ever sent from here."""
    pending_timeout: timedelta = timedelta(hours=24)
    """How long what was sent is waited for."""

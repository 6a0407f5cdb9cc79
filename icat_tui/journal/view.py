"""View of the journal for the rules of `domain`: pending messages, and rejections by the broker."""

import threading
from pathlib import Path

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import SentMessage
from icat_tui.journal.reader import JournalIndex, JournalReader, Sending


class JournalView:
    """Thread-safe view of the journal as it was at the last `refresh`; a `domain.surroundings.SentMessages`."""

    def __init__(self, path: Path, facility: Facility) -> None:
        """Read the journal at `path`, which need not be there. Raises JournalError where it can't be read."""
        self._reader = JournalReader(path, facility)
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Read the records that were added since. Raises JournalError where the journal can't be read."""
        with self._lock:
            self._reader.refresh()

    @property
    def index(self) -> JournalIndex:
        """Index of all messages in the journal, for the one thread that calls `refresh`."""
        return self._reader.index

    def registration(self, path: str) -> SentMessage | None:
        """Return the last pending message to register the dataset in a directory."""
        with self._lock:
            return _sent(self._reader.index.dataset(path).pending)

    def files(self, icat_id: int) -> SentMessage | None:
        """Return the last pending request to add the files of a dataset."""
        with self._lock:
            return _sent(self._reader.index.files(icat_id).pending)

    def rejection(self, path: str) -> str | None:
        """Return the reason where the broker rejected the last message to register a dataset."""
        with self._lock:
            return _reason(self._reader.index.dataset(path).rejected)

    def files_rejection(self, icat_id: int) -> str | None:
        """Return the reason where the broker rejected the last request to add the files of a dataset."""
        with self._lock:
            return _reason(self._reader.index.files(icat_id).rejected)


def _sent(sending: Sending | None) -> SentMessage | None:
    return SentMessage(sending.time, sending.reason) if sending else None


def _reason(rejected: Sending | None) -> str | None:
    return rejected.reason if rejected else None

"""What the journal says, in the words of the rules: which datasets wait for ICAT, and what the broker refused."""

import threading
from pathlib import Path

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import SentMessage
from icat_tui.journal.reader import JournalReader, Sending, Standings


class JournalView:
    """The journal as it was at the last `refresh`; may be asked from any thread (`surroundings.SentMessages`)."""

    def __init__(self, path: Path, facility: Facility) -> None:
        """Read the journal at `path`, which need not be there. Raises JournalError where it can't be read."""
        self._reader = JournalReader(path, facility)
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Take up what was written since. Raises JournalError where the journal can't be read."""
        with self._lock:
            self._reader.refresh()

    @property
    def standings(self) -> Standings:
        """Everything that stands in the journal, for the one thread that calls `refresh`."""
        return self._reader.standings

    def registration(self, path: str) -> SentMessage | None:
        """Return the last message to register the dataset in a directory that ICAT has not shown yet."""
        with self._lock:
            return _sent(self._reader.standings.dataset(path).out)

    def files(self, icat_id: int) -> SentMessage | None:
        """Return the last request to add the files of a dataset that ICAT has not shown yet."""
        with self._lock:
            return _sent(self._reader.standings.files(icat_id).out)

    def rejection(self, path: str) -> str | None:
        """Return the broker's words where it rejected the last message to register a dataset."""
        with self._lock:
            return _reason(self._reader.standings.dataset(path).rejected)

    def files_rejection(self, icat_id: int) -> str | None:
        """Return the broker's words where it rejected the last request to add the files of a dataset."""
        with self._lock:
            return _reason(self._reader.standings.files(icat_id).rejected)


def _sent(sending: Sending | None) -> SentMessage | None:
    return SentMessage(sending.time, sending.reason) if sending else None


def _reason(rejected: Sending | None) -> str | None:
    return rejected.reason if rejected else None

"""How a server answers: kept up by each request, read by those who show it.

What must stay true: whatever is said of a server happened, and it is known when. A request that was cancelled says
nothing about the server.
"""

import threading
import time
from collections.abc import Callable

from icat_tui.domain.server_report import LastAnswer, ServerReport


class ServerState:
    """State of a server, for any number of threads and clients."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._silent_since: float | None = None
        self._last: LastAnswer | None = None

    def begin(self) -> float:
        """Note that a request waits for its answer; return when it began."""
        with self._lock:
            now = self._clock()
            self._waiting += 1
            if self._silent_since is None:
                self._silent_since = now
            return now

    def cancelled(self) -> None:
        """Note that a request ended without saying anything about the server."""
        with self._lock:
            self._end()

    def answered(self, began: float, status: int) -> None:
        """Note that a request was answered, well or not."""
        with self._lock:
            now = self._clock()
            self._end()
            if self._waiting:
                self._silent_since = now
            self._last = LastAnswer(at=now, seconds=now - began, status=status)

    def failed(self, began: float, trouble: str) -> None:
        """Note that a request ended without an answer."""
        with self._lock:
            now = self._clock()
            self._end()
            self._last = LastAnswer(at=now, seconds=now - began, trouble=trouble)

    def report(self) -> ServerReport:
        """Return how the server is now."""
        with self._lock:
            return ServerReport(now=self._clock(), silent_since=self._silent_since, last=self._last)

    def _end(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._silent_since = None

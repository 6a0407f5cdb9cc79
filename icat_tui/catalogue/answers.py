"""How a server answers: kept up by each request, read by those who show it.

What must stay true: whatever is said of a server happened, and it is known when. A request that was cancelled says
nothing about the server.
"""

import threading
import time
from collections.abc import Callable

from msgspec import Struct


class LastAnswer(Struct, frozen=True, kw_only=True):
    """End of the request that ended last."""

    at: float
    """When, on the monotonic clock."""
    seconds: float
    """How long it took."""
    status: int | None = None
    """The HTTP status; None: there was no answer."""
    trouble: str = ""
    """Why there was no answer, in words; the API key is not in it."""


class ServerReport(Struct, frozen=True, kw_only=True):
    """State of a server at a moment."""

    now: float
    """The moment, on the monotonic clock."""
    silent_since: float | None = None
    """Since when requests wait without any answer; None: none waits."""
    last: LastAnswer | None = None

    @property
    def silence(self) -> float:
        """Seconds for which requests have been waiting without any answer."""
        return 0.0 if self.silent_since is None else max(0.0, self.now - self.silent_since)

    @property
    def age(self) -> float:
        """Seconds since a request ended last."""
        return 0.0 if self.last is None else max(0.0, self.now - self.last.at)


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

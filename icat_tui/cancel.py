"""Cancelling: said once, heard wherever something waits."""

import threading
from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818  (a fact, not an error)
    """The work was called off; nothing was found out."""


class Cancellation:
    """Says that a run is to stop. What blocks registers how to be woken."""

    def __init__(self) -> None:
        """Make one that nobody has called off yet."""
        self._called_off = threading.Event()
        self._lock = threading.Lock()
        self._wake: list[Callable[[], object]] = []

    def __bool__(self) -> bool:
        """Return whether the run was called off."""
        return self._called_off.is_set()

    def check(self) -> None:
        """Raise Cancelled once the run was called off."""
        if self:
            raise Cancelled

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the run is called off, or the time is over."""
        self._called_off.wait(seconds)

    def on_cancel(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Have `wake` called when the run is called off, at once where it was already; return how to take that back."""
        with self._lock:
            if not self:
                self._wake.append(wake)
                return lambda: self._forget(wake)
        wake()
        return lambda: None

    def _forget(self, wake: Callable[[], object]) -> None:
        with self._lock:
            if wake in self._wake:
                self._wake.remove(wake)

    def cancel(self) -> None:
        """Call the run off. Safe from any thread, though not in a signal handler; the second call does nothing."""
        with self._lock:
            if self:
                return
            self._called_off.set()
            wakes, self._wake = self._wake, []
        for wake in wakes:
            wake()

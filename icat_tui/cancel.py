"""Cancelling: said once, heard wherever something waits."""

import threading
from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818  (a fact, not an error)
    """The work was called off; nothing was found out."""


class Cancellation:
    """Says that a run is to stop. What blocks registers how to be woken."""

    def __init__(self) -> None:
        """Make one that nobody has called off yet."""
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    def __bool__(self) -> bool:
        """Return whether the run was called off."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled once the run was called off."""
        if self:
            raise Cancelled

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the run is called off, or the time is over."""
        self._cancelled.wait(seconds)

    def on_cancel(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have `callback` called when the run is called off, at once where it was already; return how to take that back."""
        with self._lock:
            if not self:
                self._callbacks.append(callback)
                return lambda: self._unregister(callback)
        callback()
        return lambda: None

    def _unregister(self, callback: Callable[[], object]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def cancel(self) -> None:
        """Call the run off. Safe from any thread, though not in a signal handler; the second call does nothing."""
        with self._lock:
            if self:
                return
            self._cancelled.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

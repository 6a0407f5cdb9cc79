"""Cancelling of work from any thread.

What must stay true: `cancel` ends every wait of the work it belongs to, as all that blocks registers a callback.
"""

import threading
from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818  (a fact, not an error)
    """Exception that ends cancelled work, which then has no result."""


class Cancellation:
    """Flag that work is cancelled, with callbacks that end blocking calls."""

    def __init__(self) -> None:
        """Make one that is not cancelled."""
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    def __bool__(self) -> bool:
        """Return whether the work was cancelled."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled if the work was cancelled."""
        if self:
            raise Cancelled

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the work is cancelled or the time is over; without a time, until it is cancelled."""
        self._cancelled.wait(seconds)

    def on_cancel(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` on cancelling, at once if that has happened; return a function that unregisters it."""
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
        """Cancel the work. Safe from any thread, but not in a signal handler; a second call does nothing."""
        _call(self._begin_to_cancel())

    def cancel_unwaited(self) -> None:
        """Cancel the work, the callbacks in a thread of their own: one may wait for a connection to be closed."""
        threading.Thread(target=_call, args=(self._begin_to_cancel(),), name="icat-tui cancel", daemon=True).start()

    def _begin_to_cancel(self) -> list[Callable[[], object]]:
        """Set the flag, and return the callbacks that are to be called; none where it was set before."""
        with self._lock:
            if self:
                return []
            self._cancelled.set()
            callbacks, self._callbacks = self._callbacks, []
        return callbacks


def _call(callbacks: list[Callable[[], object]]) -> None:
    for callback in callbacks:
        callback()

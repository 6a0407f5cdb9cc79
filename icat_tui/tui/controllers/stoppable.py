"""Work in threads that a person waits for and can stop: looks at what would be sent, searches for sessions."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from icat_tui.cancel import Cancellation
from icat_tui.tui.host import Activity, Host

Result = TypeVar("Result")


class StoppableWork:
    """Work of one kind under way, each with a cancellation of its own."""

    def __init__(self, host: Host, noun: str, when_stopped: str) -> None:
        """Do nothing yet; `noun` is what the footer says that it stops, `when_stopped` what is told then."""
        self._host, self._noun, self._when_stopped = host, noun, when_stopped
        self._since: dict[Cancellation, float] = {}
        """When what is under way began, on the monotonic clock."""

    def __bool__(self) -> bool:
        """Return whether anything is under way."""
        return bool(self._since)

    def begin(self, doing: str, work: Callable[[Cancellation], Result], then: Callable[[Result], None]) -> None:
        """Do something in a thread, and something with its result unless it was stopped meanwhile."""
        stop = Cancellation()
        self._since[stop] = time.monotonic()

        def tried() -> Result:
            try:
                return work(stop)
            finally:
                self._since.pop(stop, None)

        def done(result: Result) -> None:
            if not stop:
                then(result)
            self._host.show_state()

        self._host.background(doing, tried, done)
        self._host.show_state()

    @property
    def activities(self) -> list[Activity]:
        """What is under way."""
        return [Activity(since, self._noun, partial(self._stop, stop)) for stop, since in list(self._since.items())]

    def _stop(self, stop: Cancellation) -> None:
        self._since.pop(stop, None)
        stop.cancel_unwaited()
        self._host.hint(self._when_stopped)

    def cancel(self) -> None:
        """Stop everything, without a word."""
        for stop in list(self._since):
            stop.cancel()

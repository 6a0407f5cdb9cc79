"""The sandbox's ICAT+ with faults: it counts what it is asked and fails, hangs or lies as a test tells it.

What must stay true: whatever it was told to do, hang for ever among it, no thread of it is left when the test ends.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from icat_tui.sandbox import fake_icatplus
from icat_tui.sandbox.fake_icatplus import CatalogueState, HttpReply, Row
from icat_tui.sandbox.local_server import serving

HANG = "hang"
"""A fault: no answer, ever."""

Fault = Callable[[str], tuple[int, str | list[Row]] | str | None]
"""From the target of a request to a status and a body, to HANG, or to None: as it should be."""


def no_fault(_target: str) -> None:
    """Let every request be answered as it should be."""


class FaultyIcatPlus:
    """ICAT+ of the sandbox that answers from a state, with any key, unless it is told to fail."""

    def __init__(self, state: CatalogueState | None = None) -> None:
        self.state = state or CatalogueState()
        self.url = ""
        """Where it answers while it is served."""
        self.fault: Fault = no_fault
        self.asked: list[str] = []
        """The target of each request."""
        self.in_flight = self.most_in_flight = 0
        self.released = threading.Event()
        """Requests wait while this is not set."""
        self.released.set()
        self.hung = threading.Event()
        """Set once a request hangs."""
        self.closing = threading.Event()
        self._lock = threading.Lock()

    def answer(self, target: str) -> HttpReply:
        """Return what is answered without a fault."""
        return fake_icatplus.answer(self.state, target.split("/")[2], target)

    def reply(self, target: str) -> HttpReply:
        """Count a request, and return what is answered. Raises ConnectionAbortedError for one that hung."""
        with self._lock:
            self.asked.append(target)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.released.wait(10)
            fault = self.fault(target)
            if isinstance(fault, str):
                self.hung.set()
                self.closing.wait()
                raise ConnectionAbortedError
            return self.answer(target) if fault is None else HttpReply(HTTPStatus(fault[0]), fault[1])
        finally:
            with self._lock:
                self.in_flight -= 1


@contextmanager
def serving_icatplus(icatplus: FaultyIcatPlus | None = None) -> Iterator[FaultyIcatPlus]:
    """Serve an ICAT+, by default one that knows nothing, on loopback."""
    icatplus = icatplus or FaultyIcatPlus()
    icatplus.closing.clear()
    with serving(fake_icatplus._handler(icatplus.reply), 0, "icatplus") as port:
        icatplus.url = f"http://127.0.0.1:{port}"
        try:
            yield icatplus
        finally:
            icatplus.closing.set()

"""Waiting for a condition instead of sleeping."""

import threading
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], what: str = "", seconds: float = 20) -> None:
    """Wait until a condition holds; fail with what was waited for."""
    deadline, never = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, what
        never.wait(0.005)

"""Signals: the first calls the work off, a second ends the program at once, and at the end the first is raised again.

What must stay true: a script that called us sees that we ended by a signal, and stops too (interface.md, "Exit codes").
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from icat_tui.cancel import Cancellation

SIGPIPE = signal.SIGPIPE
STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Stop(Cancellation):
    """Says that a run is to stop, and which signal said so."""

    by: signal.Signals | None = None

    @property
    def code(self) -> int:
        """The exit code that a shell makes of the signal."""
        return 128 + (self.by or 0)


@contextmanager
def heeding_signals() -> Iterator[Stop]:
    """Give what the first signal calls off. A signal that is ignored (`nohup`, a job of a script) stays so."""
    stop = Stop()

    def heed(number: int, _: FrameType | None) -> None:
        stop.by = signal.Signals(number)
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        # Not here: the main thread may hold the very lock that cancelling needs.
        threading.Thread(target=stop.cancel, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {each: known for each in STOPPING if (known := signal.getsignal(each)) != signal.SIG_IGN}
    for each in before:
        signal.signal(each, heed)
    try:
        yield stop
    finally:
        if stop.by not in before:
            for each, known in before.items():
                signal.signal(each, known)


def raise_again(number: signal.Signals) -> int:
    """End by a signal, as if it had never been caught; return the exit code that stands for it where that fails."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number

"""Signals: the first cancels the work, a second ends the program at once, and at the end the first is raised again.

What must stay true: a calling script sees that the program ended by a signal, and can stop too (interface.md, "Exit
codes").
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


class SignalCancellation(Cancellation):
    """Cancellation of a run by a signal."""

    received: signal.Signals | None = None
    """The signal; None: none has come."""

    @property
    def code(self) -> int:
        """The exit code that a shell gives for the signal."""
        return 128 + (self.received or 0)


@contextmanager
def cancelled_by_signals() -> Iterator[SignalCancellation]:
    """Yield a cancellation by the first signal. Signals that are ignored (`nohup`, a background job) stay so."""
    cancellation = SignalCancellation()

    def handle(number: int, _: FrameType | None) -> None:
        cancellation.received = signal.Signals(number)
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        # Not here: the main thread may hold the lock that cancelling needs.
        threading.Thread(target=cancellation.cancel, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield cancellation
        return
    before = {each: known for each in STOPPING if (known := signal.getsignal(each)) != signal.SIG_IGN}
    for each in before:
        signal.signal(each, handle)
    try:
        yield cancellation
    finally:
        if cancellation.received not in before:
            for each, known in before.items():
                signal.signal(each, known)


def raise_again(number: signal.Signals) -> int:
    """End the process by a signal, as if it had not been caught; return its exit code where that fails."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number

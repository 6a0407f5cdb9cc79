"""Signals: the first cancels the work and ends the program soon, a second one at once; both as if nothing caught them.

A handler of Python has no effect while the main thread waits for the system, in `open` for instance: a thread hears of
signals by a pipe. What must stay true: a calling script sees that the program ended by a signal, and can stop too, and
a program ends whatever it is at (interface.md, "Exit codes").
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from icat_tui.cancel import Cancellation

SIGPIPE = signal.SIGPIPE
STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
SOON = 0.8
"""Seconds after the first signal within which the main thread has to be on its way to the end."""
SOON_WITH_MESSAGES_OUT = 3.8
"""The same while messages are out, which get receipts, and for the end once it is on its way."""
TOGETHER = 0.2
"""Seconds within which the same signal counts once: `timeout` sends it to the program and to its group."""


class SignalCancellation(Cancellation):
    """Cancellation of a run by a signal."""

    received: signal.Signals | None = None
    """The signal; None: none has come."""
    noticed = False
    """Whether the main thread is on its way to the end."""
    patience = SOON
    """Seconds that the main thread has after the signal."""

    def __init__(self) -> None:
        """Make one that heeds no signals yet."""
        super().__init__()
        self._until_closed = ExitStack()

    @property
    def code(self) -> int:
        """The exit code that a shell gives for the signal."""
        return 128 + (self.received or 0)

    def check(self) -> None:
        """Raise Cancelled if the work was cancelled."""
        if self and threading.current_thread() is threading.main_thread():
            self.noticed = True
        super().check()

    def heed_signals(self) -> None:
        """Be cancelled by the first signal from now on, until this is closed."""
        self._until_closed.enter_context(cancelled_by_signals(self))

    def close(self) -> None:
        """Heed signals no more."""
        self._until_closed.close()

    def expect_receipts(self) -> None:
        """Leave more time after a signal from now on, as messages may be out."""
        self.patience = SOON_WITH_MESSAGES_OUT


@contextmanager
def interrupts_by_default() -> Iterator[None]:
    """Let SIGINT end the program as other signals do, without a traceback, while the context lasts."""
    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)


@contextmanager
def cancelled_by_signals(cancellation: SignalCancellation) -> Iterator[None]:
    """Cancel by the first signal, while the context lasts. Signals that are ignored (`nohup`) stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: known for each in STOPPING if (known := signal.getsignal(each)) != signal.SIG_IGN}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wakeup_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for each in before:
        signal.signal(each, _do_nothing)
    threading.Thread(target=_Watch(cancellation, reading, frozenset(before)).run, daemon=True).start()
    try:
        yield
    finally:
        for each, known in before.items():
            signal.signal(each, signal.SIG_DFL if cancellation.received else known)
        signal.set_wakeup_fd(wakeup_before)
        os.close(writing)  # which ends the thread


def _do_nothing(*_: object) -> None:
    """Handle a signal: the thread does so."""


class _Watch:
    """Thread that hears of signals by a pipe."""

    def __init__(self, cancellation: SignalCancellation, reading: int, numbers: frozenset[signal.Signals]) -> None:
        self.cancellation, self.reading, self.numbers = cancellation, reading, numbers
        self.came = 0.0
        """When the first signal came."""

    def run(self) -> None:
        """Cancel on the first signal, end the program on a second or where it does not end in time."""
        try:
            while (number := self.next_signal()) is not None:
                if self.cancellation.received is None:
                    self.came = time.monotonic()
                    self.cancellation.received = number
                    threading.Thread(target=self.cancellation.cancel, daemon=True).start()  # it may wait for locks
                elif number != self.cancellation.received or time.monotonic() - self.came > TOGETHER:
                    end_at_once(number)
        finally:
            os.close(self.reading)

    def next_signal(self) -> signal.Signals | None:
        """Return the next signal; None at the end. Ends the program where it does not end in time."""
        while True:
            left = self.seconds_left()
            if left is not None and left <= 0 and self.cancellation.received:
                _say(f"stopped by {self.cancellation.received.name}, in the midst of what does not end")
                end_at_once(self.cancellation.received)
            if not select.select([self.reading], [], [], left)[0]:
                continue
            byte = os.read(self.reading, 1)
            if not byte:
                return None
            if byte[0] in self.numbers:
                return signal.Signals(byte[0])

    def seconds_left(self) -> float | None:
        """Return how long the program has to end; None before a signal."""
        if self.cancellation.received is None:
            return None
        patience = SOON_WITH_MESSAGES_OUT if self.cancellation.noticed else self.cancellation.patience
        return self.came + patience - time.monotonic()


def _say(what: str) -> None:
    """Write a line to stderr, unless that would wait; the log may be what the main thread waits for."""
    with suppress(OSError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, f"icat-tui: {what}\n".encode())


def end_at_once(number: signal.Signals) -> None:
    """End the process by a signal, from any thread and whatever the main thread waits for."""
    _reset_handler()(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(1)  # it comes to any thread, and ends all
    os._exit(128 + number)


def _reset_handler() -> Callable[[int, int], object]:
    """Return the function of C that sets handlers, as Python's is for the main thread only."""
    import ctypes  # noqa: PLC0415 - late: only what does not end needs it

    function = ctypes.CDLL(None).signal
    function.argtypes, function.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    return function


def raise_again(number: signal.Signals) -> int:
    """End the process by a signal, as if it had not been caught; return its exit code where that fails."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number

"""Who may ask ICAT+, how many at once, and until when (promises.md 13).

What must stay true: whoever waits here, for a place, for a connection, for the next attempt or for an answer, is let
go when the client is closed, whatever the server does. So each request under way is known by a second handle on its
socket, which can be shut from any thread.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct

CANCELLED = "cancelled"


class Limits(Struct, frozen=True, kw_only=True):
    """How long and how often ICAT+ is asked; seconds where nothing else is said."""

    connect: float = 5.0
    """For name look-up, connection and proxy together; and for each read of a TLS handshake."""
    read: float = 30.0
    """Without a byte from the server."""
    answer: float = 120.0
    """From the question to the last byte of the answer, for each attempt."""
    retries: int = 3
    """Further attempts after a 5xx, a time-out or a broken connection."""
    backoff: float = 0.5
    """Before the first retry, twice as long before each one after it, half as much more or less by chance."""
    longest_pause: float = 10.0
    """What is granted at most to a server that names a time itself (`Retry-After`)."""
    failures: int = 5
    """Requests in a row that failed all their attempts, after which nothing more is asked."""


class Stopped(Exception):  # noqa: N818 -- not an error: what a request that waits is told when there is no point in it
    """No request may go on: the client was closed, or ICAT+ was given up. Its text is for a person."""


class SocketHandle:
    """A second handle on the socket of a connection, to shut it under the hands of the thread that reads from it.

    A handle of its own, because the number of a closed one may already be somebody else's file.
    """

    def __init__(self, connected: socket.socket) -> None:
        """Take a handle on a socket that is connected and not wrapped in TLS yet."""
        self._lock = threading.Lock()
        self._socket = connected.dup()
        self._busy = False
        self._retired = False

    def take(self) -> None:
        """Note that a request uses the connection."""
        with self._lock:
            self._busy = True

    def release(self) -> None:
        """Say that the request has ended."""
        with self._lock:
            self._busy = False
            if self._retired:
                self._socket.close()

    def retire(self) -> None:
        """Close the handle, now or, where the rest of an answer is still being read, after that."""
        with self._lock:
            self._retired = True
            if not self._busy:
                self._socket.close()

    def shut(self) -> None:
        """End the connection for everybody: a read that waits on it returns at once."""
        with self._lock, contextlib.suppress(OSError):  # the other side was faster
            self._socket.shutdown(socket.SHUT_RDWR)


class Call:
    """One request under way."""

    def __init__(self, deadline: float) -> None:
        """Start a request that must have its whole answer by `deadline` (of `time.monotonic`)."""
        self.deadline = deadline
        self.handle: SocketHandle | None = None
        self.connected = False
        """Whether the connection stands, TLS included."""
        self.overdue = False
        """Whether the handle was shut because the whole answer took too long."""


class Gate:
    """What all requests of a client go through."""

    def __init__(self, jobs: int, limits: Limits) -> None:
        """Let at most `jobs` requests through at once, one at least."""
        if jobs < 1:
            raise ValueError(f"{jobs} requests at once would never end")
        self.limits = limits
        self._jobs = jobs
        self._state = threading.Condition()
        self._calls: set[Call] = set()
        self._failures = 0
        self._given_up = ""
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closed.is_set()

    @contextmanager
    def request(self) -> Iterator[Call]:
        """Wait for a place and hold it; raise `Stopped` where there is no more use in asking."""
        with self._state:
            self._state.wait_for(lambda: self._over() or len(self._calls) < self._jobs)
            self._check()
            call = Call(time.monotonic() + self.limits.answer)
            self._calls.add(call)
            if self._watch is None:
                self._watch = threading.Thread(target=self._keep_deadlines, name="ICAT+ deadlines", daemon=True)
                self._watch.start()
        try:
            yield call
        finally:
            with self._state:
                self._calls.discard(call)
                if call.handle is not None:
                    call.handle.release()
                self._state.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait between two attempts; raise `Stopped` as soon as there is no more use in it."""
        with self._state:
            self._state.wait_for(self._over, seconds)
            self._check()

    def dial(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """Return what `connect` returns, or raise what it raises; in time or `TimeoutError`, `Stopped` at a close.

        Neither a name look-up nor a connect can be broken off, so both happen in a thread that may be left behind.
        """
        connected: list[socket.socket] = []
        failed: list[Exception] = []
        left = threading.Event()

        def run() -> None:
            try:
                result = connect()
            except Exception as error:  # noqa: BLE001 -- raised again by the thread that waits for it
                failed.append(error)
            else:
                with self._state:
                    connected.append(result)
                    if left.is_set():
                        result.close()
            with self._state:
                self._state.notify_all()

        threading.Thread(target=run, name="ICAT+ connect", daemon=True).start()
        with self._state:
            self._state.wait_for(lambda: self.closed or connected or failed, self.limits.connect)
            if connected:
                return connected[0]
            if failed:
                raise failed[0]
            left.set()
            self.check_open()
        raise TimeoutError

    def use(self, call: Call, handle: SocketHandle) -> None:
        """Let a request be ended by shutting this handle; one that must end already finds it shut."""
        with self._state:
            if call.handle is not None:
                call.handle.release()
            call.handle = handle
            handle.take()
            if self.closed or call.overdue:
                handle.shut()

    def check_open(self) -> None:
        """Raise `Stopped` once the client is closed."""
        if self.closed:
            raise Stopped(CANCELLED)

    def answered(self) -> None:
        """Count a request that ICAT+ answered, whatever it said."""
        with self._state:
            self._failures = 0

    def failed(self, reason: str) -> None:
        """Count a request that failed all its attempts; after too many in a row nothing more is asked."""
        with self._state:
            self._failures += 1
            if self._failures >= self.limits.failures and not self._given_up:
                self._given_up = (
                    f"ICAT+ does not answer ({self._failures} requests in a row failed, the last: {reason})"
                )
                self._state.notify_all()

    def close(self) -> None:
        """End every request under way and every wait, for good."""
        with self._state:
            self._closed.set()
            for call in self._calls:
                if call.handle is not None:
                    call.handle.shut()
            self._state.notify_all()

    def _over(self) -> bool:
        return self.closed or bool(self._given_up)

    def _check(self) -> None:
        self.check_open()
        if self._given_up:
            raise Stopped(self._given_up)

    def _keep_deadlines(self) -> None:
        """Shut connections of overdue requests: a server that sends a byte now and then meets no other limit."""
        wait = 0.0
        while not self._closed.wait(wait):
            with self._state:
                now = time.monotonic()
                for call in self._calls:
                    if call.deadline <= now:
                        call.overdue = True
                        if call.handle is not None:
                            call.handle.shut()
                # a request that starts while we wait is due after us
                wait = (
                    min((call.deadline for call in self._calls if not call.overdue), default=now + self.limits.answer)
                    - now
                )

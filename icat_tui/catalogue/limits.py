"""Limits on the requests of one client: how many at once, deadlines, and a circuit breaker (promises.md 13).

What must stay true: a thread that waits here, for a free slot, for a connection, for the next attempt or for an answer,
goes on when the client is closed, whatever the server does. So each request under way has a second handle on its
socket, which can be shut down from any thread.
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
    """Time limits and numbers of attempts for requests to ICAT+; seconds where nothing else is said."""

    connect: float = 5.0
    """For name look-up, connection and proxy together; and for each read of a TLS handshake."""
    read: float = 30.0
    """Without a byte from the server."""
    answer: float = 120.0
    """From the request to the last byte of the answer, for each attempt."""
    retries: int = 3
    """Further attempts after a 5xx, a time-out or a broken connection."""
    backoff: float = 0.5
    """Before the first retry; doubled for each one after it, with a random jitter of half of it."""
    longest_pause: float = 10.0
    """Limit on the pause that a server asks for (`Retry-After`)."""
    longest_wait: float = 60.0
    """Limit on the pause that a server asks for that has too many requests (429); it is heeded once."""
    largest: int = 64 << 20
    """Bytes of an answer, unpacked; a list that is larger is asked for in pages."""
    page: int = 1000
    """Elements of a page of such a list."""
    inflation: int = 200
    """How many times as large as it came an answer may be, unpacked; above that nothing real is in it."""
    failures: int = 5
    """Requests in a row that failed all their attempts, after which the circuit breaker stops all others."""


class Stopped(Exception):  # noqa: N818 -- not an error: a request that waits ends by it when there is no point in it
    """End of all requests: the client was closed, or the circuit breaker is open. Its text is for a person."""


class SocketHandle:
    """Second handle on the socket of a connection, to shut it down while another thread reads from it.

    The file descriptor is duplicated, because the number of a closed one may already belong to another file.
    """

    def __init__(self, connected: socket.socket) -> None:
        """Duplicate the handle of a socket that is connected and not wrapped in TLS yet."""
        self._lock = threading.Lock()
        self._socket = connected.dup()
        self._busy = False
        self._retired = False

    def acquire(self) -> None:
        """Note that a request uses the connection."""
        with self._lock:
            self._busy = True

    def release(self) -> None:
        """Note that the request has ended; close the handle if it was retired meanwhile."""
        with self._lock:
            self._busy = False
            if self._retired:
                self._socket.close()

    def retire(self) -> None:
        """Close the handle: now, or once the rest of an answer has been read."""
        with self._lock:
            self._retired = True
            if not self._busy:
                self._socket.close()

    def shut_down(self) -> None:
        """Shut down the connection for all threads: a read that waits on it returns at once."""
        with self._lock, contextlib.suppress(OSError):  # the other side was faster
            self._socket.shutdown(socket.SHUT_RDWR)


class Call:
    """Request under way."""

    def __init__(self, deadline: float) -> None:
        """Start a request that must have its whole answer by `deadline` (of `time.monotonic`)."""
        self.deadline = deadline
        self.handle: SocketHandle | None = None
        self.connected = False
        """Whether the connection is established, TLS included."""
        self.overdue = False
        """Whether the handle was shut down because the whole answer took too long."""


class RequestLimiter:
    """Limiter of all requests of a client: concurrency, deadlines and a circuit breaker."""

    def __init__(self, jobs: int, limits: Limits) -> None:
        """Allow at most `jobs` requests at once; raise ValueError for less than one."""
        if jobs < 1:
            raise ValueError(f"{jobs} requests at once would never end")
        self.limits = limits
        self._jobs = jobs
        self._state = threading.Condition()
        self._calls: set[Call] = set()
        self._failures = 0
        self._breaker_reason = ""
        self._closed = threading.Event()
        self._deadline_thread: threading.Thread | None = None

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closed.is_set()

    @contextmanager
    def request(self) -> Iterator[Call]:
        """Wait for a free slot and hold it for one request; raise `Stopped` once requests have been stopped."""
        with self._state:
            self._state.wait_for(lambda: self._is_stopped() or len(self._calls) < self._jobs)
            self._raise_if_stopped()
            call = Call(time.monotonic() + self.limits.answer)
            self._calls.add(call)
            if self._deadline_thread is None:
                self._deadline_thread = threading.Thread(
                    target=self._enforce_deadlines, name="ICAT+ deadlines", daemon=True
                )
                self._deadline_thread.start()
        try:
            yield call
        finally:
            with self._state:
                self._calls.discard(call)
                if call.handle is not None:
                    call.handle.release()
                self._state.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait between two attempts; raise `Stopped` as soon as requests have been stopped."""
        with self._state:
            self._state.wait_for(self._is_stopped, seconds)
            self._raise_if_stopped()

    def connect(self, open_socket: Callable[[], socket.socket]) -> socket.socket:
        """Return what `open_socket` returns, or raise what it raises.

        Raises `TimeoutError` where that takes too long, `Stopped` when the client is closed. Neither a name look-up
        nor a connect can be interrupted, so both happen in a thread that is abandoned in these cases.
        """
        connected: list[socket.socket] = []
        failed: list[Exception] = []
        abandoned = threading.Event()

        def run() -> None:
            try:
                result = open_socket()
            except Exception as error:  # noqa: BLE001 -- raised again by the thread that waits for it
                failed.append(error)
            else:
                with self._state:
                    connected.append(result)
                    if abandoned.is_set():
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
            abandoned.set()
            self.check_open()
        raise TimeoutError

    def attach(self, call: Call, handle: SocketHandle) -> None:
        """Make a request end when this handle is shut down; shut it down at once if the request must end already."""
        with self._state:
            if call.handle is not None:
                call.handle.release()
            call.handle = handle
            handle.acquire()
            if self.closed or call.overdue:
                handle.shut_down()

    def check_open(self) -> None:
        """Raise `Stopped` once the client is closed."""
        if self.closed:
            raise Stopped(CANCELLED)

    def record_answer(self) -> None:
        """Reset the count of failures: ICAT+ answered a request, whatever the answer was."""
        with self._state:
            self._failures = 0

    def record_failure(self, reason: str) -> None:
        """Count a request that failed all its attempts; open the circuit breaker after too many in a row."""
        with self._state:
            self._failures += 1
            if self._failures >= self.limits.failures and not self._breaker_reason:
                self._breaker_reason = (
                    f"ICAT+ does not answer ({self._failures} requests in a row failed, the last: {reason})"
                )
                self._state.notify_all()

    def close(self) -> None:
        """End every request under way and every wait, for good."""
        with self._state:
            self._closed.set()
            for call in self._calls:
                if call.handle is not None:
                    call.handle.shut_down()
            self._state.notify_all()

    def _is_stopped(self) -> bool:
        return self.closed or bool(self._breaker_reason)

    def _raise_if_stopped(self) -> None:
        self.check_open()
        if self._breaker_reason:
            raise Stopped(self._breaker_reason)

    def _enforce_deadlines(self) -> None:
        """Shut down connections of overdue requests: a server that sends a byte now and then meets no other limit."""
        wait = 0.0
        while not self._closed.wait(wait):
            with self._state:
                now = time.monotonic()
                for call in self._calls:
                    if call.deadline <= now:
                        call.overdue = True
                        if call.handle is not None:
                            call.handle.shut_down()
                # A request that starts during the wait is due after its end.
                wait = (
                    min((call.deadline for call in self._calls if not call.overdue), default=now + self.limits.answer)
                    - now
                )

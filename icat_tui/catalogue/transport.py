"""HTTP requests to ICAT+: retries where they help, and a reason in words where there is no answer.

The only module that imports requests, and itself imported by the first request only. What must stay true: requests
and urllib3 never see the API key. Their URLs, exceptions and log records hold `PLACEHOLDER`; the key is put in where
the request line is written, by `KeyedConnection.putrequest`.
"""

import errno
import json
import random
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, responses
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from icat_tui import tcp
from icat_tui._version import __version__
from icat_tui.catalogue.answers import ServerState
from icat_tui.catalogue.api_key import ApiKey
from icat_tui.catalogue.limits import CANCELLED, Call, RequestLimiter, SocketHandle, Stopped
from icat_tui.domain.model import Answer, Outcome

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
LONGEST_QUOTE = 200
"""Characters that are quoted of a server's error message, at most."""


# -- connections that can be shut down -------------------------------------------------------------------------------


class _RequestContext(NamedTuple):
    """Objects that a connection needs about the request that uses it."""

    limiter: RequestLimiter
    call: Call
    key: ApiKey


_CURRENT_REQUEST: ContextVar[_RequestContext] = ContextVar("current_request")
"""Context of this thread's request, for the connection that urllib3 picks for it."""


class KeyedConnection(HTTPConnection):
    """HTTP connection that writes the API key into the request line, and that any thread can shut down."""

    debuglevel = 0  # even where http.client's is set: it would print what is sent
    _handle: SocketHandle | None = None

    def _new_conn(self) -> socket.socket:
        limiter, call, _ = _CURRENT_REQUEST.get()
        deadline = time.monotonic() + limiter.limits.connect
        connected = limiter.connect(lambda: self._open_socket(deadline))
        self._handle = SocketHandle(connected)
        limiter.attach(call, self._handle)
        return connected

    def _open_socket(self, deadline: float) -> socket.socket:
        """Return a connection to the first address of the server, or of its proxy, that accepts one."""
        connected = tcp.connect_to_first(tcp.look_up(self._dns_host.strip("[]"), self.port), deadline)
        for option in self.socket_options or ():
            connected.setsockopt(*option)
        return connected

    def connect(self) -> None:
        """Connect, including TLS and proxy."""
        super().connect()
        _CURRENT_REQUEST.get().call.connected = True

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:
        """Write the request line, with the key filled in."""
        limiter, call, key = _CURRENT_REQUEST.get()
        if self.sock is None:
            self.connect()  # http.client would do so with the request, key and all, in the frames of its traceback
        elif self._handle is not None and self._handle is not call.handle:
            limiter.attach(call, self._handle)
            call.connected = True
        super().putrequest(method, key.fill(url), *args, **options)

    def close(self) -> None:
        """Close; the rest of an answer can still be read, and that can still be shut down."""
        super().close()
        if self._handle is not None:
            self._handle.retire()
            self._handle = None


class KeyedTlsConnection(KeyedConnection, HTTPSConnection):
    """`KeyedConnection` over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = KeyedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = KeyedTlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """Adapter of requests that makes keyed connections, directly and through HTTP proxies."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if proxy.lower().startswith("socks"):  # has its own connection class: without the key, and not to be shut down
            raise requests.exceptions.InvalidSchema("a SOCKS proxy can't be used; name ICAT+ in NO_PROXY")
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


# -- reasons for failures --------------------------------------------------------------------------------------------


class FailedAttempt(NamedTuple):
    """Attempt that brought no answer."""

    words: str
    """Its reason, for a person."""
    retry: bool
    """Whether another attempt may succeed."""
    outcome: Outcome = Outcome.UNAVAILABLE
    pause: float = 0.0
    """Seconds that the server asked for before the next attempt."""
    status: int | None = None
    """The HTTP status, where the server answered with an error."""


TRANSIENT = (
    TimeoutError,
    exceptions.TimeoutError,
    ConnectionError,
    IncompleteRead,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""Types of errors after which another attempt may succeed."""
TRANSIENT_ERRNOS = (socket.EAI_AGAIN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)

CLOSED = "the connection was closed before the answer was complete"
WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (requests.exceptions.InvalidProxyURL, "the URL of the proxy can't be used"),
    (requests.exceptions.InvalidURL, "the URL can't be used"),
    (exceptions.LocationValueError, "the URL can't be used"),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted, {why}; REQUESTS_CA_BUNDLE names the authorities to trust",
    ),
    (ssl.SSLEOFError, CLOSED),
    (ssl.SSLZeroReturnError, CLOSED),
    (ssl.SSLError, "TLS failed, {why}; is the URL right?"),
    (socket.gaierror, "host name not known, {why}; is the URL right?"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, CLOSED),
    (IncompleteRead, CLOSED),
    (TimeoutError, "{timeout}"),
    (exceptions.TimeoutError, "{timeout}"),
    (exceptions.DecodeError, "the answer can't be decompressed"),
    (HTTPException, "what came is not HTTP; is the URL right?"),
    (OSError, "{why}"),
    (exceptions.HTTPError, "{why}"),
)
"""Texts for a person by type of error; the first that fits the innermost cause."""
MALFORMED = (exceptions.DecodeError, HTTPException)


def explain(error: BaseException, timeout_text: str) -> FailedAttempt:
    """Return an error of requests as a failed attempt; `timeout_text` says what a time-out means at this point."""
    for cause in reversed(list(_causes(error))):
        words = next((words for kind, words in WORDS if isinstance(cause, kind)), None)
        if words is not None:
            texts = (getattr(cause, name, None) for name in ("verify_message", "reason", "strerror"))
            why = next((text for text in texts if text and isinstance(text, str)), str(cause))
            retry = isinstance(cause, TRANSIENT) or getattr(cause, "errno", None) in TRANSIENT_ERRNOS
            outcome = Outcome.MALFORMED if isinstance(cause, MALFORMED) and not retry else Outcome.UNAVAILABLE
            return FailedAttempt(words.format(timeout=timeout_text, why=why), retry, outcome)
    return FailedAttempt(str(error), retry=False)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it wraps: urllib3 keeps them in attributes, requests in arguments."""
    yield error
    inner = [error.__cause__, getattr(error, "reason", None), getattr(error, "original_error", None), *error.args]
    if isinstance(error, exceptions.NewConnectionError):
        inner.append(error.__context__)  # urllib3 1.26 has it nowhere else
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)


# -- requests --------------------------------------------------------------------------------------------------------


PIECE = 1 << 14
"""Bytes that are read at once: what is packed grows a thousandfold at most, so this bounds the memory too."""


class InflatedError(Exception):
    """Answer that is much larger, unpacked, than it came: nothing that a catalogue has is so repetitive."""


class HttpResponse(NamedTuple):
    """Complete response of a server."""

    status: int
    body: bytes | None
    """None: it was larger than `Limits.largest`."""
    headers: CaseInsensitiveDict[str]

    @property
    def phrase(self) -> str:
        """The status for a person, with the standard library's text for it."""
        return f"HTTP {self.status} {responses.get(self.status, '')}".rstrip()


class Transport:
    """Kept connections to one ICAT+, with the proxies and certificates that the environment names."""

    def __init__(self, url: str, key: ApiKey, limiter: RequestLimiter, *, jobs: int, answers: ServerState) -> None:
        """Prepare requests to `url`, which has no slash at its end; `answers` is told how each of them ends."""
        self._answers = answers
        self._url = url
        self._key = key
        self._limiter = limiter
        self._session = requests.Session()
        self._adapter = _Adapter(pool_connections=2, pool_maxsize=jobs, max_retries=0)
        # Everything that depends on the environment is read once: requests would look it up for each request, which
        # takes longer than all the rest. For the same reason requests go to the adapter and not through the session.
        settings = self._session.merge_environment_settings(url, {}, None, None, None)
        self._settings: dict[str, Any] = {name: settings[name] for name in ("proxies", "verify", "cert")}
        proxy = select_proxy(url, settings["proxies"])
        self._server_name = f"ICAT+ at {displayed_url(url)}" + (
            f", through the proxy {displayed_url(proxy)}" if proxy else ""
        )

    def get(self, target: str, subject: str) -> bytes | Answer[Any] | None:
        """Return the body of a complete answer, None where it is too large, or an answer that says why there is none.

        `target` is path and query, with `PLACEHOLDER` for the key; `subject` says in words what is asked for. HTTP 401
        and 403 are UNAUTHORISED; every other status of an error says nothing about what ICAT has, so it is UNAVAILABLE.
        """
        try:
            result = self._request_with_retries(target)
        except Stopped as stopped:
            return self._without_answer(Outcome.UNAVAILABLE, str(stopped))
        if isinstance(result, FailedAttempt):
            return self._without_answer(result.outcome, f"{self._server_name}: {result.words}")
        if result.status == HTTPStatus.OK:
            return result.body
        message = self._server_message(result.body or b"")
        if result.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return self._without_answer(Outcome.UNAUTHORISED, f"ICAT+ refuses the API key: {result.phrase}{message}")
        if result.status < HTTPStatus.MULTIPLE_CHOICES:
            return self._without_answer(Outcome.MALFORMED, f"{self._server_name}: {result.phrase} instead of {subject}")
        if result.status in REDIRECTS:
            message = f", which leads to {displayed_url(self._redirect(self._url, result))}; is the URL right?"
        return self._without_answer(
            Outcome.UNAVAILABLE, f"{self._server_name}: {result.phrase} when asked for {subject}{message}"
        )

    def close(self) -> None:
        """Close idle connections; those in use are closed when they are returned to the pool."""
        self._adapter.close()

    def _request_with_retries(self, target: str) -> HttpResponse | FailedAttempt:
        limits = self._limiter.limits
        result = self._attempt(target)
        if isinstance(result, HttpResponse) and result.status == HTTPStatus.TOO_MANY_REQUESTS:
            pause = retry_after(result.headers)
            if pause is not None:
                self._limiter.pause(min(pause, limits.longest_wait))
                result = self._attempt(target)
        for retry in range(limits.retries):
            if isinstance(result, HttpResponse) or not result.retry:
                break
            backoff = limits.backoff * 2**retry * random.uniform(0.5, 1.5)  # noqa: S311 -- spreads load, hides nothing
            self._limiter.pause(max(backoff, min(result.pause, limits.longest_pause)))
            result = self._attempt(target)
        if isinstance(result, FailedAttempt) and result.outcome == Outcome.UNAVAILABLE:
            self._limiter.record_failure(result.words)
        else:
            self._limiter.record_answer()
        return result

    def _attempt(self, target: str) -> HttpResponse | FailedAttempt:
        with self._limiter.request() as call:
            began, result = self._answers.begin(), None
            try:
                result = self._checked(call, self._try(call, target))
            finally:
                if result is None:
                    self._answers.cancelled()
            if isinstance(result, FailedAttempt) and result.status is None:
                self._answers.failed(began, self._key.mask(result.words))
            else:
                self._answers.answered(began, result.status or 0)
        return result

    def _try(self, call: Call, target: str) -> HttpResponse | FailedAttempt:
        token = _CURRENT_REQUEST.set(_RequestContext(self._limiter, call, self._key))
        try:
            return self._exchange(f"{self._url}{target}")
        except InflatedError:
            words = f"the answer grows more than {self._limiter.limits.inflation} times when it is unpacked"
            return FailedAttempt(words, retry=False, outcome=Outcome.MALFORMED)
        except (requests.RequestException, exceptions.HTTPError, HTTPException, OSError) as error:
            return explain(error, self._timeout_text(call))
        finally:
            _CURRENT_REQUEST.reset(token)

    def _checked(self, call: Call, result: HttpResponse | FailedAttempt) -> HttpResponse | FailedAttempt:
        """Return a result as it counts; raise `Stopped` where it says nothing about the server."""
        if self._limiter.closed:
            raise Stopped(CANCELLED)  # a connection that was shut down here can fail in any way
        if call.overdue:
            return FailedAttempt(f"the answer was not complete after {self._limiter.limits.answer:g} s", retry=True)
        if isinstance(result, HttpResponse) and result.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            words = result.phrase + self._server_message(result.body or b"")
            pause = retry_after(result.headers) or 0.0
            return FailedAttempt(words, retry=True, pause=pause, status=result.status)
        return result

    @cached_property
    def _headers(self) -> CaseInsensitiveDict[str]:
        """The headers of every request, including those for a user in the URL or in a netrc file."""
        headers = {"Accept": "application/json", "User-Agent": f"icat-tui/{__version__}"}
        return self._session.prepare_request(requests.Request("GET", self._url, headers=headers)).headers

    def _timeout_text(self, call: Call) -> str:
        if call.connected:
            return f"no answer within {self._limiter.limits.read:g} s"
        return f"no connection within {self._limiter.limits.connect:g} s"

    def _exchange(self, url: str) -> HttpResponse:
        """Return the response at the end of the redirects that stay on this server."""
        response = self._send(url)
        for _ in range(MOST_REDIRECTS):
            onward = self._redirect(url, response) if response.status in REDIRECTS else ""
            if not stays_on_server(url, onward):
                break
            response, url = self._send(onward), onward
        return response

    def _send(self, url: str) -> HttpResponse:
        request = requests.PreparedRequest()
        request.method, request.url, request.headers = "GET", url, self._headers
        timeout = self._limiter.limits.connect, self._limiter.limits.read
        response = self._adapter.send(request, stream=True, timeout=timeout, **self._settings)
        with closing(response.raw):
            return HttpResponse(response.status_code, self._body(response.raw), response.headers)

    def _body(self, raw: Any) -> bytes | None:
        """Return what a response holds, read in pieces; None where it is too large. Raises InflatedError."""
        limits, body = self._limiter.limits, bytearray()
        for piece in raw.stream(PIECE, decode_content=True):
            body += piece
            if len(body) > PIECE * limits.inflation and len(body) > raw.tell() * limits.inflation:
                raise InflatedError
            if len(body) > limits.largest:
                return None
        return bytes(body)

    def _redirect(self, url: str, response: HttpResponse) -> str:
        """Return the URL that a redirect leads to, with the key masked; empty where that is not a URL."""
        try:
            return urljoin(url, self._key.mask(response.headers.get("Location", "")))
        except ValueError:
            return ""

    def _server_message(self, body: bytes) -> str:
        """Return a server's error message in brackets; empty where there is none or it is HTML."""
        text = body.decode("utf-8", "replace")
        try:
            decoded = json.loads(text)
        except (ValueError, RecursionError):
            decoded = text
        message = decoded.get("message") if isinstance(decoded, dict) else decoded
        if not isinstance(message, str) or "<" in message or not message.strip():
            return ""
        return f" ({' '.join(self._key.mask(message).split())[:LONGEST_QUOTE]})"

    def _without_answer(self, outcome: Outcome, reason: str) -> Answer[Any]:
        """Return an answer with a reason; all reasons pass through here, to be masked."""
        return Answer(outcome, reason=self._key.mask(reason))


def displayed_url(url: str) -> str:
    """Return a URL as it is shown to a person: no user, no password, no path."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "an unreadable address"
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return scheme + parts.netloc.rpartition("@")[2]


def stays_on_server(url: str, onward: str) -> bool:
    """Return whether a redirect stays on the server that was asked; moving from http to https counts as staying."""
    try:
        here, there = urlsplit(url), urlsplit(onward)
        if (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port):
            return True
    except ValueError:
        return False
    return (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.hostname


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, by `Retry-After`: a number or a date; None where it does not."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())

"""One question to ICAT+ over HTTP: sent, sent again where that helps, and how it ended in words.

The only module that imports requests, and itself imported by the first request only. What must stay true: requests
and urllib3 never see the API key. Their URLs, exceptions and log records hold `PLACE`; the key is put in where the
request line is written, by `Connection.putrequest`.
"""

import errno
import json
import random
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar
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

from icat_tui._version import __version__
from icat_tui.catalogue.api_key import ApiKey
from icat_tui.catalogue.limits import CANCELLED, Call, Gate, SocketHandle, Stopped
from icat_tui.domain.model import Answer, Outcome

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
LONGEST_QUOTE = 200
"""Characters that are quoted of what a server says about an error."""


# -- connections that can be shut ------------------------------------------------------------------------------------


class _UnderWay(NamedTuple):
    gate: Gate
    call: Call
    key: ApiKey


_UNDER_WAY: ContextVar[_UnderWay] = ContextVar("under_way")
"""The request of this thread, for the connection that urllib3 picks for it."""


class Connection(HTTPConnection):
    """A connection that can be shut from another thread, and that puts in the key as the last thing before sending."""

    debuglevel = 0  # whatever http.client was told: it would print what is sent
    _handle: SocketHandle | None = None

    def _new_conn(self) -> socket.socket:
        gate, call, _ = _UNDER_WAY.get()
        connected = gate.dial(super()._new_conn)
        self._handle = SocketHandle(connected)
        gate.use(call, self._handle)
        return connected

    def connect(self) -> None:
        """Connect, TLS and proxy included."""
        super().connect()
        _UNDER_WAY.get().call.connected = True

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:
        """Begin a request, with the key at its place."""
        gate, call, key = _UNDER_WAY.get()
        if self.sock is None:
            self.connect()  # http.client would do so with the request, key and all, in the frames of its traceback
        elif self._handle is not None and self._handle is not call.handle:
            gate.use(call, self._handle)
            call.connected = True
        super().putrequest(method, key.fill(url), *args, **options)

    def close(self) -> None:
        """Close; what is left of an answer can still be read, and shut."""
        super().close()
        if self._handle is not None:
            self._handle.retire()
            self._handle = None


class TlsConnection(Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """Makes our connections, directly and through HTTP proxies."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if proxy.lower().startswith("socks"):  # has its own connections: neither the key nor a close would reach them
            raise requests.exceptions.InvalidSchema("a SOCKS proxy can't be used; name ICAT+ in NO_PROXY")
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


# -- errors in words -------------------------------------------------------------------------------------------------


class Broken(NamedTuple):
    """An attempt that brought no answer."""

    words: str
    again: bool
    outcome: Outcome = Outcome.UNAVAILABLE
    pause: float = 0.0
    """Seconds that the server asked for before the next attempt."""


PASSING = (
    TimeoutError,
    exceptions.TimeoutError,
    ConnectionError,
    IncompleteRead,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""Kinds of errors that may be gone the next time."""
PASSING_NUMBERS = (socket.EAI_AGAIN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)

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
    (TimeoutError, "{late}"),
    (exceptions.TimeoutError, "{late}"),
    (exceptions.DecodeError, "the answer can't be decompressed"),
    (HTTPException, "what came is not HTTP; is the URL right?"),
    (OSError, "{why}"),
    (exceptions.HTTPError, "{why}"),
)
"""What a person is told, by kind of error; the first that fits the innermost cause."""
MALFORMED = (exceptions.DecodeError, HTTPException)


def explain(error: BaseException, late: str) -> Broken:
    """Return what an error of requests means; `late` says what a time-out means at this point."""
    for cause in reversed(list(_causes(error))):
        words = next((words for kind, words in WORDS if isinstance(cause, kind)), None)
        if words is not None:
            told = (getattr(cause, name, None) for name in ("verify_message", "reason", "strerror"))
            why = next((text for text in told if text and isinstance(text, str)), str(cause))
            again = isinstance(cause, PASSING) or getattr(cause, "errno", None) in PASSING_NUMBERS
            outcome = Outcome.MALFORMED if isinstance(cause, MALFORMED) and not again else Outcome.UNAVAILABLE
            return Broken(words.format(late=late, why=why), again, outcome)
    return Broken(str(error), again=False)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was wrapped around: urllib3 keeps that in attributes, requests in arguments."""
    yield error
    inner = [error.__cause__, getattr(error, "reason", None), getattr(error, "original_error", None), *error.args]
    if isinstance(error, exceptions.NewConnectionError):
        inner.append(error.__context__)  # urllib3 1.26 says no more
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)


# -- questions -------------------------------------------------------------------------------------------------------


class Reply(NamedTuple):
    """What a server answered, read to the end."""

    status: int
    body: bytes
    headers: CaseInsensitiveDict[str]

    @property
    def phrase(self) -> str:
        """The status for a person, in our words."""
        return f"HTTP {self.status} {responses.get(self.status, '')}".rstrip()


class Transport:
    """Kept connections to one ICAT+, and what the environment says about the way there."""

    def __init__(self, url: str, key: ApiKey, gate: Gate, *, jobs: int) -> None:
        """Prepare for asking at `url`, without a slash at its end."""
        self._url = url
        self._key = key
        self._gate = gate
        self._session = requests.Session()
        self._adapter = _Adapter(pool_connections=2, pool_maxsize=jobs, max_retries=0)
        # Everything that depends on the environment, once: requests would look it up for each request, which takes
        # longer than all the rest. For the same reason requests go to the adapter and not through the session.
        settings = self._session.merge_environment_settings(url, {}, None, None, None)
        self._settings: dict[str, Any] = {name: settings[name] for name in ("proxies", "verify", "cert")}
        proxy = select_proxy(url, settings["proxies"])
        self._where = f"ICAT+ at {shown(url)}" + (f", through the proxy {shown(proxy)}" if proxy else "")

    def get(self, target: str, asked: str) -> bytes | Answer[Any]:
        """Return the body of a complete answer, or an answer that says why there is none.

        `target` is path and query, with `PLACE` for the key; `asked` says in words what is asked for. HTTP 401 and 403
        are UNAUTHORISED; every other status of an error says nothing about what ICAT has, so it is UNAVAILABLE.
        """
        try:
            result = self._insist(target)
        except Stopped as stopped:
            return self._refusal(Outcome.UNAVAILABLE, str(stopped))
        if isinstance(result, Broken):
            return self._refusal(result.outcome, f"{self._where}: {result.words}")
        if result.status == HTTPStatus.OK:
            return result.body
        said = self._said(result.body)
        if result.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return self._refusal(Outcome.UNAUTHORISED, f"ICAT+ refuses the API key: {result.phrase}{said}")
        if result.status < HTTPStatus.MULTIPLE_CHOICES:
            return self._refusal(Outcome.MALFORMED, f"{self._where}: {result.phrase} instead of {asked}")
        if result.status in REDIRECTS:
            said = f", which leads to {shown(self._redirect(self._url, result))}; is the URL right?"
        return self._refusal(Outcome.UNAVAILABLE, f"{self._where}: {result.phrase} when asked for {asked}{said}")

    def close(self) -> None:
        """Close the connections that nobody uses at the moment; those in use are closed when they are given back."""
        self._adapter.close()

    def _insist(self, target: str) -> Reply | Broken:
        limits = self._gate.limits
        result = self._attempt(target)
        for retry in range(limits.retries):
            if isinstance(result, Reply) or not result.again:
                break
            backoff = limits.backoff * 2**retry * random.uniform(0.5, 1.5)  # noqa: S311 -- spreads load, hides nothing
            self._gate.pause(max(backoff, min(result.pause, limits.longest_pause)))
            result = self._attempt(target)
        if isinstance(result, Broken) and result.outcome == Outcome.UNAVAILABLE:
            self._gate.failed(result.words)
        else:
            self._gate.answered()
        return result

    def _attempt(self, target: str) -> Reply | Broken:
        result: Reply | Broken
        with self._gate.request() as call:
            token = _UNDER_WAY.set(_UnderWay(self._gate, call, self._key))
            try:
                result = self._exchange(f"{self._url}{target}")
            except (requests.RequestException, exceptions.HTTPError, HTTPException, OSError) as error:
                result = explain(error, self._late(call))
            finally:
                _UNDER_WAY.reset(token)
        if self._gate.closed:
            raise Stopped(CANCELLED)  # a connection that we shut ourselves looks like anything
        if call.overdue:
            return Broken(f"the answer was not complete after {self._gate.limits.answer:g} s", again=True)
        if isinstance(result, Reply) and result.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            pause = result.headers.get("Retry-After", "")
            words = result.phrase + self._said(result.body)
            return Broken(words, again=True, pause=float(pause) if pause.isdecimal() else 0.0)
        return result

    @cached_property
    def _headers(self) -> CaseInsensitiveDict[str]:
        """The same for each request: also what a user in the URL or a netrc file asks for."""
        headers = {"Accept": "application/json", "User-Agent": f"icat-tui/{__version__}"}
        return self._session.prepare_request(requests.Request("GET", self._url, headers=headers)).headers

    def _late(self, call: Call) -> str:
        if call.connected:
            return f"no answer within {self._gate.limits.read:g} s"
        return f"no connection within {self._gate.limits.connect:g} s"

    def _exchange(self, url: str) -> Reply:
        """Return the answer at the end of whatever redirects stay with this server."""
        reply = self._send(url)
        for _ in range(MOST_REDIRECTS):
            onward = self._redirect(url, reply) if reply.status in REDIRECTS else ""
            if not stays(url, onward):
                break
            reply, url = self._send(onward), onward
        return reply

    def _send(self, url: str) -> Reply:
        request = requests.PreparedRequest()
        request.method, request.url, request.headers = "GET", url, self._headers
        timeout = self._gate.limits.connect, self._gate.limits.read
        response = self._adapter.send(request, stream=True, timeout=timeout, **self._settings)
        with closing(response.raw):
            return Reply(response.status_code, response.raw.read(decode_content=True), response.headers)

    def _redirect(self, url: str, reply: Reply) -> str:
        """Return where a redirect leads, again without the key; empty where that is not a URL."""
        try:
            return urljoin(url, self._key.mask(reply.headers.get("Location", "")))
        except ValueError:
            return ""

    def _said(self, body: bytes) -> str:
        """Return in brackets what a server says about an error, where that is a short text."""
        text = body.decode("utf-8", "replace")
        try:
            decoded = json.loads(text)
        except (ValueError, RecursionError):
            decoded = text
        message = decoded.get("message") if isinstance(decoded, dict) else decoded
        if not isinstance(message, str) or "<" in message or not message.strip():
            return ""
        return f" ({' '.join(self._key.mask(message).split())[:LONGEST_QUOTE]})"

    def _refusal(self, outcome: Outcome, reason: str) -> Answer[Any]:
        """Return why there is no answer; no reason leaves by another way."""
        return Answer(outcome, reason=self._key.mask(reason))


def shown(url: str) -> str:
    """Return a URL as far as a person needs it: no user, no password, no path."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "an unreadable address"
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return scheme + parts.netloc.rpartition("@")[2]


def stays(url: str, onward: str) -> bool:
    """Return whether a redirect stays with the server that was asked, at most moving on to TLS."""
    try:
        here, there = urlsplit(url), urlsplit(onward)
        if (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port):
            return True
    except ValueError:
        return False
    return (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.hostname

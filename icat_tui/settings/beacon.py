"""Client of Beacon, the configuration server of BLISS: the addresses of ICAT, read from one file (icat.md, "Beacon").

What must stay true: nothing here takes longer than its time limit, name resolution included, whatever the server does;
without the file, settings are loaded all the same. The content of the file is never quoted in a reason, as it holds the
key to ICAT+.
"""

import re
import socket
import struct
import time
from dataclasses import dataclass, field

from icat_tui import tcp

FILE = "__init__.yml"
SECTION = "icat_servers"
SIZE_LIMIT = 1 << 18
"""Bytes of a reply; the file has a few hundred, and reading YAML is slow."""

_HEADER = struct.Struct("<ii")
_GET_FILE, _GET_FILE_FAILED, _GET_FILE_OK = 50, 51, 52
_KEY = b"icat-tui"
"""Message key that a reply repeats, so that it can be matched to the request."""


@dataclass(frozen=True, kw_only=True)
class IcatServers:
    """Content of `icat_servers`, unchanged; the repr leaves out the key and the URL, which may hold it."""

    metadata_urls: tuple[str, ...] = ()
    """The brokers."""
    elogbook_url: str | None = field(default=None, repr=False)
    """ICAT+."""
    elogbook_token: str | None = field(default=None, repr=False)
    """The data acquisition key of ICAT+."""


@dataclass(frozen=True)
class BeaconFailure:
    """Failure to read the addresses from Beacon."""

    reason: str
    answered: bool
    """Whether there is a server at all: its absence is not reported where the settings did not name it."""


class _FailedError(Exception):
    """Exception that carries a `BeaconFailure` to the end of the exchange."""

    def __init__(self, reason: str, *, answered: bool) -> None:
        super().__init__(reason)
        self.failure = BeaconFailure(reason, answered)


def parse_beacon_host(text: str) -> tuple[str, int]:
    """Return host and port from `HOST:PORT`, the form of `BEACON_HOST`; raises `ValueError`."""
    if "/" in text:
        raise ValueError("unix sockets and URLs are not supported, it must be HOST:PORT")
    found = re.fullmatch(r"([^\s:]+):([0-9]{1,5})", text.strip())
    if found is None or int(found[2]) not in range(1, 1 << 16):
        raise ValueError("it must be HOST:PORT with one colon, as in id00:25000")
    return found[1], int(found[2])


def read_icat_servers(host: str, port: int, timeout: float) -> IcatServers | BeaconFailure:
    """Return the addresses of ICAT from the Beacon at `host`, or a failure, within `timeout` seconds in all."""
    deadline = time.monotonic() + timeout
    try:
        with _connect(host, port, deadline) as connection:
            content = _get_file(connection, deadline)
        return _icat_servers(content)
    except _FailedError as error:
        return error.failure


# -- the connection --------------------------------------------------------------------------------------------------


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    try:
        return tcp.connect(host, port, deadline)
    except tcp.NameTimeout:
        raise _FailedError("its name was not resolved in time", answered=False) from None
    except socket.gaierror as error:
        raise _FailedError("its name can't be resolved", answered=False) from error
    except OSError as error:
        raise _FailedError(_words(error), answered=False) from error


def _words(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()


# -- the exchange ----------------------------------------------------------------------------------------------------


def _get_file(connection: socket.socket, deadline: float) -> bytes:
    """Request the file and return its content."""
    request = _KEY + b"|" + FILE.encode()
    received = bytearray()
    try:
        connection.settimeout(tcp.seconds_left(deadline))
        connection.sendall(_HEADER.pack(_GET_FILE, len(request)) + request)
        _receive(connection, received, _HEADER.size, deadline)
        kind, length = _HEADER.unpack_from(received)
        if not 0 <= length <= SIZE_LIMIT:
            raise _FailedError("what answers there does not speak as Beacon does", answered=True)
        _receive(connection, received, _HEADER.size + length, deadline)
    except OSError as error:
        raise _FailedError(_words(error), answered=bool(received)) from error
    return _checked(kind, bytes(received[_HEADER.size : _HEADER.size + length]))


def _receive(connection: socket.socket, received: bytearray, size: int, deadline: float) -> None:
    """Receive until there are `size` bytes at least."""
    while len(received) < size:
        connection.settimeout(tcp.seconds_left(deadline))
        packet = connection.recv(1 << 16)
        if not packet:
            raise _FailedError("it closed the connection before its answer was complete", answered=bool(received))
        received += packet


def _checked(kind: int, message: bytes) -> bytes:
    """Return the file in a message; raise `_FailedError` for any other message."""
    key, _, content = message.partition(b"|")
    if key != _KEY:
        raise _FailedError("it answered something that was not asked", answered=True)
    if kind == _GET_FILE_OK:
        return content
    if kind == _GET_FILE_FAILED:
        text = content[:200].decode(errors="replace")
        raise _FailedError(f"it can't give {FILE}: {text}", answered=True)
    raise _FailedError(f"it answered with a message of type {kind} instead of {_GET_FILE_OK}", answered=True)


# -- the file --------------------------------------------------------------------------------------------------------


def _icat_servers(content: bytes) -> IcatServers:
    section = _load(content)
    section = section.get(SECTION) if isinstance(section, dict) else None
    if not isinstance(section, dict):
        raise _FailedError(f"its {FILE} has no table {SECTION}", answered=True)
    urls = section.get("metadata_urls") or ()
    urls = (urls,) if isinstance(urls, str) else urls
    if not isinstance(urls, list | tuple) or not all(isinstance(url, str) for url in urls):
        raise _FailedError(f"metadata_urls in its {FILE} is not a list of texts", answered=True)
    return IcatServers(
        metadata_urls=tuple(urls),
        elogbook_url=_text(section, "elogbook_url"),
        elogbook_token=_text(section, "elogbook_token"),
    )


def _load(content: bytes) -> object:
    import yaml  # noqa: PLC0415 - late: most runs don't ask Beacon

    try:
        return yaml.safe_load(content)
    except yaml.MarkedYAMLError as error:  # its message quotes the line, which may hold the key
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _FailedError(f"its {FILE} is not YAML{line}", answered=True) from None
    except (yaml.YAMLError, ValueError, RecursionError):  # not text, an impossible date, nested without end
        raise _FailedError(f"its {FILE} is not YAML", answered=True) from None


def _text(section: dict[object, object], key: str) -> str | None:
    value = section.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise _FailedError(f"{key} in its {FILE} is not text; put it in quotes", answered=True)

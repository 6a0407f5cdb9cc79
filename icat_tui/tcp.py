"""TCP connections to a named host within a time limit, whichever of its addresses answers (promises.md 13).

What must stay true: a name with several addresses gives each its share of the time that is left, so that one that does
not answer leaves time for the next; looking up a name, which can't be interrupted, delays nobody beyond the limit.
"""

import socket
import threading
import time
from collections.abc import Sequence
from queue import Empty, Queue
from typing import Any

Address = tuple[socket.AddressFamily, Any]
"""Family and socket address, as `getaddrinfo` has them."""


class NameTimeout(TimeoutError):  # noqa: N818 - as TimeoutError
    """Failure to look up a name within the time limit."""


def look_up(host: str, port: int) -> list[Address]:
    """Return the addresses of a host, each once; raise OSError where it has none. This may take long."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except ValueError as error:  # not the name of a host
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def connect_to_first(addresses: Sequence[Address], deadline: float) -> socket.socket:
    """Return a connection, without a time limit of its own, to the first address that accepts one.

    Each gets its share of the time until `deadline` (of `time.monotonic`). Raises OSError: the last one's.
    """
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    for place, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds_left(deadline) / (len(addresses) - place))
            connection.connect(address)
            connection.settimeout(None)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """Return a connection to a host, its name looked up in a thread that is abandoned when it takes too long.

    Raises OSError, of which `NameTimeout` and `socket.gaierror` are about the name.
    """
    answers: Queue[list[Address] | OSError] = Queue()

    def run() -> None:
        try:
            answers.put(look_up(host, port))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=run, name="name look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds_left(deadline))
    except (Empty, TimeoutError):
        raise NameTimeout(f"the name {host} was not looked up in time") from None
    if isinstance(answer, OSError):
        raise answer
    return connect_to_first(answer, deadline)


def seconds_left(deadline: float) -> float:
    """Return the seconds until `deadline` (of `time.monotonic`); raise TimeoutError where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left

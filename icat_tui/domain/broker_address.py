"""Addresses of message brokers, and how they are written (icat.md, "Queues").

An address holds no login: login and passcode are settings of their own, so an address can be shown to anybody.
"""

import re
from ipaddress import IPv6Address

from msgspec import Struct

DEFAULT_PORT = 61613
_TLS = {"tcp": False, "stomp": False, "stomp+ssl": True}
_ADDRESS = re.compile(
    r"""(?:(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://)?
        (?:\[(?P<ipv6>[^\[\]]*)\]|(?P<host>[^\s,:/?\#@\[\]]+))
        (?::(?P<port>[0-9]{1,5}))?
        /?""",
    re.VERBOSE,
)


class BrokerAddress(Struct, frozen=True):
    """Host and port of a STOMP broker."""

    host: str
    """Name or address; IPv6 without brackets."""
    port: int = DEFAULT_PORT
    tls: bool = False

    def __str__(self) -> str:
        """Return the address in the form that `parse_broker` reads."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'stomp+ssl://' if self.tls else ''}{host}:{self.port}"


def parse_broker(text: str) -> BrokerAddress:
    """Return the address written as HOST, HOST:PORT or SCHEME://HOST[:PORT], scheme tcp, stomp or stomp+ssl.

    Raises `ValueError` saying what would be right. Its text never repeats a login, which may hold a password.
    """
    if "@" in text:
        raise ValueError("a broker address holds no login: broker_login and broker_passcode in [facility] do")
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no broker: it must be HOST, HOST:PORT or stomp+ssl://HOST:PORT")
    scheme = (found["scheme"] or "tcp").lower()
    if scheme not in _TLS:
        raise ValueError(f"{text!r} is no broker: the scheme must be one of {', '.join(_TLS)}")
    port = int(found["port"] or DEFAULT_PORT)
    if port not in range(1, 1 << 16):
        raise ValueError(f"{text!r} is no broker: a port is a number from 1 to 65535")
    return BrokerAddress(found["host"] or _ipv6(found["ipv6"], text), port, _TLS[scheme])


def _ipv6(address: str, text: str) -> str:
    try:
        return str(IPv6Address(address))
    except ValueError as error:
        raise ValueError(f"{text!r} is no broker: what stands in brackets must be an IPv6 address") from error

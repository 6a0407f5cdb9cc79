"""The data acquisition key of ICAT+: part of every URL, and of nothing that anybody reads.

What must stay true: the key leaves this object in one way only, as the path segment that `Connection.putrequest` of
transport.py writes to the server. Whatever else handles a request sees `PLACE` where the key will stand.
"""

import re
from urllib.parse import quote

PLACE = "***"
"""Stands for the key wherever a person or a library can see it; a quoted query can't hold it (`*` becomes `%2A`)."""


class ApiKey:
    """A key that shows itself to nobody."""

    __slots__ = ("_pattern", "_segment")

    def __init__(self, key: str) -> None:
        """Take the key as it stands in the settings."""
        self._segment = quote(key, safe="", errors="surrogateescape")
        self._pattern = re.compile("".join(_any_spelling(letter) for letter in key), re.IGNORECASE) if key else None

    def __repr__(self) -> str:
        """Return what may be shown."""
        return f"ApiKey({PLACE})"

    def fill(self, url: str) -> str:
        """Return the URL with the key at its place: for the server alone."""
        before, place, after = url.rpartition(f"/{PLACE}/")
        return f"{before}/{self._segment}/{after}" if place else url

    def mask(self, text: str) -> str:
        """Return a text of others without the key, in whatever mixture of plain and percent-encoded letters."""
        return self._pattern.sub(PLACE, text) if self._pattern else text


def _any_spelling(letter: str) -> str:
    encoded = "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogateescape"))
    also = r"|\+" if letter == " " else ""
    return f"(?:{encoded}|{re.escape(letter)}{also})"  # in this order: a plain % must not leave the 25 of its %25

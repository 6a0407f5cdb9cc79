"""The data acquisition key of ICAT+: part of every URL, and of no text that a person or a log gets.

What must stay true: the key leaves this object in one way only, as the path segment that
`KeyedConnection.putrequest` of transport.py writes to the server. All other code that handles a request sees
`PLACEHOLDER` in place of the key.
"""

import re
from urllib.parse import quote

PLACEHOLDER = "***"
"""Replaces the key wherever a person or a library can see it; a quoted query can't hold it (`*` becomes `%2A`)."""


class ApiKey:
    """API key whose text is masked everywhere but in the request line."""

    __slots__ = ("_pattern", "_segment")

    def __init__(self, key: str) -> None:
        """Keep the key as it stands in the settings."""
        self._segment = quote(key, safe="", errors="surrogateescape")
        self._pattern = re.compile("".join(_any_spelling(letter) for letter in key), re.IGNORECASE) if key else None

    def __repr__(self) -> str:
        """Return a text without the key."""
        return f"ApiKey({PLACEHOLDER})"

    def fill(self, url: str) -> str:
        """Return the URL with the key in place of `PLACEHOLDER`: for the server alone."""
        before, place, after = url.rpartition(f"/{PLACEHOLDER}/")
        return f"{before}/{self._segment}/{after}" if place else url

    def mask(self, text: str) -> str:
        """Return a text with the key masked, in any mixture of plain and percent-encoded letters."""
        return self._pattern.sub(PLACEHOLDER, text) if self._pattern else text


def _any_spelling(letter: str) -> str:
    """Return a pattern for one letter of the key: percent-encoded, plain, or a blank as `+`."""
    encoded = "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogateescape"))
    also = r"|\+" if letter == " " else ""
    return f"(?:{encoded}|{re.escape(letter)}{also})"  # in this order: a plain % must not leave the 25 of its %25

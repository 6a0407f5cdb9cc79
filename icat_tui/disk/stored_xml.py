"""Reading of stored messages, which BLISS leaves in `__icat__` (icat.md, "Dataset XML").

A file that is not a usable message becomes a reason, by the name of the dataset directory that it is named after. What
must stay true: the files are untrusted, so reading one never expands entities, fetches anything, or waits.
"""

import codecs
import os
import re
import stat
from datetime import datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET  # with _Tree, which refuses harmful XML
from zoneinfo import ZoneInfo

from icat_tui.disk.filesystem import refusal, stamp, stat_or_error
from icat_tui.domain.model import Stamp, StoredMessage, Trouble
from icat_tui.domain.timeslot import parse_period, parse_time
from icat_tui.regular_file import open_regular

NAMESPACE = "{http://www.esrf.fr/icat}"
REQUIRED = ("investigation", "instrument", "name", "location", "startDate", "endDate")
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"'](?P<encoding>[A-Za-z0-9._-]+)[\"']")
_ENCODING = re.compile(r"(<\?xml[^>]*encoding\s*=\s*[\"'])[^\"']*([\"'])")
LARGEST = 16 * 1024 * 1024
"""Largest size in bytes; messages of BLISS have a few thousand."""


class StoredMessages(NamedTuple):
    """Stored messages in an `__icat__` directory, and the files that are none."""

    messages: tuple[StoredMessage, ...]
    unusable: dict[str, str]
    """Why a file is not a usable message, by its name without `.xml`."""
    refused: dict[str, Trouble]
    """Why the system refused to read a file, by its path; its content is not known."""
    stamps: dict[str, Stamp | None]
    """Stamps of all files, by path; None: the file changed while it was read, or could not be accessed."""


class _Tree(ET.TreeBuilder):
    """Tree builder for documents without declarations: no entity is ever defined, expanded or fetched."""

    def doctype(self, *_: str | None) -> None:
        """Raise ValueError: the document is refused."""
        raise ValueError("it declares a document type, which no message does")


def read_stored(directory: str, names: list[str], zone: ZoneInfo) -> StoredMessages:
    """Return the messages in the files of these names, times without an offset read as times of `zone`."""
    messages: list[StoredMessage] = []
    unusable: dict[str, str] = {}
    refused: dict[str, Trouble] = {}
    stamps: dict[str, Stamp | None] = {}
    for name in names:
        path = f"{directory}/{name}"
        before = stat_or_error(path)
        if name.endswith(".xml") and not name.startswith("."):
            try:
                messages.append(_read(path, before, zone))
            except OSError as error:
                refused[path] = refusal(error, "stored metadata can't be read")
            except ValueError as error:
                unusable[name.removesuffix(".xml")] = str(error)
        stamps[path] = _same(before, stat_or_error(path))
    return StoredMessages(tuple(messages), unusable, refused, stamps)


def _same(before: os.stat_result | OSError, after: os.stat_result | OSError) -> Stamp | None:
    if isinstance(before, OSError) or isinstance(after, OSError):
        return None
    return stamp(after) if stamp(before) == stamp(after) else None


def _read(path: str, status: os.stat_result | OSError, zone: ZoneInfo) -> StoredMessage:
    """Return the message in a file. Raises OSError, or ValueError with the fault of the file."""
    if isinstance(status, OSError):
        raise status
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a file")
    if status.st_size > LARGEST:
        raise ValueError(f"{status.st_size:,} bytes are too many for a message")
    with open_regular(path) as file:
        return parse_stored(path, file.read(LARGEST), zone)


def parse_stored(path: str, content: bytes, zone: ZoneInfo) -> StoredMessage:
    """Return the message in `content`; raises ValueError with the fault where it is not usable.

    The elements can be in any order, others are ignored. Unchecked messages were a fault of earlier programs (icat.md,
    "Known faults", D30).
    """
    parser = ET.XMLParser(target=_Tree())  # noqa: S314 - see _Tree
    try:
        parser.feed(as_utf8(content))
        root: ET.Element = parser.close()
    except (ET.ParseError, LookupError) as error:  # LookupError: an unknown encoding
        raise ValueError(f"not well-formed XML ({error})") from error
    if root.tag != f"{NAMESPACE}dataset":
        raise ValueError(f"its root is {root.tag[:80]!r}, not an ICAT dataset")
    if twice := [name for name in REQUIRED if len(root.findall(f"{NAMESPACE}{name}")) > 1]:
        raise ValueError(f"it has {', '.join(twice)} more than once")
    texts = {name: _text(root, name) for name in REQUIRED}
    if missing := [name for name, text in texts.items() if not text.strip()]:
        raise ValueError(f"it has no {', '.join(missing)}")
    start, end = _period(texts, zone)
    return StoredMessage(
        path=path,
        location=texts["location"],
        name=texts["name"],
        proposal=texts["investigation"].strip(),
        beamline=texts["instrument"].strip(),
        sample=_text(root, f"sample/{NAMESPACE}name").strip(),
        start=start,
        end=end,
    )


def as_utf8(content: bytes) -> bytes:
    """Return a message as plain UTF-8, as ICAT gets it; one that is that already is the same, byte for byte.

    Raises ValueError where it is not text in the encoding that it declares.
    """
    declared = _DECLARATION.match(content)
    encoding = declared["encoding"].decode("ascii") if declared else "utf-8"
    if content.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        if codecs.lookup(encoding).name == "utf-8":
            content.decode()
            return content
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(f"it is not text in the encoding that it declares ({error})") from error
    return _ENCODING.sub(r"\1UTF-8\2", text, count=1).encode()


def _text(root: ET.Element, name: str) -> str:
    return root.findtext(f"{NAMESPACE}{name}") or ""


def _period(texts: dict[str, str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    for name in ("startDate", "endDate"):
        try:
            parse_time(texts[name].strip(), zone)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return parse_period(texts["startDate"].strip(), texts["endDate"].strip(), zone)

"""Parsing of the lists of ICAT+: investigations and datasets out of decoded JSON.

Source: icat.md, "Investigations in JSON", "Datasets in JSON". What must stay true: an element is parsed completely or
refused (ValueError), and one that is refused has no effect on the others. A value that ICAT+ leaves out is None, never
0 and never a default that a decision could be based on.
"""

import json
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from icat_tui.domain.model import CatalogueDataset, Investigation
from icat_tui.domain.timeslot import parse_time

FILE_COUNT = "__fileCount"
INPUT_DATASETS = "input_datasets"
"""A parameter that only processed data has: the raw datasets it was made from."""
DESCRIBED = ("beamline", "startDate", "endDate", "doi", "title", "releaseDate", "summary")
"""Texts of an investigation that are kept as ICAT+ spelled them, for the Python client."""
LAST_YEAR = 2200
"""Last year in which an investigation ends: catalogues that know no open end write one far in the future."""
LARGEST = 2**63
"""Upper limit of ids and counts."""
LONGEST_PATH, LONGEST_NAME = 4095, 255
"""Largest number of bytes of a path and of a name on it: no directory can be called by more."""
NO_PATH = re.compile("[\x00\ud800-\udfff]")
"""Characters that no location of ours has: what is registered came as XML, which carries none of them."""


def elements(body: bytes) -> Iterator[Any]:
    """Return an iterator over the elements of a JSON list, each decoded when it is asked for.

    Raises ValueError where the body is no list. Decoded at once, a list of 100,000 datasets with all their parameters
    would fill gigabytes; as text it is small.
    """
    try:
        return map(_decode, msgspec.json.decode(body, type=list[msgspec.Raw]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        listed = _decode(body)
    if not isinstance(listed, list):
        raise ValueError("it is not a list")  # noqa: TRY004 -- what was sent is wrong, not what we passed
    return iter(listed)


def _decode(text: bytes | msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(bytes(text))  # takes the lone surrogates that msgspec refuses
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_investigation(element: object, zone: tzinfo) -> Investigation:
    """Return an investigation; times without an offset are those of `zone`.

    An absent end, or one after LAST_YEAR, means an open-ended investigation, an absent start one that no session can be
    matched with. Raises ValueError for an element without an id, or with a time that can't be read.
    """
    fields = _fields(element)
    return Investigation(
        id=_required_id(fields),
        name=_text(fields.get("name")) or "",
        start=_time(fields.get("startDate"), zone),
        end=_end(fields.get("endDate"), zone),
        title=_text(fields.get("title")),
        described=_described(fields),
    )


def _described(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the texts of an investigation that no rule depends on, by name, in the order of DESCRIBED."""
    instrument = fields.get("instrument")
    texts = {**fields, "beamline": instrument.get("name") if isinstance(instrument, dict) else None}
    return tuple((name, text) for name in DESCRIBED if (text := _text(texts.get(name))) is not None)


def parse_dataset(element: object, investigation: int) -> CatalogueDataset:
    """Return a dataset as listed in `investigation`, its location without trailing slashes.

    Raises ValueError for an element without an id or without a readable location.
    """
    fields = _fields(element)
    parameters = _parameters(fields.get("parameters"))
    return CatalogueDataset(
        id=_required_id(fields),
        location=_location(fields.get("location")),
        investigation=investigation,
        name=_text(fields.get("name")) or "",
        file_count=_file_count(parameters),
        acquisition=not _is_processed(fields.get("type"), parameters),
        start=_text(fields.get("startDate")) or "",
        end=_text(fields.get("endDate")) or "",
        sample=_sample(fields, parameters),
    )


def _location(value: object) -> str:
    """Return a location without trailing slashes. Raises ValueError where it can't be the path of a directory."""
    text = _text(value)
    if text is None or not text.startswith("/") or NO_PATH.search(text):
        raise ValueError("its location is no absolute path")
    location = text.rstrip("/")
    if not posixpath.normpath(f"/{location}").strip("/"):
        raise ValueError("its location is the root directory")
    if len(location) > LONGEST_NAME or not location.isascii():  # counted only where it may matter
        sizes = [len(name.encode()) for name in location.split("/")]
        if sum(sizes) + len(sizes) - 1 > LONGEST_PATH or max(sizes) > LONGEST_NAME:
            raise ValueError("its location is longer than a path can be")
    return location


def _sample(fields: Mapping[str, Any], parameters: list[tuple[object, object]]) -> str:
    """Return the sample's name; empty where there is none. Many datasets have the same: it is kept once."""
    sample = fields.get("sample")
    nested = sample.get("name") if isinstance(sample, dict) else None
    named = (value for name, value in parameters if name == "Sample_name")
    return sys.intern(next((text for text in map(_text, (fields.get("sampleName"), nested, *named)) if text), ""))


def element_id(element: object) -> int | None:
    """Return the id of an investigation or dataset; None where it has none that can be read."""
    return whole_number(element.get("id")) if isinstance(element, dict) else None


def page_total(element: object) -> int | None:
    """Return the number of elements on all pages; None where the element does not state it.

    Source: `meta.page.total` (icat.md, "The two calls").
    """
    for name in ("meta", "page", "total"):
        element = element.get(name) if isinstance(element, dict) else None
    return whole_number(element)


def whole_number(value: object) -> int | None:
    """Return a number from 0 up that came as 12, 12.0, "12" or "12.0"; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,19}(\.0*)?\s*", value):
        value = int(value.partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST:
        return value
    return None


def _fields(element: object) -> dict[str, Any]:
    if not isinstance(element, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 -- what was sent is wrong, not what we passed
    return element


def _required_id(fields: Mapping[str, Any]) -> int:
    number = whole_number(fields.get("id"))
    if number is None:
        raise ValueError("it has no id")
    return number


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object, zone: tzinfo) -> datetime | None:
    """Return a time; None where it is absent. Raises ValueError, with the value, where it is none."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:64]!r} is not a date and time by ISO 8601")  # noqa: TRY004 -- as above
    return parse_time(value, zone)


def _end(value: object, zone: tzinfo) -> datetime | None:
    """Return an end; None for one that stands for "open" (icat.md, "Investigations in JSON"). Raises ValueError."""
    with suppress(ValueError):
        if isinstance(value, str) and datetime.fromisoformat(value).year > LAST_YEAR:
            return None
    return _time(value, zone)


def _parameters(value: object) -> list[tuple[object, object]]:
    """Return names and values of parameters.

    Datasets have them as a list of objects, investigations as one object (icat.md, "Datasets in JSON").
    """
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return [(item.get("name"), item.get("value")) for item in value if isinstance(item, dict)]
    return []


def _file_count(parameters: list[tuple[object, object]]) -> int | None:
    """Return the number of files; None where it is absent, unreadable, or given twice with different values.

    Absent is not 0 (icat.md, "Known faults", D25).
    """
    counts = {whole_number(value) for name, value in parameters if name == FILE_COUNT}
    return counts.pop() if len(counts) == 1 else None


def _is_processed(kind: object, parameters: list[tuple[object, object]]) -> bool:
    if isinstance(kind, str) and kind.strip().lower().startswith("processed"):
        return True
    return any(
        name == INPUT_DATASETS and (value.strip() if isinstance(value, str) else value) for name, value in parameters
    )

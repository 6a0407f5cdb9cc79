"""Readers of values: from a file, the environment or the command line to the types that the program uses.

Each reader takes the type of TOML or a text of it, so that a value means the same in every source. What must stay true:
a reader raises `ValueError` that says what would be correct; one whose value can hold a secret never quotes its input.
"""

import math
import os
import re
from datetime import timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icat_tui.domain.broker_address import BrokerAddress, parse_broker
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.settings.keymap import RENAMED, keys_in_force, with_new_ids

NEVER = "never"
MOST_JOBS = 64
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
_DURATION = re.compile("".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit in _UNITS))
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


# -- single values ---------------------------------------------------------------------------------------------------


def text(value: object) -> str | None:
    """Read a text; empty: None."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("it must be a text, in quotes")
    return value.strip() or None


def any_text(value: object) -> str:
    """Read a text that can be empty."""
    return text(value) or ""


def name(value: object) -> str:
    """Read a text that can't be empty."""
    known = text(value)
    if known is None:
        raise ValueError("it must not be empty")
    return known


def login(value: object) -> str | None:
    """Read a text that can be sent to a broker as it is; empty: None."""
    known = text(value)
    if known is not None and not known.isprintable():
        raise ValueError("it must hold no line break, nor anything else that does not print")
    return known


def passcode(value: object) -> str | None:
    """Read a text unchanged, including blanks; empty: None."""
    text(value)
    if not str(value).isprintable():
        raise ValueError("it must hold no line break, nor anything else that does not print")
    return str(value) or None


def queue(value: object) -> str:
    """Read the name of a queue."""
    known = name(value)
    if not known.isprintable() or " " in known or known != value:
        _refuse(value, "the name of a queue, which has no blanks and no line breaks")
    return known


def directory_name(value: object) -> str:
    """Read the name of one directory."""
    known = name(value)
    if "/" in known or known in (".", "..") or not known.isprintable():
        _refuse(value, "the name of one directory")
    return known


def globs(value: object) -> tuple[str, ...]:
    """Read names and globs of names of one directory; can be empty."""
    return tuple(dict.fromkeys(directory_name(one) for one in as_list(value)))


def marker(value: object) -> str:
    """Read the name of one directory; can be empty."""
    return directory_name(value) if any_text(value) else ""


def api_key(value: object) -> str | None:
    """Read the key of ICAT+; empty: None."""
    key = text(value)
    if key is not None and not (key.isprintable() and " " not in key):
        raise ValueError("a key holds no blanks and nothing that does not print")
    return key


def flag(value: object) -> bool:
    """Read true or false."""
    known = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else value
    return known if isinstance(known, bool) else _refuse(value, "true or false")


def whole_number(value: object) -> int:
    """Read a number of things: at least 1."""
    number = _number(value)
    if number is None or number < 1 or not number.is_integer():
        _refuse(value, "a whole number of at least 1")
    return int(number)


def jobs(value: object) -> int:
    """Read a number of things at once: from 1 to MOST_JOBS."""
    number = whole_number(value)
    return number if number <= MOST_JOBS else _refuse(value, f"a whole number of at most {MOST_JOBS}")


def rate(value: object) -> float:
    """Read a number per second; 0: no limit."""
    number = _number(value)
    return _refuse(value, "a number of at least 0") if number is None else number


def duration(value: object) -> timedelta:
    """Read `0`, `30s`, `12h`, `7d`, `1h30m`; a number that is no text counts in seconds (see `in_seconds`)."""
    seconds = _number(value)
    if isinstance(value, str) and seconds:
        _refuse(value, "a duration: a number needs its unit, as in 30s, 12h, 7d, 1h30m")
    found = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    try:
        if seconds is not None:
            return timedelta(seconds=seconds)
        if found and any(found.groups()):
            parts = zip(found.groups(), _UNITS.values(), strict=True)
            return sum((float(number) * unit for number, unit in parts if number), timedelta())
    except OverflowError:
        _refuse(value, f"a duration of at most {timedelta.max.days} days")
    return _refuse(value, "a duration such as 30s, 12h, 7d, 1h30m")


def in_seconds(value: object) -> bool:
    """Return whether a duration is a bare number, which some day will be refused in files too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value != 0


def duration_or_never(value: object) -> timedelta | None:
    """Read a duration, or `never` (or nothing): None."""
    return None if isinstance(value, str) and value.strip().lower() in (NEVER, "") else duration(value)


def raw_format(value: object) -> str | None:
    """Read the name of a raw data format, or `auto`; empty: None."""
    known = text(value)
    return known if known in (None, AUTO, *RawFormat) else _refuse(value, f"one of {', '.join([AUTO, *RawFormat])}")


def time_zone(value: object) -> str:
    """Read the name of a time zone that this machine knows."""
    zone = name(value)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a directory of zones (`Europe`)
        _refuse(value, "a time zone such as Europe/Paris")
    return zone


def web_address(value: object) -> str:
    """Read the URL of web pages, without a slash at its end."""
    url = name(value).rstrip("/")
    return url if re.match(r"https?://[^\s/]", url) else _refuse(value, "a URL such as https://data.esrf.fr")


def path(value: object) -> str | None:
    """Read the path of a file or directory: absolute, without a slash at its end; empty: None."""
    if not isinstance(value, str) or "\0" in value:
        _refuse(value, "a path")
    expanded = os.path.expanduser(value)
    if expanded.startswith("~"):
        _refuse(value, "a path: there is no such home directory (./~… is a path that begins so)")
    try:
        absolute = os.path.abspath(expanded)
    except OSError:
        _refuse(value, "a path that leads anywhere: the directory that it begins in is gone")
    return ("/" + absolute.lstrip("/")) if expanded else None


def is_relative(value: object) -> bool:
    """Return whether a path depends on the directory in which the program was started."""
    return isinstance(value, str) and value != "" and not value.startswith(("/", "~"))


# -- lists and tables ------------------------------------------------------------------------------------------------


def paths(value: object) -> tuple[str, ...]:
    """Read one path or several; at least one."""
    known = tuple(dict.fromkeys(one for one in map(path, as_list(value)) if one))
    if not known:
        raise ValueError("it must have at least one path")
    return known


def brokers(value: object) -> tuple[BrokerAddress, ...]:
    """Read brokers, in the order in which they are tried."""
    return tuple(dict.fromkeys(parse_broker(name(one)) for one in as_list(value)))


def beamline_directories(value: object) -> dict[str, str]:
    """Read a table of directories by beamline, both in lower case, as they are compared."""
    return {beamline.lower(): directory_name(directory).lower() for beamline, directory in _table(value).items()}


def beamline_formats(value: object) -> dict[str, str]:
    """Read a table of raw data formats by beamline; the beamline in lower case."""
    return {beamline.lower(): RawFormat(_format(known)) for beamline, known in _table(value).items()}


def keys(value: object) -> dict[str, str]:
    """Read a table of keys by binding id; `tree.next` may be a table `tree` with `next` in it."""
    given = with_new_ids({binding: any_text(entry) for binding, entry in _flat(value).items()})
    keys_in_force(given)
    return given


def old_key_ids(value: object) -> dict[str, str]:
    """Return the ids of earlier versions in a table of keys, with those of today."""
    return {binding: RENAMED[binding] for binding in _flat(value) if binding in RENAMED}


def _flat(value: object) -> dict[str, object]:
    flat: dict[str, object] = {}
    for place, entry in _table(value).items():
        flat |= {f"{place}.{each}": one for each, one in entry.items()} if isinstance(entry, dict) else {place: entry}
    return flat


def split_list(value: str) -> list[str]:
    """Return the elements of a list in the environment, separated by commas."""
    return [one.strip() for one in value.split(",") if one.strip()]


def split_table(value: str) -> dict[str, str]:
    """Return the entries of a table in the environment: `id16b=id16bspec,id29=mx`."""
    parts = [one.partition("=") for one in split_list(value)]
    if not all(equals for _, equals, _ in parts):
        _refuse(value, "a table such as NAME=VALUE,NAME=VALUE")
    return {key.strip(): known.strip() for key, _, known in parts}


def as_list(value: object) -> list[object]:
    """Return the elements of a list; a text is a list of one."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list | tuple):
        return list(value)
    raise ValueError("it must be a list of texts")


def _table(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise ValueError("it must be a table of texts")


def _format(value: object) -> str:
    known = text(value)
    return known if known in tuple(RawFormat) else _refuse(value, f"one of {', '.join(RawFormat)}")


def _number(value: object) -> float | None:
    """Return a finite number of at least 0; None: it is not one."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,30}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 << 53 and math.isfinite(value) else None


def _refuse(value: object, wanted: str) -> NoReturn:
    raise ValueError(f"{value!r} is not {wanted}")


# -- for people ------------------------------------------------------------------------------------------------------


def show(value: object) -> str:
    """Return a value as it is written in the environment; for an empty list or table an empty text."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return repr(value).removesuffix(".0")
        case timedelta():
            return show_duration(value)
        case tuple():
            return ", ".join(map(show, value))
        case dict():
            return ", ".join(f"{key}={known}" for key, known in value.items())
    return str(value)


def show_duration(value: timedelta) -> str:
    """Return a text that `duration` reads back: `24h`, `7d`, `1h30m`, `0s`."""
    days, rest = divmod(value, _UNITS["d"])
    if days == 1 and not rest:
        return "24h"
    hours, rest = divmod(rest, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    seconds = f"{rest.seconds}.{rest.microseconds:06}".rstrip("0").rstrip(".") if rest else "0"
    parts = ((str(days), "d"), (str(hours), "h"), (str(minutes), "m"), (seconds, "s"))
    return "".join(number + unit for number, unit in parts if number != "0") or "0s"


def without_login(url: object) -> str:
    """Return a URL with everything between its scheme and its last `@` masked: it can hold a key."""
    return re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)?.*@", r"\1***@", show(url), flags=re.DOTALL)

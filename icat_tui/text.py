"""Texts for people: names with unprintable characters escaped, numbers with their nouns, and times.

Names on disk are untrusted. What must stay true: every name that a person reads passes through `visible` once, and its
result can be printed on any terminal: no control character, nothing that changes the direction of text, no undecodable
byte (promises.md 9).
"""

from datetime import datetime, timedelta, tzinfo

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNDECODABLE = range(0xDC80, 0xDD00)
"""Surrogates by which surrogateescape represents the bytes 0x80 to 0xff that are not UTF-8."""


def visible(text: str) -> str:
    r"""Return `text` with every character that is not printable written as an escape.

    For example `\n`, `\x1b`, `\u202e`; a byte that is not UTF-8 is `\xff`, the character of that number is `\u00ff`,
    and lone surrogates are `\ud800`. `str.isprintable` decides: controls, formats such as the bidi marks, separators
    other than the space, private and unassigned characters are not printable. Backslashes stay as they are, so the
    result can't be converted back.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code in _UNDECODABLE:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:  # noqa: PLR2004 - ASCII ends here
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the digits of \u


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 dataset`, `2 datasets`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def and_more(number: int) -> str:
    """Return the text after the first of `number` things of a kind: ` (and 2 more)`; empty for a single one."""
    return f" (and {number - 1:,} more)" if number > 1 else ""


# -- times -----------------------------------------------------------------------------------------------------------

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""English whatever the locale, as all texts are."""
_UNITS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def day_text(moment: datetime, zone: tzinfo) -> str:
    """Return the day of a moment: `14 Nov 2026`."""
    local = moment.astimezone(zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def time_text(moment: datetime, zone: tzinfo) -> str:
    """Return a moment to the minute: `14 Nov 2026, 08:00`."""
    return f"{day_text(moment, zone)}, {moment.astimezone(zone):%H:%M}"


def slot_text(start: datetime | None, end: datetime | None, zone: tzinfo) -> str:
    """Return a time slot: `17 Aug 2026, 08:00 to 21 Aug 08:00`; the year of its end only where it is another one."""
    began = time_text(start, zone) if start else "an unknown time"
    if end is None:
        return f"{began}, open-ended"
    local = end.astimezone(zone)
    year = "" if start and start.astimezone(zone).year == local.year else f" {local.year}"
    return f"{began} to {local.day} {_MONTHS[local.month - 1]}{year} {local:%H:%M}"


def duration_text(length: timedelta) -> str:
    """Return a length of time in its largest whole unit: `2 days`, `1 hour`, `0 seconds`."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in _UNITS:
        if seconds >= size:
            return counted(seconds // size, unit)
    return "0 seconds"


def ago_text(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was: `2 days ago`, `just now`, `in 3 hours`."""
    length = now - moment
    if abs(length) < timedelta(minutes=1):
        return "just now"
    return f"{duration_text(length)} ago" if length > timedelta() else f"in {duration_text(-length)}"


def moment_text(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Return a moment as it is told: `14 Nov 2026, 2 days ago`; on the same day `08:00, 3 hours ago`."""
    local = moment.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return f"{f'{local:%H:%M}' if same_day else day_text(moment, zone)}, {ago_text(moment, now)}"

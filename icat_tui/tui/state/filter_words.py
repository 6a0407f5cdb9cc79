"""The grammar that all filters have in common: words, fields, values, quotes, negation, dates and ages.

The filter of the tree and that of the journal both read their text by `split_words`, and each gives its own meaning to
the fields (interface.md, "Filters"). What must stay true: whatever is typed is read, or is a FilterError that says what
would be right; a field that has no value yet, as it is still being typed, is not an error.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

_WORD = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_VALUE = re.compile(r'(?:"[^"]*"?|[^,"])+')
_FIELD = re.compile(r"([a-z_]+):(.*)", re.DOTALL)
_DATE = re.compile(r"([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2}))?)?")
_DAYS_AGO = re.compile(r"([0-9]{1,5})d")
_AGE = re.compile(r"([<>]?)=?([0-9]{1,5})(min|h|d|w)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DECEMBER = 12
DATE_FIELDS = ("date", "before", "after")
"""Fields that `parse_days` reads the values of."""
_NARROWING = ("", "before", "after", "age")
"""Fields of which each word must fit; of any other field one of its words is enough."""


class FilterError(ValueError):
    """Text that is no filter; the message says why, and what would be one."""


class Word(NamedTuple):
    """Word of a filter, in lower case and without its quotes."""

    field: str
    """Empty: it has none, and is looked for in names."""
    values: tuple[str, ...]
    """Of which one must fit. None: the field is still being typed. A word without a field has exactly one."""
    negated: bool = False
    """Whether it begins with `-`: none of the values may fit."""
    quoted: bool = False
    """Whether any of it is in quotes: then it is no glyph."""


def split_words(text: str, fields: Sequence[str]) -> list[Word]:
    """Return the words of a filter that knows these fields. Raises FilterError for another field.

    `word`, `-word`, `"two words"`, `field:value`, `field:one,"or this"`, `-field:value`. What has a colon but is in
    quotes, or does not begin with letters, has no field. A quote that is not closed goes on to the end.
    """
    spaced = (" " if character.isspace() else character for character in text)
    folded = "".join(character for character in spaced if character.isprintable()).lower()
    words = (_word(each, fields) for each in _WORD.findall(folded))
    return [word for word in words if word.field or any(word.values)]


def _word(text: str, fields: Sequence[str]) -> Word:
    negated = text[0] == "-"
    wanted, quoted = text.removeprefix("-"), '"' in text
    if not (parts := _FIELD.fullmatch(wanted)):
        return Word("", (_unquoted(wanted),), negated, quoted)
    field, value = parts.groups()
    if field not in fields:
        closest = difflib.get_close_matches(field, fields, n=1)
        meant = f"do you mean {closest[0]}:? There are" if closest else "there are"
        raise FilterError(f"There is no field {field}: {meant} {', '.join(fields)}; as a name: in quotes")
    values = (_unquoted(each) for each in _VALUE.findall(value))
    return Word(field, tuple(each for each in values if each), negated, quoted)


def joined(words: Iterable[Word]) -> list[Word]:
    """Return words with those together of which one is enough, and without those that are still being typed.

    A field that is given again widens the choice (`date:2025 date:2026`), but `before:`, `after:` and `age:` narrow it,
    as do names and what is negated.
    """
    whole: dict[tuple[str, int], Word] = {}
    for number, word in enumerate(words):
        key = (word.field, number if word.negated or word.field in _NARROWING else -1)
        if word.values:
            before = whole.get(key)
            whole[key] = word._replace(values=(*before.values, *word.values)) if before else word
    return list(whole.values())


def _unquoted(text: str) -> str:
    return text.replace('"', "")


# -- dates -----------------------------------------------------------------------------------------------------------


class Days(NamedTuple):
    """Days from one on, and before another; None: without such a limit."""

    begin: date | None
    end: date | None

    def has(self, day: date) -> bool:
        """Return whether a day is one of them."""
        return (self.begin is None or day >= self.begin) and (self.end is None or day < self.end)


def parse_days(field: str, value: str, today: date) -> Days:
    """Return the days that the value of `date:`, `before:` or `after:` is about. Raises FilterError.

    `2026`, `2026-11`, `2026-11-01`, `20261101`, `today`, `yesterday`, `7d` (ago). `before:` is what lies before the
    first day of that, `after:` all from it on; so each day is in one of them. For `date:` also `2026-10..2026-11`,
    both included, either end may be left out.
    """
    begin, dots, end = value.partition("..")
    if field != "date":
        if dots:
            raise FilterError(f"A range is for date: write date:{value}")
        first = _period(value, today).begin
        return Days(None, first) if field == "before" else Days(first, None)
    if not dots:
        return _period(value, today)
    days = Days(_period(begin, today).begin if begin else None, _period(end, today).end if end else None)
    if days.begin and days.end and days.begin >= days.end:
        raise FilterError(f"{value} ends before it begins")
    return days


def _period(value: str, today: date) -> Days:
    """Return the days of a year, a month, or a day. Raises FilterError."""
    try:
        if value in ("today", "yesterday"):
            return _one(today - timedelta(days=value == "yesterday"))
        if ago := _DAYS_AGO.fullmatch(value):
            return _one(today - timedelta(days=int(ago[1])))
        if typed := _DATE.fullmatch(value):
            return _named(*(int(part or 0) for part in typed.groups()))
    except (ValueError, OverflowError):
        pass
    raise FilterError(f"{value!r} is no date: write 2026-11-14, 2026-11, 2026, today, yesterday or 7d (days ago)")


def _named(year: int, month: int, day: int) -> Days:
    if day:
        return _one(date(year, month, day))
    first = date(year, month or 1, 1)
    year, month = (year + 1, 1) if month in (0, _DECEMBER) else (year, month + 1)
    return Days(first, date(year, month, 1) if year <= date.max.year else None)


def _one(day: date) -> Days:
    return Days(day, day + timedelta(days=1) if day < date.max else None)


# -- ages ------------------------------------------------------------------------------------------------------------


class Ages(NamedTuple):
    """Ages from one on, and below another; None: without such a limit."""

    least: timedelta
    below: timedelta | None


def parse_age(value: str) -> Ages:
    """Return the ages that a value is about: `<10min`, `>2d`, or `3h` for what is shown as that. Raises FilterError."""
    typed = _AGE.fullmatch(value)
    if not typed:
        raise FilterError(f"{value!r} is no age: write <10min, 3h, >2d or >1w")
    sign, number, unit = typed.groups()
    age = int(number) * _UNITS[unit]
    if sign == "<":
        return Ages(timedelta(), age)
    return Ages(age, None if sign else age + _UNITS[unit])

"""The filter of the journal: words, and `user: state: date: before: after: proposal: beamline:`, each with `-` for not.

What must stay true: what can't be understood is an error that says so, and never lets everything or nothing through.
"""

import difflib
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo

from msgspec import Struct

from icat_tui.journal.sendings import PENDING_STATES, MessageState
from icat_tui.tui.state.filter_words import FilterError
from icat_tui.tui.state.journal_message import JournalMessage

ME = "me"
"""Value of `user:` for the user who runs this process."""
FIELDS = ("user", "state", "date", "before", "after", "proposal", "beamline", "session", "host", "action", "order")
STATES: dict[str, frozenset[MessageState]] = {
    "planned": frozenset({MessageState.PLANNED}),
    "pending": frozenset({MessageState.ACCEPTED}),
    "accepted": frozenset({MessageState.ACCEPTED}),
    "unknown": frozenset({MessageState.INTENDED, MessageState.UNKNOWN}),
    "no_receipt": frozenset({MessageState.INTENDED, MessageState.UNKNOWN}),
    "rejected": frozenset({MessageState.REJECTED}),
    "failed": frozenset({MessageState.REJECTED, MessageState.INTENDED, MessageState.UNKNOWN}),
    "not_sent": frozenset({MessageState.SKIPPED}),
    "skipped": frozenset({MessageState.SKIPPED}),
    "sent": PENDING_STATES | {MessageState.SEEN, MessageState.LOST},
    "in_icat": frozenset({MessageState.SEEN}),
    "seen": frozenset({MessageState.SEEN}),
    "registered": frozenset({MessageState.SEEN}),
    "lost": frozenset({MessageState.LOST}),
    "settled": frozenset({MessageState.LOST}),
}
"""States by the words that are taken for them, shortened or not; the first of several that begin alike counts."""
GLYPHS: dict[str, frozenset[MessageState]] = {
    "!": STATES["planned"],
    "?": STATES["unknown"],
    "x": STATES["rejected"],
    "~": STATES["pending"],
    "-": STATES["skipped"],
    "_": STATES["lost"],
    "=": STATES["seen"],
}
LOOKS_LIKE_A_FIELD = re.compile(r"[a-z_]+")
DATE = re.compile(r"([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2}))?)?")
DAYS_AGO = re.compile(r"([0-9]{1,5})d")
DECEMBER = 12


class Condition(Struct, frozen=True):
    """Condition on one field: one of the values must fit, or none where it is negated."""

    field: str
    """Empty: a word, looked for everywhere."""
    values: tuple[str, ...] = ()
    states: frozenset[MessageState] = frozenset()
    between: tuple[tuple[datetime | None, datetime | None], ...] = ()
    """Moments from, and up to which, without the last."""
    negated: bool = False

    def matches(self, message: JournalMessage) -> bool:
        """Return whether a message fits."""
        return self._fits(message) != self.negated

    def _fits(self, message: JournalMessage) -> bool:
        if self.states:
            return message.state in self.states
        if self.between:
            time = message.time
            return any((not begin or time >= begin) and (not end or time < end) for begin, end in self.between)
        text = TEXTS[self.field](message).lower()
        return any(value in text for value in self.values)


TEXTS: dict[str, Callable[[JournalMessage], str]] = {
    "": lambda each: f"{each.dataset} {each.user} {each.host} {each.action} {each.words} {each.id} {each.order}",
    "user": lambda each: each.user,
    "host": lambda each: each.host,
    "proposal": lambda each: f"{each.proposal} {_part(each.session, -3)}",
    "beamline": lambda each: f"{each.beamline} {_part(each.session, -2)}",
    "session": lambda each: each.session,
    "action": lambda each: each.action,
    "order": lambda each: each.order,
}


def _part(session: str, place: int) -> str:
    return session.split("/")[place] if session else ""


class JournalFilter(Struct, frozen=True):
    """Conditions for being shown, all of which must hold."""

    conditions: tuple[Condition, ...] = ()

    @property
    def active(self) -> bool:
        """Whether it holds anything back."""
        return bool(self.conditions)

    def matches(self, message: JournalMessage) -> bool:
        """Return whether a message is shown."""
        return all(condition.matches(message) for condition in self.conditions)


def parse_journal_filter(text: str, zone: tzinfo, today: date, me: str = "") -> JournalFilter:
    """Return the filter that was typed; `me` is the name that `user:me` stands for. Raises FilterError."""
    text = "".join(character for character in text if character.isprintable() or character.isspace())
    return JournalFilter(tuple(_condition(word, zone, today, me) for word in text.lower().split() if word != "-"))


def _condition(word: str, zone: tzinfo, today: date, me: str) -> Condition:
    negated, wanted = word.startswith("-") and len(word) > 1, word.removeprefix("-")
    field, colon, value = wanted.partition(":")
    if wanted in GLYPHS:
        return Condition("state", states=GLYPHS[wanted], negated=negated)
    if not colon or not LOOKS_LIKE_A_FIELD.fullmatch(field):
        return Condition("", (wanted,), negated=negated)
    if field not in FIELDS:
        closest = difflib.get_close_matches(field, FIELDS, n=1)
        meant = f", do you mean {closest[0]}:?" if closest else f": use one of {', '.join(FIELDS)}"
        raise FilterError(f"There is no field {field!r}{meant}")
    values = tuple(part for part in value.split(",") if part)
    if not values:
        return Condition(field, ("",))  # it is being typed
    if field == "state":
        states = frozenset().union(*(_states(each) for each in values))
        return Condition(field, states=states, negated=negated)
    if field in ("date", "before", "after"):
        return Condition(field, between=tuple(_between(field, each, zone, today) for each in values), negated=negated)
    if field == "user":
        values = tuple(me.lower() if me and each == ME else each for each in values)
    return Condition(field, values, negated=negated)


def _states(word: str) -> frozenset[MessageState]:
    if word in GLYPHS:
        return GLYPHS[word]
    wanted = word.replace("-", "_")
    for name, states in STATES.items():
        if name.startswith(wanted):
            return states
    raise FilterError(f"There is no state {word!r}: use one of {', '.join(STATES)}")


def _between(field: str, value: str, zone: tzinfo, today: date) -> tuple[datetime | None, datetime | None]:
    """Return the moments that a date is about: it and what follows for `after:`, what lies before it for `before:`."""
    first, last = _days(value, today)
    begin, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    return {"date": (begin, end), "before": (None, begin), "after": (begin, None)}[field]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _days(value: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of what was typed. Raises FilterError."""
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    if value in named:
        return named[value], named[value]
    try:
        if ago := DAYS_AGO.fullmatch(value):
            day = today - timedelta(days=int(ago[1]))
            return day, day
        if typed := DATE.fullmatch(value):
            return _period(int(typed[1]), int(typed[2] or 0), int(typed[3] or 0))
    except (ValueError, OverflowError):
        pass
    raise FilterError(f"{value!r} is no date: write 2026-11-14, 2026-11, 2026, today, yesterday or 7d (days ago)")


def _period(year: int, month: int, day: int) -> tuple[date, date]:
    """Return the first and the last day of a year, of a month of it, or of a day. Raises ValueError."""
    if day:
        return date(year, month, day), date(year, month, day)
    first = date(year, month or 1, 1)
    following = date(year + 1, 1, 1) if month in (0, DECEMBER) else date(year, month + 1, 1)
    return first, following - timedelta(days=1)

"""The filter of the journal: words, and `user: state: date: before: after: proposal: beamline:`, each with `-` for not.

What must stay true: what can't be understood is an error that says so, and never lets everything or nothing through.
The grammar is that of all filters (`filter_words`).
"""

from collections.abc import Callable
from datetime import date, datetime, tzinfo

from msgspec import Struct

from icat_tui.journal.sendings import PENDING_STATES, MessageState
from icat_tui.tui.state.filter_words import DATE_FIELDS, Days, FilterError, Word, joined, parse_days, split_words
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
BARE_GLYPHS = frozenset(glyph for glyph in GLYPHS if not glyph.isalnum() and glyph != "-")
"""Glyphs that mean their state also without `state:`: letters begin names, `-` begins what is not wanted."""


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
    words = joined(_glyph_as_state(word) for word in split_words(text, FIELDS))
    return JournalFilter(tuple(_condition(word, zone, today, me) for word in words))


def _glyph_as_state(word: Word) -> Word:
    bare = not word.field and not word.quoted and word.values[0] in BARE_GLYPHS
    return word._replace(field="state") if bare else word


def _condition(word: Word, zone: tzinfo, today: date, me: str) -> Condition:
    field, values = word.field, word.values
    if field == "state":
        states = frozenset().union(*(_states(each) for each in values))
        return Condition(field, states=states, negated=word.negated)
    if field in DATE_FIELDS:
        between = tuple(_moments(parse_days(field, each, today), zone) for each in values)
        return Condition(field, between=between, negated=word.negated)
    if field == "user":
        values = tuple(me.lower() if me and each == ME else each for each in values)
    return Condition(field, values, negated=word.negated)


def _states(word: str) -> frozenset[MessageState]:
    if word in GLYPHS:
        return GLYPHS[word]
    wanted = word.replace("-", "_").replace(" ", "_")
    for name, states in STATES.items():
        if name.startswith(wanted):
            return states
    raise FilterError(f"There is no state {word!r}: use one of {', '.join(STATES)}")


def _moments(days: Days, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return from when on, and until when, days are at a place."""
    return _midnight(days.begin, zone), _midnight(days.end, zone)


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=zone) if day else None

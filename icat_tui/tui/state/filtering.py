"""The filter of the tree: the text typed after `/`, hidden statuses, and "only attention".

What must stay true: a session matches by its datasets exactly when at least one of them would be shown in it, and a
condition and its negation share all datasets between them. Most sessions are decided by `in` on one string.
"""

from collections.abc import Container, Iterable, Iterator
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import TypeVar

from msgspec import Struct, structs

from icat_tui.domain.status import ATTENTION, ATTENTION_STATUSES, Category, Status
from icat_tui.domain.summary import (
    CHARACTERS,
    ENTRY,
    SAMPLE,
    STATUSES,
    Counts,
    DatasetEntry,
    SessionRow,
    entries,
    packed_datasets,
    unpacked,
)
from icat_tui.tui.state.filter_words import (
    DATE_FIELDS,
    Ages,
    FilterError,
    Word,
    joined,
    parse_age,
    parse_days,
    split_words,
)

ALL = frozenset(Status)
FIELDS = ("status", "proposal", "beamline", "sample", "date", "before", "after", "age")
GLYPHS = {each.glyph: each.value for each in (*Category, *Status)}
"""Words by their glyphs; where a status and a category have the same, it means the status."""
BARE_GLYPHS = frozenset(glyph for glyph in GLYPHS if not glyph.isalnum() and glyph != "-")
"""Glyphs that mean their status also without `status:`: letters begin names, `-` begins what is not wanted."""


EXAMPLES: dict[str, str] = {
    "LaB6": "in the name of proposal, beamline, session, collection or dataset, or in the sample",
    '"LaB6 powder"': "words that belong together; colons and glyphs as they are",
    "-LaB6 -status:invalid": "what these do not fit",
    "status:invalid,todo": "datasets with a status, sessions of a category; shortened, or the glyph (status:x)",
    "! =": "the same by glyphs alone; o, x and - only behind status:",
    "proposal:hg,ma beamline:id21 sample:Si": "in the name of that, one of several",
    "date:2026-11 date:2026-10-01..": "sessions of a year, month, day or range; also today, yesterday, 7d (ago)",
    "before:2026-11 after:2026-10": "sessions before it; from its first day on",
    "age:>2d age:<10min age:3h": "how long ago ICAT was asked (min, h, d, w)",
}
"""What can be typed, for the help."""


class FilterMatch(IntEnum):
    """Way in which a session matches a filter."""

    NOT = 0
    WHOLE = 1
    """By itself: all of its datasets are shown once it is opened."""
    DATASETS = 2
    """By some of its datasets: only these are shown, and it is shown opened."""


class SessionCondition(Struct, frozen=True, kw_only=True):
    """Condition that is decided by the session alone; one of the values must fit, or none where it is negated."""

    field: str
    texts: tuple[str, ...] = ()
    """Found in the name of the proposal or beamline."""
    days: tuple[tuple[str, str], ...] = ()
    """From and before which the session was, as the names of session directories; empty: without such a limit."""
    asked: tuple[tuple[datetime | None, datetime | None], ...] = ()
    """After and up to which ICAT was asked; None: without such a limit."""
    negated: bool = False

    def holds(self, row: SessionRow) -> bool:
        """Return whether a session fits."""
        return self._fits(row) != self.negated

    def _fits(self, row: SessionRow) -> bool:
        directory = row.directory
        if self.days:
            day = directory.date
            return any(begin <= day and (not end or day < end) for begin, end in self.days)
        if self.asked:
            seen = row.seen_at
            return seen is not None and any(
                (not since or seen > since) and (not to or seen <= to) for since, to in self.asked
            )
        name = (directory.proposal if self.field == "proposal" else directory.beamline).lower()
        return any(wanted in name for wanted in self.texts)


class StatusCondition(Struct, frozen=True):
    """Condition on statuses of datasets and categories of sessions, of which one is enough."""

    statuses: frozenset[Status] = frozenset()
    categories: frozenset[Category] = frozenset()

    def __bool__(self) -> bool:
        """Return whether it asks for anything."""
        return bool(self.statuses or self.categories)

    def allowed(self, row: SessionRow) -> frozenset[Status]:
        """Return which statuses a dataset of this session may have."""
        # `unknown` is a status and a category: it asks for the datasets first.
        datasets_first = row.category == Category.UNKNOWN and _occur(self.statuses, row)
        return ALL if row.category in self.categories and not datasets_first else self.statuses


class Filter(Struct, frozen=True, kw_only=True):
    """Conditions for being shown; every text in it is in lower case.

    All names must be found, but one of the statuses and categories and of the samples is enough.
    """

    names: tuple[str, ...] = ()
    """Found in the name of the proposal, beamline, session, collection or dataset, or in the sample."""
    without: tuple[str, ...] = ()
    """Found in none of these."""
    wanted: StatusCondition = StatusCondition()
    unwanted: StatusCondition = StatusCondition()
    samples: tuple[str, ...] = ()
    other_samples: tuple[str, ...] = ()
    """Samples that a dataset must not be of."""
    sessions: tuple[SessionCondition, ...] = ()
    hidden: frozenset[Status] = frozenset()
    attention: bool = False
    """Only what wants attention."""

    @property
    def active(self) -> bool:
        """Whether it holds anything back."""
        return self != Filter()

    @property
    def opens_sessions(self) -> bool:
        """Whether what matches in a session is shown opened: not where only what wants attention is asked for."""
        return self.active and self != Filter(attention=True)

    @property
    def asks_for_text(self) -> bool:
        """Whether the names or samples of datasets may matter."""
        return bool(self.names or self.without or self.samples or self.other_samples)

    def match(self, row: SessionRow) -> FilterMatch:
        """Return how a session matches."""
        part = self._part(row)
        if part is None:
            return FilterMatch.NOT
        if not any(row.counts):
            return FilterMatch.WHOLE if self._fits_empty(row, part) else FilterMatch.NOT
        if part.is_whole:
            return FilterMatch.WHOLE
        return FilterMatch.DATASETS if part.finds(row) else FilterMatch.NOT

    def kept(self, row: SessionRow, also: Container[str] = ()) -> list[DatasetEntry]:
        """Return the datasets that are shown in a session, and those whose paths are in `also` in any case."""
        part = self._part(row)
        if part is not None and part.is_whole:
            return entries(row)
        kept = []
        for packed in packed_datasets(row):
            if part is not None and part.keeps(packed):
                kept.append(unpacked(row, packed))
            elif also and (entry := unpacked(row, packed)).path in also:
                kept.append(entry)
        return kept

    def counts(self, row: SessionRow) -> Counts:
        """Return the number of the datasets of a session that are shown, with each status."""
        part = self._part(row)
        if part is None:
            return ()
        return row.counts if part.is_whole else part.counts(row)

    def _part(self, row: SessionRow) -> "_Part | None":
        """Return what is left to be found in the datasets of a session; None: the session does not fit itself."""
        if self.attention and row.category not in ATTENTION:
            return None
        if not all(condition.holds(row) for condition in self.sessions):
            return None
        names = self.names
        if names or self.without:
            directory = row.directory
            known = f"{directory.proposal}/{directory.beamline}/{directory.date}".lower()
            path = directory.path.lower()
            if any(name in known or (name[0] == "/" and name in path) for name in self.without):
                return None
            names = tuple(name for name in names if name not in known and not (name[0] == "/" and name in path))
        folded = row.names.lower() if self.without or self.other_samples else ""
        return _Part(
            names=names,
            without=tuple(name for name in self.without if name in folded),
            samples=self.samples,
            other_samples=tuple(sample for sample in self.other_samples if sample in folded),
            allowed=self._allowed(row),
        )

    def _allowed(self, row: SessionRow) -> frozenset[Status]:
        """Return the statuses that a dataset of this session may have."""
        allowed = ALL - self.hidden if self.hidden else ALL
        if self.attention and _occur(ATTENTION_STATUSES, row):
            allowed &= ATTENTION_STATUSES
        if self.wanted:
            allowed &= self.wanted.allowed(row)
        return allowed - self.unwanted.allowed(row) if self.unwanted else allowed

    def _fits_empty(self, row: SessionRow, part: "_Part") -> bool:
        """Return whether a session without datasets fits: nothing is in it that could be hidden."""
        if part.names or part.samples or (self.wanted and row.category not in self.wanted.categories):
            return False
        return row.category not in self.unwanted.categories


class _Part(Struct, frozen=True, kw_only=True):
    """Rest of a filter that the datasets of one session must fit for being shown."""

    names: tuple[str, ...]
    without: tuple[str, ...]
    samples: tuple[str, ...]
    other_samples: tuple[str, ...]
    allowed: frozenset[Status]

    @property
    def asks_for_text(self) -> bool:
        """Whether the names or samples of datasets matter."""
        return bool(self.names or self.without or self.samples or self.other_samples)

    @property
    def is_whole(self) -> bool:
        """Whether all datasets are kept, whatever they are."""
        return self.allowed == ALL and not self.asks_for_text

    def finds(self, row: SessionRow) -> bool:
        """Return whether any dataset of a session is kept; cheap where none is, as for most sessions none is."""
        if not _occur(self.allowed, row):
            return False
        if not self.asks_for_text:
            return True
        folded = row.names.lower() if self.names or self.samples else ""
        if not all(name in folded for name in self.names):
            return False
        if self.samples and not any(sample in folded for sample in self.samples):
            return False
        texts = len(self.names) + len(self.samples) + len(self.without) + len(self.other_samples)
        if texts == len(self.names) == 1 and self.allowed == ALL:
            return True
        return any(map(self.keeps, packed_datasets(row)))

    def keeps(self, packed: str) -> bool:
        """Return whether a dataset is kept."""
        return STATUSES[ord(packed[0]) - 1] in self.allowed and self._has_texts(packed.lower())

    def counts(self, row: SessionRow) -> Counts:
        """Return the number of the datasets of a session that are kept, with each status."""
        if not _occur(self.allowed, row):
            return ()
        if not self.asks_for_text:
            return tuple(
                number if status in self.allowed else 0 for status, number in zip(STATUSES, row.counts, strict=True)
            )
        folded = row.names.lower()
        if not all(name in folded for name in self.names):
            return ()
        # Letter by letter the same as `keeps`, for all datasets at once: 50,000 in a few milliseconds.
        found = folded.split(ENTRY)[1:]
        for name in self.names:
            found = [packed for packed in found if name in packed]
        for name in self.without:
            found = [packed for packed in found if name not in packed]
        if self.samples:
            found = [packed for packed in found if _has_any(self.samples, packed)]
        if self.other_samples:
            found = [packed for packed in found if not _has_any(self.other_samples, packed)]
        statuses = "".join([packed[0] for packed in found])
        return tuple(statuses.count(CHARACTERS[status]) if status in self.allowed else 0 for status in STATUSES)

    def _has_texts(self, folded: str) -> bool:
        if not all(name in folded for name in self.names) or any(name in folded for name in self.without):
            return False
        if self.samples and not _has_any(self.samples, folded):
            return False
        return not (self.other_samples and _has_any(self.other_samples, folded))


def _has_any(samples: tuple[str, ...], folded: str) -> bool:
    """Return whether any of some texts is in the sample of a dataset."""
    sample = folded.rpartition(SAMPLE)[2]
    for wanted in samples:  # noqa: SIM110 - twice as fast as `any`
        if wanted in sample:
            return True
    return False


def _occur(statuses: frozenset[Status], row: SessionRow) -> bool:
    """Return whether any dataset of a session has one of some statuses."""
    if statuses is ALL or statuses == ALL:
        return any(row.counts)
    return any(number and status in statuses for status, number in zip(STATUSES, row.counts, strict=False))


# -- what is typed ---------------------------------------------------------------------------------------------------


def parse_filter(text: str, now: datetime | None = None) -> Filter:
    """Return the filter that was typed (interface.md, "Filters"). Raises FilterError.

    `now`, in the zone of the facility, is what `today` and ages are counted from.
    """
    given = joined(_glyphs_as_status(word) for word in split_words(text, FIELDS))
    return Filter(
        names=tuple(_values(given, "", negated=False)),
        without=tuple(_values(given, "", negated=True)),
        wanted=_statuses(_values(given, "status", negated=False)),
        unwanted=_statuses(_values(given, "status", negated=True)),
        samples=tuple(_values(given, "sample", negated=False)),
        other_samples=tuple(_values(given, "sample", negated=True)),
        sessions=tuple(
            _of_session(word, now or datetime.now(UTC)) for word in given if word.field not in ("", "status", "sample")
        ),
    )


def _glyphs_as_status(word: Word) -> Word:
    """Return a word of glyphs, such as `!` or `!^`, as the statuses that they stand for."""
    text = word.values[0] if word.values and not word.field and not word.quoted else ""
    if text and len({*text}) == len(text) and BARE_GLYPHS.issuperset(text):
        return Word("status", tuple(text), word.negated)
    return word


def _values(words: Iterable[Word], field: str, *, negated: bool) -> Iterator[str]:
    for word in words:
        if word.field == field and word.negated == negated:
            yield from word.values


def _statuses(words: Iterable[str]) -> StatusCondition:
    statuses: set[Status] = set()
    categories: set[Category] = set()
    for word in words:
        key = GLYPHS.get(word, word)
        statuses.update(meant := _meant(key, Status))
        categories.update(also := _meant(key, Category))
        if not meant and not also:
            known = dict.fromkeys(str(each) for each in (*Status, *Category))
            raise FilterError(f"There is no status {word!r}: use one of {', '.join(known)}")
    return StatusCondition(frozenset(statuses), frozenset(categories))


Key = TypeVar("Key", Status, Category)


def _meant(word: str, kind: type[Key]) -> list[Key]:
    """Return what a word of a filter means: what it names, else what begins with it."""
    exact = [each for each in kind if each == word]
    return exact or [each for each in kind if each.startswith(word)]


def _of_session(word: Word, now: datetime) -> SessionCondition:
    if word.field in DATE_FIELDS:
        found = (parse_days(word.field, value, now.date()) for value in word.values)
        days = tuple((_directory_name(each.begin), _directory_name(each.end)) for each in found)
        return SessionCondition(field=word.field, days=days, negated=word.negated)
    if word.field == "age":
        asked = tuple(_asked(parse_age(value), now) for value in word.values)
        return SessionCondition(field=word.field, asked=asked, negated=word.negated)
    return SessionCondition(field=word.field, texts=word.values, negated=word.negated)


def _asked(ages: Ages, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return after when, and up to when, ICAT was asked about what is of an age; what is asked later is younger yet."""
    since = None if ages.below is None else now - ages.below
    return since, now - ages.least if ages.least else None


def _directory_name(day: date | None) -> str:
    """Return the name of the directory of a session of this day; empty without one."""
    return day.isoformat().replace("-", "") if day else ""


class FilterChoice(Struct, frozen=True):
    """Filter as a person has put it together: text, hidden statuses, and "only attention"."""

    text: str = ""
    hidden: frozenset[Status] = frozenset()
    attention: bool = False
    now: datetime | None = None
    """When the text was typed, in the zone of the facility."""

    @property
    def filter(self) -> Filter:
        """The conditions for being shown. Raises FilterError."""
        return structs.replace(parse_filter(self.text, self.now), hidden=self.hidden, attention=self.attention)

    @property
    def trouble(self) -> str:
        """Why what was typed is no filter; empty where it is one."""
        try:
            parse_filter(self.text, self.now)
        except FilterError as error:
            return str(error)
        return ""

"""The filter of the tree: the text typed after `/`, hidden statuses, and "only attention".

What must stay true: a session matches by its datasets exactly when at least one of them would be shown in it.
"""

from collections.abc import Container
from enum import IntEnum
from typing import TypeVar

from msgspec import Struct, structs

from icat_tui.domain.status import ATTENTION, ATTENTION_STATUSES, Category, Status
from icat_tui.domain.summary import (
    CHARACTERS,
    SAMPLE,
    STATUSES,
    DatasetEntry,
    SessionRow,
    entries,
    packed_datasets,
    unpacked,
)

ALL = frozenset(Status)
FIELDS = ("status", "beamline", "sample")


class FilterError(ValueError):
    """Text that is no filter; the message says why, and what would be one."""


class FilterMatch(IntEnum):
    """Way in which a session matches a filter."""

    NOT = 0
    WHOLE = 1
    """By itself: all of its datasets are shown once it is opened."""
    DATASETS = 2
    """By some of its datasets: only these are shown, and it is shown opened."""


class Filter(Struct, frozen=True, kw_only=True):
    """Conditions for being shown; every text in it is in lower case.

    All names must be found, but one of the statuses and categories, of the beamlines and of the samples is enough.
    """

    names: tuple[str, ...] = ()
    """Found in the name of the proposal, beamline, session, collection or dataset, or in the sample."""
    statuses: frozenset[Status] = frozenset()
    categories: frozenset[Category] = frozenset()
    beamlines: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
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

    def match(self, row: SessionRow) -> FilterMatch:
        """Return how a session matches."""
        if self.attention and row.category not in ATTENTION:
            return FilterMatch.NOT
        beamline = row.directory.beamline.lower()
        if self.beamlines and not any(wanted in beamline for wanted in self.beamlines):
            return FilterMatch.NOT
        names, allowed = self._names_left(row), self._allowed(row)
        if not names and not self.samples and allowed == ALL:
            return FilterMatch.WHOLE
        if self._finds(row, names, allowed):
            return FilterMatch.DATASETS
        if names or self.samples:
            return FilterMatch.NOT
        return FilterMatch.WHOLE if self._matches_without_datasets(row) else FilterMatch.NOT

    def kept(self, row: SessionRow, also: Container[str] = ()) -> list[DatasetEntry]:
        """Return the datasets that are shown in a session, and those whose paths are in `also` in any case."""
        if self.match(row) == FilterMatch.WHOLE:
            return entries(row)
        names, allowed = self._names_left(row), _characters(self._allowed(row))
        kept = []
        for packed in packed_datasets(row):
            if self._keeps(packed, names, allowed):
                kept.append(unpacked(row, packed))
            elif also and (entry := unpacked(row, packed)).path in also:
                kept.append(entry)
        return kept

    def _names_left(self, row: SessionRow) -> tuple[str, ...]:
        """Return the names that the session itself does not have, so that its datasets must."""
        if not self.names:
            return ()
        directory = row.directory
        known = f"{directory.proposal}/{directory.beamline}/{directory.date}".lower()
        path = directory.path.lower()
        return tuple(name for name in self.names if name not in known and not (name[0] == "/" and name in path))

    def _allowed(self, row: SessionRow) -> frozenset[Status]:
        """Return the statuses that a dataset of this session may have."""
        allowed = ALL - self.hidden
        if self.attention:
            allowed &= ATTENTION_STATUSES
        # `unknown` is a status and a category: it asks for the datasets first.
        by_itself = row.category in self.categories and row.category != Category.UNKNOWN
        if (self.statuses or self.categories) and not by_itself:
            allowed &= self.statuses
        return allowed

    def _finds(self, row: SessionRow, names: tuple[str, ...], allowed: frozenset[Status]) -> bool:
        """Return whether any dataset of a session is kept; cheap where none is, as for most sessions none is."""
        if not row.counts or not any(row.counts[number] for number, status in enumerate(STATUSES) if status in allowed):
            return False
        folded = row.names.lower() if names or self.samples else ""
        if not all(name in folded for name in names):
            return False
        if len(names) <= 1 and not self.samples and allowed == ALL:
            return True
        characters = _characters(allowed)
        return any(self._keeps(packed, names, characters) for packed in packed_datasets(row))

    def _keeps(self, packed: str, names: tuple[str, ...], allowed: str) -> bool:
        if packed[0] not in allowed:
            return False
        if not names and not self.samples:
            return True
        folded = packed.lower()
        if not all(name in folded for name in names):
            return False
        sample = folded.rpartition(SAMPLE)[2]
        return not self.samples or any(wanted in sample for wanted in self.samples)

    def _matches_without_datasets(self, row: SessionRow) -> bool:
        """Return whether a session is shown none of whose datasets is: for what it is itself."""
        if self.statuses or self.categories:
            return row.category in self.categories
        if not any(row.counts):
            return True  # there is nothing in it that could be hidden
        return self.attention and not self.hidden


def parse_filter(text: str) -> Filter:
    """Return the filter that was typed: names, and `status:a,b`, `beamline:a,b`, `sample:a,b`.

    Raises FilterError for a status that there is not.
    """
    names: list[str] = []
    text = "".join(character for character in text if character.isprintable() or character.isspace())
    fields: dict[str, list[str]] = {field: [] for field in FIELDS}
    for word in text.lower().split():
        field, colon, value = word.partition(":")
        if colon and field in fields:
            fields[field] += [part for part in value.split(",") if part]
        else:
            names.append(word)
    statuses: set[Status] = set()
    categories: set[Category] = set()
    for word in fields["status"]:
        statuses.update(meant := _meant(word, Status))
        categories.update(also := _meant(word, Category))
        if not meant and not also:
            known = dict.fromkeys(str(each) for each in (*Status, *Category))
            raise FilterError(f"There is no status {word!r}: use one of {', '.join(known)}")
    return Filter(
        names=tuple(names),
        statuses=frozenset(statuses),
        categories=frozenset(categories),
        beamlines=tuple(fields["beamline"]),
        samples=tuple(fields["sample"]),
    )


Word = TypeVar("Word", Status, Category)


def _meant(word: str, kind: type[Word]) -> list[Word]:
    """Return what a word of a filter means: what it names, else what begins with it."""
    exact = [each for each in kind if each == word]
    return exact or [each for each in kind if each.startswith(word)]


def _characters(statuses: frozenset[Status]) -> str:
    return "".join(CHARACTERS[status] for status in statuses)


class FilterChoice(Struct, frozen=True):
    """Filter as a person has put it together: text, hidden statuses, and "only attention"."""

    text: str = ""
    hidden: frozenset[Status] = frozenset()
    attention: bool = False

    @property
    def filter(self) -> Filter:
        """The conditions for being shown. Raises FilterError."""
        return structs.replace(parse_filter(self.text), hidden=self.hidden, attention=self.attention)

    @property
    def trouble(self) -> str:
        """Why what was typed is no filter; empty where it is one."""
        try:
            parse_filter(self.text)
        except FilterError as error:
            return str(error)
        return ""

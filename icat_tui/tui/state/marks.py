"""Marks on whole sessions and on single datasets.

What must stay true: a session that is marked as a whole has no marks on its datasets beside it, so that everything that
is marked is counted once.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple


class Mark(NamedTuple):
    """Marked session or dataset."""

    session: str
    """Its path."""
    dataset: str | None = None
    """Its path; None: the whole session."""


class Marking(IntEnum):
    """Degree to which something is marked."""

    NO = 0
    PARTLY = 1
    """Some of what lies in it."""
    YES = 2


class Marks:
    """Set of marks; None stands for a whole session among the marks of a session."""

    def __init__(self) -> None:
        """Begin with nothing marked."""
        self._by_session: dict[str, set[str | None]] = {}

    def __iter__(self) -> Iterator[Mark]:
        """Yield the marks in the order of their paths."""
        for session in sorted(self._by_session):
            for dataset in sorted(self._by_session[session], key=lambda path: path or ""):
                yield Mark(session, dataset)

    def __len__(self) -> int:
        """Return how many marks there are."""
        return sum(map(len, self._by_session.values()))

    def __contains__(self, mark: Mark) -> bool:
        """Return whether something is marked, by itself or with its session."""
        marked = self._by_session.get(mark.session, ())
        return None in marked or mark.dataset in marked

    def of_session(self, path: str) -> Marking:
        """Return whether a session is marked."""
        marked = self._by_session.get(path)
        return Marking.NO if not marked else Marking.YES if None in marked else Marking.PARTLY

    def add(self, marks: Iterable[Mark]) -> None:
        """Mark something; a session as a whole takes the place of its datasets."""
        for session, dataset in marks:
            marked = self._by_session.setdefault(session, set())
            if dataset is None:
                marked.clear()
            if None not in marked:
                marked.add(dataset)

    def remove(self, mark: Mark, datasets: Iterable[str]) -> None:
        """Unmark something; of a session marked as a whole its other `datasets` (their paths) stay marked."""
        marked = self._by_session.get(mark.session, set())
        if mark.dataset is None:
            marked.clear()
        elif None in marked:
            marked.clear()
            marked.update(datasets)
        marked.discard(mark.dataset)
        if not marked:
            self._by_session.pop(mark.session, None)

    def discard(self, marks: Iterable[Mark]) -> None:
        """Unmark just these: datasets that were marked by themselves, or sessions that were marked as a whole."""
        for session, dataset in marks:
            marked = self._by_session.get(session, set())
            marked.discard(dataset)
            if not marked:
                self._by_session.pop(session, None)

    def forget(self, session: str) -> None:
        """Unmark a session and all of its datasets."""
        self._by_session.pop(session, None)

    def clear(self) -> None:
        """Unmark everything."""
        self._by_session.clear()

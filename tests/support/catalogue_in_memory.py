"""A catalogue in memory for tests of what asks ICAT: without HTTP, and with an answer for each question.

It stands in for the protocol `Catalogue` where tests are about scanning and looking again; tests that send run against
the ICAT+ of `icatplus.py`.
"""

import threading
from collections.abc import Callable
from typing import Any

from msgspec import structs

from icat_tui.domain.model import Answer, CatalogueDataset, Investigation, Outcome, SessionDirectory
from tests.support.time_slot import END, START

OUTAGE: Answer[Any] = Answer(Outcome.UNAVAILABLE, reason="ICAT+ does not answer")


NOTHING: Answer[Any] = Answer(Outcome.EMPTY)


Question = tuple[str, str] | int
"""Beamline and proposal, or an investigation."""


class CatalogueInMemory:
    """Catalogue in memory that knows what it was asked; `meanwhile` is called in each call, to block or to raise."""

    def __init__(self, meanwhile: Callable[[Question], object] = lambda _: None) -> None:
        self.meanwhile = meanwhile
        self.told: dict[Question, Answer[Any]] = {}
        self.asked: list[Question] = []
        self.closed = threading.Event()

    def investigations(self, beamline: str, proposal: str) -> Answer[Investigation]:
        return self._answer((beamline, proposal))

    def datasets(self, investigation: int) -> Answer[CatalogueDataset]:
        return self._answer(investigation)

    def close(self) -> None:
        self.closed.set()

    def _answer(self, question: Question) -> Answer[Any]:
        self.asked.append(question)
        self.meanwhile(question)
        return self.told.get(question, NOTHING)

    def tell(self, directory: SessionDirectory, *locations: str, investigation: int = 7, **known: Any) -> None:
        """Add an investigation of a session's proposal, and the datasets at these locations to it."""
        group = directory.beamline, directory.proposal
        before = self.told.get(group, NOTHING).rows
        if investigation not in [row.id for row in before]:
            slot = Investigation(investigation, directory.proposal.upper(), START, END)
            self.told[group] = Answer(Outcome.OK, (*before, slot))
        rows = list(self.told.get(investigation, NOTHING).rows)
        for location in locations:
            name = location.rpartition("_")[2]
            found = CatalogueDataset(1000 * investigation + len(rows), location, investigation, name, file_count=1)
            rows.append(structs.replace(found, **known))
        self.told[investigation] = Answer(Outcome.OK, tuple(rows)) if rows else NOTHING

"""All that ICAT lists for a proposal at a beamline, in whatever investigation.

What must stay true: why that may not be all is said with it, so that nobody takes a gap for an absence (promises.md 1).
"""

from typing import Any

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.domain.matching import Listed, Rows
from icat_tui.domain.model import Answer, CatalogueDataset, Investigation
from icat_tui.sync.ask import Catalogue


class Listing(Struct, frozen=True):
    """All that ICAT lists for a proposal at a beamline."""

    investigations: tuple[Investigation, ...]
    rows: tuple[CatalogueDataset, ...]
    listed: Listed
    """The same, to be looked up by location."""
    trouble: str
    """Why that may not be all: empty where it is."""


def list_proposal(catalogue: Catalogue, facility: Facility, beamline: str, proposal: str) -> Listing:
    """Return what ICAT lists in every investigation of a proposal at a beamline."""
    investigations = catalogue.investigations(beamline, proposal)
    rows: list[CatalogueDataset] = []
    answers: list[Answer[Any]] = [investigations]
    for investigation in investigations.rows:
        datasets = catalogue.datasets(investigation.id)
        rows += datasets.rows
        answers.append(datasets)
    trouble = next((text for answer in answers if (text := _gap(answer))), "")
    by_key: Rows = {}
    for row in rows:
        by_key.setdefault(location_key(row.location, facility), []).append(row)
    return Listing(investigations.rows, tuple(rows), Listed([by_key]), trouble)


def _gap(answer: Answer[Any]) -> str:
    """Return why ICAT may have more than it listed; empty where it has not."""
    if not answer.usable:
        return answer.reason
    return f"ICAT+ sent an entry that could not be read ({answer.unreadable[0]})" if answer.unreadable else ""


class Listings:
    """What ICAT lists for proposals, each asked for once."""

    def __init__(self, catalogue: Catalogue | None, facility: Facility) -> None:
        """Ask `catalogue`; without one nobody is asked."""
        self._catalogue, self._facility = catalogue, facility
        self._listings: dict[tuple[str, str], Listing] = {}

    def of(self, beamline: str, proposal: str) -> Listing | None:
        """Return what ICAT lists for a proposal at a beamline, both in any spelling; None: nobody can be asked."""
        if self._catalogue is None:
            return None
        asked = self._facility.beamline(beamline.strip()), proposal.strip().lower()
        if asked not in self._listings:
            self._listings[asked] = list_proposal(self._catalogue, self._facility, *asked)
        return self._listings[asked]

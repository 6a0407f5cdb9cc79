"""Queries of the catalogue, each made once a run (interface.md, "Status of a dataset").

Sessions of one proposal share investigations, and investigations share sessions: the first thread that needs an answer
asks for it, the others wait for that answer, and it is dropped after the proposal's last session. What must stay true:
a result says why it may be incomplete, so that a gap is never taken for an absence (promises.md 1).
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from msgspec import Struct, structs

from icat_tui.domain import timeslot
from icat_tui.domain.elsewhere import InvestigationRows, Rows, foreign_rows
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import folded_key, location_key, session_date
from icat_tui.domain.matching import CatalogueSession, RowLookup, not_listed, session_key
from icat_tui.domain.model import (
    Answer,
    CatalogueDataset,
    DiskSession,
    Fit,
    Investigation,
    Outcome,
    SessionDirectory,
)
from icat_tui.domain.surroundings import ForeignRowsSeen


class Catalogue(Protocol):
    """Interface of a catalogue that can be queried: the client in `catalogue/`, or a stand-in."""

    def investigations(self, beamline: str, proposal: str) -> Answer[Investigation]:
        """Return all investigations of a proposal at a beamline."""

    def datasets(self, investigation: int) -> Answer[CatalogueDataset]:
        """Return all datasets that are listed in an investigation."""

    def close(self) -> None:
        """End every call that is under way."""


# -- about one session -------------------------------------------------------------------------------------------------

Result = TypeVar("Result")


class Contents(Struct, frozen=True):
    """Datasets of an investigation, by session."""

    answer: Answer[CatalogueDataset]
    """Outcome of the query, without its rows."""
    rows: InvestigationRows


class SharedAnswers:
    """Answers of the catalogue that the sessions of one run share."""

    def __init__(self, catalogue: Catalogue, facility: Facility, foreign: ForeignRowsSeen | None = None) -> None:
        """Begin without answers; `catalogue` is queried when one is needed, `foreign` learns of other proposals."""
        self._catalogue = catalogue
        self._foreign = foreign
        self._facility = facility
        self._lock = threading.Lock()
        self._futures: dict[tuple[str, str], dict[int | None, Future[Any]]] = {}
        self._moved: dict[tuple[str, str], dict[int, str]] = {}
        self._expected: Counter[tuple[str, str]] = Counter()
        self._latest: tuple[str, str] | None = None
        """The proposal whose sessions are being found: more of them may come."""

    def expect(self, directory: SessionDirectory) -> None:
        """Keep the answers on a session's proposal until `release`, and until sessions of another one are found."""
        group = directory.beamline, directory.proposal
        with self._lock:
            before, self._latest = self._latest, group
            self._expected[group] += 1
            self._drop_unneeded(before)

    def expect_no_more(self) -> None:
        """Note that all sessions were found."""
        with self._lock:
            before, self._latest = self._latest, None
            self._drop_unneeded(before)

    def release(self, directory: SessionDirectory) -> None:
        """Drop the answers that no session needs any more, as this one is done."""
        group = directory.beamline, directory.proposal
        with self._lock:
            self._expected[group] -= 1
            self._drop_unneeded(group)

    def _drop_unneeded(self, group: tuple[str, str] | None) -> None:
        if group is not None and group != self._latest and self._expected[group] <= 0:
            del self._expected[group]
            self._futures.pop(group, None)
            self._moved.pop(group, None)

    def investigations(self, directory: SessionDirectory) -> Answer[Investigation]:
        """Return the investigations of a session's proposal at its beamline."""
        return self._ask_once(
            directory, None, lambda: self._catalogue.investigations(directory.beamline, directory.proposal)
        )

    def contents(self, directory: SessionDirectory, investigation: int) -> Contents:
        """Return the datasets of one of these investigations."""

        def ask() -> Contents:
            answer = self._catalogue.datasets(investigation)
            contents = Contents(structs.replace(answer, rows=()), InvestigationRows(answer.rows, self._facility))
            if self._foreign is not None and answer.usable:
                foreign = tuple(foreign_rows(contents.rows, investigation, directory, self._facility))
                group = directory.beamline, directory.proposal
                self._foreign.note(group, investigation, foreign, complete=not answer.unreadable)
            return contents

        return self._ask_once(directory, investigation, ask)

    def note_moved(self, directory: SessionDirectory, moved: Mapping[int, str]) -> dict[int, str]:
        """Note which datasets of ICAT look moved to which paths of a session; return all of its proposal so far."""
        with self._lock:
            noted = self._moved.setdefault((directory.beamline, directory.proposal), {})
            noted.update(moved)
            return dict(noted)

    def _ask_once(self, directory: SessionDirectory, investigation: int | None, ask: Callable[[], Result]) -> Result:
        with self._lock:
            group = self._futures.setdefault((directory.beamline, directory.proposal), {})
            future, first = group.get(investigation), False
            if future is None:
                future, first = group.setdefault(investigation, Future()), True
        if first:
            try:
                future.set_result(ask())
            except BaseException as error:
                future.set_exception(error)
                raise
        result: Result = future.result()
        return result


class SessionQuery(Struct, frozen=True):
    """Query of what the catalogue has of one session."""

    directory: SessionDirectory
    facility: Facility
    now: datetime
    investigation: int | None = None
    """The investigation that a person chose; None: the rules choose."""


def query_session(answers: SharedAnswers, query: SessionQuery, disk: DiskSession) -> CatalogueSession:
    """Return what ICAT has of a session.

    The other investigations of the proposal are queried too where the disk holds a dataset that the session's own does
    not list.
    """
    directory = query.directory
    asked_at, nothing = datetime.now(UTC), RowLookup(())
    found = answers.investigations(directory)
    fit = _fit(query, found.rows) if found.usable else None
    trouble = _trouble(query, found, fit)
    if trouble or fit is None:
        return CatalogueSession(asked_at=asked_at, investigations=found.rows, trouble=trouble, listed=nothing)
    chosen = answers.contents(directory, fit.id)
    if not chosen.answer.usable:
        trouble = chosen.answer.reason
        return CatalogueSession(asked_at=asked_at, investigations=found.rows, fit=fit, trouble=trouble, listed=nothing)
    key = folded_key(session_key(directory, query.facility))
    listed = RowLookup([chosen.rows.by_session.get(key, {})])
    looked_into = [chosen]
    if not_listed(directory, disk, listed, query.facility):
        looked_into += [answers.contents(directory, row.id) for row in found.rows if row.id != fit.id]
        listed = RowLookup([contents.rows.by_session.get(key, {}) for contents in looked_into])
    return CatalogueSession(
        asked_at=asked_at,
        investigations=found.rows,
        fit=fit,
        listed=listed,
        gaps=tuple(_gaps(found, [contents.answer for contents in looked_into])),
        looked_into=tuple(contents.rows for contents in looked_into),
    )


def _gaps(found: Answer[Investigation], looked_into: list[Answer[CatalogueDataset]]) -> Iterator[str]:
    """Yield why ICAT may have more than it listed."""
    for odd in found.unreadable:
        yield f"ICAT+ sent an investigation that could not be read ({odd})"
    for answer in looked_into:
        if not answer.usable:
            yield f"another investigation of the proposal could not be looked into: {answer.reason}"
        for odd in answer.unreadable:
            yield f"ICAT+ sent an entry that could not be read ({odd})"


def _trouble(query: SessionQuery, found: Answer[Investigation], fit: Fit | None) -> str:
    """Return why the investigation of a session can't be determined; empty where it can, or where there is none."""
    if not found.usable:
        return found.reason
    if fit or (found.outcome == Outcome.EMPTY and query.investigation is None):
        return ""
    known = ", ".join(str(row.id) for row in found.rows) or "none"
    if query.investigation is not None:
        return f"ICAT has no investigation {query.investigation} with a start date for this session (it has {known})"
    if found.unreadable:
        return f"ICAT+ sent investigations that could not be read ({', '.join(found.unreadable)})"
    return f"ICAT has no start date of the investigations of this session ({known})"


def _fit(query: SessionQuery, investigations: tuple[Investigation, ...]) -> Fit | None:
    """Return the fit of a session by the rules, out of the investigation that a person chose or out of all."""
    if query.investigation is not None:
        investigations = tuple(row for row in investigations if row.id == query.investigation)
    day = session_date(query.directory.date)
    return timeslot.choose(investigations, day, query.facility.zone, now=query.now)


# -- about a proposal --------------------------------------------------------------------------------------------------


class ProposalListing(Struct, frozen=True):
    """Datasets that ICAT lists for a proposal at a beamline."""

    investigations: tuple[Investigation, ...]
    rows: tuple[CatalogueDataset, ...]
    listed: RowLookup
    """The rows, to be looked up by location."""
    trouble: str
    """Why the listing may be incomplete; empty where it is complete."""


def list_proposal(catalogue: Catalogue, facility: Facility, beamline: str, proposal: str) -> ProposalListing:
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
    return ProposalListing(investigations.rows, tuple(rows), RowLookup([by_key]), trouble)


def _gap(answer: Answer[Any]) -> str:
    """Return why ICAT may have more than it listed; empty where it has not."""
    if not answer.usable:
        return answer.reason
    return f"ICAT+ sent an entry that could not be read ({answer.unreadable[0]})" if answer.unreadable else ""


class ProposalListings:
    """Listings of proposals, each queried once."""

    def __init__(self, catalogue: Catalogue | None, facility: Facility) -> None:
        """Begin without listings; `catalogue` is queried for them, None: there is none to query."""
        self._catalogue, self._facility = catalogue, facility
        self._listings: dict[tuple[str, str], ProposalListing] = {}

    def of(self, beamline: str, proposal: str) -> ProposalListing | None:
        """Return what ICAT lists for a proposal at a beamline, both in any spelling; None: without a catalogue."""
        if self._catalogue is None:
            return None
        key = self._facility.beamline(beamline.strip()), proposal.strip().lower()
        if key not in self._listings:
            self._listings[key] = list_proposal(self._catalogue, self._facility, *key)
        return self._listings[key]

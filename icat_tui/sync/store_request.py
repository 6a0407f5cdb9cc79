"""Requests to register by hand, and the message for the request to register a directory, raw or processed.

What must stay true: values that the request gives are used as given; missing ones are read from the dataset as a scan
reads it, and what is not known is never made up (interface.md, "Commands", `store-raw`).
"""

import posixpath
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from icat_tui.disk import metadata
from icat_tui.domain import timeslot
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import dataset_name, session_date, session_of
from icat_tui.domain.model import DiskDataset, Match
from icat_tui.ingest.dataset_xml import Body, Identity, dataset_body
from icat_tui.sync.catalogue_query import ProposalListings
from icat_tui.sync.site import LocatedDirectory, Site

SAMPLE, START, END = "Sample_name", "startDate", "endDate"
NOT_TODAY = "today is not in the time slot of its session"
INPUTS = "input_datasets"
INVESTIGATION = "investigationId"
OPEN_SCAN = "its last scan has no end: it is running, or its writer died"


class DatasetRequest(Struct, frozen=True, kw_only=True):
    """Request to register a dataset directory, with what a person gives about it."""

    beamline: str
    proposal: str
    dataset: str
    """The name of the dataset."""
    path: str
    metadata: Mapping[str, Any] = {}
    """ICAT's fields by name; sample, start and end are read from the dataset where they are not among them."""
    strict: bool = False
    """Whether what is doubtful by ICAT's definitions is refused, rather than warned of."""
    investigation: int | None = None
    """The investigation that a person chose for it."""
    yes_proposal: str = ""
    """The proposal under which it may be shown, though it lies in the directory of another."""

    @property
    def processed(self) -> bool:
        """Whether it is about processed data, which name the datasets they were made from."""
        return bool(self.metadata.get(INPUTS))

    @property
    def subject(self) -> str:
        """Name of the request in texts for people."""
        return self.path


class StoredFileRequest(Struct, frozen=True):
    """Request to send the dataset message in a file as it is."""

    path: str
    yes_proposal: str = ""
    """The proposal under which it may be shown, though it lies in the directory of another."""

    @property
    def subject(self) -> str:
        """Name of the request in texts for people."""
        return self.path


class AddFilesRequest(Struct, frozen=True):
    """Request to add the files of a dataset that ICAT has."""

    icat_id: int
    investigation: int | None = None
    """The investigation that lists it; without it ICAT can't be asked about it (icat.md, "The two calls")."""

    @property
    def subject(self) -> str:
        """Name of the request in texts for people."""
        return f"dataset {self.icat_id}"


Request = DatasetRequest | StoredFileRequest | AddFilesRequest


# -- the message -----------------------------------------------------------------------------------------------------


def raw_body(request: DatasetRequest, located: LocatedDirectory, site: Site, listings: ProposalListings) -> Body:
    """Return the message about a directory, missing fields read from the dataset. Raises UsageError."""
    given = {name: value for name, value in request.metadata.items() if value is not None and value != ""}
    if request.investigation is not None:
        _check_investigation(request, listings)
        given[INVESTIGATION] = str(request.investigation)
    times = {name: _moment(name, given[name], site.facility) for name in (START, END) if name in given}
    missing = [name for name in (SAMPLE, START, END) if name not in given]
    derived = _derive(missing, request, located, site, listings) if missing else _Derived()
    start, end = ((times | derived.fields)[name] for name in (START, END))
    if end < start:
        what = f"its end, {end.isoformat()}, comes before its start, {start.isoformat()}"
        raise UsageError(what, names=(END, START), advice=f"correct {END} or {START}")
    identity = Identity(
        beamline=request.beamline, proposal=request.proposal, dataset=request.dataset, path=located.path
    )
    body = dataset_body(
        identity,
        {**given, **times, **derived.fields},
        site.origin,
        mount_marker=site.facility.mount_marker,
        strict=request.strict,
    )
    return Body(body.content, (*derived.doubts, *body.warnings))


def _check_investigation(request: DatasetRequest, listings: ProposalListings) -> None:
    """Raise UsageError where ICAT, answering in full, has no such investigation of the proposal at the beamline."""
    listing = listings.of(request.beamline, request.proposal)
    if listing is None or (listing.trouble and not listing.investigations):
        return
    known = [row.id for row in listing.investigations]
    if request.investigation not in known:
        has = ", ".join(map(str, known)) or "none"
        raise UsageError(f"ICAT has no investigation {request.investigation} for it (it has {has}): check the id")


def other_proposal(path: str, proposal: str) -> str:
    """Return the proposal that a directory is of, where that is another than is told; else an empty text."""
    session = session_of(path)
    own = session.rsplit("/", 3)[1] if session else ""
    return "" if bare_name(own) == bare_name(proposal) else own


def bare_name(proposal: str) -> str:
    """Return a proposal's name without what spellings differ in: `HG-333` is `hg333`."""
    return proposal.strip().lower().replace("-", "")


def _moment(name: str, value: object, facility: Facility) -> datetime:
    """Return a time with an offset; one without is in the facility's zone (icat.md, "Known faults", D28)."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    try:
        return timeslot.parse_time(text.strip(), facility.zone)
    except ValueError as error:
        raise UsageError(f"{name}: {error}; give it as 2026-01-31T08:00:00+01:00", names=(name,)) from error


class _Derived(Struct, frozen=True):
    """Fields that were not given and could be derived, with what is doubtful about them."""

    fields: dict[str, Any] = {}
    doubts: tuple[str, ...] = ()


def _derive(
    missing: list[str], request: DatasetRequest, located: LocatedDirectory, site: Site, listings: ProposalListings
) -> _Derived:
    """Return the missing fields, from the dataset; start and end are now where it has none. Raises UsageError."""
    if request.processed:
        return _derive_processed(missing, request, located, site, listings)
    dataset = _read_dataset(located, site)
    if dataset and dataset.metadata:
        read = {SAMPLE: dataset.metadata.sample, START: dataset.metadata.start, END: dataset.metadata.end}
        return _Derived({name: read[name] for name in missing}, (OPEN_SCAN,) if dataset.open_scan else ())
    why = dataset.trouble.text if dataset and dataset.trouble else "it is no dataset directory of a session"
    if missing == [START, END]:
        elsewhere = _why_not_now(request, located, site, listings)
        if not elsewhere:
            doubt = "its start and end are not known: sent as now, which is in the time slot of its session"
            return _Derived(dict.fromkeys(missing, site.origin.now), (doubt,))
        why = f"{why}; nor can they be taken as now, as {elsewhere}"
    raise _not_given(missing, why)


def _derive_processed(
    missing: list[str], request: DatasetRequest, located: LocatedDirectory, site: Site, listings: ProposalListings
) -> _Derived:
    """Return start and end of processed data as now: nothing on disk tells them. Raises UsageError.

    A day outside the time slot of its session is refused: ICAT would make an investigation of its own for it.
    """
    if missing not in ([START, END], [END]):
        raise _not_given(missing, "it is processed data")
    elsewhere = _why_not_now(request, located, site, listings)
    if elsewhere == NOT_TODAY:
        raise _not_given(missing, f"it is processed data; nor can it be taken as now, as {elsewhere}")
    doubt = f"{' and '.join(missing)} sent as now, as processed data do not tell"
    return _Derived(dict.fromkeys(missing, site.origin.now), (f"{doubt} ({elsewhere})" if elsewhere else doubt,))


def _not_given(missing: list[str], why: str) -> UsageError:
    flags = " ".join(f"-p {name}=…" for name in missing)
    what = f"{', '.join(missing)} can't be read from it ({why})"
    return UsageError(what, names=missing, advice=f"give {flags} (in Python: in its metadata)")


def _read_dataset(located: LocatedDirectory, site: Site) -> DiskDataset | None:
    """Return the dataset in a directory, read as a scan reads it; None where no dataset can lie there."""
    session = located.session
    if session is None or not located.path.startswith(f"{session.raw_path}/"):
        return None
    parent, name = posixpath.split(located.path)
    dataset = DiskDataset(
        path=located.path,
        collection=parent[len(session.raw_path) + 1 :],
        name=dataset_name(posixpath.basename(parent), name, session.format),
    )
    return metadata.read_datasets(session, [dataset], site.origin.now.timestamp(), site.facility.time_zone)[0]


def _why_not_now(request: DatasetRequest, located: LocatedDirectory, site: Site, listings: ProposalListings) -> str:
    """Return why now is not in the time slot of a directory's session; empty where it is."""
    if located.session is None:
        return "its path is in no session"
    listing = listings.of(request.beamline, request.proposal)
    if listing is None:
        return "no ICAT+ is known that could say when its session is"
    if not listing.investigations:
        return listing.trouble or "ICAT has no investigation for it"
    zone, now = site.facility.zone, site.origin.now
    slot = timeslot.choose(listing.investigations, session_date(located.session.date), zone, now=now)
    current = timeslot.choose(listing.investigations, None, zone, now=now)
    if slot and current and slot.id == current.id and current.match == Match.INSIDE:
        return ""
    return NOT_TODAY

"""What can be asked for by hand, and the message about a directory that a person wants registered.

What must stay true: what a person says of it counts; what they leave out is read from the dataset as a scan reads it,
and what nobody knows is never made up (interface.md, "Commands", `store-raw`).
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
from icat_tui.domain.formats import dataset_name, session_date
from icat_tui.domain.model import DiskDataset, Match
from icat_tui.ingest.dataset_xml import Body, Identity, dataset_body
from icat_tui.sync.catalogue_query import Listings
from icat_tui.sync.site import Place, Site

SAMPLE, START, END = "Sample_name", "startDate", "endDate"
OPEN_SCAN = "its last scan has no end: it is running, or its writer died"


class RawDirectory(Struct, frozen=True, kw_only=True):
    """A dataset directory that is to be registered, with what a person says of it."""

    beamline: str
    proposal: str
    dataset: str
    """The name of the dataset."""
    path: str
    metadata: Mapping[str, Any] = {}
    """ICAT's fields by name; sample, start and end are read from the dataset where they are not among them."""
    strict: bool = False
    """Whether what ICAT's definitions find doubtful is refused."""

    @property
    def subject(self) -> str:
        """How a person calls it."""
        return self.path


class StoredFile(Struct, frozen=True):
    """A file with a dataset message, to be sent as it is."""

    path: str

    @property
    def subject(self) -> str:
        """How a person calls it."""
        return self.path


class FilesOf(Struct, frozen=True):
    """A dataset that ICAT has, whose files are to be added."""

    icat_id: int
    investigation: int | None = None
    """Where ICAT lists it; without that nobody can be asked about it (icat.md, "The two calls")."""

    @property
    def subject(self) -> str:
        """How a person calls it."""
        return f"dataset {self.icat_id}"


Request = RawDirectory | StoredFile | FilesOf


# -- the message -----------------------------------------------------------------------------------------------------


def raw_body(request: RawDirectory, place: Place, site: Site, listings: Listings) -> Body:
    """Return the message about a directory, completed by what the dataset says. Raises UsageError."""
    given = {name: value for name, value in request.metadata.items() if value is not None and value != ""}
    times = {name: _moment(name, given[name], site.facility) for name in (START, END) if name in given}
    missing = [name for name in (SAMPLE, START, END) if name not in given]
    found = _found_out(missing, request, place, site, listings) if missing else _Found()
    identity = Identity(beamline=request.beamline, proposal=request.proposal, dataset=request.dataset, path=place.path)
    body = dataset_body(
        identity,
        {**given, **times, **found.fields},
        site.origin,
        mount_marker=site.facility.mount_marker,
        strict=request.strict,
    )
    return Body(body.content, (*found.doubts, *body.warnings))


def _moment(name: str, value: object, facility: Facility) -> datetime:
    """Return a time with an offset: without one it is of the facility's zone (icat.md, "Known faults", D28)."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    try:
        return timeslot.parse_time(text.strip(), facility.zone)
    except ValueError as error:
        raise UsageError(f"{name}: {error}; give it as 2026-01-31T08:00:00+01:00") from error


class _Found(Struct, frozen=True):
    """What could be found out of what was not given."""

    fields: dict[str, Any] = {}
    doubts: tuple[str, ...] = ()


def _found_out(missing: list[str], request: RawDirectory, place: Place, site: Site, listings: Listings) -> _Found:
    """Return the missing fields as the dataset or the time slot tells them. Raises UsageError."""
    dataset = _read(place, site)
    if dataset and dataset.metadata:
        read = {SAMPLE: dataset.metadata.sample, START: dataset.metadata.start, END: dataset.metadata.end}
        return _Found({name: read[name] for name in missing}, (OPEN_SCAN,) if dataset.open_scan else ())
    why = dataset.trouble.text if dataset and dataset.trouble else "it is no dataset directory of a session"
    if missing == [START, END]:
        elsewhere = _why_not_now(request, place, site, listings)
        if not elsewhere:
            doubt = "its start and end are not known: sent as now, which is in the time slot of its session"
            return _Found(dict.fromkeys(missing, site.origin.now), (doubt,))
        why = f"{why}; nor can they be taken as now, as {elsewhere}"
    flags = " ".join(f"-p {name}=…" for name in missing)
    raise UsageError(f"{', '.join(missing)} can't be read from it ({why}): give {flags} (in Python: in its metadata)")


def _read(place: Place, site: Site) -> DiskDataset | None:
    """Return the dataset in a directory, read as a scan reads it; None where no dataset can lie there."""
    session = place.session
    if session is None or not place.path.startswith(f"{session.raw_path}/"):
        return None
    parent, name = posixpath.split(place.path)
    dataset = DiskDataset(
        path=place.path,
        collection=parent[len(session.raw_path) + 1 :],
        name=dataset_name(posixpath.basename(parent), name, session.format),
    )
    return metadata.read_datasets(session, [dataset], site.origin.now.timestamp(), site.facility.time_zone)[0]


def _why_not_now(request: RawDirectory, place: Place, site: Site, listings: Listings) -> str:
    """Return why now is not in the time slot of a directory's session; empty where it is."""
    if place.session is None:
        return "its path is in no session"
    listing = listings.of(request.beamline, request.proposal)
    if listing is None:
        return "no ICAT+ is known that could say when its session is"
    if not listing.investigations:
        return listing.trouble or "ICAT has no investigation for it"
    zone, now = site.facility.zone, site.origin.now
    slot = timeslot.choose(listing.investigations, session_date(place.session.date), zone, now=now)
    current = timeslot.choose(listing.investigations, None, zone, now=now)
    if slot and current and slot.id == current.id and current.match == Match.INSIDE:
        return ""
    return "today is not in the time slot of its session"

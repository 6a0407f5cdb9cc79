"""A facility in a directory: the story with its dates, written as raw data, told to a catalogue, and its truth.

`describe_facility` decides everything and touches nothing, so that the same directory and time always give the same
facility; what is written, what ICAT has and what is true are all read off that one description.
"""

import os
import posixpath
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import STORED_DIRECTORY, RawFormat, raw_directory
from icat_tui.domain.model import Match
from icat_tui.domain.status import Category, Status
from icat_tui.sandbox.acquisition import Acquisition, stored_message, write_acquisition, write_master
from icat_tui.sandbox.cases import InIcat, OnDisk, Situation, Stored, Touched
from icat_tui.sandbox.fake_icatplus import CatalogueState, Entry
from icat_tui.sandbox.scenario import FORMATS_BY_BEAMLINE, STORY, DatasetStory, ProposalStory, SessionStory

SITE = Facility(formats=FORMATS_BY_BEAMLINE)
"""The ESRF, but for the formats that `auto` must be told."""
MORNING = time(8)
"""When time slots start and end, by the clock on the wall."""
MOUNTED = "/data/"
"""What stands before the first of these is a mount point."""
FIRST_SCAN = timedelta(hours=1)
ACQUIRING = timedelta(hours=45)
"""How long a session acquires: within the shortest time slot."""
QUIET = timedelta(hours=2)
"""How long ago the last dataset of an ongoing session ended: longer than `settle_time`, an hour."""
JUST_NOW = timedelta(minutes=5)
AHEAD = timedelta(hours=6)
LONG_AGO = timedelta(days=30)


class SandboxInvestigation(Struct, frozen=True):
    """A time slot as the catalogue will have it."""

    id: int
    name: str
    beamline: str
    start: datetime
    end: datetime | None


class SandboxDataset(Struct, frozen=True):
    """A dataset on disk, in the catalogue, or both."""

    path: str
    situation: Situation
    acquisition: Acquisition
    modified: datetime
    """When its directory was last written to; its file likewise, where `file_modified` says nothing else."""
    file_modified: datetime


class SandboxSession(Struct, frozen=True):
    """A session directory and what belongs into it."""

    path: str
    proposal: str
    story: SessionStory
    started: datetime
    investigations: tuple[SandboxInvestigation, ...]
    """All of its proposal and beamline."""
    datasets: tuple[SandboxDataset, ...]

    @property
    def raw_path(self) -> str:
        """The directory of the collections."""
        return raw_directory(self.path, self.story.format)

    @property
    def investigation(self) -> SandboxInvestigation | None:
        """The one it belongs to."""
        return None if self.story.slot is None else self.investigations[self.story.slot]


class SessionTruth(NamedTuple):
    """What a scan with `--format auto` must find out about a session."""

    category: Category
    datasets: dict[str, Status]
    """By path of the dataset directory; what is missing on disk by the location that ICAT has."""
    match: Match | None
    investigation: int | None
    format: RawFormat


class SandboxFacility(Struct, frozen=True):
    """A facility in a box."""

    directory: Path
    now: datetime
    sessions: tuple[SandboxSession, ...]
    investigations: tuple[SandboxInvestigation, ...]

    @property
    def data_root(self) -> str:
        """The directory of the proposals; what stands before `data` is a mount point that ICAT is not told of."""
        return _data_root(self.directory)

    def on_disk(self, location: str) -> str:
        """Return where a location lies that ICAT was told: below the mount point that it was not told of."""
        told = {dataset.acquisition.location: dataset.path for session in self.sessions for dataset in session.datasets}
        if path := told.get(location):
            return path  # also where the beamline's directory is not called as usual
        return self.data_root[: self.data_root.index(MOUNTED)] + posixpath.normpath(location)

    @property
    def truth(self) -> dict[str, SessionTruth]:
        """What is true of every session at the time `now`, by its path; with what the journal knows."""
        return {session.path: _truth(session) for session in self.sessions}


# -- describing ------------------------------------------------------------------------------------------------------


def describe_facility(directory: Path, now: datetime) -> SandboxFacility:
    """Return the facility that lies, or would lie, in a directory, as of `now`, which has an offset."""
    now = now.astimezone(SITE.zone).replace(microsecond=0)
    directory = directory.absolute()
    sessions: list[SandboxSession] = []
    investigations: list[SandboxInvestigation] = []
    for proposal in STORY:
        slots = tuple(
            SandboxInvestigation(
                id=len(investigations) + number,
                name=proposal.catalogue_name,
                beamline=proposal.beamline,
                start=_morning(now, first),
                end=None if last is None else _morning(now, last),
            )
            for number, (first, last) in enumerate(proposal.slots, 1)
        )
        investigations += slots
        sessions += (_describe_session(directory, now, proposal, session, slots) for session in proposal.sessions)
    return SandboxFacility(directory, now, tuple(sessions), tuple(investigations))


def _describe_session(
    directory: Path,
    now: datetime,
    proposal: ProposalStory,
    story: SessionStory,
    investigations: tuple[SandboxInvestigation, ...],
) -> SandboxSession:
    usual = SITE.beamline_directories.get(proposal.beamline, proposal.beamline)
    root, morning = _data_root(directory), _morning(now, story.day)
    path = f"{root}/{proposal.name}/{story.directory or usual}/{morning:%Y%m%d}"
    # ICAT is told the path from the first `data` on, and the beamline's usual directory (icat.md, "Mount points").
    told = f"{root[root.index(MOUNTED) :]}/{proposal.name}/{usual}/{morning:%Y%m%d}"
    raw_path, told_raw = raw_directory(path, story.format), raw_directory(told, story.format)
    return SandboxSession(
        path=path,
        proposal=proposal.name,
        story=story,
        started=morning,
        investigations=investigations,
        datasets=tuple(
            _describe_dataset(raw_path, now, dataset, acquisition)
            for dataset, acquisition in _acquisitions(proposal, story, told_raw, morning, now)
        ),
    )


def _acquisitions(
    proposal: ProposalStory, story: SessionStory, told_raw: str, morning: datetime, now: datetime
) -> Iterator[tuple[DatasetStory, Acquisition]]:
    """Yield the datasets of a session, one acquired after the other."""
    datasets = [
        (collection, dataset, dataset.directory or _directory(story.format, collection, number))
        for collection, members in story.collections.items()
        for number, dataset in enumerate(members, 1)
    ]
    # Reckoned in UTC: differences of times in one zone are those of the clock on the wall.
    first = morning.astimezone(UTC) + FIRST_SCAN
    step = (min(first + ACQUIRING, now.astimezone(UTC) - QUIET) - first) / max(len(datasets), 1)
    for number, (collection, dataset, directory) in enumerate(datasets):
        acquisition = Acquisition(
            proposal=proposal.name,
            beamline=proposal.beamline,
            collection=collection,
            directory=directory,
            location=f"{told_raw}/{collection}/{directory}",
            sample=dataset.sample or collection,
            start=_whole_seconds(first + step * (number + 0.2)),
            end=_whole_seconds(first + step * (number + 1)),
            format=story.format,
            disk=dataset.situation.disk,
        )
        yield dataset, acquisition


def _describe_dataset(raw_path: str, now: datetime, story: DatasetStory, acquisition: Acquisition) -> SandboxDataset:
    just_now, ahead = now.astimezone(UTC) - JUST_NOW, now.astimezone(UTC) + AHEAD
    modified, file_modified = {
        Touched.AT_ITS_END: (acquisition.end, acquisition.end),
        Touched.JUST_NOW: (just_now, just_now),
        Touched.FILE_JUST_NOW: (acquisition.end, just_now),
        Touched.AHEAD: (ahead, ahead),
    }[story.situation.touched]
    path = f"{raw_path}/{acquisition.collection}/{acquisition.directory}"
    return SandboxDataset(path, story.situation, acquisition, modified, file_modified)


def _directory(raw_format: RawFormat, collection: str, number: int) -> str:
    """Return what the n-th dataset of a collection is called, below the collection."""
    if raw_format == RawFormat.MX:
        return f"{collection}-x{number}/run_01/run_01_{number:02d}_datacollection"
    return f"{collection}_{number:04d}"


def _data_root(directory: Path) -> str:
    return f"{directory}/data/visitor"


def _morning(now: datetime, day: int) -> datetime:
    return datetime.combine(now.date() + timedelta(days=day), MORNING, tzinfo=SITE.zone)


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(SITE.zone).replace(microsecond=0)


def _truth(session: SandboxSession) -> SessionTruth:
    story, investigation = session.story, session.investigation
    statuses = {
        dataset.acquisition.location if dataset.situation.disk == OnDisk.GONE else dataset.path: status
        for dataset in session.datasets
        if (status := dataset.situation.status) is not None
    }
    return SessionTruth(
        category=story.category,
        datasets=statuses if investigation else {},  # not looked at without one
        match=story.match,
        investigation=investigation.id if investigation else None,
        format=story.format,
    )


# -- writing ---------------------------------------------------------------------------------------------------------


def make_facility(directory: Path, now: datetime) -> SandboxFacility:
    """Write a facility as of `now`, which has an offset, into a directory; return its description.

    Raises FileExistsError where there is one already.
    """
    facility = describe_facility(directory, now)
    Path(facility.data_root).mkdir(parents=True)
    times: dict[str, datetime] = {}
    for session in facility.sessions:
        times |= _write_session(session)
    _write_strangers(facility)
    _set_times(facility.data_root, times, now - LONG_AGO)
    return facility


def _write_session(session: SandboxSession) -> dict[str, datetime]:
    """Write what lies in a session; return when which file and directory was last written to."""
    last = max((dataset.acquisition.end for dataset in session.datasets), default=session.started)
    for name in session.story.beside:
        (Path(session.path) / name).mkdir(parents=True)
    raw = Path(session.raw_path if session.story.raw else session.path)
    raw.mkdir(parents=True, exist_ok=True)
    times: dict[str, datetime] = {}
    masters: dict[Path, list[Path]] = {}
    for dataset in session.datasets:
        times |= _write_stored(raw, dataset)
        if dataset.situation.disk == OnDisk.GONE:
            continue
        directory = Path(dataset.path)
        directory.mkdir(parents=True)
        times[dataset.path] = dataset.modified
        if file := write_acquisition(directory, dataset.acquisition):
            times[str(file)] = dataset.file_modified
            collection = raw / dataset.acquisition.collection
            if file.suffix == ".h5":
                masters.setdefault(collection / f"{session.proposal}_{collection.name}.h5", []).append(file)
    for master, members in masters.items():
        write_master(master, members)
    for parent, names, files in os.walk(session.path):
        for entry in (parent, *(f"{parent}/{name}" for name in names + files)):
            times.setdefault(entry, last)
    return times


def _write_stored(raw: Path, dataset: SandboxDataset) -> dict[str, datetime]:
    """Write what BLISS left of a dataset in `__icat__`, if anything."""
    if dataset.situation.stored == Stored.NOTHING:
        return {}
    path = raw / STORED_DIRECTORY / f"{Path(dataset.path).name}.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(stored_message(dataset.acquisition, dataset.situation.stored), encoding="utf-8")
    return {str(path): dataset.acquisition.end}


def _write_strangers(facility: SandboxFacility) -> None:
    """Write what is no proposal, no session and no dataset, as it lies about everywhere."""
    root, session = Path(facility.data_root), facility.sessions[0]
    (root / "README").write_text("A sandbox of icat-tui: nothing in it is real.\n")
    (root / "lost+found").mkdir()
    for name in ("notes", "20250231", "20251399"):
        (Path(session.path).parent / name / "RAW_DATA").mkdir(parents=True)
    (Path(session.raw_path) / ".snapshot" / ".snapshot_0001").mkdir(parents=True)


def _set_times(root: str, times: dict[str, datetime], otherwise: datetime) -> None:
    """Set when everything was last written to; from below, and once all is there."""
    for path, _, files in os.walk(root, topdown=False):
        for entry in (*(f"{path}/{name}" for name in files), path):
            seconds = times.get(entry, otherwise).timestamp()
            os.utime(entry, (seconds, seconds))


# -- telling the catalogue -------------------------------------------------------------------------------------------


def catalogue_state(facility: SandboxFacility) -> CatalogueState:
    """Return a catalogue that knows what the story says it knows."""
    state = CatalogueState()
    for investigation in facility.investigations:
        state.add_investigation(
            investigation.id, investigation.name, investigation.beamline, investigation.start, investigation.end
        )
    for session in facility.sessions:
        for dataset in session.datasets:
            _register(state, session, dataset)
    return state


def _register(state: CatalogueState, session: SandboxSession, dataset: SandboxDataset) -> None:
    """Add what the catalogue has of a dataset, if anything."""
    investigation, icat, acquisition = session.investigation, dataset.situation.icat, dataset.acquisition
    if investigation is None or icat == InIcat.NOTHING:
        return
    location: str | None = acquisition.location
    if icat == InIcat.OTHER_CASE:
        location = acquisition.location.replace(f"/{session.proposal}/", f"/{session.proposal.upper()}/")
    entry = Entry(
        name=acquisition.directory.removeprefix(f"{acquisition.collection}_"),
        location=None if icat == InIcat.UNREADABLE else location,
        start=acquisition.start,
        end=acquisition.end,
        sample=acquisition.sample,
        file_count={InIcat.NO_FILES: 0, InIcat.UNCOUNTED: None}.get(icat, 1),
        kind="processed" if icat == InIcat.PROCESSED else "acquisition",
    )
    state.add_dataset(session.investigations[0].id if icat == InIcat.ELSEWHERE else investigation.id, entry)

"""The facility of the sandbox: the scenario with its dates, as raw data on disk, as a catalogue, and its true statuses.

What must stay true: `describe_facility` decides everything and writes nothing, so that the same directory and time
always give the same facility; raw data, catalogue and true statuses are all derived from that one description.
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
from icat_tui.sandbox.cases import InIcat, OnDisk, Situation, StoredState, Touched
from icat_tui.sandbox.fake_icatplus import CatalogueEntry, CatalogueState
from icat_tui.sandbox.scenario import FORMATS_BY_BEAMLINE, SCENARIO, DatasetScenario, ProposalScenario, SessionScenario

SITE = Facility(formats=FORMATS_BY_BEAMLINE)
"""The ESRF, with formats for beamlines whose format `auto` can't find out."""
MORNING = time(8)
"""Local time at which time slots start and end."""
MOUNTED = "/data/"
"""Part of a path whose first occurrence ends the mount point."""
FIRST_SCAN = timedelta(hours=1)
"""Time from the start of a session to its first scan."""
ACQUIRING = timedelta(hours=45)
"""Duration of the acquisition of a session: within the shortest time slot."""
QUIET = timedelta(hours=2)
"""Time since the last dataset of an ongoing session ended: longer than `settle_time`, an hour."""
JUST_NOW = timedelta(minutes=5)
AHEAD = timedelta(hours=6)
LONG_AGO = timedelta(days=30)


class SandboxInvestigation(Struct, frozen=True):
    """Investigation of the catalogue."""

    id: int
    name: str
    beamline: str
    start: datetime
    end: datetime | None


class SandboxDataset(Struct, frozen=True):
    """Dataset on disk, in the catalogue, or both."""

    path: str
    situation: Situation
    acquisition: Acquisition
    modified: datetime
    """Modification time of its directory."""
    file_modified: datetime
    """Modification time of its file."""


class SandboxSession(Struct, frozen=True):
    """Session directory with its datasets and the investigations of its proposal."""

    path: str
    proposal: str
    scenario: SessionScenario
    started: datetime
    investigations: tuple[SandboxInvestigation, ...]
    """All investigations of its proposal and beamline."""
    datasets: tuple[SandboxDataset, ...]

    @property
    def raw_path(self) -> str:
        """Directory of the collections."""
        return raw_directory(self.path, self.scenario.format)

    @property
    def investigation(self) -> SandboxInvestigation | None:
        """Investigation that the session belongs to."""
        return None if self.scenario.slot is None else self.investigations[self.scenario.slot]


class SessionTruth(NamedTuple):
    """Correct result of a scan of a session with `--format auto`."""

    category: Category
    datasets: dict[str, Status]
    """Statuses by path of the dataset directory; those of datasets missing on disk by their location in ICAT."""
    match: Match | None
    investigation: int | None
    format: RawFormat


class SandboxFacility(Struct, frozen=True):
    """Description of the facility of the sandbox."""

    directory: Path
    now: datetime
    sessions: tuple[SandboxSession, ...]
    investigations: tuple[SandboxInvestigation, ...]

    @property
    def data_root(self) -> str:
        """Directory of the proposals; the part before `data` is a mount point, which locations do not have."""
        return _data_root(self.directory)

    def on_disk(self, location: str) -> str:
        """Return the path of a location in ICAT: with the mount point, which the location does not have."""
        known = {
            dataset.acquisition.location: dataset.path for session in self.sessions for dataset in session.datasets
        }
        if path := known.get(location):
            return path  # also where the beamline's directory has not its usual name
        return self.data_root[: self.data_root.index(MOUNTED)] + posixpath.normpath(location)

    @property
    def truth(self) -> dict[str, SessionTruth]:
        """Correct result of a scan of every session at the time `now`, by its path; with the journal's messages."""
        return {session.path: _truth(session) for session in self.sessions}


# -- describing ------------------------------------------------------------------------------------------------------


def describe_facility(directory: Path, now: datetime) -> SandboxFacility:
    """Return the facility that lies, or would lie, in a directory, as of `now`, which has an offset."""
    now = now.astimezone(SITE.zone).replace(microsecond=0)
    directory = directory.absolute()
    sessions: list[SandboxSession] = []
    investigations: list[SandboxInvestigation] = []
    for proposal in SCENARIO:
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
    proposal: ProposalScenario,
    scenario: SessionScenario,
    investigations: tuple[SandboxInvestigation, ...],
) -> SandboxSession:
    usual = SITE.beamline_directories.get(proposal.beamline, proposal.beamline)
    root, morning = _data_root(directory), _morning(now, scenario.day)
    path = f"{root}/{proposal.name}/{scenario.directory or usual}/{morning:%Y%m%d}"
    # ICAT gets the path from the first `data` on, with the beamline's usual directory (icat.md, "Mount points").
    location = f"{root[root.index(MOUNTED) :]}/{proposal.name}/{usual}/{morning:%Y%m%d}"
    raw_path, raw_location = raw_directory(path, scenario.format), raw_directory(location, scenario.format)
    return SandboxSession(
        path=path,
        proposal=proposal.name,
        scenario=scenario,
        started=morning,
        investigations=investigations,
        datasets=tuple(
            _describe_dataset(raw_path, now, dataset, acquisition)
            for dataset, acquisition in _acquisitions(proposal, scenario, raw_location, morning, now)
        ),
    )


def _acquisitions(
    proposal: ProposalScenario, scenario: SessionScenario, raw_location: str, morning: datetime, now: datetime
) -> Iterator[tuple[DatasetScenario, Acquisition]]:
    """Yield the datasets of a session, one acquired after the other."""
    datasets = [
        (collection, dataset, dataset.directory or _directory(scenario.format, collection, number))
        for collection, members in scenario.collections.items()
        for number, dataset in enumerate(members, 1)
    ]
    # In UTC: the difference of two times in the same zone is that of local times, also over a change of the clocks.
    first = morning.astimezone(UTC) + FIRST_SCAN
    step = (min(first + ACQUIRING, now.astimezone(UTC) - QUIET) - first) / max(len(datasets), 1)
    for number, (collection, dataset, directory) in enumerate(datasets):
        acquisition = Acquisition(
            proposal=proposal.name,
            beamline=proposal.beamline,
            collection=collection,
            directory=directory,
            location=f"{raw_location}/{collection}/{directory}",
            sample=dataset.sample or collection,
            start=_whole_seconds(first + step * (number + 0.2)),
            end=_whole_seconds(first + step * (number + 1)),
            format=scenario.format,
            disk=dataset.situation.disk,
        )
        yield dataset, acquisition


def _describe_dataset(
    raw_path: str, now: datetime, scenario: DatasetScenario, acquisition: Acquisition
) -> SandboxDataset:
    just_now, ahead = now.astimezone(UTC) - JUST_NOW, now.astimezone(UTC) + AHEAD
    modified, file_modified = {
        Touched.AT_ITS_END: (acquisition.end, acquisition.end),
        Touched.JUST_NOW: (just_now, just_now),
        Touched.FILE_JUST_NOW: (acquisition.end, just_now),
        Touched.AHEAD: (ahead, ahead),
    }[scenario.situation.touched]
    path = f"{raw_path}/{acquisition.collection}/{acquisition.directory}"
    return SandboxDataset(path, scenario.situation, acquisition, modified, file_modified)


def _directory(raw_format: RawFormat, collection: str, number: int) -> str:
    """Return the path of the n-th dataset of a collection, below the collection."""
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
    scenario, investigation = session.scenario, session.investigation
    statuses = {
        dataset.acquisition.location if dataset.situation.disk == OnDisk.GONE else dataset.path: status
        for dataset in session.datasets
        if (status := dataset.situation.status) is not None
    }
    return SessionTruth(
        category=scenario.category,
        datasets=statuses if investigation else {},  # a scan does not look at them without one
        match=scenario.match,
        investigation=investigation.id if investigation else None,
        format=scenario.format,
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
    _write_unrelated(facility)
    _set_times(facility.data_root, times, now - LONG_AGO)
    return facility


def _write_session(session: SandboxSession) -> dict[str, datetime]:
    """Write the files of a session; return the modification times of files and directories."""
    last = max((dataset.acquisition.end for dataset in session.datasets), default=session.started)
    for name in session.scenario.beside:
        (Path(session.path) / name).mkdir(parents=True)
    raw = Path(session.raw_path if session.scenario.raw else session.path)
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
    """Write the stored message of a dataset into `__icat__`, if it has one; return its modification time."""
    if dataset.situation.stored == StoredState.NOTHING:
        return {}
    path = raw / STORED_DIRECTORY / f"{Path(dataset.path).name}.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(stored_message(dataset.acquisition, dataset.situation.stored), encoding="utf-8")
    return {str(path): dataset.acquisition.end}


def _write_unrelated(facility: SandboxFacility) -> None:
    """Write files and directories that are no proposals, sessions or datasets, as there are in real data roots."""
    root, session = Path(facility.data_root), facility.sessions[0]
    (root / "README").write_text("A sandbox of icat-tui: nothing in it is real.\n")
    (root / "lost+found").mkdir()
    for name in ("notes", "20250231", "20251399"):
        (Path(session.path).parent / name / "RAW_DATA").mkdir(parents=True)
    (Path(session.raw_path) / ".snapshot" / ".snapshot_0001").mkdir(parents=True)


def _set_times(root: str, times: dict[str, datetime], otherwise: datetime) -> None:
    """Set all modification times, bottom up and once everything is written."""
    for path, _, files in os.walk(root, topdown=False):
        for entry in (*(f"{path}/{name}" for name in files), path):
            seconds = times.get(entry, otherwise).timestamp()
            os.utime(entry, (seconds, seconds))


# -- the catalogue ---------------------------------------------------------------------------------------------------


def catalogue_state(facility: SandboxFacility) -> CatalogueState:
    """Return a catalogue with the entries of the scenario."""
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
    """Add the entry of a dataset to the catalogue, if it has one."""
    investigation, icat, acquisition = session.investigation, dataset.situation.icat, dataset.acquisition
    if investigation is None or icat == InIcat.NOTHING:
        return
    location: str | None = acquisition.location
    if icat == InIcat.OTHER_CASE:
        location = acquisition.location.replace(f"/{session.proposal}/", f"/{session.proposal.upper()}/")
    entry = CatalogueEntry(
        name=acquisition.directory.removeprefix(f"{acquisition.collection}_"),
        location=None if icat == InIcat.UNREADABLE else location,
        start=acquisition.start,
        end=acquisition.end,
        sample=acquisition.sample,
        file_count={InIcat.NO_FILES: 0, InIcat.UNCOUNTED: None}.get(icat, 1),
        kind="processed" if icat == InIcat.PROCESSED else "acquisition",
    )
    state.add_dataset(session.investigations[0].id if icat == InIcat.ELSEWHERE else investigation.id, entry)

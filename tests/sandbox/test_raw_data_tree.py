import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Match
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.sandbox import cases
from icat_tui.sandbox.cases import PENDING_WITHOUT_FILES, Situation
from icat_tui.sandbox.raw_data_tree import (
    SandboxFacility,
    SandboxSession,
    SessionTruth,
    catalogue_state,
    describe_facility,
    make_facility,
)
from tests.support.sandbox_facility import NOW

MARGIN = timedelta(days=2)
SETTLE_TIME = timedelta(hours=1)


# -- what occurs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_every_status_occurs(sandbox_facility: SandboxFacility, status: Status) -> None:
    assert any(status in truth.datasets.values() for truth in sandbox_facility.truth.values())


@pytest.mark.parametrize("category", Category)
def test_every_category_occurs(sandbox_facility: SandboxFacility, category: Category) -> None:
    assert any(truth.category == category for truth in sandbox_facility.truth.values())


@pytest.mark.parametrize("match", Match)
def test_every_match_occurs(sandbox_facility: SandboxFacility, match: Match) -> None:
    assert any(truth.match == match for truth in sandbox_facility.truth.values())


@pytest.mark.parametrize("raw_format", RawFormat)
def test_every_format_occurs_with_something_registered_and_something_not(
    sandbox_facility: SandboxFacility, raw_format: RawFormat
) -> None:
    found = {
        status
        for truth in sandbox_facility.truth.values()
        if truth.format == raw_format
        for status in truth.datasets.values()
    }
    assert {Status.REGISTERED, Status.UNREGISTERED, Status.INVALID} <= found


def test_every_situation_occurs(sandbox_facility: SandboxFacility) -> None:
    known = {name: value for name, value in vars(cases).items() if isinstance(value, Situation)}
    told = [dataset.situation for session in sandbox_facility.sessions for dataset in session.datasets]
    assert [name for name, situation in known.items() if situation not in told] == []


def test_there_are_three_beamlines_one_of_them_in_a_directory_of_another_name(
    sandbox_facility: SandboxFacility,
) -> None:
    assert {Path(path).parent.name for path in sandbox_facility.truth} == {"id21", "ID21", "id16b", "id23eh1"}
    assert {investigation.beamline for investigation in sandbox_facility.investigations} == {"id21", "id16b", "id23-1"}


# -- truth and disk --------------------------------------------------------------------------------------------------


def candidates(session: str, raw_format: RawFormat) -> set[str]:
    """What `<collection>/<dataset>/` matches in a shell (icat.md, "Raw data formats")."""
    if raw_format == RawFormat.MX:
        return {parent for parent, _, files in os.walk(f"{session}/RAW_DATA") if "metadata.json" in files}
    below = {RawFormat.ESRFV1: "", RawFormat.ESRFV2: "raw"}.get(raw_format, "RAW_DATA")
    return {str(path) for path in (Path(session) / below).glob("[!.]*/[!.]*") if path.is_dir()}


def test_the_truth_has_every_dataset_that_is_on_disk_and_no_other(sandbox_facility: SandboxFacility) -> None:
    for session, truth in sandbox_facility.truth.items():
        if truth.category == Category.NOT_IN_ICAT:
            assert truth.datasets == {}
            continue
        on_disk = {path for path, status in truth.datasets.items() if status != Status.MISSING_ON_DISK}
        assert on_disk == candidates(session, truth.format)


def test_the_truth_has_every_session_that_is_on_disk_and_no_other(sandbox_facility: SandboxFacility) -> None:
    def is_date(name: str) -> bool:
        try:
            return bool(datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC))
        except ValueError:
            return False

    found = {str(path) for path in Path(sandbox_facility.data_root).glob("*/*/*") if is_date(path.name)}
    assert found == sandbox_facility.truth.keys()


def test_what_is_missing_on_disk_is_told_by_the_location_that_icat_has(sandbox_facility: SandboxFacility) -> None:
    missing = {
        path
        for truth in sandbox_facility.truth.values()
        for path, status in truth.datasets.items()
        if status == Status.MISSING_ON_DISK
    }
    state = catalogue_state(sandbox_facility)
    rows = [row for investigation in sandbox_facility.investigations for row in state.datasets(investigation.id)]
    assert missing <= {row["location"] for row in rows if row["type"] == "acquisition"}
    assert not any(Path(f"{sandbox_facility.directory}{path}").exists() for path in missing)


def test_categories_follow_from_statuses(sandbox_facility: SandboxFacility) -> None:
    def category(truth: SessionTruth) -> set[Category]:
        statuses = set(truth.datasets.values())
        if truth.investigation is None:
            return {Category.NOT_IN_ICAT}
        if statuses.intersection(ACTIONABLE):
            return {Category.TODO, Category.TODO_ONGOING}
        if Status.UNKNOWN in statuses:
            return {Category.UNKNOWN}
        if Status.INVALID in statuses:
            return {Category.HAS_INVALID}
        return {Category.OK} if statuses & {Status.REGISTERED, Status.PENDING, Status.IN_PROGRESS} else {Category.EMPTY}

    assert [path for path, truth in sandbox_facility.truth.items() if truth.category not in category(truth)] == []


def test_a_session_is_todo_ongoing_when_it_is_todo_and_not_over(sandbox_facility: SandboxFacility) -> None:
    for session in sandbox_facility.sessions:
        if session.scenario.category in (Category.TODO, Category.TODO_ONGOING):
            assert is_ongoing(session, sandbox_facility.now) == (session.scenario.category == Category.TODO_ONGOING)


def is_ongoing(session: SandboxSession, now: datetime) -> bool:
    """Interface.md, "Status of a dataset", `in_progress`."""
    slot = session.investigation
    if slot is None:
        return False
    newest = max((dataset.modified for dataset in session.datasets), default=session.started)
    return slot.start - MARGIN <= now < (newest if slot.end is None else slot.end) + MARGIN


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.UNREGISTERED, Status.INVALID])
def test_in_an_ongoing_session_the_newest_the_open_and_the_fresh_are_in_progress(
    sandbox_facility: SandboxFacility, status: Status
) -> None:
    seen = set()
    for session in sandbox_facility.sessions:
        if not is_ongoing(session, sandbox_facility.now):
            continue
        present = [dataset.path for dataset in session.datasets if Path(dataset.path).exists()]
        newest = max(present, key=lambda path: Path(path).stat().st_mtime)
        for path, known in sandbox_facility.truth[session.path].datasets.items():
            if known != status:
                continue
            reasons = {
                "newest": path == newest,
                "open": "2.1" in (ends := scan_ends(path)) and not ends["2.1"],
                "fresh": any(
                    is_fresh(each, sandbox_facility.now) for each in (path, file_of(path)) if os.path.exists(each)
                ),
            }
            assert any(reasons.values()) == (status == Status.IN_PROGRESS)
            seen |= {reason for reason, holds in reasons.items() if holds}
    assert seen == ({"newest", "open", "fresh"} if status == Status.IN_PROGRESS else set())


def file_of(dataset: str) -> str:
    return f"{dataset}/{os.path.basename(dataset)}.h5"


def scan_ends(dataset: str) -> dict[str, bool]:
    try:
        with h5py.File(file_of(dataset)) as file:
            return {name: "end_time" in scan for name, scan in file.items()}
    except OSError:
        return {}


def is_fresh(path: str, now: datetime) -> bool:
    return now.timestamp() - os.stat(path).st_mtime < SETTLE_TIME.total_seconds()


def test_nothing_was_written_lately_to_a_session_that_is_over(sandbox_facility: SandboxFacility) -> None:
    for session in sandbox_facility.sessions:
        if is_ongoing(session, sandbox_facility.now) or session.investigation is None:
            continue
        entries = [
            session.path,
            *(f"{parent}/{name}" for parent, names, files in os.walk(session.path) for name in names + files),
        ]
        assert not any(
            sandbox_facility.now.timestamp() - os.stat(entry).st_mtime < MARGIN.total_seconds() for entry in entries
        )


def test_matches_are_what_the_time_slots_say(sandbox_facility: SandboxFacility) -> None:
    for session in sandbox_facility.sessions:
        slot = session.investigation
        if slot is None:
            assert session.investigations == ()
            continue
        moment = session.started
        inside = [each for each in session.investigations if each.end is not None and each.start <= moment < each.end]
        if len(inside) > 1:
            assert session.scenario.match == Match.AMBIGUOUS
        elif slot.start <= moment and (slot.end is None or moment < slot.end):
            assert session.scenario.match == Match.INSIDE
        else:
            assert slot.end is not None
            distance = min(abs(moment - slot.start), abs(moment - slot.end))
            assert session.scenario.match == (Match.EDGE if distance <= timedelta(hours=48) else Match.FAR)


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        b"[x]_0001",
        b"$(reboot)_0001",
        b"a;b_0001",
        b"a & b_0001",
        "échantillon β 試料_0001".encode(),
        b"hostile_\x1b[31mred",
        b"hostile_new\nline",
        b"hostile_it's",
        b"hostile_latin1_\xe9",
        b'it\'s "run" 1',
    ],
)
def test_hostile_names_are_on_disk(sandbox_facility: SandboxFacility, name: bytes) -> None:
    directories = {child for _, names, _ in os.walk(os.fsencode(sandbox_facility.data_root)) for child in names}
    assert name in directories


def test_hostile_samples_are_in_the_files(sandbox_facility: SandboxFacility) -> None:
    samples = set()
    for path in Path(sandbox_facility.data_root).glob("*/*/*/RAW_DATA/samples/*/*.h5"):
        with h5py.File(path) as file:
            samples.add(file["1.1/sample/name"][()].decode())
    assert {"[/x]", "<&>", "$(reboot)"} <= samples


# -- locations -------------------------------------------------------------------------------------------------------


def test_icat_is_told_locations_without_the_mount_point_and_with_the_usual_beamline(
    sandbox_facility: SandboxFacility,
) -> None:
    told = {
        dataset.path: dataset.acquisition.location for each in sandbox_facility.sessions for dataset in each.datasets
    }
    assert all(
        f"{sandbox_facility.directory}{location}" == path.replace("/ID21/", "/id21/") for path, location in told.items()
    )
    assert any("/ID21/" in path for path in told)


def test_the_mount_point_ends_at_the_first_directory_called_data(tmp_path: Path) -> None:
    session = describe_facility(tmp_path / "data" / "home", NOW).sessions[0]
    assert session.datasets[0].acquisition.location.startswith("/data/home/data/visitor/hg333/")


def test_the_catalogue_has_what_is_registered_where_it_lies(sandbox_facility: SandboxFacility) -> None:
    state = catalogue_state(sandbox_facility)
    for session in sandbox_facility.sessions:
        locations = {
            row["location"]: row["investigation"]["id"]
            for slot in session.investigations
            for row in state.datasets(slot.id)
        }
        for dataset in session.datasets:
            location, status = dataset.acquisition.location, dataset.situation.status
            if status in (Status.REGISTERED, Status.REGISTERED_WITHOUT_FILES, Status.MISSING_ON_DISK):
                assert location in locations
            elif status is not None:
                assert (location in locations) == (dataset.situation == PENDING_WITHOUT_FILES)


# -- making ----------------------------------------------------------------------------------------------------------


def contents(directory: str) -> dict[str, tuple[float, str]]:
    found = {}
    for parent, names, files in os.walk(directory):
        for name in names + files:
            path = f"{parent}/{name}"
            content = Path(path).read_bytes() if name in files else b""
            found[path.removeprefix(directory)] = (os.stat(path).st_mtime, hashlib.sha256(content).hexdigest())
    return found


def test_the_same_time_makes_the_same_facility(sandbox_facility: SandboxFacility, tmp_path: Path) -> None:
    again = make_facility(tmp_path, NOW)
    assert contents(again.data_root) == contents(sandbox_facility.data_root)
    assert told(again) == told(sandbox_facility)


def told(sandbox_facility: SandboxFacility) -> str:
    """The truth, wherever the facility lies."""
    return repr(sandbox_facility.truth).replace(str(sandbox_facility.directory), "")


def test_describing_tells_what_making_wrote(sandbox_facility: SandboxFacility) -> None:
    assert describe_facility(sandbox_facility.directory, NOW) == sandbox_facility


def test_nothing_outside_its_directory_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "box").mkdir()
    before = (tmp_path / "elsewhere").stat()
    make_facility(tmp_path / "box", NOW)
    assert {path.name for path in tmp_path.iterdir()} == {"box", "elsewhere"}
    assert {path.name for path in (tmp_path / "box").iterdir()} == {"data"}
    assert (tmp_path / "elsewhere").stat() == before


def test_a_facility_is_not_written_over_another(sandbox_facility: SandboxFacility) -> None:
    with pytest.raises(FileExistsError):
        make_facility(sandbox_facility.directory, NOW)


def test_it_is_made_within_two_seconds(tmp_path: Path) -> None:
    before = time.process_time()
    make_facility(tmp_path, NOW)
    assert time.process_time() - before < 2


@given(st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 -- as given() wants it
def test_whenever_it_is_made_acquisitions_follow_each_other_and_end_before_they_are_fresh(now: datetime) -> None:
    sandbox_facility = describe_facility(Path("/box"), now)
    assert len(sandbox_facility.truth) == len(sandbox_facility.sessions)
    for session in sandbox_facility.sessions:
        moments = [
            moment.astimezone(UTC)
            for dataset in session.datasets
            for moment in (dataset.acquisition.start, dataset.acquisition.end)
        ]
        assert all(earlier < later for earlier, later in pairwise(moments))
        assert all(session.started.astimezone(UTC) < moment < now - SETTLE_TIME for moment in moments)

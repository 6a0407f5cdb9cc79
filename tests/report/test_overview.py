"""The overview: CSV that reads back the same, and the same bytes from the same sessions (interface.md, "Overview")."""

import csv
import os
import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from icat_tui.domain.errors import SaveError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Fit, Match, Session
from icat_tui.domain.status import Category, Status
from icat_tui.domain.timeslot import inside_timeslot
from icat_tui.report import overview
from icat_tui.report.overview import COUNTS, SESSION_COLUMNS, timeslot_text, write_overview
from tests.support import golden
from tests.support.golden import matches
from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS
from tests.support.samples import INSIDE, NOW, a_directory, a_session, destination, every_category
from tests.support.time_slot import END, FACILITY, START

OLD_COLUMNS = (
    "beamline,proposal,timeslot,session,url,search_url,path,unregistered,not_uploaded,registered,invalid,"
    "registered_without_files"
)
"""icat.md, "Overview files"."""


def written(sessions: Iterable[Session], directory: Path, *formats: RawFormat) -> list[Path]:
    return write_overview(sessions, destination(directory, *formats), FACILITY, NOW)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_overview_is_what_it_was(tmp_path: Path) -> None:
    written(every_category(), tmp_path)
    files = contents(tmp_path)
    assert [name for name, content in files.items() if not matches(f"overview/{name}", content)] == []
    assert set(files) == set(contents(golden.DIRECTORY / "overview"))


def test_every_format_that_occurs_or_was_asked_for_gets_all_its_files(tmp_path: Path) -> None:
    files = written([a_session(Category.OK)], tmp_path, RawFormat.MX)
    expected = {f"{category}.{kind}" for category in Category for kind in ("csv", "sh")}
    expected |= {"datasets.csv", "missing_on_disk.csv"}
    for raw_format in ("esrfv3", "mx"):
        assert set(os.listdir(tmp_path / raw_format)) == expected
    assert {path.parent.name for path in files} == {"esrfv3", "mx"}
    assert len(files) == 2 * len(expected)
    assert sorted(os.listdir(tmp_path)) == ["esrfv3", "mx"]


def test_the_old_columns_come_first_and_in_the_old_order(tmp_path: Path) -> None:
    written([], tmp_path, RawFormat.ESRFV3)
    header = (tmp_path / "esrfv3" / "ok.csv").read_text()
    assert header == (OLD_COLUMNS + ",in_progress,pending,unknown,missing_on_disk,inside_timeslot,match,stale\n")


def test_rows_end_in_carriage_return_and_line_feed(tmp_path: Path) -> None:
    written(every_category(), tmp_path)
    for path in tmp_path.rglob("*.csv"):
        assert path.read_bytes().endswith(b"\r\n")


def test_the_same_sessions_give_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    sessions = every_category()
    written(sessions, tmp_path)
    before = contents(tmp_path)
    shuffled = random.Random(5)
    for _ in range(5):
        shuffled.shuffle(sessions)
        assert written(sessions, tmp_path) == []
    assert contents(tmp_path) == before


def test_only_what_changed_is_written_again(tmp_path: Path) -> None:
    sessions = every_category()
    written(sessions, tmp_path)
    changed = written([*sessions, a_session(Category.EMPTY, directory=a_directory("zz9"))], tmp_path)
    assert sorted(path.name for path in changed) == ["empty.csv", "empty.sh"]


def test_lines_that_do_not_fit_in_memory_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(every_category(), tmp_path / "memory")
    monkeypatch.setattr(overview, "IN_MEMORY", 100)
    written(every_category(), tmp_path / "disk")
    assert contents(tmp_path / "memory") == contents(tmp_path / "disk")


def test_a_session_that_could_not_be_determined_is_in_unknown_only_with_what_was_known(tmp_path: Path) -> None:
    stale = a_session(
        Category.TODO, ("1", Status.UNREGISTERED), ("2", Status.MISSING_ON_DISK), ("3", Status.INVALID), stale=True
    )
    written([stale], tmp_path)
    found = {path.name: rows(path) for path in tmp_path.rglob("*.csv") if rows(path)}
    assert list(found) == ["unknown.csv"]
    (row,) = found["unknown.csv"]
    assert (row["unregistered"], row["missing_on_disk"], row["stale"]) == ("1", "1", "2026-01-31T07:55:00+01:00")
    scripts = {path.name for path in tmp_path.rglob("*.sh") if "icat-sync-raw" in path.read_text()}
    assert scripts == {"unknown.sh"}


def test_every_dataset_is_counted_once(tmp_path: Path) -> None:
    sessions = every_category()
    written(sessions, tmp_path)
    counted = sum(
        int(row[status]) for path in tmp_path.rglob("*.csv") for row in rows(path) for status in COUNTS if status in row
    )
    assert counted == sum(len(session.datasets) for session in sessions)
    assert set(COUNTS) == set(Status)


def test_datasets_are_listed_by_what_is_the_matter_with_them(tmp_path: Path) -> None:
    written(every_category(), tmp_path)
    datasets = [row for path in tmp_path.rglob("datasets.csv") for row in rows(path)]
    assert {row["status"] for row in datasets} == set(Status) - {Status.REGISTERED, Status.MISSING_ON_DISK}
    missing = [row for path in tmp_path.rglob("missing_on_disk.csv") for row in rows(path)]
    assert [(row["status"], row["icat_id"]) for row in missing] == [("missing_on_disk", "3")]
    assert [row["path"] for row in datasets] == sorted(row["path"] for row in datasets)


def test_paths_of_sessions_end_in_a_slash_and_the_session_is_the_bare_date(tmp_path: Path) -> None:
    written([a_session(Category.OK, fit=None)], tmp_path)
    (row,) = rows(tmp_path / "esrfv3" / "ok.csv")
    assert row["path"] == "/data/visitor/hg333/id99/20231019/RAW_DATA/"
    assert row["session"] == "2023-10-19"
    assert [row[column] for column in ("timeslot", "url", "inside_timeslot", "match", "stale")] == [""] * 5


names = st.one_of(
    st.sampled_from([name for name in HOSTILE_NAMES if name]),
    st.binary(min_size=1, max_size=12).map(os.fsdecode),
    st.text(st.sampled_from("a,\"'\r\n\t =+-@é"), min_size=1, max_size=8),
).filter(lambda name: "/" not in name and "\0" not in name)


@settings(max_examples=60, deadline=None)
@given(found=st.sets(names, min_size=1, max_size=4), sample=st.one_of(st.none(), names, st.sampled_from(HOSTILE_TEXTS)))
def test_csv_reads_back_every_path_byte_for_byte(found: set[str], sample: str | None) -> None:
    session = a_session(Category.TODO, *((name, Status.UNREGISTERED) for name in found))
    session = replace(session, datasets=tuple(replace(dataset, sample=sample) for dataset in session.datasets))
    with TemporaryDirectory() as directory:
        written([session], Path(directory))
        read = rows(Path(directory) / "esrfv3" / "datasets.csv")
    assert {row["path"] for row in read} == {dataset.path for dataset in session.datasets}
    assert all(not row["sample"].startswith(("=", "+", "-", "@", "\t", "\r")) for row in read)


@pytest.mark.parametrize("start", "=+-@\t\r")
def test_no_cell_begins_as_a_formula(tmp_path: Path, start: str) -> None:
    written([a_session(Category.OK, directory=a_directory(f"{start}cmd()"))], tmp_path)
    (row,) = rows(tmp_path / "esrfv3" / "ok.csv")
    assert row["proposal"] == f"'{start}cmd()"


def test_what_stands_for_no_byte_is_written_as_an_escape(tmp_path: Path) -> None:
    session = a_session(Category.OK, ("\ud800", Status.MISSING_ON_DISK))
    written([session], tmp_path)
    (row,) = rows(tmp_path / "esrfv3" / "missing_on_disk.csv")
    assert row["path"].endswith("/colA_\\ud800")


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (START, END, "FINISHED: 2023-10-19 08:00:00+02:00 - 2023-10-24 08:00:00+02:00 (5 days  0:00:00)"),
        (START, None, "INDEFINITE: 2023-10-19 08:00:00+02:00 - ???"),
        (
            NOW - timedelta(days=9),
            NOW - timedelta(hours=47),
            "ONGOING: 2026-01-22 08:00:00+01:00 - 2026-01-29 09:00:00+01:00 (7 days  1:00:00)",
        ),
        (NOW + timedelta(days=3), None, "FUTURE: 2026-02-03 08:00:00+01:00 - ???"),
    ],
)
def test_the_time_slot_is_told_as_before(start: object, end: object, text: str) -> None:
    fit = replace(INSIDE, start=start, end=end)
    assert timeslot_text(fit, NOW, FACILITY.zone) == text


def test_times_are_those_of_the_facility_and_not_of_the_machine() -> None:
    utc = Facility(time_zone="UTC")
    assert timeslot_text(replace(INSIDE, end=None), NOW, utc.zone) == "INDEFINITE: 2023-10-19 06:00:00+00:00 - ???"


@pytest.mark.parametrize(
    ("match", "target", "end", "inside"),
    [
        (Match.INSIDE, START, END, True),
        (Match.INSIDE, START, None, True),
        (Match.EDGE, END, END, False),
        (Match.FAR, END, None, False),
        (Match.AMBIGUOUS, START, END, True),
        (Match.AMBIGUOUS, END, END, False),
        (Match.AMBIGUOUS, START - timedelta(seconds=1), END, False),
        (Match.AMBIGUOUS, END, None, False),
    ],
)
def test_inside_is_said_when_it_is_inside(match: Match, target: object, end: object, *, inside: bool) -> None:
    fit = replace(INSIDE, match=match, target=target, end=end)
    assert inside_timeslot(fit) is inside


def test_without_an_investigation_nothing_is_inside_or_outside() -> None:
    nothing: Fit | None = None
    assert inside_timeslot(nothing) is None


def test_a_directory_that_can_not_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "esrfv3").write_text("in the way")
    with pytest.raises(SaveError, match="esrfv3"):
        written([a_session(Category.OK)], tmp_path)


def test_nothing_is_written_when_the_sessions_break_off(tmp_path: Path) -> None:
    def sessions() -> Iterable[Session]:
        yield a_session(Category.OK)
        raise RuntimeError("broke off")

    with pytest.raises(RuntimeError, match="broke off"):
        written(sessions(), tmp_path)
    assert os.listdir(tmp_path) == []


def test_there_is_a_column_for_everything_in_a_row(tmp_path: Path) -> None:
    written(every_category(), tmp_path)
    for path in tmp_path.rglob("*.csv"):
        for row in rows(path):
            assert None not in row
            assert None not in row.values()
    assert len(set(SESSION_COLUMNS)) == len(SESSION_COLUMNS)

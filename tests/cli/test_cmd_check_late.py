"""What `icat-tui` says of sessions that are over, and of what arrived or ended there as it should not."""

import os
import time
from pathlib import Path

import pytest

from icat_tui.domain.errors import ExitCode
from tests.support.beamtime import Beamtime
from tests.support.bliss import END, ENDED, FILE_TIME, write_bliss
from tests.support.program import Ran, run_program

RUNNING = {"start_time": FILE_TIME, "sample/name": "sA"}


def run(beamtime: Beamtime, *words: str) -> Ran:
    return run_program(*words, str(beamtime.session), env=os.environ | beamtime.environment)


def scans_of(beamtime: Beamtime, name: str, **scans: object) -> Path:
    """Make a dataset with these scans, long ago."""
    path = beamtime.dataset(name)
    write_bliss(path / f"{path.name}.h5", {name.replace("_", "."): scan for name, scan in scans.items()})  # type: ignore[misc]
    beamtime.age()
    return path


def test_what_a_dead_writer_left_is_judged_by_what_is_there(beamtime: Beamtime, tmp_path: Path) -> None:
    scans_of(beamtime, "0001", **{"1_1": ENDED, "2_1": RUNNING})
    scans_of(beamtime, "0002", **{"1_1": RUNNING})
    ran = run(beamtime, "sync", "--json", "--save-dir", str(tmp_path / "overview"))
    (session,) = [record for record in ran.records if record["type"] == "session"]
    ended, endless = session["datasets"]
    assert (ended["status"], endless["status"]) == ("unregistered", "invalid")
    assert "the last scan has no end: its writer died" in ended["reasons"]
    assert "the last scan has no end: its writer died" in endless["reasons"]
    assert endless["sample"] == "sA"
    checked = run(beamtime, "check")
    assert checked.code == ExitCode.TODO
    assert "without you" not in checked.out


def test_the_script_for_invalid_datasets_has_what_is_known(beamtime: Beamtime, tmp_path: Path) -> None:
    scans_of(beamtime, "0001", **{"1_1": RUNNING})
    assert run(beamtime, "sync", "-q", "--save-dir", str(tmp_path / "overview")).code == ExitCode.DONE
    script = (tmp_path / "overview" / "esrfv3" / "has_invalid.sh").read_text()
    assert f"--sample=sA --path={beamtime.raw}/colA/colA_0001 -p startDate={FILE_TIME}\n" in script


def test_restored_data_is_in_progress_and_no_good_news(beamtime: Beamtime) -> None:
    path = beamtime.dataset()
    restored = time.time() - 40 * 60 - 1
    for entry in (*path.iterdir(), path):
        os.utime(entry, (restored, restored))
    (session,) = [record for record in run(beamtime, "sync", "--json").records if record["type"] == "session"]
    assert session["category"] == "todo_ongoing"
    (dataset,) = session["datasets"]
    assert (dataset["status"], dataset["reasons"]) == ("in_progress", ["changed 40 min ago"])
    checked = run(beamtime, "check")
    assert checked.code == ExitCode.TODO
    assert "changed 40 min ago" in checked.out
    assert "without you" not in checked.out


def test_files_that_are_still_copied_are_not_added_yet(beamtime: Beamtime) -> None:
    path = beamtime.dataset()
    beamtime.register(path, file_count=0)
    (path / "below").mkdir()
    (path / "below" / "late.h5").write_text("")
    os.utime(path, (1.7e9, 1.7e9))
    (session,) = [record for record in run(beamtime, "sync", "--json").records if record["type"] == "session"]
    assert session["datasets"][0]["status"] == "in_progress"
    beamtime.age()
    (session,) = [record for record in run(beamtime, "sync", "--json").records if record["type"] == "session"]
    assert session["datasets"][0]["status"] == "registered_without_files"


@pytest.mark.parametrize("scan", [{}, {"title": "foreign"}, {"end_time": END}])
def test_an_id16bspec_file_without_times_is_invalid(beamtime: Beamtime, scan: dict[str, str]) -> None:
    path = beamtime.raw / "colA" / "colA_1"
    write_bliss(path / "hg333-colA-1.h5", {"entry": scan}, creator=None)
    beamtime.age()
    ran = run(beamtime, "sync", "--json", "--format", "id16bspec")
    (session,) = [record for record in ran.records if record["type"] == "session"]
    assert [dataset["status"] for dataset in session["datasets"]] == ["invalid"]
    assert session["category"] == "has_invalid"

"""The whole program on facilities that it did not make: what it says is what is true, whatever ICAT+ does.

Every dataset's status and every session's category is compared with `truth.json` (tests/fieldkit). Runs as a program,
where it is the program that is tested; where ICAT+ fails, in this process, with a client that waits less long.
"""

import csv
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from icat_tui.domain.status import Category, Status
from tests.fieldkit.facility import Facility, FacilityMaker, Options, TrueSession, serving_kit
from tests.support.kit_runs import KEY, PATIENCE, SyncHere, settings
from tests.support.program import Ran


def sync(facility: Facility, *words: object, url: str = "") -> Ran:
    """Run `icat-tui sync --json` as a program."""
    done = subprocess.run(
        [sys.executable, "-m", "icat_tui", "sync", "--json", *map(str, words)],
        env=os.environ | settings(facility, url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def assert_all_that_is_known_is_true(told: Ran, truth: Mapping[str, TrueSession]) -> None:
    """Assert that nothing is said that is not so, and that no session and no dataset is left out."""
    assert told.sessions.keys() == truth.keys()
    for path, session in told.sessions.items():
        if session.category != Category.UNKNOWN:
            known = {each: status for each, status in session.datasets.items() if status != Status.UNKNOWN}
            assert known.items() <= truth[path].datasets.items()
        if Status.UNKNOWN not in session.datasets.values() and session.category != Category.UNKNOWN:
            assert session == truth[path]


# -- where everything works ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3, "drawn"])
def test_every_status_and_every_category_is_true(make_kit_facility: FacilityMaker, seed: int | str) -> None:
    if seed == "drawn":
        seed = random.SystemRandom().randrange(10, 10**6)
        print(f"the seed of this run: {seed}")  # shown where it fails
    facility = make_kit_facility({"seed": seed, "sessions": 14}, {"latency_ms": 5, "api_key": KEY})
    told = sync(facility)
    assert told.sessions == facility.truth
    assert (told.code, told.err) == (0, "")
    statuses = Counter(status for session in facility.truth.values() for status in session.datasets.values())
    assert told.summary["counts"] == dict(statuses)
    assert told.summary["categories"] == dict(Counter(session.category for session in facility.truth.values()))


def test_a_clean_facility_has_nothing_to_do(make_kit_facility: FacilityMaker) -> None:
    told = sync(make_kit_facility({"clean": True}), "--exit-code")
    assert (told.code, told.summary["categories"]) == (0, {"ok": 8})


def test_icat_is_asked_once_for_each_thing_and_not_by_too_many_at_once(make_kit_facility: FacilityMaker) -> None:
    facility = make_kit_facility({"sessions": 14}, {"latency_ms": 5})
    sync(facility, "--jobs", 3)
    state = json.loads((facility.root / "icat.json").read_text())
    proposals = len(list(facility.data_root.glob("*/*")))
    assert facility.stats["requests"] <= proposals + len(state["investigations"])
    assert facility.stats["most_in_flight"] <= 3


def test_icat_sync_raw_sees_the_same(make_kit_facility: FacilityMaker, tmp_path: Path) -> None:
    facility = make_kit_facility()
    path, truth = next(item for item in sorted(facility.truth.items()) if item[1].category != Category.NOT_IN_ICAT)
    proposal, beamline, date = path.split("/")[-3:]
    selection = ["--beamline", beamline.upper(), "--proposal", proposal, "--session", date, "--format", "esrfv3"]
    places = ["--save-dir", str(tmp_path / "overview"), "--cache-dir", str(tmp_path / "cache"), "--invalidate-cache"]
    program = "import sys; from icat_tui.cli.main import sync_raw; sys.exit(sync_raw())"
    done = subprocess.run(
        [sys.executable, "-c", program, *selection, *places],
        env=os.environ | settings(facility),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert f"Directory: {path}/RAW_DATA/" in done.stdout
    for dataset in truth.datasets:
        assert f"  {dataset}/\n" in done.stdout
    assert done.stderr == ""


# -- cache and overview ----------------------------------------------------------------------------------------------


def test_runs_with_the_cache_say_the_same(make_kit_facility: FacilityMaker, tmp_path: Path) -> None:
    facility = make_kit_facility()
    first = sync(facility, "--cache-dir", tmp_path)
    second = sync(facility, "--cache-dir", tmp_path)
    assert first.sessions == second.sessions == facility.truth
    assert first.summary["counts"] == second.summary["counts"]
    invalidated = sync(facility, "--cache-dir", tmp_path, "--invalidate-cache")
    assert invalidated.sessions == facility.truth
    assert (first.code, second.code, invalidated.code) == (0, 0, 0)


def test_what_is_settled_is_not_asked_about_again(make_kit_facility: FacilityMaker, tmp_path: Path) -> None:
    facility = make_kit_facility({"clean": True})
    first = sync(facility, "--cache-dir", tmp_path)
    requests = facility.stats["requests"]
    second = sync(facility, "--cache-dir", tmp_path)
    assert first.sessions == second.sessions == facility.truth
    assert all(record["cached"] for record in second.records[:-1])
    assert facility.stats["requests"] == requests


def test_the_overview_is_the_truth_and_its_script_goes_through_it(
    make_kit_facility: FacilityMaker, tmp_path: Path
) -> None:
    facility = make_kit_facility({"seed": 2})
    sync(facility, "--save-dir", tmp_path)
    truth = facility.truth
    assert _overview(tmp_path) == {
        f"{path}/RAW_DATA/": (session.category, Counter(session.datasets.values())) for path, session in truth.items()
    }
    todo = sorted(path for path, session in truth.items() if session.category == Category.TODO)
    assert todo
    done = subprocess.run(
        [tmp_path / "esrfv3" / "todo.sh", "--json", "--exit-code"],
        env=os.environ | settings(facility),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    sessions = [record for line in done.stdout.splitlines() if (record := json.loads(line))["type"] == "session"]
    assert sorted(record["path"] for record in sessions) == todo


def _overview(directory: Path) -> dict[str, tuple[str, Counter[str]]]:
    """Return category and counts by path of the raw directory."""
    found = {}
    for category in Category:
        with (directory / "esrfv3" / f"{category}.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                counts = Counter({status.value: int(row[status]) for status in Status if row[status] != "0"})
                found[row["path"]] = (category.value, counts)
    return found


def test_check_says_to_a_scientist_what_is_missing(make_kit_facility: FacilityMaker) -> None:
    facility = make_kit_facility({"seed": 2})
    path, truth = next(item for item in facility.truth.items() if item[1].category == Category.TODO)
    done = subprocess.run(
        [sys.executable, "-m", "icat_tui", "check"],
        cwd=path,
        env=os.environ | settings(facility),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    for dataset, status in truth.datasets.items():
        assert (f"    {dataset}\n" in done.stdout) == (status != Status.REGISTERED)


# -- where ICAT+ fails -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults", [{"error_rate": 0.5}, {"hang_rate": 0.4}, {"garbage_rate": 0.3}, {"error_rate": 0.3, "garbage_rate": 0.3}]
)
def test_a_failing_icat_plus_makes_unknown_and_never_missing(
    faults: Options, make_kit_facility: FacilityMaker, sync_here: SyncHere
) -> None:
    facility = make_kit_facility({"sessions": 14})
    truth = facility.truth
    told = failed = sync_here(facility, url=facility.url)
    assert told.sessions == truth
    with serving_kit(facility.root / "icat.json", faults) as url:
        for _ in range(20):  # the dice are the server's: until something has failed and something has not
            failed = sync_here(facility, url=url)
            assert_all_that_is_known_is_true(failed, truth)
            complete = "unknown" not in failed.summary["categories"] and "unknown" not in failed.summary["counts"]
            assert (failed.code == 0) == complete
            if failed.code == 3:
                break
    assert failed.code == failed.summary["exit_code"] == 3
    assert failed.err


def test_what_failed_once_is_known_the_next_time_and_nothing_false_was_kept(
    make_kit_facility: FacilityMaker, sync_here: SyncHere, tmp_path: Path
) -> None:
    facility = make_kit_facility({"sessions": 14})
    with serving_kit(facility.root / "icat.json", {"error_rate": 0.4, "garbage_rate": 0.2}) as url:
        for _ in range(3):
            assert_all_that_is_known_is_true(sync_here(facility, "--cache-dir", tmp_path, url=url), facility.truth)
    assert sync_here(facility, "--cache-dir", tmp_path).sessions == facility.truth


@contextmanager
def _another_key(facility: Facility) -> Iterator[str]:
    with serving_kit(facility.root / "icat.json", {"api_key": "another"}) as url:
        yield url


def test_a_wrong_key_makes_everything_unknown(make_kit_facility: FacilityMaker, tmp_path: Path) -> None:
    facility = make_kit_facility()
    with _another_key(facility) as url:
        told = sync(facility, "--cache-dir", tmp_path, "--save-dir", tmp_path / "overview", url=url)
    assert (told.code, told.summary["exit_code"]) == (4, 4)
    assert told.sessions.keys() == facility.truth.keys()
    assert told.summary["categories"] == {"unknown": len(facility.truth)}
    assert told.summary["counts"].keys() <= {"unknown"}
    assert "ICAT+ refuses the API key: HTTP 403 Forbidden (invalid api key)" in told.err
    assert told.err.count("\n") == 1
    assert {category for category, _ in _overview(tmp_path / "overview").values()} == {"unknown"}


def test_a_wrong_key_spoils_nothing_that_was_known(make_kit_facility: FacilityMaker, tmp_path: Path) -> None:
    facility = make_kit_facility()
    places = ["--cache-dir", tmp_path, "--save-dir", tmp_path / "overview"]
    sync(facility, *places)
    before = _overview(tmp_path / "overview")
    with _another_key(facility) as url:
        told = sync(facility, *places, url=url)
    assert told.code in (3, 4), "settled sessions come from the cache"
    assert {path: counts for path, (_, counts) in _overview(tmp_path / "overview").items()} == {
        path: counts for path, (_, counts) in before.items()
    }
    assert sync(facility, *places).sessions == facility.truth
    assert _overview(tmp_path / "overview") == before

"""`icat-tui demo`: a newcomer's whole facility, with none of the settings of whoever runs it."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from icat_tui.sandbox.scenario import SCENARIO
from tests.support.program import PATIENCE, Runner, run_program

pytestmark = pytest.mark.usefixtures("one_demo_facility")

SETTINGS_TO_USE = 8
"""Lines that `demo --serve` prints."""


def test_sync_works_on_the_facility_and_finds_what_the_story_tells(run: Runner, demo_cache_home: Path) -> None:
    ran = run("demo", "--headless", "--json")
    stories = [session.category.value for proposal in SCENARIO for session in proposal.sessions]
    assert ran.summary["categories"] == {category: stories.count(category) for category in set(stories)}
    assert ran.code == 3, "some of it can't be determined, on purpose"
    assert list(demo_cache_home.rglob("todo.sh"))


def test_a_selection_of_it_may_be_all_well(run: Runner) -> None:
    ran = run("demo", "--headless", "--proposal", "ls3456", "--no-print")
    assert (ran.code, ran.err) == (0, "")
    assert "3 sessions: ! 1 todo, - 1 not in icat, = 1 ok" in ran.out
    assert re.findall("Results can be found in .*/(.*)", ran.out) == ["esrfv3", "id16bspec"], "of what was asked for"
    assert run("demo", "--headless", "-q", "--proposal", "ls3456", "--exit-code").code == 1


def test_settings_of_ones_own_do_not_count_and_what_is_typed_does(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ICAT_TUI_ICATPLUS", "http://127.0.0.1:9")
    monkeypatch.setenv("ICAT_TUI_SAVE_DIR", str(tmp_path / "never"))
    ran = run("demo", "--headless", "--json", "--beamline", "id16b", "--save-dir", str(tmp_path / "overview"))
    assert ran.summary["categories"] == {"todo": 1, "ok": 1}
    assert (tmp_path / "overview" / "id16bspec" / "todo.sh").exists()
    assert not (tmp_path / "never").exists()


def test_a_place_that_can_not_be_written_is_a_line(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    ran = run("demo", "--headless", "--json")
    assert ran.summary["exit_code"] == 3
    assert "the sandbox could not be made" in ran.err
    assert ran.err.count("\n") == 1


def test_the_facility_is_served_until_a_signal_comes_and_its_settings_work() -> None:
    command = [sys.executable, "-m", "icat_tui", "demo", "--serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            assert "until you stop this program" in server.stderr.readline()
            lines = [server.stdout.readline() for _ in range(SETTINGS_TO_USE)]
            words = [line.removeprefix("export ").strip().partition("=") for line in lines]
            settings = {name: shlex.split(value)[0] for name, _, value in words}
            ran = run_program("sync", "--json", "--beamline", "id16b", env=os.environ | settings)
            assert ran.summary["categories"] == {"todo": 1, "ok": 1}
            server.send_signal(signal.SIGINT)
            _, said = server.communicate(timeout=PATIENCE)
        finally:
            server.kill()
    assert (server.returncode, said) == (-signal.SIGINT, "icat-tui: stopped by SIGINT\n")

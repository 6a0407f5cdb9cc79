"""`icat-tui config`: every setting, where it comes from, and a file to start from."""

import tomllib
from pathlib import Path

import pytest

from icat_tui.settings.load import user_file
from icat_tui.settings.schema import KEYS
from tests.support.place import KEY
from tests.support.program import Runner


def test_every_setting_is_there_with_where_it_comes_from(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text('jobs = 3\nicatplus = "https://icatplus.example"\n')
    monkeypatch.setenv("ICAT_TUI_RATE", "5")
    ran = run("config", "--cache-dir", str(tmp_path), "--jobs", "4")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in ran.out.splitlines()}
    assert list(lines) == list(KEYS)
    assert lines["jobs"] == "4 --jobs"
    assert lines["icatplus"] == f"https://icatplus.example {user_file()}"
    assert lines["rate"] == "5 ICAT_TUI_RATE"
    assert lines["cache_dir"] == f"{tmp_path} --cache-dir"
    assert lines["save_dir"] == "not set default"
    records = run("config", "--json", "--jobs", "4").records
    assert [record["key"] for record in records[:-1]] == list(KEYS)
    assert {"type": "setting", "key": "jobs", "value": "4", "origin": "--jobs"} in records
    assert (records[-1]["type"], ran.code, ran.err) == ("summary", 0, "")


def test_no_secret_is_shown(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICAT_TUI_FACILITY_BROKER_PASSCODE", KEY)
    for words in (["config"], ["config", "--json"], ["config", "-vv"]):
        ran = run(*words, "--api-key", KEY)
        assert KEY not in ran.out + ran.err
        assert "set (from --api-key)" in ran.out


def test_a_commented_file_is_written_once(run: Runner) -> None:
    ran = run("config", "--init")
    assert ran.out == f"wrote {user_file()}: every setting is in it, commented out\n"
    assert tomllib.loads(user_file().read_text()) == {}
    user_file().write_text("jobs = 3\n")
    ran = run("config", "--init")
    assert (ran.code, user_file().read_text()) == (2, "jobs = 3\n")
    assert "is there already and stays as it is" in ran.err


def test_it_is_written_where_it_was_asked_for_whatever_other_files_hold(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("this is not TOML")
    assert run("config").code == 2
    monkeypatch.chdir(tmp_path)
    ran = run("config", "--init", "--config", "new/icat.toml")
    assert (ran.code, ran.err) == (0, "")
    assert run("config", "--config", "new/icat.toml").code == 0
    monkeypatch.setenv("ICAT_TUI_CONFIG", str(tmp_path / "other.toml"))
    assert run("config", "--init", "-q").out == ""
    assert run("config", "--init", "--json").summary["exit_code"] == 2
    assert (tmp_path / "other.toml").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("jbos = 3", "there is no setting jbos; the closest is jobs"),
        ("jobs = true", "config.toml: jobs: True is not a whole number"),
        ("jobs = ", "is not TOML"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_that_says_where(content: str, says: str, run: Runner) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text(content)
    for words in (["config"], ["sync"], ["check"]):
        ran = run(*words)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert says in ran.err


def test_a_variable_that_no_setting_has_is_a_mistake(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICAT_TUI_CACHEDIR", "/x")
    ran = run("config", "--json")
    assert ran.summary["exit_code"] == 2
    assert "the closest is ICAT_TUI_CACHE_DIR" in ran.err

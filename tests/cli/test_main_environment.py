"""What the system or the environment lacks or refuses: told as what it is, with the contract's exit code.

`check` and `sync` go on where they need none of it (interface.md, "Exit codes").
"""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from icat_tui.cache.foreign_rows import ForeignRows
from icat_tui.disk import listing
from icat_tui.domain.facility import Facility
from tests.support.place import Place
from tests.support.program import PATIENCE, Ran, Runner, environment, run_program

SENDING = ("--queue", "127.0.0.1:1")
NOTHING_PENDING = "icat-tui: nothing can be called pending: "


# -- the home directory, and the journal in it -----------------------------------------------------------------------


def test_without_a_home_that_is_a_directory_all_goes_on_but_sending(place: Place) -> None:
    session = place.session(empty=1)
    env = environment(**place.settings()) | {"HOME": "/dev/null"}
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        del env[variable]
    ran = run_program("sync", "-q", "--exit-code", env=env)
    assert (ran.code, ran.err) == (1, "")
    ran = run_program("check", "-q", str(session), env=env)
    assert (ran.code, ran.err) == (1, "")
    ran = run_program("sync", "-q", "--auto-register", *SENDING, env=env)
    assert ran.code == 3
    assert ran.err.startswith("icat-tui: nothing is registered: The journal /dev/null/.local/state/icat-tui can't be")


@pytest.mark.usefixtures("without_home")
def test_a_user_without_a_home_is_told_so_where_it_matters(place: Place, at: Runner) -> None:
    session = place.session(empty=1)
    why = "this user has no home directory that is known: set HOME or XDG_STATE_HOME"
    assert at("config").code == 0
    ran = at("check", "-q", str(session))
    assert (ran.code, ran.err) == (1, f"{NOTHING_PENDING}{why}, or state_dir\n")
    ran = at("sync", "-q")
    assert (ran.code, ran.err) == (3, f"{NOTHING_PENDING}{why}, or state_dir\n")
    assert (ran := at("sync", "--auto-register", "-q", *SENDING)).code == 3
    assert f"nothing is registered: {why}" in ran.err
    for words in (["sync", "--register"], ["add-files", "3"]):
        ran = at(*words, *SENDING)
        assert ran.code == 2
        assert why in ran.err
    assert (ran := at("config", "--init")).code == 2
    assert "set HOME or XDG_CONFIG_HOME" in ran.err
    assert (ran := at("demo", "--headless")).code == 2
    assert "set HOME or XDG_CACHE_HOME" in ran.err


@pytest.mark.parametrize("state_dir", ["file/below", "missing", "loop", "x" * 300])
def test_where_the_journal_can_not_be_read_check_keeps_its_code_and_says_so(
    state_dir: str, place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.session()
    (place.directory / "file").write_text("")
    (place.directory / "loop").symlink_to(place.directory / "loop")
    monkeypatch.setenv("ICAT_TUI_STATE_DIR", str(place.directory / state_dir))
    for command, code in (("check", 0), ("sync", 3)):
        ran = at(command, "-q", str(session))
        assert ran.code == code
        assert ran.err.startswith(f"{NOTHING_PENDING}The journal ")
    ran = at("sync", "-q", "--auto-register", *SENDING)
    assert ran.code == 3
    assert "nothing is registered: The journal " in ran.err


# -- directories -----------------------------------------------------------------------------------------------------


def test_a_working_directory_that_is_gone_is_told_of_relative_paths_only(place: Place) -> None:
    session = place.session()
    env = environment(**place.settings())
    gone = place.directory / "gone"

    def run_there(*words: str) -> Ran:
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", sys.executable, "-m", "icat_tui", *words],
            cwd=gone,
            env=env | {"PYTHONPATH": os.getcwd()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    assert run_there("sync", "-q", str(session)).code == 0
    for words in (["--cache-dir", "cache"], ["."]):
        ran = run_there("sync", "-q", *words)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert "the directory that it begins in is gone" in ran.err


def test_a_cache_that_can_not_be_looked_into_is_a_file_that_was_not_saved(
    place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.session(invalid=1)

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert ForeignRows(Facility(), place.directory).at("x") is None
    (place.directory / "file").write_text("")
    ran = at("sync", "-q", "--cache-dir", str(place.directory / "file"))
    assert ran.code == 3
    assert "was not saved: Not a directory" in ran.err
    assert "mistake" not in ran.err


# -- anything else that the system refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "the system refused: Permission denied (/x)"),
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("can't start new thread"), "the system starts no more threads"),
    ],
)
def test_what_the_system_refuses_is_no_mistake_of_ours(
    error: Exception, says: str, place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    place.session()
    with monkeypatch.context() as broken:
        broken.setattr(listing, "list_session", refused)
        ran = at("sync", "--json")
    assert (ran.code, ran.summary["failed"]) == (4, 1)
    assert ran.errors == [ran.err.strip().partition(": ")[2].partition(": ")[2]]
    assert ran.errors[0].startswith(says)
    monkeypatch.setattr("icat_tui.cli.scan_run.scan", refused)
    ran = at("sync", "--json")
    assert (ran.code, ran.err) == (3, f"icat-tui: {ran.errors[0]}\n")
    assert ran.errors[0].startswith(says)

"""How runs end: a line for a person, a summary for a program, an exit code for a script.

The codes are those of interface.md, "Exit codes".
"""

import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from icat_tui.cli import main
from icat_tui.domain.model import SessionDirectory
from icat_tui.sandbox.fake_icatplus import CatalogueEntry
from icat_tui.settings.load import load
from tests.support.icatplus import HANG
from tests.support.names import HOSTILE_NAMES
from tests.support.place import KEY, START, Place
from tests.support.program import PATIENCE, Runner, environment, run_program


def hostile_to_paths(name: str) -> bool:
    return name in (".", "..") or "/" in name


# -- exit codes ------------------------------------------------------------------------------------------------------


def test_0_when_everything_was_done_also_where_something_is_to_be_done(place: Place, at: Runner) -> None:
    place.session()
    place.session("hg333/id10/20231119", empty=1)
    ran = at("sync", "--json")
    assert ran.code == 0
    assert ran.summary["categories"] == {"ok": 1, "todo": 1}
    assert ran.err == ""


def test_0_when_a_glob_or_a_date_matches_nothing_and_a_word_about_it(place: Place, at: Runner) -> None:
    place.session()
    for words in (["--proposal", "ma*"], ["--session", "2022*"], ["--since", "20240101"], ["--beamline", "id99"]):
        ran = at("sync", "--json", *words)
        assert (ran.code, ran.summary["sessions"]) == (0, 0)
        assert "no session on disk matches" in ran.err
        assert at("sync", "-q", *words).err == ""


def test_1_where_something_is_to_be_done_and_only_when_asked(place: Place, at: Runner) -> None:
    place.session()
    assert at("sync", "--exit-code").code == 0
    place.session("hg333/id10/20231119", empty=1)
    assert at("sync", "--exit-code").code == 1
    assert at("sync").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--proposal", "ma999"], "proposal ma999 is not there"),
        (["--proposal", "hg333", "--session", "20231020"], "session 20231020 is not there"),
        (["{root}/ma999"], "is not there: check the path"),
        (["--data-root", "{root}/no"], "data root {root}/no is not there: mount it, or name another"),
        (["--jobs", "0"], "--jobs: '0' is not a whole number of at least 1"),
        (["--max-age", "soon"], "--max-age: 'soon' is not a duration"),
        (["--config", "{root}/no.toml"], "{root}/no.toml is not there"),
        (["--log-file", "{root}/no/log"], "log file {root}/no/log can't be written: No such file or directory"),
        (["--icatplus", "http://"], "the URL of ICAT+ can't be used"),
        (["--beemline", "id10"], "did you mean --beamline?"),
        (["--register"], "no broker is known, so nothing can be sent"),
        (["--investigation", "7"], "a selection of one session, and 2 are selected"),
        (["--proposal", "x*", "--investigation", "7"], "a selection of one session, and 0 are selected"),
    ],
)
def test_2_for_what_is_wrong_or_not_there_in_one_line_and_with_json(
    words: list[str], says: str, place: Place, at: Runner
) -> None:
    place.session()
    place.session("hg333/id10/20231119")
    words, says = [word.format(root=place.root) for word in words], says.format(root=place.root)
    ran = at("sync", "--no-print", *words)
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.startswith("icat-tui: ")
    assert ran.err.count("\n") == 1
    ran = at("sync", "--json", *words)
    assert ran.summary["exit_code"] == 2
    assert says in ran.errors[0]


def test_3_where_something_is_unknown_and_the_rest_is_told(place: Place, at: Runner) -> None:
    place.session()
    place.session("ma100/id10/20231019", known=False)
    place.icatplus.fault = lambda target: (200, "<html>gateway</html>") if "ma100" in target else None
    ran = at("sync", "--json")
    assert ran.code == ran.summary["exit_code"] == 3
    assert ran.summary["categories"] == {"unknown": 1, "ok": 1}
    assert "page of HTML; is the URL right?" in ran.err


def test_3_where_a_directory_can_not_be_listed(place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    place.session()
    locked = place.session("ma100/id10/20240101").parent
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    names = ["--proposal", "hg333", "--proposal", "ma100", "--session", "20231019", "--session", "20240101"]
    ran = at("sync", "--json", *names)
    assert ran.code == 3, "nobody knows whether what was named is there"
    assert ran.summary["failed"] == 1
    (record,) = [record for record in ran.records if record["type"] == "error"]
    assert (record["path"], record["message"]) == (str(locked), "Permission denied")
    assert ran.err == f"icat-tui: {locked}: Permission denied\n"


@pytest.mark.parametrize("words", [["-q"], ["--no-print"], ["--json"]])
def test_3_says_how_much_is_unknown_and_where_first_in_a_session_that_is_todo_anyway(
    words: list[str], place: Place, at: Runner
) -> None:
    session = place.session(empty=1, invalid=2)
    place.icatplus.state.add_dataset(1, CatalogueEntry("9", "no path", START, START, "sA", 1))
    ran = at("sync", *words)
    assert ran.code == 3
    (line,) = ran.err.splitlines()
    first = f"{session}/RAW_DATA/colA/colA_0003"
    assert line.startswith(f"icat-tui: 2 datasets could not be determined: the first is {first} (ICAT+ sent an entry")


@pytest.mark.parametrize("words", [[], ["{root}"], ["--beamline", "id10"]])
@pytest.mark.parametrize("command", ["sync", "check"])
def test_3_where_a_data_root_holds_no_proposal_and_4_where_it_is_the_only_one(
    command: str, words: list[str], place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = place.directory / "not mounted"
    (empty / ".snapshot").mkdir(parents=True)
    (empty / "NOT_MOUNTED").write_text("")
    words = [word.format(root=empty) for word in words] or ["--data-root", str(empty)]
    monkeypatch.setenv("ICAT_TUI_DATA_ROOT", str(empty))
    ran = at(command, "-q", *words)
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == f"icat-tui: {empty}: this data root holds no proposal: is it mounted?\n"
    place.session()
    both = [place.root, empty]
    monkeypatch.setenv("ICAT_TUI_DATA_ROOT", ",".join(map(str, both)))
    words = [str(place.root), *words] if words[0] == str(empty) else words
    ran = at(command, "--json", *words, *(["--data-root", str(place.root)] if words[0] == "--data-root" else []))
    assert (ran.code, ran.summary["sessions"], ran.summary["failed"]) == (3, 1, 1)


@pytest.mark.parametrize("words", [["--proposal", "hg*"], ["--session", "2023*"], ["--since", "20230101"]])
def test_globs_and_dates_may_match_nothing_in_a_data_root_without_a_proposal(
    words: list[str], place: Place, at: Runner
) -> None:
    place.root.mkdir(exist_ok=True)
    ran = at("check", "-q", *words)
    assert (ran.code, ran.err) == (0, "")


def test_2_where_a_named_proposal_is_not_there_as_the_data_root_holds_none(place: Place, at: Runner) -> None:
    place.root.mkdir(exist_ok=True)
    ran = at("sync", "-q", "--proposal", "hg333")
    assert ran.code == 2
    assert "is it mounted?" in ran.err
    assert "proposal hg333 is not there" in ran.err


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (403, "no", "ICAT+ refuses the API key: HTTP 403 Forbidden"),
        (401, "", "ICAT+ refuses the API key"),
        (404, "no such page", "HTTP 404"),
        (200, "<html>log in</html>", "page of HTML"),
        (200, '{"a": 1}', "as a list in JSON"),
        (503, "", "HTTP 503"),
    ],
)
@pytest.mark.usefixtures("impatient_with_icatplus")
def test_4_where_icat_plus_says_nothing_of_use(status: int, body: str, says: str, place: Place, at: Runner) -> None:
    place.session()
    place.icatplus.fault = lambda _: (status, body)
    ran = at("sync", "--json")
    assert ran.code == 4
    assert ran.summary["counts"] == {"unknown": 2}
    assert says in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("impatient_with_icatplus")
def test_4_where_icat_plus_hangs(place: Place, at: Runner) -> None:
    place.session()
    place.icatplus.fault = lambda _: HANG
    ran = at("sync", "--json")
    assert ran.code == 4
    assert "no answer within 0.5 s" in ran.err


def test_4_where_no_data_root_can_be_looked_at(place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    ran = at("sync", "--json")
    assert (ran.code, ran.summary["failed"]) == (4, 1)
    assert "Permission denied" in ran.err


@pytest.mark.usefixtures("impatient_with_icatplus")
def test_what_is_named_wrongly_comes_before_what_icat_plus_says(place: Place, at: Runner) -> None:
    place.session()
    place.icatplus.fault = lambda _: (403, "")
    ran = at("sync", "--json", "--proposal", "hg333", "--proposal", "ma999", "--exit-code")
    assert ran.summary["exit_code"] == 2
    assert ran.summary["sessions"] == 1


# -- what is said ----------------------------------------------------------------------------------------------------


def test_without_print_only_the_closing_lines_are_left(place: Place, at: Runner) -> None:
    session = place.session()
    told = at("sync")
    assert str(session) in told.out
    closing = at("sync", "--no-print")
    assert str(session) not in closing.out
    assert closing.out.strip().startswith("1 session: = 1 ok\nTotal synchronization time was 0:00:0")
    assert told.err == closing.err == ""
    assert [record["type"] for record in at("sync", "--no-print", "--json").records] == ["summary"]


def test_quiet_is_silent_unless_something_went_wrong(place: Place, at: Runner) -> None:
    place.session()
    ran = at("sync", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    place.icatplus.fault = lambda _: (403, "")
    ran = at("sync", "-q")
    assert (ran.code, ran.out) == (4, "")
    assert "refuses the API key" in ran.err


def test_records_are_data_and_stay_when_it_is_to_be_quiet(place: Place, at: Runner) -> None:
    place.session()
    assert [record["type"] for record in at("sync", "-q", "--json").records] == ["session", "summary"]


def test_without_a_terminal_nothing_moves_on_stderr(place: Place, at: Runner) -> None:
    place.session()
    assert at("sync", "--no-print").err == ""


@pytest.mark.parametrize(
    ("words", "shown"), [(["--no-print"], True), (["--no-print", "-q"], False), (["--json"], True)]
)
def test_on_a_terminal_a_bar_says_how_far_it_is(words: list[str], shown: bool, place: Place) -> None:
    place.session()
    ours, theirs = os.openpty()
    env = environment(**place.settings()) | {"TERM": "xterm"}
    command = [sys.executable, "-m", "icat_tui", "sync", *words]
    with open(ours, "rb", buffering=0) as screen:
        with open(theirs, "wb") as terminal:
            done = subprocess.run(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=terminal,
                timeout=PATIENCE,
                check=True,
            )
            terminal.write(b"the end")
        said = b""
        while not said.endswith(b"the end"):
            said += screen.read(1 << 16)
    assert (b"sessions" in said) == shown
    assert b"\x1b" not in done.stdout


def test_verbose_says_what_became_of_each_session(place: Place, at: Runner) -> None:
    session = place.session()
    assert f"icat-tui: {session}: ok (2 registered)\n" in at("sync", "-v", "--no-print").err
    assert "Settings(" in at("sync", "-vv", "--no-print").err


def test_the_log_file_gets_everything_whatever_is_said(place: Place, at: Runner, tmp_path: Path) -> None:
    session = place.session()
    log = tmp_path / "log.txt"
    assert at("sync", "-q", "--log-file", str(log)).err == ""
    assert f" INFO {session}: ok (2 registered)\n" in log.read_text()
    at("sync", "-q", "--log-file", str(log), "--proposal", "ma999")
    lines = log.read_text().splitlines()
    assert any(" ERROR proposal ma999 is not there" in line for line in lines)
    assert any(" INFO " in line for line in lines), "it is added to, not begun again"


def test_a_log_file_on_a_full_disk_is_said_once(place: Place, at: Runner) -> None:
    place.session()
    ran = at("sync", "--json", "--log-file", "/dev/full")
    assert ran.summary["exit_code"] == 3
    assert ran.err.count("log file /dev/full could not be written") == 1
    assert "No space left on device" in ran.err


def test_nothing_is_left_behind_in_the_logging_of_the_process(place: Place, at: Runner) -> None:
    at("sync")
    logger = logging.getLogger("icat_tui")
    assert not [each for each in logger.handlers if type(each).__module__.startswith("icat_tui")]
    assert not logger.filters


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if not hostile_to_paths(name)][::3])
def test_names_do_nothing_to_a_terminal(name: str, place: Place, at: Runner) -> None:
    for words in (["sync", f"{place.root}/{name}"], ["sync", "--proposal", name.replace("*", "x")], [name, name]):
        ran = at(*words)
        for line in (ran.out + ran.err).splitlines():
            assert line.isprintable()


# -- the API key -----------------------------------------------------------------------------------------------------


FAULTS: dict[str, Callable[[str], tuple[int, str] | str | None]] = {
    "works": lambda _: None,
    "refuses": lambda target: (403, f"the key {KEY} of {target} is wrong"),
    "breaks": lambda target: (500, f'{{"message": "{KEY} {target}"}}'),
    "html": lambda target: (200, f"<html>{target}</html>"),
    "garbage": lambda target: (200, f'[{{"id": "{KEY}", "name": 7}}]'),
    "hangs": lambda _: HANG,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("impatient_with_icatplus")
def test_the_api_key_is_in_nothing_that_is_said_or_written(
    fault: str, place: Place, at: Runner, tmp_path: Path
) -> None:
    place.session(empty=1)
    place.icatplus.fault = FAULTS[fault]
    written = tmp_path / "written"
    common = ["-vv", "--log-file", f"{written}/log.txt"]
    written.mkdir()
    said = ""
    for words in (
        ["sync", "--cache-dir", f"{written}/cache", "--save-dir", f"{written}/overview"],
        ["sync", "--json", "--cache-dir", f"{written}/cache"],
        ["check", "--beamline", "*"],
        ["config"],
        ["config", "--json", "--api-key", KEY],
        ["sync", "--api-key", KEY, "--xyzzy"],
        ["sync", "--icatplus", f"http://user:{KEY}@127.0.0.1:0"],
    ):
        ran = at(*words, *common)
        said += ran.out + ran.err
    assert place.icatplus.asked
    assert KEY in place.icatplus.asked[0]
    assert KEY not in said
    files = [path for path in written.rglob("*") if path.is_file()]
    assert written / "log.txt" in files
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path


def test_a_server_that_wants_no_key_is_asked_without(place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    place.session()
    monkeypatch.delenv("ICAT_TUI_API_KEY")
    assert at("sync").code == 0
    place.icatplus.fault = lambda _: (403, "")
    assert "no API key was given: set ICAT_TUI_API_KEY" in at("sync").err


# -- mistakes of ours, and a stdout that is gone ---------------------------------------------------------------------


def test_a_mistake_of_ours_is_one_line_and_not_the_code_of_something_to_do(
    place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom\nbang")

    place.session()
    monkeypatch.setattr("icat_tui.cli.scan_run.scan", broken)
    ran = at("sync", "--json")
    assert ran.summary["exit_code"] == 3
    assert ran.err.count("\n") == 1
    assert "a mistake of ours (RuntimeError: boom\\nbang): please report it" in ran.err
    assert "Traceback" in at("sync", "-vv").err


def test_a_session_that_breaks_the_program_spoils_no_other(
    place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from icat_tui.disk import listing  # noqa: PLC0415 - to be broken

    list_session = listing.list_session

    def broken(directory: SessionDirectory, *args: object, **options: object) -> object:
        if directory.proposal == "ma100":
            raise ValueError("odd")
        return list_session(directory, *args, **options)  # type: ignore[arg-type] # handed on as they came

    place.session()
    place.session("ma100/id10/20231019")
    monkeypatch.setattr(listing, "list_session", broken)
    ran = at("sync", "--json")
    assert (ran.code, ran.summary["failed"], ran.summary["categories"]) == (3, 1, {"ok": 1})
    assert "a mistake of ours (ValueError: odd)" in ran.err
    assert "Traceback" in at("sync", "-vv").err


def test_a_full_disk_behind_stdout_is_a_line_and_the_code_of_done_in_part(place: Place) -> None:
    place.session()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "icat_tui", "sync", "--json"],
            env=environment(**place.settings()),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == "icat-tui: stdout could not be written: No space left on device; the run ended there\n"


@pytest.mark.parametrize(
    ("words", "streams", "code"),
    [
        ("sync --json", ">&-", 3),
        ("sync", ">&-", 3),
        ("sync --json --jobs no", ">&-", 2),
        ("config", "<&- >&-", 3),
        ("--help", ">&-", 3),
        ("sync --help", ">/dev/full", 3),
        ("--version", ">/dev/full", 3),
        ("journal --resume", "<&-", 0),
        ("sync -v -q", "<&- >&- 2>&-", 0),
    ],
)
def test_what_stdout_does_not_take_is_a_line_and_an_exit_code(
    words: str, streams: str, code: int, place: Place
) -> None:
    place.session()
    command = f'exec "{sys.executable}" -m icat_tui {words} {streams}'
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment(**place.settings(queue="127.0.0.1:1")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code
    why = "No space left on device" if "full" in streams else "it is closed"
    said = f"icat-tui: stdout could not be written: {why}; the run ended there\n"
    assert (said in done.stderr) == (code in (2, 3))


def test_a_signal_comes_before_a_stdout_that_takes_nothing(place: Place) -> None:
    place.session()
    program = (
        "import os, signal, sys\n"
        "from icat_tui.cli.main import main; from icat_tui.cli import scan_run\n"
        "def stopped(self, *args):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    self.run.cancellation.wait()\n"
        "    self.run.cancellation.check()\n"
        "scan_run.ScanRun.finish = stopped\n"
        "sys.exit(main(['sync', '--no-print', '--json']))\n"
    )
    with Path("/dev/full").open("w") as full:
        env = environment(**place.settings()) | {"PYTHONPATH": os.getcwd()}
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env=env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
    assert done.returncode == -signal.SIGTERM
    assert "stopped by SIGTERM" in done.stderr
    assert "Traceback" not in done.stderr


# -- icat-sync-raw and its Beacon ------------------------------------------------------------------------------------


def test_icat_sync_raw_does_the_same_under_its_own_name(place: Place, at: Runner) -> None:
    place.session()
    ran = at("--json", "--beamline", "ID10", "--proposal", "hg333", "--session", "20231019", program=main.sync_raw)
    assert ran.summary["categories"] == {"ok": 1}
    ran = at("--proposal", "ma999", program=main.sync_raw)
    assert ran.err.startswith("icat-sync-raw: proposal ma999 is not there")


def test_a_beacon_that_hangs_costs_icat_sync_raw_a_second_and_the_error_says_what_to_set(
    nobody_else_knows: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(main, "BEACON_OF_SYNC_RAW", f"127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        ran = nobody_else_knows("--json", program=main.sync_raw)
        took = time.monotonic() - begun
        silent.settimeout(PATIENCE)
        silent.accept()[0].close()
    assert ran.summary["exit_code"] == 2
    for what in ("--icatplus URL", "ICAT_TUI_ICATPLUS", "config.toml", "BEACON_HOST"):
        assert what in ran.err
    assert 0.9 < took < 5  # a second, on a machine that may be busy


def test_the_old_beacon_is_asked_by_icat_sync_raw_alone_and_only_for_a_server(
    place: Place, nobody_else_knows: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def loading(*args: object, beacon_default: str | None = None, **options: object) -> object:
        asked.append(beacon_default)
        return load(*args, **options)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr("icat_tui.settings.load.load", loading)
    assert nobody_else_knows("sync").code == 2
    assert asked == [None]
    assert nobody_else_knows("--icatplus", place.icatplus.url, program=main.sync_raw).code == 0
    assert asked == [None] * 2
    nobody_else_knows(program=main.sync_raw)
    assert asked == [None] * 3 + ["id00:25000"]


# -- as a program ----------------------------------------------------------------------------------------------------


def test_the_program_does_what_its_functions_do(place: Place) -> None:
    place.session()
    ran = run_program("sync", "--json", "--exit-code", env=environment(**place.settings()))
    assert (ran.code, ran.err) == (0, "")
    assert ran.summary["categories"] == {"ok": 1}
    assert run_program().code == 2


def test_all_programs_are_installed() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - only here

    scripts = {
        script.name: script.load() for script in entry_points(group="console_scripts") if "icat_tui" in script.value
    }
    assert scripts == {
        "icat-tui": main.main,
        "icat-sync-raw": main.sync_raw,
        "icat-store-raw": main.store_raw,
        "icat-store-processed": main.store_processed,
        "icat-store-from-file": main.store_from_file,
        "icat-add-files": main.add_files,
    }


def test_in_a_thread_it_works_without_signals(place: Place, at: Runner) -> None:
    place.session()
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main.main(["sync", "-q"])))
    thread.start()
    thread.join(PATIENCE)
    assert codes == [0]


@pytest.mark.parametrize("mask", [0o022, 0o027])
def test_files_have_the_modes_of_the_contract_less_the_umask(
    mask: int, place: Place, at: Runner, tmp_path: Path
) -> None:
    place.session()
    before = os.umask(mask)
    try:
        at("sync", "-q", "--cache-dir", str(tmp_path / "cache"), "--save-dir", str(tmp_path / "overview"))
    finally:
        os.umask(before)
    for directory in ("cache", "overview"):
        for path in (tmp_path / directory).rglob("*"):
            wanted = 0o775 if path.is_dir() else 0o774 if path.suffix == ".sh" else 0o664
            assert stat.S_IMODE(path.stat().st_mode) == wanted & ~mask, path

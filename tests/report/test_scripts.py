"""Scripts that go through sessions again: names are words and never run (interface.md, "Overview")."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from icat_tui.domain.status import Category
from icat_tui.report.overview import Destination, write_overview
from icat_tui.report.scripts import ScriptCall
from icat_tui.report.shell_words import bash_word
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import CALL, NOW, a_directory, a_session, every_category, hostile
from tests.support.time_slot import FACILITY

BASH = shutil.which("bash")
SHELLCHECK = shutil.which("shellcheck")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")

FAKE = """#!/bin/bash
printf '%s\\0' "$#" "$@" >> "{calls}"
if [[ $* =~ code([0-9]+) ]]; then exit "${{BASH_REMATCH[1]}}"; fi
"""


def bash(*arguments: str | bytes | Path, locale: str = "C") -> subprocess.CompletedProcess[bytes]:
    assert BASH is not None
    command, environment = [BASH, *arguments], {"LC_ALL": locale}
    return subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False, env=environment
    )


def fake_call(directory: Path) -> ScriptCall:
    """Return a call of a program that writes down its arguments, and ends with the N of `codeN` in one of them."""
    program = directory / "icat sync'raw"
    program.write_text(FAKE.format(calls=directory / "calls"))
    program.chmod(0o755)
    return replace(CALL, program=(str(program),))


def calls(directory: Path) -> list[list[str]]:
    """Return the arguments of each call that was made."""
    words = iter(os.fsdecode((directory / "calls").read_bytes()).split("\0")[:-1])
    return [[next(words) for _ in range(int(number))] for number in words]


def script(directory: Path, category: Category, call: ScriptCall, *proposals: str) -> Path:
    sessions = [a_session(category, directory=a_directory(proposal)) for proposal in proposals]
    write_overview(sessions, Destination(directory=directory / "overview", call=call), FACILITY, NOW)
    return directory / "overview" / "esrfv3" / f"{category}.sh"


def test_bash_finds_no_mistake(all_scripts: list[Path]) -> None:
    assert all_scripts
    for path in all_scripts:
        checked = bash("-n", path)
        assert (checked.returncode, checked.stderr) == (0, b"")


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing_to_say(all_scripts: list[Path]) -> None:
    assert SHELLCHECK is not None
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    readable = [path for path in all_scripts if path.read_bytes().decode("utf-8")]
    checked = subprocess.run([SHELLCHECK, "-f", "gcc", *readable], capture_output=True, check=False, env=environment)
    assert (checked.stdout.decode(), checked.stderr.decode()) == ("", "")


def test_scripts_can_be_looked_at_and_a_session_is_a_line(all_scripts: list[Path]) -> None:
    for path in all_scripts:
        text = path.read_bytes().decode("utf-8")
        assert text.replace("\n", "").isprintable()
        assert os.access(path, os.X_OK)
    todo = next(path for path in all_scripts if path.name == "todo.sh" and path.parent.name == "esrfv3")
    lines = [line for line in todo.read_text().splitlines() if line.endswith(' "$@"')]
    assert len(lines) == 2 + len(set(HOSTILE_NAMES))


words = st.one_of(
    st.sampled_from(HOSTILE_NAMES),
    st.binary(max_size=20).map(os.fsdecode),
    st.text(st.sampled_from("a\\'\"$`!~ \n\r\t\x01\x1b\x7fé\u2019\u202e#"), max_size=12),
).filter(lambda word: "\0" not in word)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=30))
def test_every_word_comes_back_from_bash_byte_for_byte(given_words: list[str]) -> None:
    command = "printf '%s\\0' " + " ".join(bash_word(word) for word in given_words)
    assert "\n" not in command
    for locale in ("C", "C.UTF-8"):
        printed = bash("-c", os.fsencode(command), locale=locale)
        assert (printed.returncode, printed.stderr) == (0, b"")
        assert [os.fsdecode(word) for word in printed.stdout.split(b"\0")[:-1]] == given_words


def test_a_word_without_harm_stays_as_it_is() -> None:
    assert bash_word("/data/visitor/hg333/id99/20231019") == "/data/visitor/hg333/id99/20231019"
    assert bash_word("a b") == "'a b'"
    assert bash_word("") == "''"
    assert bash_word("nul\0") == "'nul\\x00'"


def test_every_session_is_called_with_its_path_the_directories_and_the_arguments(tmp_path: Path) -> None:
    call = replace(
        fake_call(tmp_path),
        config="/etc/icat tui.toml",
        data_roots=("/data/visitor", "/data/id99/inhouse"),
        options=(("--icatplus", "http://icat.example/$(reboot)"), ("--queue", "a:1")),
    )
    path = script(tmp_path, Category.TODO, call, *sorted(set(HOSTILE_NAMES)))
    ran = bash(path, "--register", "two words", "")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    options = ["--format", "esrfv3", "--data-root", "/data/visitor", "--data-root", "/data/id99/inhouse"]
    options += ["--cache-dir", "/var/cache/icat", "--save-dir", "/srv/over view", "--config", "/etc/icat tui.toml"]
    options += ["--icatplus=http://icat.example/$(reboot)", "--queue=a:1"]
    expected = [
        [*options, os.path.abspath(f"/data/visitor/{name}/id99/20231019"), "--register", "two words", ""]
        for name in sorted(set(HOSTILE_NAMES))
    ]
    assert calls(tmp_path) == expected


@pytest.mark.parametrize(
    ("codes", "run", "ends_with"),
    [
        (["1", "3", "2"], 3, 3),
        (["4", "5", "0"], 3, 5),
        (["0", "0"], 2, 0),
        (["3", "6", "0"], 2, 6),
        (["130", "0"], 1, 130),
        (["127", "0"], 2, 127),
        (["128", "129", "0"], 2, 129),
    ],
)
def test_a_script_stops_at_6_and_above_128_and_ends_with_the_highest_code_else(
    tmp_path: Path, codes: list[str], run: int, ends_with: int
) -> None:
    path = script(tmp_path, Category.TODO, fake_call(tmp_path), *(f"p{n}code{code}x" for n, code in enumerate(codes)))
    ran = bash(path)
    assert (len(calls(tmp_path)), ran.returncode, ran.stderr) == (run, ends_with, b"")


def test_a_script_stops_when_a_call_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "dies"
    program.write_text("#!/bin/bash\necho called\nkill -TERM $$\n")
    program.chmod(0o755)
    ran = bash(script(tmp_path, Category.TODO, replace(CALL, program=(str(program),)), "p1", "p2"))
    assert (ran.returncode, ran.stdout) == (143, b"called\n")


def test_a_script_without_sessions_does_nothing(tmp_path: Path) -> None:
    write_overview([a_session(Category.OK)], Destination(directory=tmp_path, call=CALL), FACILITY, NOW)
    assert bash(tmp_path / "esrfv3" / "todo.sh").returncode == 0


def test_a_script_may_be_rewritten_in_place_while_it_runs(tmp_path: Path) -> None:
    program = tmp_path / "rewrites"
    path = tmp_path / "overview" / "esrfv3" / "todo.sh"
    program.write_text(f"#!/bin/bash\necho called\nprintf '%4000s' 'echo rewritten; ' > '{path}'\n")
    program.chmod(0o755)
    call = replace(CALL, program=(str(program),))
    assert script(tmp_path, Category.TODO, call, *(f"p{n}" for n in range(300))) == path
    ran = bash(path)
    assert (ran.returncode, ran.stdout) == (0, b"called\n" * 300)


def test_no_script_holds_what_only_who_calls_it_may_say(tmp_path: Path) -> None:
    write_overview(every_category(), Destination(directory=tmp_path, call=CALL), FACILITY, NOW)
    commands = [
        line for path in tmp_path.rglob("*.sh") for line in path.read_text().splitlines() if "icat-sync-raw" in line
    ]
    assert commands
    for option in ("--no-print", "--invalidate-cache", "--register", "--auto-register", "--json", "--api-key"):
        assert not [line for line in commands if option in line]


def test_invalid_datasets_are_comments_that_bash_never_runs(tmp_path: Path) -> None:
    call = fake_call(tmp_path)
    write_overview([hostile()], Destination(directory=tmp_path / "o", call=call), FACILITY, NOW)
    ran = bash(tmp_path / "o" / "esrfv3" / "has_invalid.sh")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert len(calls(tmp_path)) == 1


def test_a_line_of_an_invalid_dataset_without_its_mark_registers_that_dataset(tmp_path: Path) -> None:
    session = hostile()
    call = replace(fake_call(tmp_path), store_program=fake_call(tmp_path).program, options=(("--queue", "a:1"),))
    write_overview([session], Destination(directory=tmp_path / "o", call=call), FACILITY, NOW)
    path = tmp_path / "o" / "esrfv3" / "has_invalid.sh"
    lines = [line for line in path.read_text().splitlines() if "--dataset=" in line]
    assert len(lines) == len(session.datasets)
    for line in lines:
        assert bash("-c", line.strip().removeprefix("# ")).returncode == 0
    assert calls(tmp_path) == [
        [
            "--queue=a:1",
            "--beamline=id99",
            "--proposal==cmd()",
            f"--dataset={dataset.name}",
            "--sample=colA",
            f"--path={dataset.path}",
        ]
        for dataset in session.datasets
    ]

"""The README says what is so: its options, its tables and its commands are held against the program."""

import re
import shlex
from functools import cache
from pathlib import Path

from icat_tui.cli.parser import COMMANDS, PLANNED_COMMANDS, SYNC_RAW, parse, parser_for
from icat_tui.domain.errors import PRECEDENCE, ExitCode
from icat_tui.domain.status import Category, Status
from icat_tui.report.overview import FORMULA
from icat_tui.sandbox.scenario import SCENARIO
from icat_tui.settings.schema import KEYS, Settings, describe

ROOT = Path(__file__).parents[2]
PROGRAMS = ("icat-tui", SYNC_RAW)


@cache
def readme() -> str:
    return (ROOT / "README.md").read_text()


def table(head: str) -> list[list[str]]:
    """Return the cells of the table whose head begins so, without their marks of code."""
    found = re.search(rf"^\| {re.escape(head)}.*\n\|[-|]+\n((\|.*\n)+)", readme(), re.MULTILINE)
    assert found, f"no table that begins with {head}"
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL)


def calls() -> list[list[str]]:
    """Return the words of every call of ours in a block of code."""
    lines = [line for block in blocks("bash") + blocks("crontab") for line in block.splitlines()]
    found = []
    for line in lines:
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            place = next((place for place, word in enumerate(words) if Path(word).name in PROGRAMS), None)
            if place is not None and not words[0].endswith("pip"):
                found.append([Path(words[place]).name, *words[place + 1 :]])
    return found


def test_every_option_that_is_named_exists() -> None:
    known = {
        option
        for command in ("", *COMMANDS)
        for action in parser_for(command)._actions
        for option in action.option_strings
    }
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", readme()))
    not_ours = {"-m", "-e", "-n", "-s", "-tui", "-sync-raw", "-test"}
    assert len(named) > 20
    assert named - not_ours <= known


def test_every_call_can_be_parsed() -> None:
    assert len(calls()) >= 5
    for program, *words in calls():
        assert parse(program, words).command not in PLANNED_COMMANDS


def test_the_statuses_are_those_of_the_program() -> None:
    assert table("key") == [[status.key, status.glyph, status.value, status.meaning] for status in Status]


def test_the_categories_are_those_of_the_program() -> None:
    assert table("glyph") == [[category.glyph, category.value, category.meaning] for category in Category]


def test_the_exit_codes_are_those_of_the_program_in_their_order() -> None:
    codes = [row[0] for row in table("exit code")]
    assert codes == [*(str(code.value) for code in ExitCode), "128 + n"]
    order = ", ".join(str(code.value) for code in (*PRECEDENCE, ExitCode.DONE))
    assert f"The first that holds: a signal, {order}." in readme()


def test_the_settings_are_those_of_the_program_with_their_defaults() -> None:
    assert table("setting") == [[key, default, KEYS[key].description] for key, default, _ in describe(Settings())]


def test_what_is_said_of_csv_is_what_is_done() -> None:
    (said,) = re.findall(r"cells that start with (.*?) get", readme().replace("\n", " "))
    names = {"\t": "TAB", "\r": "CR"}
    assert {name for name in re.findall(r"`(.)`|(TAB|CR)", said) for name in name if name} == {
        names.get(start, start) for start in FORMULA
    }


def test_the_number_of_sessions_of_the_demo_is_right() -> None:
    assert f"all {sum(len(proposal.sessions) for proposal in SCENARIO)} sessions" in " ".join(readme().split())


def test_the_test_command_is_one_line_that_ci_finds() -> None:
    (command,) = re.findall(r"^<!-- test-command -->\n```\w*\n(.*)\n```$", readme(), re.MULTILINE)
    assert "pytest" in command
    assert "<!-- test-command -->" in (ROOT / ".ci" / "run").read_text()


def test_lines_are_short_enough_to_be_read_without_a_browser() -> None:
    long = [line for line in readme().splitlines() if len(line) > 125 and not line.startswith("|")]
    assert not long

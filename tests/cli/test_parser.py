"""What can be typed, and what is said of what can't (interface.md, "Commands", "Selection", "Options")."""

import argparse
import re
from datetime import date
from pathlib import Path

import pytest

from icat_tui.cli.parser import (
    ADD_OPTIONS,
    COMMANDS,
    PLANNED_COMMANDS,
    SYNC_RAW,
    closest,
    parse,
    parser_for,
    program_parser,
    split_command,
)
from icat_tui.domain.errors import UsageError
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.settings.schema import KEYS

SELECTION = {"--beamline", "--proposal", "--session", "--data-root", "--since", "--until", "--format"}
OPTIONS = {
    *("--cache-dir", "--invalidate-cache", "--max-age", "--save-dir", "--register", "--auto-register"),
    *("--investigation", "--read-only", "--no-print", "-q", "--json", "--exit-code", "--jobs", "--rate", "--queue"),
    *("--icatplus", "--api-key", "--config", "--log-file", "-v"),
}
HERE = [command for command in ("", *COMMANDS) if command not in PLANNED_COMMANDS | ADD_OPTIONS.keys()]


def options(command: str, program: str = "icat-tui") -> set[str]:
    return {option for action in parser_for(command, program)._actions for option in action.option_strings}


def refusal(*words: str, program: str = "icat-tui") -> str:
    with pytest.raises(UsageError) as raised:
        parse(program, words)
    text = str(raised.value)
    assert text.isprintable()
    return text


# -- what there is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "program"), [("", "icat-tui"), ("sync", "icat-tui"), ("sync", SYNC_RAW)])
def test_every_option_of_the_contract_is_there_and_explained(command: str, program: str) -> None:
    assert options(command, program) >= SELECTION | OPTIONS
    text = parser_for(command, program).format_help()
    for option in SELECTION | OPTIONS:
        assert re.search(rf"^  (-\w, )?{option}\b.* \w+", text, re.MULTILINE), option


@pytest.mark.parametrize("command", HERE)
def test_every_option_that_is_a_setting_is_called_like_it(command: str) -> None:
    typed = vars(parser_for(command).parse_args([]))
    assert {"icatplus", "api_key", "jobs", "config", "log_file"} <= typed.keys() & KEYS.keys()
    no_settings = {*("paths", "beamline", "proposal", "session", "since", "until", "invalidate_cache", "investigation")}
    no_settings |= {
        "dataset",
        "register",
        "auto_register",
        "no_print",
        "exit_code",
        "json",
        "verbose",
        "quiet",
        "headless",
        "serve",
    }
    assert typed.keys() - KEYS.keys() <= no_settings | {"init"}


def test_check_has_nothing_that_writes_or_sends() -> None:
    assert not options("check") & {"--cache-dir", "--save-dir", "--queue", "--register", "--investigation"}


def test_the_help_lists_every_command_and_says_which_ones_come_later() -> None:
    text = parser_for("").format_help()
    for command, says in COMMANDS.items():
        later = r" \(not in this build\)" if command in PLANNED_COMMANDS else ""
        assert re.search(rf"^  {command} +{re.escape(says)}{later}$", text, re.MULTILINE)


def test_what_completes_finds_every_command_with_all_its_options_in_one_parser() -> None:
    whole = program_parser()
    (commands,) = [action for action in whole._actions if isinstance(action, argparse._SubParsersAction)]
    assert list(commands.choices) == [command for command in COMMANDS if command not in PLANNED_COMMANDS]
    for command, parser in commands.choices.items():
        assert parser.format_help() == parser_for(command).format_help()
    assert set(whole._option_string_actions) == options("")


def test_the_formats_are_those_of_the_domain() -> None:
    (action,) = [each for each in parser_for("sync")._actions if each.dest == "format"]
    assert list(action.choices or ()) == [AUTO, *RawFormat]


# -- the first word --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", HERE[1:])
def test_the_first_word_that_is_no_option_is_a_command_if_it_is_the_name_of_one(command: str) -> None:
    assert split_command([command, "x"]) == (command, ["x"])
    assert split_command(["-v", "--jobs", "3", command, "sync"]) == (command, ["-v", "--jobs", "3", "sync"])
    assert split_command(["--jobs=3", command]) == (command, ["--jobs=3"])
    assert split_command(["--log-file", command, "x"]) == ("", ["--log-file", command, "x"])


@pytest.mark.parametrize("words", [["./sync"], ["/data/visitor", "sync"], ["--", "sync"], ["-", "sync"], [], ["-q"]])
def test_any_other_word_is_a_path(words: list[str]) -> None:
    assert split_command(words) == ("", words)


def test_a_directory_called_like_a_command_is_a_path_after_the_command() -> None:
    assert parse("icat-tui", ["sync", "sync"]).paths == ["sync"]
    asked = parse("icat-tui", ["sync", "a", "--beamline", "id10", "--", "--odd", "sync"])
    assert (asked.paths, asked.beamline) == (["a", "./--odd", "sync"], ["id10"])


def test_after_two_dashes_a_word_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal("--", "sync") == "'sync' is no PATH that is there: without -- before it it is a command"
    (tmp_path / "sync").mkdir()
    asked = parse("icat-tui", ["--", "sync"])
    assert (asked.command, asked.paths) == ("", ["sync"])
    asked = parse("icat-tui", ["--no-print", "--", "help"])
    assert (asked.command, asked.paths) == ("sync", ["help"])


@pytest.mark.parametrize("command", HERE)
def test_help_before_a_command_is_the_same_as_after_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["help", command], [command, "--help"]):
        with pytest.raises(SystemExit) as ended:
            parse("icat-tui", [word for word in words if word])
        assert ended.value.code == 0
    text = parser_for(command).format_help()
    assert capsys.readouterr().out == text + text


def test_help_for_what_is_no_command_names_the_closest_one() -> None:
    assert refusal("help", "chekc") == "there is no command 'chekc': did you mean check?"
    assert refusal("help", "\x1b") == "there is no command '\\x1b': see --help"
    with pytest.raises(SystemExit):
        parse("icat-tui", ["help", "help"])


def test_icat_sync_raw_has_no_commands() -> None:
    asked = parse(SYNC_RAW, ["check"])
    assert (asked.command, asked.paths) == ("sync", ["check"])


def test_paths_and_options_may_stand_in_any_order() -> None:
    asked = parse("icat-tui", ["sync", "a", "--beamline", "id10", "b", "--beamline", "ID27", "c"])
    assert asked.paths == ["a", "b", "c"]
    assert asked.beamline == ["id10", "ID27"]


def test_without_a_screen_the_screen_is_sync() -> None:
    assert parse("icat-tui", ["--no-print", "--beamline", "id10"]).command == "sync"


@pytest.mark.parametrize("words", [(), ("--beamline", "id10"), (".",), ("--register",)])
def test_without_a_command_the_screen_is_meant(words: tuple[str, ...]) -> None:
    assert parse("icat-tui", words).command == ""


@pytest.mark.parametrize("option", ["--json", "--auto-register", "--exit-code", "--invalidate-cache"])
def test_what_the_screen_can_not_mean_names_what_can(option: str) -> None:
    assert f"{option} is for work without a screen: use `icat-tui sync`" in refusal(option)
    assert "`icat-tui demo --headless`" in refusal("demo", option)


@pytest.mark.parametrize(("typed", "meant"), [("chekc", "check"), ("synch", "sync"), ("conifg", "config")])
def test_a_misspelled_command_is_recognised(
    typed: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"did you mean {meant}?" in refusal(typed, "x")
    (tmp_path / typed).mkdir()
    assert parse("icat-tui", [typed, "x"]).command == ""


@pytest.mark.parametrize("command", sorted(PLANNED_COMMANDS))
def test_what_is_not_in_this_build_says_so(command: str) -> None:
    assert refusal(command, "--whatever") == f"{command} is not in this build"


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "close"),
    [
        ("--beemline", "--beamline"),
        ("--save_dir", "--save-dir"),
        ("--cachedir=/x", "--cache-dir"),
        ("--noprint", "--no-print"),
    ],
)
def test_an_unknown_flag_names_the_closest_one(typed: str, close: str) -> None:
    for program in ("icat-tui", SYNC_RAW):
        text = refusal(*(["sync"] if program != SYNC_RAW else []), typed, program=program)
        assert text == f"there is no option {typed.partition('=')[0]}: did you mean {close}?"


def test_an_unknown_flag_that_is_like_none_names_the_help() -> None:
    assert refusal("sync", "--xyzzy") == "there is no option --xyzzy: see icat-tui sync --help"
    assert closest("--xyzzy", ["--sync"]) is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--since", "yesterday"], "YYYYMMDD or YYYY-MM-DD"),
        (["--until", "2023-1-1"], "YYYYMMDD or YYYY-MM-DD"),
        (["--until", "20230231"], "YYYYMMDD or YYYY-MM-DD"),
        (["--session", "2023"], "a glob such as 202310*"),
        (["--session", "20230231"], "a glob such as 202310*"),
        (["--format", "esrfv4"], "esrfv3"),
        (["--investigation", "x7"], "give the number of an investigation"),
        (["--investigation", "-7"], "give the number of an investigation"),
        (["--beamline", ""], "it is empty"),
        (["--proposal="], "it is empty"),
        ([""], "it is empty"),
        (["--", ""], "it is empty"),
        (["--jobs"], "expected one argument"),
        (["--since", "20240102", "--until", "20240101"], "no session can be since 2024-01-02 and until 2024-01-01"),
        (["--register", "--read-only"], "--register with --read-only"),
        (["--auto-register", "--register", "--read-only"], "--auto-register with --read-only"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_what_would_be_right(words: list[str], says: str) -> None:
    assert says in refusal("sync", *words)


def test_demo_can_not_be_asked_for_two_things() -> None:
    assert "not allowed with" in refusal("demo", "--serve", "--headless")
    assert "--json" in refusal("demo", "--serve", "--json")


def test_config_takes_no_path() -> None:
    for words in (["x"], ["--", "x"]):
        assert "unrecognized arguments" in refusal("config", *words)


# -- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["20231019", "2023-10-19"])
def test_a_date_may_be_given_in_both_ways(text: str) -> None:
    asked = parse("icat-tui", ["sync", "--since", text, "--until", text, "--session", text, "--session", "202310*"])
    assert asked.since == asked.until == date(2023, 10, 19)
    assert asked.session == ["20231019", "202310*"]

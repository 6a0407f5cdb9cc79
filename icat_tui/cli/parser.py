"""Parsers of the commands and their options (interface.md, "Commands", "Selection", "Options").

What must stay true: an argument that can't be used is a UsageError of one line, which says what is wrong and what would
be right. Only fast modules of the standard library are imported here, as `--help` and `--version` need no others.
"""

import argparse
import json
import os
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NoReturn

from icat_tui._version import __version__
from icat_tui.cli.abbreviations import expand
from icat_tui.cli.console import write
from icat_tui.domain.errors import UsageError

COMMANDS = {
    "sync": "scan, print and export: the work of the UI without a screen",
    "check": "say in words what is in the catalogue, what is not, and why (read-only)",
    "store-raw": "register one directory",
    "store-processed": "register processed data and the datasets that they were made from",
    "store-from-file": "send the metadata files that BLISS left",
    "add-files": "ask ICAT to add the files of registered datasets",
    "journal": "what was sent, by whom, and what became of it",
    "demo": "a whole facility on this machine, to try things out",
    "doctor": "check settings, data root, cache, ICAT+ and broker",
    "config": "the settings in force and where each one comes from",
}
HELP = "help"
"""Word before a command that is the same as `--help` after it."""
PLANNED_COMMANDS = frozenset({"doctor"})
"""Commands that come with the next versions."""
FORMATS = ("auto", "esrfv1", "esrfv2", "esrfv3", "id16bspec", "mx")
ABOUT_FORMATS = f"how raw data lies in a session: {', '.join(FORMATS)}"
SYNC_RAW = "icat-sync-raw"
"""The program of `icat-tui sync`, as cron tables name it."""
PROGRAMS = {
    SYNC_RAW: "sync",
    "icat-store-raw": "store-raw",
    "icat-store-processed": "store-processed",
    "icat-store-from-file": "store-from-file",
    "icat-add-files": "add-files",
}
"""Commands by the names of their programs, as cron tables and scripts have them."""


class Parser(argparse.ArgumentParser):
    """Parser whose errors are UsageErrors of one line: what is wrong and what would be right."""

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002 - as argparse calls it
        """Write help or version to stdout, where argparse would say nothing of a failure. Raises StdoutLost."""
        write(message)

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError; for an unknown option it names the closest one."""
        unknown = re.match(r"unrecognized arguments: (--?[^-\s]\S*)", message)
        if unknown:
            flag = unknown[1].partition("=")[0]
            close = closest(flag, [option for action in self._actions for option in action.option_strings])
            message = f"there is no option {flag}: " + (
                f"did you mean {close}?" if close else f"see {self.prog} --help"
            )
        raise UsageError(message)


def closest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that is closest to a word; None where none is close."""
    import difflib  # noqa: PLC0415 - late: only mistakes need it

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.7)), None)


# -- values ----------------------------------------------------------------------------------------------------------


def not_empty(text: str) -> str:
    """Return a PATH or a name; an empty one, as of an unset variable, is an error: it must not mean "everything"."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; leave it out, or say what is meant")
    return text


def day(text: str) -> date:
    """Return a date given as YYYYMMDD or YYYY-MM-DD."""
    try:
        if re.fullmatch(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!a} is no date: give YYYYMMDD or YYYY-MM-DD")


def session(text: str) -> str:
    """Return the date of a session, or a glob of such dates."""
    if re.search(r"[*?\[]", text):
        return text
    try:
        return f"{day(text):%Y%m%d}"
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or a glob such as 202310*") from None


def investigation(text: str) -> int:
    """Return the id of an investigation."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no id: give the number of an investigation")
    return int(text)


def parameter(text: str) -> tuple[str, Any]:
    """Return NAME=VALUE as a name and a value, which is decoded where it is JSON."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!a} is no parameter: give NAME=VALUE")
    return name.strip(), json_or_text(value)


def json_or_text(text: str) -> Any:
    """Return decoded JSON, or the text itself where it is none: `1` is a number, `sA` and `2024-01-31` are texts."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def icat_id(text: str) -> int:
    """Return the id of a dataset in ICAT."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no id: give the number of a dataset in ICAT")
    return int(text)


# -- options ---------------------------------------------------------------------------------------------------------


def _add_selection(parser: Parser) -> None:
    """Add the options that select sessions."""
    group = parser.add_argument_group("selection")
    group.add_argument(
        "paths", nargs="*", type=not_empty, metavar="PATH", help="a data root, proposal, session, or anything in one"
    )
    for name, metavar, value in (
        ("beamline", "ID", not_empty),
        ("proposal", "NAME", not_empty),
        ("session", "YYYYMMDD", session),
    ):
        text = f"this {name} only; globs; repeatable"
        group.add_argument(f"--{name}", action="append", default=[], type=value, metavar=metavar, help=text)
    group.add_argument("--data-root", action="append", metavar="DIR", help="where proposals lie; repeatable")
    group.add_argument("--since", type=day, metavar="DATE", help="sessions of this date and later")
    group.add_argument("--until", type=day, metavar="DATE", help="sessions of this date and earlier")
    group.add_argument("--format", choices=FORMATS, metavar="NAME", help=ABOUT_FORMATS)


def _add_work(parser: Parser) -> None:
    """Add the options for what is done with the sessions."""
    group = parser.add_argument_group("work")
    group.add_argument("--invalidate-cache", action="store_true", help="drop cached sessions that are gone or changed")
    group.add_argument("--investigation", type=investigation, metavar="ID", help="the investigation of the one session")
    group.add_argument("--register", action="store_true", help="register what is missing, after confirmation")
    group.add_argument(
        "--auto-register",
        action="store_true",
        help="the same without asking, and only what is safe so",
    )
    group.add_argument(
        "--dataset",
        action="append",
        default=[],
        type=not_empty,
        metavar="PATH",
        help="with --register: this dataset and no other; repeatable",
    )
    group.add_argument("--no-print", action="store_true", help="print nothing for each session, only the end")
    group.add_argument("--exit-code", action="store_true", help="exit 1 where something is to be done")


def _add_places(parser: Parser) -> None:
    """Add the settings of `sync` that `check` has no use for."""
    group = parser.add_argument_group("cache, overview and broker")
    group.add_argument("--cache-dir", metavar="DIR", help="keep one JSON file a session here")
    group.add_argument("--max-age", metavar="DURATION", help="ask ICAT again about what was asked longer ago (12h, 7d)")
    group.add_argument("--save-dir", metavar="DIR", help="write the overview there: CSV files and bash scripts")
    group.add_argument("--queue", action="append", metavar="HOST:PORT", help="broker for all messages; repeatable")
    group.add_argument("--rate", metavar="N", help="messages a second (10; 0: no limit)")
    group.add_argument("--read-only", action="store_true", help="nothing can be sent")
    group.add_argument("--wait", metavar="DURATION", help="wait so long for what somebody else is registering (0s)")


def _add_icatplus(parser: Parser) -> None:
    """Add the options for ICAT+."""
    group = parser.add_argument_group("ICAT+")
    group.add_argument("--icatplus", metavar="URL", help="the server to ask")
    group.add_argument("--api-key", metavar="KEY", help="its key (better: ICAT_TUI_API_KEY, or api_key_file)")
    group.add_argument("--jobs", metavar="N", help="requests and directories at once (8)")


def _add_general(parser: Parser) -> None:
    """Add the options that every command has."""
    group = parser.add_argument_group("general")
    group.add_argument("--json", action="store_true", help="JSON Lines on stdout, nothing else there")
    group.add_argument("--config", metavar="FILE", help="read this settings file instead of the user's")
    group.add_argument("--log-file", metavar="FILE", help="write down there what is said on stderr, and more")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more on stderr; -vv: everything")
    group.add_argument("-q", "--quiet", action="store_true", help="silence unless something went wrong")
    group.add_argument("--version", action="version", version=f"icat-tui {__version__}")


def _add_store_raw(parser: Parser) -> None:
    group = parser.add_argument_group("dataset")
    for name, metavar, text in (
        ("beamline", "ID", "the beamline"),
        ("proposal", "NAME", "the proposal"),
        ("dataset", "NAME", "the name of the dataset"),
        ("sample", "NAME", "the name of the sample"),
        ("path", "DIR", "the directory of the dataset"),
    ):
        group.add_argument(f"--{name}", required=True, type=not_empty, metavar=metavar, help=text)
    group.add_argument("--metadatafile", type=not_empty, metavar="FILE", help="ICAT parameters, a line NAME=VALUE each")
    group.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        action="append",
        default=[],
        type=parameter,
        metavar="NAME=VALUE",
        help="an ICAT parameter; wins over --metadatafile; repeatable; startDate and endDate are read from the "
        "dataset where they are not given",
    )
    group.add_argument("--strict", action="store_true", help="refuse parameters that ICAT's definitions don't know")
    group.add_argument(
        "--store-filename", type=not_empty, metavar="FILE", help="write the message to this file, and send nothing"
    )
    group.add_argument("--investigation", type=investigation, metavar="ID", help="the investigation that it belongs to")
    _add_other_team(parser)
    _add_sending(parser)
    _add_force(parser)


def _add_store_processed(parser: Parser) -> None:
    _add_store_raw(parser)
    parser.add_argument(
        "--raw",
        action="append",
        required=True,
        type=not_empty,
        metavar="DIR",
        help="a dataset that it was made from, raw or processed; repeatable",
    )


def _add_store_from_file(parser: Parser) -> None:
    parser.add_argument(
        "files", nargs="+", type=not_empty, metavar="FILE", help="a file with a dataset message, or a glob of such"
    )
    _add_other_team(parser)
    _add_sending(parser)
    _add_force(parser)


def _add_add_files(parser: Parser) -> None:
    parser.add_argument("ids", nargs="+", type=icat_id, metavar="ID", help="the id of a dataset in ICAT")
    parser.add_argument(
        "--investigation", type=investigation, metavar="ID", help="where ICAT lists them; without it ICAT is not asked"
    )
    _add_sending(parser)
    _add_force(parser)


def _add_journal(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pending", action="store_true", help="only what was sent and not seen in ICAT yet")
    what.add_argument("--verify", action="store_true", help="ask ICAT about what is pending; write down what it has")
    what.add_argument("--resume", action="store_true", help="send what was planned and never sent, after a question")
    what.add_argument("--init", nargs="?", const="", metavar="DIR", help="make a journal that is shared")
    what.add_argument("--repair", action="store_true", help="set damaged lines aside, once you have looked at them")
    what.add_argument("--settle", type=not_empty, metavar="ID", help="end what nobody else can; takes --as and --why")
    parser.add_argument("--import", dest="import_file", metavar="FILE", help="with --init: a journal.jsonl to take in")
    parser.add_argument("--as", dest="settled_as", choices=("seen", "lost"), help="with --settle: what became of it")
    parser.add_argument("--why", metavar="TEXT", help="with --settle: the reason")
    parser.add_argument("--yes", action="store_true", help="with --resume: don't ask")
    _add_sending(parser)


def _add_sending(parser: Parser) -> None:
    group = parser.add_argument_group("broker and cache")
    group.add_argument("--queue", action="append", metavar="HOST:PORT", help="broker for all messages; repeatable")
    group.add_argument("--rate", metavar="N", help="messages a second (10; 0: no limit)")
    group.add_argument("--read-only", action="store_true", help="nothing can be sent")
    group.add_argument("--wait", metavar="DURATION", help="wait so long for what somebody else is registering (0s)")
    group.add_argument("--cache-dir", metavar="DIR", help="the cache, from which sessions that change are dropped")


def _add_other_team(parser: Parser) -> None:
    parser.add_argument(
        "--yes-proposal",
        type=not_empty,
        metavar="NAME",
        help="send under this proposal what lies in the directory of another: its team will see the data",
    )


def _add_force(parser: Parser) -> None:
    parser.add_argument("--force", action="store_true", help="send, also what ICAT has already or was sent before")


ADD_OPTIONS: dict[str, Callable[[Parser], None]] = {
    "store-raw": _add_store_raw,
    "store-processed": _add_store_processed,
    "store-from-file": _add_store_from_file,
    "add-files": _add_add_files,
    "journal": _add_journal,
}
"""Functions that add the options of a command to its parser."""


# -- parsers ---------------------------------------------------------------------------------------------------------


def program_parser() -> Parser:
    """Return a parser of all commands and their options, for programs that complete words in a shell.

    It is not used to parse: argparse takes every first word for a command, and here it may be a PATH.
    """
    parser = Parser(**_presentation("", "icat-tui") | {"epilog": None})
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command, text in COMMANDS.items():
        if command not in PLANNED_COMMANDS:
            _add_options(commands.add_parser(command, help=text, **_presentation(command, "icat-tui")), command)
    _add_options(parser, "")  # a PATH may stand where a command does, and completes after it
    return parser


def parser_for(command: str, program: str = "icat-tui") -> Parser:
    """Return the parser of a command; of `icat-tui` itself where the command is empty."""
    parser = Parser(**_presentation(command, program))
    _add_options(parser, command)
    return parser


def _presentation(command: str, program: str) -> dict[str, Any]:
    """Return the arguments of a command's parser: name, usage and description."""
    about = COMMANDS.get(command, "compare raw data on disk with the ICAT catalogue, and register what is missing")
    name = f"{program} {command}" if command and program not in PROGRAMS else program
    paths = "" if command == "config" else " [PATH ...]"
    return {
        "prog": name,
        # Where something must be given, argparse's own line says what.
        "usage": None if command in ADD_OPTIONS else f"{name}{paths} [OPTIONS]",
        "description": f"{about[0].upper()}{about[1:]}.",
        "epilog": None if command or program == SYNC_RAW else _list_of_commands(),
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def _add_options(parser: Parser, command: str) -> None:
    """Add the arguments and options of a command; those of `icat-tui` itself where the command is empty."""
    if command in ADD_OPTIONS:
        ADD_OPTIONS[command](parser)
        _add_icatplus(parser)
        _add_general(parser)
        return
    if command == "demo":
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--headless", action="store_true", help="run `sync` on the facility")
        how.add_argument("--serve", action="store_true", help="only start it, and print the settings to use")
    if command == "config":
        parser.add_argument("--init", action="store_true", help="write a settings file with everything commented out")
        parser.add_argument("--data-root", action="append", metavar="DIR", help="where proposals lie; repeatable")
        parser.add_argument("--format", choices=FORMATS, metavar="NAME", help=ABOUT_FORMATS)
    else:
        _add_selection(parser)
    if command not in ("check", "config"):
        _add_work(parser)
    if command != "check":
        _add_places(parser)
    _add_icatplus(parser)
    _add_general(parser)


def _list_of_commands() -> str:
    width = max(map(len, COMMANDS)) + 2
    listed = "\n".join(
        f"  {name:{width}}{text}{' (not in this build)' if name in PLANNED_COMMANDS else ''}"
        for name, text in COMMANDS.items()
    )
    return (
        f"commands (each has --help; help COMMAND is the same):\n{listed}\n\n"
        "A first word that is no command is a PATH: ./sync for one so called."
    )


def split_command(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command and the other words: the first word that is not an option, where that names a command."""
    takes_value = {
        option
        for action in parser_for("")._actions  # noqa: SLF001 - argparse offers no list of its options
        if action.nargs is None
        for option in action.option_strings
    }
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] not in ("-", "--"):
        place += 2 if words[place] in takes_value else 1
    if place < len(words) and words[place] in (*COMMANDS, HELP):
        return words[place], [*words[:place], *words[place + 1 :]]
    return "", list(words)


def parse(program: str, words: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments, with the command in `command`: empty for the terminal UI.

    Raises UsageError, and SystemExit once `--help` or `--version` has been printed.
    """
    command, rest = (PROGRAMS[program], list(words)) if program in PROGRAMS else split_command(words)
    if command in PLANNED_COMMANDS:
        raise UsageError(f"{command} is not in this build")
    if command == HELP:
        return parse(program, [*_topic(rest), "--help"])
    parser = parser_for(command, program)
    place = rest.index("--") if "--" in rest else len(rest)
    expanded = list(expand(rest[:place], list(parser._option_string_actions))) if program == SYNC_RAW else []  # noqa: SLF001 - as above
    # Mixed with options, argparse drops the effect of `--`: a word that begins with a dash is made a path.
    words_only = [f"./{word}" if word.startswith("-") else word for word in rest[place + 1 :]]
    options = [word for word, _ in expanded] or rest[:place]
    arguments = parser.parse_intermixed_args([*options, *words_only])
    arguments.notes = [note for _, note in expanded if note]
    if not command and arguments.no_print:  # `sync` is meant (interface.md, "Commands")
        command = "sync"
    arguments.command = command
    _refuse(arguments)
    return arguments


def _topic(words: Sequence[str]) -> list[str]:
    """Return the command that help is wanted for, in a list; raises UsageError where there is no such command."""
    topics = [word for word in words[:1] if word != HELP]
    for word in topics:
        if word not in COMMANDS:
            close = closest(word, list(COMMANDS))
            raise UsageError(f"there is no command {word!a}: {f'did you mean {close}?' if close else 'see --help'}")
    return topics


def _refuse(arguments: argparse.Namespace) -> None:
    """Raise UsageError for options that contradict each other, or that the terminal UI has not."""
    sends = "--auto-register" if vars(arguments).get("auto_register") else "--register"
    if (vars(arguments).get("register") or vars(arguments).get("auto_register")) and arguments.read_only:
        raise UsageError(f"{sends} with --read-only: nothing could be sent; leave one of them out")
    if "register" in arguments and arguments.dataset:
        _refuse_datasets(arguments)
    if vars(arguments).get("since") and arguments.until and arguments.since > arguments.until:
        raise UsageError(f"no session can be since {arguments.since} and until {arguments.until}: swap them")
    if arguments.command == "demo" and arguments.serve and arguments.json:
        raise UsageError("demo --serve prints lines for a shell: leave out --json")
    if not arguments.command or (arguments.command == "demo" and not (arguments.serve or arguments.headless)):
        _refuse_on_screen(arguments)


def _refuse_datasets(arguments: argparse.Namespace) -> None:
    """Raise UsageError where datasets are named and no person is to be asked about them."""
    if arguments.auto_register:
        raise UsageError(
            "--dataset with --auto-register: what is named is sent after a question; use --register, or name no dataset"
        )
    if not arguments.register:
        raise UsageError("--dataset names what --register is to send: add --register, or give the path as PATH")


def _refuse_on_screen(arguments: argparse.Namespace) -> None:
    """Raise UsageError for arguments that the terminal UI can't use."""
    for path in arguments.paths[:1]:
        if not os.path.lexists(path):
            if path in COMMANDS:  # after `--`
                raise UsageError(f"{path!a} is no PATH that is there: without -- before it it is a command")
            close = closest(path, list(COMMANDS))
            hint = f"did you mean {close}?" if close else "see icat-tui --help"
            raise UsageError(f"{path!a} is neither a command nor a PATH that is there: {hint}")
    without = "sync" if not arguments.command else "demo --headless"
    for option in ("json", "auto_register", "exit_code", "investigation", "invalidate_cache", "dataset"):
        if vars(arguments)[option]:
            raise UsageError(f"--{option.replace('_', '-')} is for work without a screen: use `icat-tui {without}`")

"""What can be typed: the commands and their options (interface.md, "Commands", "Selection", "Options").

Only the standard library is imported here, and nothing of it that is slow: `--help` and `--version` get by on this.
"""

import argparse
import os
from collections.abc import Sequence

from icat_tui._version import __version__
from icat_tui.cli import sending_arguments
from icat_tui.cli.parsing import Parser, closest, day, investigation, not_empty, session
from icat_tui.domain.errors import UsageError

COMMANDS = {
    "sync": "scan, print and export: the work of the UI without a screen",
    "check": "say in words what is in the catalogue, what is not, and why (read-only)",
    "store-raw": "register one directory",
    "store-from-file": "send the metadata files that BLISS left",
    "add-files": "ask ICAT to add the files of registered datasets",
    "journal": "what was sent, by whom, and what became of it",
    "demo": "a whole facility on this machine, to try things out",
    "doctor": "check settings, data root, cache, ICAT+ and broker",
    "config": "the settings in force and where each one comes from",
}
LATER = frozenset({"doctor"})
"""Commands that come with the next versions."""
FORMATS = ("auto", "esrfv1", "esrfv2", "esrfv3", "id16bspec", "mx")
ABOUT_FORMATS = f"how raw data lies in a session: {', '.join(FORMATS)}"
SYNC_RAW = "icat-sync-raw"
"""`icat-tui sync` under the name that cron tables know."""
PROGRAMS = {SYNC_RAW: "sync", "icat-store-raw": "store-raw", "icat-store-from-file": "store-from-file"}
"""Commands by the names that cron tables and scripts know."""


# -- options ---------------------------------------------------------------------------------------------------------


def _add_selection(parser: Parser) -> None:
    """Add what says which sessions are meant."""
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
    """Add what is done with the sessions."""
    group = parser.add_argument_group("work")
    group.add_argument("--invalidate-cache", action="store_true", help="drop cached sessions that are gone or changed")
    group.add_argument("--investigation", type=investigation, metavar="ID", help="the investigation of the one session")
    group.add_argument("--register", action="store_true", help="register what is missing, after confirmation")
    group.add_argument(
        "--auto-register",
        action="store_true",
        help="the same without asking, and only what is safe so",
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


def _add_icatplus(parser: Parser) -> None:
    """Add how ICAT+ is asked."""
    group = parser.add_argument_group("ICAT+")
    group.add_argument("--icatplus", metavar="URL", help="the server to ask")
    group.add_argument("--api-key", metavar="KEY", help="its key (better: ICAT_TUI_API_KEY, or api_key_file)")
    group.add_argument("--jobs", metavar="N", help="requests and directories at once (8)")


def _add_general(parser: Parser) -> None:
    """Add what every command has."""
    group = parser.add_argument_group("general")
    group.add_argument("--json", action="store_true", help="JSON Lines on stdout, nothing else there")
    group.add_argument("--config", metavar="FILE", help="read this settings file instead of the user's")
    group.add_argument("--log-file", metavar="FILE", help="write down there what is said on stderr, and more")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more on stderr; -vv: everything")
    group.add_argument("-q", "--quiet", action="store_true", help="silence unless something went wrong")
    group.add_argument("--version", action="version", version=f"icat-tui {__version__}")


# -- parsers ---------------------------------------------------------------------------------------------------------


def parser_for(command: str, program: str = "icat-tui") -> Parser:
    """Return the parser of a command; of `icat-tui` itself where the command is empty."""
    about = COMMANDS.get(command, "compare raw data on disk with the ICAT catalogue, and register what is missing")
    name = f"{program} {command}" if command and program not in PROGRAMS else program
    paths = "" if command == "config" else " [PATH ...]"
    parser = Parser(
        prog=name,
        usage=f"{name}{paths} [OPTIONS]",
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=None if command or program == SYNC_RAW else _list_of_commands(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if command in sending_arguments.ADD:
        parser.usage = None  # what these must be given is worth telling
        sending_arguments.ADD[command](parser)
        _add_icatplus(parser)
        _add_general(parser)
        return parser
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
    return parser


def _list_of_commands() -> str:
    width = max(map(len, COMMANDS)) + 2
    listed = "\n".join(
        f"  {name:{width}}{says}{' (not in this build)' if name in LATER else ''}" for name, says in COMMANDS.items()
    )
    return (
        f"commands (each has --help):\n{listed}\n\nA first word that is no command is a PATH: ./sync for one so called."
    )


def split_command(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command and the other words: it is the first word that is not an option, if it is one's name."""
    takes_value = {
        option
        for action in parser_for("")._actions  # noqa: SLF001 - argparse offers no list of its options
        if action.nargs is None
        for option in action.option_strings
    }
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] not in ("-", "--"):
        place += 2 if words[place] in takes_value else 1
    if place < len(words) and words[place] in COMMANDS:
        return words[place], [*words[:place], *words[place + 1 :]]
    return "", list(words)


def parse(program: str, words: Sequence[str]) -> argparse.Namespace:
    """Return what was typed, with the command in `command`: empty for the terminal UI.

    Raises UsageError, and SystemExit once `--help` or `--version` has been printed.
    """
    command, rest = (PROGRAMS[program], list(words)) if program in PROGRAMS else split_command(words)
    if command in LATER:
        raise UsageError(f"{command} is not in this build")
    parser = parser_for(command, program)
    place = rest.index("--") if "--" in rest else len(rest)
    # Mixed with options, argparse forgets what the `--` was for: what begins with a dash is written as the path it is.
    words_only = [f"./{word}" if word.startswith("-") else word for word in rest[place + 1 :]]
    asked = parser.parse_intermixed_args([*rest[:place], *words_only])
    if not command and asked.no_print:  # as it was said to mean
        command = "sync"
    asked.command = command
    _refuse(asked)
    return asked


def _refuse(asked: argparse.Namespace) -> None:
    """Raise UsageError for what can't be meant, and for what is not there yet."""
    sends = "--auto-register" if vars(asked).get("auto_register") else "--register"
    if (vars(asked).get("register") or vars(asked).get("auto_register")) and asked.read_only:
        raise UsageError(f"{sends} with --read-only: nothing could be sent; leave one of them out")
    if vars(asked).get("since") and asked.until and asked.since > asked.until:
        raise UsageError(f"no session can be since {asked.since} and until {asked.until}: swap them")
    if asked.command == "demo" and asked.serve and asked.json:
        raise UsageError("demo --serve prints lines for a shell: leave out --json")
    if not asked.command or (asked.command == "demo" and not (asked.serve or asked.headless)):
        _refuse_on_screen(asked)


def _refuse_on_screen(asked: argparse.Namespace) -> None:
    """Raise UsageError for what the terminal UI can't mean."""
    for path in asked.paths[:1]:
        if not os.path.lexists(path):
            close = closest(path, list(COMMANDS))
            hint = f"did you mean {close}?" if close else "see icat-tui --help"
            raise UsageError(f"{path!a} is neither a command nor a PATH that is there: {hint}")
    without = "sync" if not asked.command else "demo --headless"
    for option in ("json", "auto_register", "exit_code", "investigation", "invalidate_cache"):
        if vars(asked)[option]:
            raise UsageError(f"--{option.replace('_', '-')} is for work without a screen: use `icat-tui {without}`")

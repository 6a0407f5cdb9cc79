"""What can be typed: the commands and their options (interface.md, "Commands", "Selection", "Options").

Nothing here is imported late because nothing here is heavy: `--help` and `--version` get by on this module alone.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import NoReturn

from icat_tui import __version__
from icat_tui.domain.errors import ExitCode

COMMANDS = {
    "sync": "scan, print, export: the work of the UI without a screen",
    "check": "say in words what is in the catalogue and what is not (read-only)",
    "store-raw": "register one directory",
    "store-from-file": "send the metadata files that BLISS left",
    "add-files": "ask ICAT to add the files of registered datasets",
    "journal": "what was sent, by whom, and what became of it",
    "demo": "a whole facility on this machine, to try things out",
    "doctor": "check settings, data root, cache, ICAT+ and broker",
    "config": "the settings in force and where each one comes from",
}
FORMATS = ("auto", "esrfv1", "esrfv2", "esrfv3", "id16bspec", "mx")


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line: what is wrong and what would be right."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and end with the exit code for that."""
        unknown = re.match(r"unrecognized arguments: (-\S+)", message)
        if unknown:
            flag = unknown[1].partition("=")[0]
            known = [option for action in self._actions for option in action.option_strings]
            close = difflib.get_close_matches(flag, known, n=1)
            message = f"no option {flag!a}" + (f": did you mean {close[0]}?" if close else f": see {self.prog} --help")
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


# -- values ----------------------------------------------------------------------------------------------------------


def day(text: str) -> date:
    """Return a date given as YYYYMMDD or YYYY-MM-DD."""
    try:
        return datetime.strptime(text.replace("-", ""), "%Y%m%d").date()  # noqa: DTZ007  (a date has no zone)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!a} is not a date: give YYYYMMDD or YYYY-MM-DD") from None


def investigation(text: str) -> int:
    """Return the id of an investigation."""
    if not re.fullmatch("[0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!a} is not an id: give the number of an investigation")
    return int(text)


# -- options ---------------------------------------------------------------------------------------------------------


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add what says which sessions are meant."""
    group = parser.add_argument_group("selection")
    group.add_argument(
        "paths", nargs="*", metavar="PATH", help="a data root, proposal, session, or anything in a session"
    )
    for name, metavar in (("beamline", "ID"), ("proposal", "NAME"), ("session", "YYYYMMDD")):
        group.add_argument(
            f"--{name}", action="append", default=[], metavar=metavar, help=f"this {name} only; globs; repeatable"
        )
    group.add_argument("--data-root", action="append", metavar="DIR", help="where proposals lie; repeatable")
    group.add_argument("--since", type=day, metavar="DATE", help="sessions of this date and later")
    group.add_argument("--until", type=day, metavar="DATE", help="sessions of this date and earlier")
    group.add_argument("--format", choices=FORMATS, help="how raw data lies in a session")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add where settings come from, and those about ICAT+."""
    group = parser.add_argument_group("settings")
    group.add_argument("--icatplus", metavar="URL", help="ICAT+ to ask")
    group.add_argument("--api-key", metavar="KEY", help="its key (better: ICAT_TUI_API_KEY, or api_key_file)")
    group.add_argument("--queue", action="append", metavar="HOST:PORT", help="broker for all messages; repeatable")
    group.add_argument("--cache-dir", metavar="DIR", help="keep one JSON file a session here")
    group.add_argument("--jobs", metavar="N", help="requests and directories at once (8)")
    group.add_argument("--config", metavar="FILE", help="read this settings file instead of the user's")
    group.add_argument("--log-file", metavar="FILE", help="write down there what is said on stderr, and more")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more on stderr")
    group.add_argument("-q", "--quiet", action="store_true", help="silence unless something went wrong")
    group.add_argument("--json", action="store_true", help="JSON Lines on stdout, nothing else there")


def add_work(parser: argparse.ArgumentParser) -> None:
    """Add what is done with the sessions."""
    group = parser.add_argument_group("work")
    group.add_argument("--save-dir", metavar="DIR", help="write the overview there: CSV files and bash scripts")
    group.add_argument("--invalidate-cache", action="store_true", help="drop cached sessions that are gone or changed")
    group.add_argument("--max-age", metavar="DURATION", help="ask ICAT again about what was asked longer ago (12h, 7d)")
    group.add_argument("--investigation", type=investigation, metavar="ID", help="the investigation of the one session")
    group.add_argument("--register", action="store_true", help="register what is missing, after confirmation")
    group.add_argument("--auto-register", action="store_true", help="register without asking what is safe unsupervised")
    group.add_argument("--read-only", action="store_true", help="nothing can be sent")
    group.add_argument("--rate", metavar="N", help="messages a second (10; 0: no limit)")
    group.add_argument("--no-print", action="store_true", help="no summary for each session")
    group.add_argument("--exit-code", action="store_true", help="exit 1 where something is to be done")


# -- parsers ---------------------------------------------------------------------------------------------------------


def parser_for(command: str, program: str) -> Parser:
    """Return the parser of a command; of `icat-tui` itself where the command is empty."""
    about = COMMANDS.get(command, "Compare raw data on disk with the ICAT catalogue, and register what is missing.")
    name = f"{program} {command}" if command and program == "icat-tui" else program
    parser = Parser(prog=name, description=about[0].upper() + about[1:], allow_abbrev=False)
    if command == "config":
        parser.add_argument("--init", action="store_true", help="write a settings file with everything commented out")
        add_settings(parser)
    elif command == "demo":
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--headless", action="store_true", help="run `sync` on the facility")
        how.add_argument("--serve", action="store_true", help="only start it, and print the settings to use")
        add_selection(parser)
        add_settings(parser)
        add_work(parser)
    elif command == "check":
        add_selection(parser)
        add_settings(parser)
    else:
        add_selection(parser)
        add_settings(parser)
        add_work(parser)
    if not command:
        width = max(map(len, COMMANDS)) + 2
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        listed = "\n".join(f"  {name:{width}}{says}" for name, says in COMMANDS.items())
        parser.epilog = f"commands (each has --help):\n{listed}\n\nA word that is no command is a PATH."
        parser.add_argument("--version", action="version", version=f"icat-tui {__version__}")
    return parser


def split_command(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command and the other arguments: it is the first word that is not an option, if it is one's name."""
    takes_value = {
        option
        for action in parser_for("", "icat-tui")._actions  # noqa: SLF001  (argparse offers no list of its options)
        if action.nargs is None and action.option_strings
        for option in action.option_strings
    }
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            if word in COMMANDS:
                return word, [*arguments[:place], *arguments[place + 1 :]]
            break
        place += 2 if word in takes_value else 1
    return "", list(arguments)


def parse(command: str, arguments: Sequence[str], program: str = "icat-tui") -> argparse.Namespace:
    """Return the parsed arguments of a command; ends the program where they can't be used."""
    return parser_for(command, program).parse_intermixed_args(arguments)


def terminal() -> bool:
    """Return whether somebody sits at a screen."""
    return sys.stdin.isatty() and sys.stdout.isatty()

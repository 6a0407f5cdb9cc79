"""What can be typed after `store-raw`, `store-from-file`, `add-files` and `journal` (interface.md, "Commands").

The flags of the first three are those that facilities have in their scripts (icat-facts.md §8.2), and a few of ours.
"""

import argparse
import json
import re
from collections.abc import Callable
from typing import Any

from icat_tui.cli.parsing import Parser, investigation, not_empty


def parameter(text: str) -> tuple[str, Any]:
    """Return NAME=VALUE as a name and a value, which is decoded where it is JSON."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!a} is no parameter: give NAME=VALUE")
    return name.strip(), json_or_text(value)


def json_or_text(text: str) -> Any:
    """Return what JSON says, or the text itself where it is none: `1` is a number, `sA` and `2024-01-31` are texts."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def icat_id(text: str) -> int:
    """Return the id of a dataset in ICAT."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no id: give the number of a dataset in ICAT")
    return int(text)


def _add_store_raw(parser: Parser) -> None:
    group = parser.add_argument_group("dataset")
    for name, metavar, says in (
        ("beamline", "ID", "the beamline"),
        ("proposal", "NAME", "the proposal"),
        ("dataset", "NAME", "the name of the dataset"),
        ("sample", "NAME", "the name of the sample"),
        ("path", "DIR", "the directory of the dataset"),
    ):
        group.add_argument(f"--{name}", required=True, type=not_empty, metavar=metavar, help=says)
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
    _add_sending(parser)
    _add_force(parser)


def _add_store_from_file(parser: Parser) -> None:
    parser.add_argument(
        "files", nargs="+", type=not_empty, metavar="FILE", help="a file with a dataset message, or a glob of such"
    )
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
    parser.add_argument("--yes", action="store_true", help="with --resume: don't ask")
    _add_sending(parser)


def _add_sending(parser: Parser) -> None:
    group = parser.add_argument_group("broker and cache")
    group.add_argument("--queue", action="append", metavar="HOST:PORT", help="broker for all messages; repeatable")
    group.add_argument("--rate", metavar="N", help="messages a second (10; 0: no limit)")
    group.add_argument("--read-only", action="store_true", help="nothing can be sent")
    group.add_argument("--cache-dir", metavar="DIR", help="the cache, from which sessions that change are dropped")


def _add_force(parser: Parser) -> None:
    parser.add_argument("--force", action="store_true", help="send, also what ICAT has already or was sent before")


ADD: dict[str, Callable[[Parser], None]] = {
    "store-raw": _add_store_raw,
    "store-from-file": _add_store_from_file,
    "add-files": _add_add_files,
    "journal": _add_journal,
}
"""How the parser of each command gets its own options."""

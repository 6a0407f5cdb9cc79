"""Arguments in, one command done, an exit code out (interface.md, "Commands", "Exit codes").

What must stay true: whatever happens, a person gets one line that says what, a program a `summary` last, and a script
the code of the contract. Heavy modules are imported where a command needs them, so that `--help` comes at once.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from icat_tui.cancel import Cancelled
from icat_tui.cli.context import Ending, Run
from icat_tui.cli.logging_setup import Narration, log, narrating
from icat_tui.cli.parser import SYNC_RAW, parse
from icat_tui.cli.signals import SIGPIPE, Stop, heeding_signals, raise_again
from icat_tui.domain.errors import ExitCode, IcatTuiError, exit_code

if TYPE_CHECKING:
    from icat_tui.settings.schema import Settings


BEACON_OF_SYNC_RAW = "id00:25000"
"""Where `icat-sync-raw` has always looked (icat.md, "Beacon")."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-tui` and return its exit code."""
    return _run("icat-tui", sys.argv[1:] if arguments is None else list(arguments))


def sync_raw(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-sync-raw` and return its exit code."""
    return _run(SYNC_RAW, sys.argv[1:] if arguments is None else list(arguments))


def store_raw(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-store-raw` and return its exit code."""
    return _run("icat-store-raw", sys.argv[1:] if arguments is None else list(arguments))


def store_from_file(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-store-from-file` and return its exit code."""
    return _run("icat-store-from-file", sys.argv[1:] if arguments is None else list(arguments))


# -- every path ------------------------------------------------------------------------------------------------------


def _run(program: str, words: list[str]) -> int:
    """Do what was typed; a signal that stopped it is raised again once everything is in order."""
    _prepare_stdout()
    with narrating(program) as narration, heeding_signals() as stop:
        try:
            code = _end_well(program, words, narration, stop)
        except BrokenPipeError:  # whoever read our output has gone: end as programs do that are told by the signal
            stop.by = SIGPIPE
    if stop.by:
        return raise_again(stop.by)
    return code


def _end_well(program: str, words: list[str], narration: Narration, stop: Stop) -> int:
    """Do what was typed, say what went wrong and how it ended, and return the exit code."""
    ending = Ending(as_json="--json" in words)
    try:
        code = _carry_out(program, words, narration, stop, ending)
        if narration.failed:
            code = exit_code({code, ExitCode.PARTIAL})
        stop.check()  # too late to change anything, and still the last word
        ending.write(code)
    except IcatTuiError as error:
        return ending.fail(str(error), error.code)
    except Cancelled:
        log.error("stopped by %s", stop.by.name if stop.by else "ourselves")
        ending.write(stop.code)
        return stop.code
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback is no line, and its exit code 1 would mean "to be done"
        log.debug("", exc_info=True)
        what = f"a mistake of ours ({type(error).__name__}: {error}): please report it, with what -vv says"
        return ending.fail(what, ExitCode.PARTIAL)
    return code


def _prepare_stdout() -> None:
    """See to it that there is a stdout, and that it takes every name in whatever locale."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # TextIO is all that typeshed says


# -- one command -----------------------------------------------------------------------------------------------------


def _carry_out(program: str, words: list[str], narration: Narration, stop: Stop, ending: Ending) -> ExitCode:
    asked = parse(program, words)
    narration.tune(verbose=asked.verbose, quiet=asked.quiet)
    if asked.command == "config" and asked.init:
        from icat_tui.cli.cmd_config import write_config  # noqa: PLC0415 - see the module's first lines

        return write_config(asked)
    with _settings(program, asked) as settings:
        if settings.log_file:
            narration.write_down(settings.log_file)
        log.debug("%s %s: %s", program, asked.command, settings)
        for warning in settings.warnings:
            log.warning("%s", warning)
        return _command(asked)(Run(asked, settings, stop, ending))


@contextmanager
def _settings(program: str, asked: Namespace) -> "Iterator[Settings]":
    """Give the settings in force; for the demo those of the sandbox, which is open meanwhile."""
    if asked.command == "demo":
        from icat_tui.cli.cmd_demo import sandbox_settings  # noqa: PLC0415

        with sandbox_settings(asked) as settings:
            yield settings
        return
    from icat_tui.settings.load import load  # noqa: PLC0415

    settings = load(vars(asked), os.environ)
    if program == SYNC_RAW and not settings.icatplus and not os.environ.get("BEACON_HOST"):
        settings = load(vars(asked), os.environ, beacon_default=BEACON_OF_SYNC_RAW)
    yield settings


def _command(asked: Namespace) -> Callable[[Run], ExitCode]:
    match asked.command:
        case "config":
            from icat_tui.cli.cmd_config import config as command  # noqa: PLC0415
        case "demo":
            from icat_tui.cli.cmd_demo import demo as command  # noqa: PLC0415
        case "store-raw" | "store-from-file" | "add-files" | "journal":
            return _sending_command(asked.command)
        case "check":
            from icat_tui.cli.cmd_check import check as command  # noqa: PLC0415
        case "":
            from icat_tui.cli.cmd_ui import open_screen as command  # noqa: PLC0415
        case _:
            from icat_tui.cli.cmd_sync import sync as command  # noqa: PLC0415
    return command


def _sending_command(name: str) -> Callable[[Run], ExitCode]:
    from icat_tui.cli.cmd_journal import journal  # noqa: PLC0415
    from icat_tui.cli.cmd_store import add_files, store_from_file, store_raw  # noqa: PLC0415

    return {
        "store-raw": store_raw,
        "store-from-file": store_from_file,
        "add-files": add_files,
        "journal": journal,
    }[name]

"""Entry points: parse arguments, run one command, return its exit code (interface.md, "Commands", "Exit codes").

What must stay true: every error ends in one line for people, a `summary` as the last record for programs, and the
documented exit code. Heavy modules are imported where a command needs them, so that `--help` comes at once.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from icat_tui.cancel import Cancelled
from icat_tui.cli.console import replace_closed_streams
from icat_tui.cli.context import Run, RunSummary
from icat_tui.cli.locale_encoding import start_again_in_utf8, write_by_locale
from icat_tui.cli.logging_setup import LogHandlers, log, logging_to_stderr
from icat_tui.cli.parser import SYNC_RAW, parse
from icat_tui.cli.signals import SIGPIPE, SignalCancellation, interrupts_by_default, raise_again
from icat_tui.domain.errors import ExitCode, IcatTuiError, exit_code, unexpected

if TYPE_CHECKING:
    from icat_tui.settings.schema import Settings


BEACON_OF_SYNC_RAW = "id00:25000"
"""Address of the Beacon that `icat-sync-raw` has always asked (icat.md, "Beacon")."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-tui` and return its exit code."""
    return _run("icat-tui", arguments)


def sync_raw(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-sync-raw` and return its exit code."""
    return _run(SYNC_RAW, arguments)


def store_raw(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-store-raw` and return its exit code."""
    return _run("icat-store-raw", arguments)


def store_processed(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-store-processed` and return its exit code."""
    return _run("icat-store-processed", arguments)


def add_files(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-add-files` and return its exit code."""
    return _run("icat-add-files", arguments)


def store_from_file(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-store-from-file` and return its exit code."""
    return _run("icat-store-from-file", arguments)


# -- every path ------------------------------------------------------------------------------------------------------


def _run(program: str, arguments: Sequence[str] | None) -> int:
    """Run a program and return its exit code; a signal that stopped it is raised again at the end."""
    if arguments is None:
        start_again_in_utf8()
    words = sys.argv[1:] if arguments is None else list(arguments)
    write_by_locale()
    replace_closed_streams()
    cancellation = SignalCancellation()
    with logging_to_stderr(program) as log_handlers, interrupts_by_default(), closing(cancellation):
        try:
            code = _run_to_summary(program, words, log_handlers, cancellation)
        except BrokenPipeError:  # the reader of stdout has gone: end as SIGPIPE would
            cancellation.received = cancellation.received or SIGPIPE
    if cancellation.received:
        return raise_again(cancellation.received)
    return code


def _run_to_summary(program: str, words: list[str], log_handlers: LogHandlers, cancellation: SignalCancellation) -> int:
    """Run a program, report errors and write the summary; return the exit code."""
    summary = RunSummary(as_json="--json" in words)
    code = ExitCode.DONE
    try:
        code = _run_command(program, words, log_handlers, cancellation, summary)
        if log_handlers.failed:
            code = exit_code({code, ExitCode.PARTIAL})
        cancellation.check()  # a late signal changes nothing but the exit code
        summary.write(code)
    except IcatTuiError as error:
        return summary.fail(str(error), exit_code({code, error.code}))
    except Cancelled:
        return summary.stop(cancellation)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback is no line, and its exit code 1 would mean "to be done"
        log.debug("", exc_info=True)
        return summary.fail(f"{unexpected(error)}; -vv says more", ExitCode.PARTIAL)
    return code


# -- one command -----------------------------------------------------------------------------------------------------


def _run_command(
    program: str, words: list[str], log_handlers: LogHandlers, cancellation: SignalCancellation, summary: RunSummary
) -> ExitCode:
    arguments = parse(program, words)
    log_handlers.set_verbosity(verbose=arguments.verbose, quiet=arguments.quiet)
    for note in arguments.notes:
        log.warning("%s", note)
    if arguments.command == "config" and arguments.init:
        from icat_tui.cli.cmd_config import write_config  # noqa: PLC0415 - late, as the module's docstring says

        return write_config(arguments)
    with _settings(program, arguments) as settings:  # until they are read, a signal ends the program as it always does
        cancellation.heed_signals()
        if settings.log_file:
            log_handlers.add_file(settings.log_file)
        log.debug("%s %s: %s", program, arguments.command, settings)
        for warning in settings.warnings:
            log.warning("%s", warning)
        return _command(arguments)(Run(arguments, settings, cancellation, summary))


@contextmanager
def _settings(program: str, arguments: Namespace) -> "Iterator[Settings]":
    """Yield the settings in force; for the demo those of the sandbox, which runs meanwhile."""
    if arguments.command == "demo":
        from icat_tui.cli.cmd_demo import sandbox_settings  # noqa: PLC0415

        with sandbox_settings(arguments) as settings:
            yield settings
        return
    from icat_tui.settings.load import load  # noqa: PLC0415

    settings = load(vars(arguments), os.environ)
    if program == SYNC_RAW and not settings.icatplus and not os.environ.get("BEACON_HOST"):
        settings = load(vars(arguments), os.environ, beacon_default=BEACON_OF_SYNC_RAW)
    yield settings


def _command(arguments: Namespace) -> Callable[[Run], ExitCode]:
    match arguments.command:
        case "config":
            from icat_tui.cli.cmd_config import config as command  # noqa: PLC0415
        case "demo":
            from icat_tui.cli.cmd_demo import demo as command  # noqa: PLC0415
        case "store-raw" | "store-processed" | "store-from-file" | "add-files" | "journal":
            return _sending_command(arguments.command)
        case "check":
            from icat_tui.cli.cmd_check import check as command  # noqa: PLC0415
        case "":
            from icat_tui.cli.cmd_ui import open_screen as command  # noqa: PLC0415
        case _:
            from icat_tui.cli.cmd_sync import sync as command  # noqa: PLC0415
    return command


def _sending_command(name: str) -> Callable[[Run], ExitCode]:
    from icat_tui.cli.cmd_journal import journal  # noqa: PLC0415
    from icat_tui.cli.cmd_store import add_files, store_from_file, store_processed, store_raw  # noqa: PLC0415

    return {
        "store-raw": store_raw,
        "store-processed": store_processed,
        "store-from-file": store_from_file,
        "add-files": add_files,
        "journal": journal,
    }[name]

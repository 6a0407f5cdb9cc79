"""Arguments in, one command done, an exit code out (interface.md, "Commands", "Exit codes").

What must stay true: whatever happens, a person gets one line that says what, and a script the code of the contract.
Heavy modules are imported where a command needs them, so that `--help` and `--version` come at once.
"""

import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from icat_tui.cli.arguments import parse, split_command
from icat_tui.domain.errors import ExitCode, IcatTuiError, UsageError
from icat_tui.sync.cancel import Cancellation, Cancelled

if TYPE_CHECKING:
    from icat_tui.settings import Settings

BEACON_OF_SYNC_RAW = "id00:25000"
"""Where `icat-sync-raw` has always looked (icat-facts.md §9)."""
LATER = frozenset({"store-raw", "store-from-file", "add-files", "journal", "doctor"})
STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-tui` and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    command, rest = split_command(words)
    if command in LATER:
        return _complain("icat-tui", f"{command} is not in this build")
    return _run(parse(command, rest), command, "icat-tui")


def sync_raw(arguments: Sequence[str] | None = None) -> int:
    """Run `icat-sync-raw`: `icat-tui sync` under the name that cron tables know; return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    return _run(parse("sync", words, "icat-sync-raw"), "sync", "icat-sync-raw")


def _run(asked: Namespace, command: str, program: str) -> int:
    """Carry out what was asked for; a signal that stopped it is raised again once everything is in order."""
    asked.command = command or "sync"
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a locale without our glyphs
    cancellation = Cancellation()
    with _stopping(cancellation) as stopped_by:
        try:
            _refuse_what_is_not_there(asked, command)
            return _carry_out(asked, program, cancellation)
        except IcatTuiError as error:
            return _fail(asked, program, error)
        except BrokenPipeError:  # whoever read our output has gone: end as programs do that are told by the signal
            stopped_by.append(signal.SIGPIPE)
        except Cancelled:
            _complain(program, "stopped by a signal; what was scanned until then is in the cache, if there is one")
    return _raise_again(stopped_by[0])


def _refuse_what_is_not_there(asked: Namespace, command: str) -> None:
    if not command and not asked.no_print:  # `icat-tui --no-print` is `icat-tui sync`
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("there is no terminal to show a screen on: use `icat-tui sync`")
        raise UsageError("the screen is not in this build: use `icat-tui sync`")
    for flag in ("register", "auto_register"):
        if getattr(asked, flag, False):
            raise UsageError(f"--{flag.replace('_', '-')} is not in this build")


def _carry_out(asked: Namespace, program: str, cancellation: Cancellation) -> int:
    from icat_tui.cli.narration import log, narrating  # noqa: PLC0415 - see the module's first lines

    with (
        _settings(asked, program) as settings,
        narrating(program, verbose=asked.verbose, quiet=asked.quiet, log_file=settings.log_file),
    ):
        for warning in settings.warnings:
            log.warning("%s", warning)
        return _command(asked)(settings, asked, cancellation)


@contextmanager
def _settings(asked: Namespace, program: str) -> "Iterator[Settings]":
    """Give the settings in force; for the demo those of the sandbox, which is open meanwhile."""
    if asked.command == "demo":
        from icat_tui.cli.demonstrating import sandbox_settings  # noqa: PLC0415

        with sandbox_settings(asked) as settings:
            yield settings
        return
    from icat_tui.settings import load  # noqa: PLC0415

    yield load(vars(asked), os.environ, beacon_default=BEACON_OF_SYNC_RAW if program == "icat-sync-raw" else None)


def _command(asked: Namespace) -> "Callable[[Settings, Namespace, Cancellation], int]":
    if asked.command == "config":
        from icat_tui.cli.configuring import config  # noqa: PLC0415

        return config
    if asked.command == "demo":
        from icat_tui.cli.demonstrating import demo  # noqa: PLC0415

        return demo
    from icat_tui.cli.headless import check, sync  # noqa: PLC0415

    return check if asked.command == "check" else sync


# -- signals ---------------------------------------------------------------------------------------------------------


@contextmanager
def _stopping(cancellation: Cancellation) -> Iterator[list[signal.Signals]]:
    """Have the first signal call the work off and the second one end the program; give the list of those that came."""
    came: list[signal.Signals] = []

    def stop(number: int, _: FrameType | None) -> None:
        came.append(signal.Signals(number))
        for each in STOPPING:
            signal.signal(each, signal.SIG_DFL)
        # Not here: the main thread may hold the very lock that cancelling needs.
        threading.Thread(target=cancellation.cancel, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {each: signal.signal(each, stop) for each in STOPPING}
    try:
        yield came
    finally:
        if not came:
            for each, handler in before.items():
                signal.signal(each, handler)


def _raise_again(number: signal.Signals) -> int:
    """End by a signal, so that a script that called us stops too."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it is the end  # type: ignore[assignment]
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


# -- failing ---------------------------------------------------------------------------------------------------------


def _fail(asked: Namespace, program: str, error: IcatTuiError) -> int:
    """Say why nothing was done; for programs as JSON Lines, with a summary last."""
    if getattr(asked, "json", False):
        from icat_tui.sync.records import Sent, Totals, error_record, json_line, summary_record  # noqa: PLC0415

        sys.stdout.write(json_line(error_record(str(error))) + "\n")
        sys.stdout.write(json_line(summary_record(Totals(), Sent(), error.code)) + "\n")
    return _complain(program, str(error), error.code)


def _complain(program: str, what: str, code: ExitCode = ExitCode.USAGE) -> int:
    sys.stderr.write(f"{program}: {what}\n")
    return code

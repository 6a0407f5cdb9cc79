"""`icat-tui demo`: a whole facility on this machine, and the settings to work with it. The user's own don't count."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from icat_tui.cli.cmd_sync import sync
from icat_tui.cli.cmd_ui import open_screen
from icat_tui.cli.console import write
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.domain.errors import ExitCode, SaveError, UsageError
from icat_tui.sandbox import demo_facility
from icat_tui.settings.load import load
from icat_tui.settings.schema import Settings

OF_THE_SANDBOX = ("queue", "config")
"""What can't be typed: a broker outside of it would be sent what is not real; a file may name one, and a login."""


@contextmanager
def sandbox_settings(asked: Namespace) -> Iterator[Settings]:
    """Open the sandbox and give the settings to work with it; what was typed goes before them.

    Raises SaveError where it can't be made, UsageError where something else than it would be worked with.
    """
    for key in OF_THE_SANDBOX:
        if vars(asked).get(key):
            raise UsageError(f"the demo works with its own facility only: leave out --{key}")
    with ExitStack() as held:
        try:
            box = held.enter_context(demo_facility.run_sandbox())
        except OSError as error:
            what = f"the sandbox could not be made: {error.strerror}: {error.filename}"
            raise SaveError(f"{what}; set XDG_CACHE_HOME to where there is room") from error
        typed = {key: value for key, value in vars(asked).items() if value not in (None, False, [])}
        given = {key: value for key, value in box.settings.items() if key != "facility"}
        given["config"] = str(box.facility.directory / demo_facility.CONFIG)
        asked.settings_to_use = box.shell_exports()
        yield load(given | typed, {}, site=())


def demo(run: Run) -> ExitCode:
    """Open the UI on the sandbox, work on it as `sync` does, or only serve it until a signal comes."""
    if run.asked.headless:
        return sync(run)
    if not run.asked.serve:
        return open_screen(run)
    write(f"{run.asked.settings_to_use}\n")
    log.warning("the sandbox is served until you stop this program, with Ctrl-C for example")
    run.stop.wait()
    run.stop.check()
    return ExitCode.DONE

"""`icat-tui demo`: runs a sandbox, a whole facility on this machine, and works with its settings.

What must stay true: the user's own settings are not used, so that nothing of the sandbox is sent elsewhere.
"""

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
from icat_tui.settings.schema import Settings, own_directory

RESERVED_OPTIONS = ("queue", "config")
"""Options that are refused: they could name a broker outside of the sandbox, which would get invented datasets."""


@contextmanager
def sandbox_settings(arguments: Namespace) -> Iterator[Settings]:
    """Run the sandbox and yield the settings to work with it; options of the command line override them.

    Raises SaveError where it can't be made, UsageError for an option that names something outside of it.
    """
    for key in RESERVED_OPTIONS:
        if vars(arguments).get(key):
            raise UsageError(f"the demo works with its own facility only: leave out --{key}")
    with ExitStack() as stack:
        try:
            box = stack.enter_context(demo_facility.run_sandbox(own_directory("cache") / "sandbox"))
        except OSError as error:
            what = f"the sandbox could not be made: {error.strerror}: {error.filename}"
            raise SaveError(f"{what}; set XDG_CACHE_HOME to where there is room") from error
        typed = {key: value for key, value in vars(arguments).items() if value not in (None, False, [])}
        given = {key: value for key, value in box.settings.items() if key != "facility"}
        given["config"] = str(box.facility.directory / demo_facility.CONFIG)
        arguments.settings_to_use = box.shell_exports()
        yield load(given | typed, {}, site=())


def demo(run: Run) -> ExitCode:
    """Open the UI on the sandbox, run `sync` on it, or only serve it until a signal comes; return the exit code."""
    if run.arguments.headless:
        return sync(run)
    if not run.arguments.serve:
        return open_screen(run)
    write(f"{run.arguments.settings_to_use}\n")
    log.warning("the sandbox is served until you stop this program, with Ctrl-C for example")
    run.cancellation.wait()
    run.cancellation.check()
    return ExitCode.DONE

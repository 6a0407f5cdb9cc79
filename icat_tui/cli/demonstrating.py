"""`icat-tui demo`: a whole facility on this machine, and the settings to work with it. The user's own don't count."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from icat_tui.cli.headless import sync
from icat_tui.cli.narration import log
from icat_tui.domain.errors import ExitCode, UsageError
from icat_tui.sandbox import facility
from icat_tui.settings import Settings, load
from icat_tui.sync.cancel import Cancellation


@contextmanager
def sandbox_settings(asked: Namespace) -> Iterator[Settings]:
    """Open the sandbox and give the settings to work with it; what was typed goes before them."""
    try:
        with facility.start() as box:
            typed = {key: value for key, value in vars(asked).items() if value not in (None, False, [])}
            given = {key: value for key, value in box.settings.items() if key != "facility"}
            asked.to_use = box.settings_to_use()
            yield load({**given, **typed}, {}, site=(), user=box.facility.directory / facility.CONFIG)
    except OSError as error:
        raise UsageError(f"the sandbox could not be made: {error.strerror}: {error.filename}") from error


def demo(settings: Settings, asked: Namespace, cancellation: Cancellation) -> ExitCode:
    """Work on the sandbox as `sync` does, or only serve it until a signal comes."""
    if asked.serve:
        sys.stdout.write(f"{asked.to_use}\n")
        sys.stdout.flush()
        log.warning("the sandbox is served until you stop this program, with Ctrl-C for example")
        cancellation.wait()
        cancellation.check()
    if not asked.headless:
        raise UsageError("the screen is not in this build: use `icat-tui demo --headless`")
    return sync(settings, asked, cancellation)

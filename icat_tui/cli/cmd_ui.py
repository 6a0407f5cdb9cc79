"""Plain `icat-tui` and `icat-tui demo`: opens the terminal UI for settings and arguments.

What must stay true: only this module imports the UI, and textual is not imported before there is a terminal.
"""

import logging
import sys
from pathlib import Path

from icat_tui.cli.context import Run
from icat_tui.cli.locale_encoding import draw_by_locale
from icat_tui.cli.selected_sessions import SelectedSessions
from icat_tui.disk.known_listings import KnownListings
from icat_tui.domain.errors import ExitCode, UsageError
from icat_tui.domain.formats import AUTO
from icat_tui.services import Services
from icat_tui.settings.schema import own_directory

log = logging.getLogger("icat_tui")


def open_screen(run: Run) -> ExitCode:
    """Open the terminal UI, until it is left. Raises UsageError where there is no terminal, or nothing to show."""
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            "there is no terminal to open the UI on: use `icat-tui sync`, which does the same work without"
        )
    draw_by_locale()
    from icat_tui.tui.run import open_ui  # noqa: PLC0415 - textual is slow, and needs a terminal

    settings, arguments = run.settings, run.arguments
    services = Services(settings)
    _ = services.journal_directory  # the UI names it: where no home is known, say so before
    listings = KnownListings()

    def select() -> SelectedSessions:
        return SelectedSessions(settings, arguments, settings.format or AUTO, listings.entries)

    selected = select()
    run.cancellation.expect_receipts()
    code, line = open_ui(
        services,
        cache_dir=Path(settings.cache_dir) if settings.cache_dir else own_directory("cache"),
        found=selected.sessions,
        found_again=lambda: select().sessions(),
        narrow=selected.narrow or arguments.command == "demo",
        may_send=settings.allow_register or arguments.register,
        stop=run.cancellation,
    )
    if line:
        log.warning("%s", line)
    return code

"""Opening the UI on a terminal, and leaving the terminal as it was, whatever ends the program.

What must stay true: the first signal ends the UI in good order; if the terminal does not read any more and nothing
moves, the program ends all the same, with the terminal's modes restored. What was sent is in the journal by then, as
each record is written before its message goes out.
"""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path

from rich.console import Console

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import IcatTuiError
from icat_tui.domain.scan_events import Found
from icat_tui.services import Services
from icat_tui.text import visible
from icat_tui.tui.app import IcatTui
from icat_tui.tui.driver import TerminalDriver
from icat_tui.tui.farewell import Farewell, farewell, finish
from icat_tui.tui.screens.leave import Leaving
from icat_tui.tui.terminal import leave_at_once, terminal_modes
from icat_tui.tui.theme import theme_for
from icat_tui.tui.workspace import Workspace

log = logging.getLogger("icat_tui")
GRACE = 1.0
"""Seconds that the UI has to end by itself after a signal."""


def open_ui(  # noqa: PLR0913 - all that a UI works with
    services: Services,
    *,
    cache_dir: Path,
    found: Callable[[], Iterator[Found]],
    found_again: Callable[[], Iterator[Found]],
    narrow: bool,
    may_send: bool,
    stop: Cancellation,
) -> Farewell:
    """Open the UI on the sessions that `found` looks for, until it is left or `stop` is called off; return how.

    `found_again` looks for them anew, as often as it is called, and raises UsageError where a data root is gone.
    `narrow`: whether less than everything was asked for; `may_send`: whether a person allowed to send. Raises SaveError
    where what is known of the cache can't be saved at the end.
    """
    index = SessionIndex.load(SessionCache(cache_dir))
    workspace = Workspace(
        services=services,
        index=index,
        found=found,
        found_again=found_again,
        narrow=narrow,
        may_send=may_send,
        stop=stop,
    )
    resource_tracker.ensure_running()  # before textual takes stderr away, which it would be given
    sys.setswitchinterval(0.001)
    no_color = bool(os.environ.get("NO_COLOR"))
    theme = theme_for("dark", Console().color_system, no_color=no_color)
    app = IcatTui(workspace, theme, ansi_color=no_color or None)
    app.driver_class = TerminalDriver
    gc.freeze()  # a collection of garbage that looks at 20,000 sessions keeps a key waiting for 0.1 s
    try:
        leaving = asyncio.run(_run(app, workspace))
        if leaving == Leaving.FINISHING:
            finish(app.registrations, stop)
    finally:
        app.registrations.close()
    left = farewell(app.registrations.numbers, services.settings.config)
    if app.return_code:
        if left.line:
            log.warning("%s", left.line)
        raise _ended_by_mistake(app, services.settings.log_file)
    index.save()
    return left


def _ended_by_mistake(app: IcatTui, log_file: str | None) -> IcatTuiError:
    """Return the error for a UI that ended by one of ours, whose traceback is on stderr and in the log file."""
    error = getattr(app, "_exception", None)
    log.debug("the terminal UI ended by an error", exc_info=error)
    where = f"with the traceback in {log_file}" if log_file else "with the traceback above; --log-file FILE keeps it"
    what = f" ({type(error).__name__}: {visible(str(error))})" if error else ""
    return IcatTuiError(f"the terminal UI ended by a mistake of ours{what}: please report it, {where}")


async def _run(app: IcatTui, workspace: Workspace) -> Leaving | None:
    loop = asyncio.get_running_loop()
    ended = threading.Event()
    modes = terminal_modes()

    def stop() -> None:
        with suppress(RuntimeError):  # it has ended meanwhile
            loop.call_soon_threadsafe(app.exit)
        if not ended.wait(GRACE):
            app.registrations.close()
            leave_at_once(modes)

    unregister = workspace.stop.on_cancel(stop)
    try:
        return await app.run_async()
    finally:
        ended.set()
        unregister()

"""The app on a facility with a disk, an ICAT+, a broker and an ingester, driven by keys."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import RichLog

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.disk.find import find_sessions
from icat_tui.domain.scan_events import Found
from icat_tui.domain.selection import Selection
from icat_tui.services import Services
from icat_tui.settings.load import load
from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.dialog import Dialog, Question
from icat_tui.tui.theme import DARK
from icat_tui.tui.workspace import Workspace
from tests.support.live_facility import LiveFacility
from tests.support.ui_host import texts, until

Driver = Pilot[Any]


def a_workplace(
    facility: LiveFacility, *, narrow: bool = True, may_send: bool = True, found: list[Found] | None = None, **more: str
) -> Workspace:
    cache_dir = facility.place.directory / "cache"
    environ = {f"ICAT_TUI_{key.upper()}": value for key, value in facility.settings(**more).items()}
    settings = load({}, environ, site=(), user=facility.place.directory / "none.toml")

    def find() -> Iterator[Found]:
        return (
            iter(found)
            if found is not None
            else find_sessions(str(facility.place.root), Selection(), settings.facility, "auto")
        )

    return Workspace(
        services=Services(settings),
        found=find,
        found_again=find,
        narrow=narrow,
        may_send=may_send,
        index=SessionIndex.load(SessionCache(cache_dir)),
        stop=Cancellation(),
    )


def drive_app(
    place: Workspace, act: Callable[[IcatTui, Driver], Awaitable[None]], size: tuple[int, int] = (100, 30)
) -> IcatTui:
    """Open the app, act on it, close it, and return it."""
    resource_tracker.ensure_running()  # as `open_ui` does
    app = IcatTui(place, DARK)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)
        app.registrations.close()

    asyncio.run(run())
    return app


async def scanned(app: IcatTui, pilot: Driver) -> None:
    """Wait for the scan at the start to be shown."""
    await until(pilot, lambda: app.model.sessions and not app.scans.running)
    await until(pilot, lambda: all(row.category for row in app.model.sessions.values()))


def ready(app: IcatTui, kind: type[Dialog[Any]]) -> bool:
    """Return whether a dialog is open and hears what is typed."""
    screen = app.screen
    return isinstance(screen, kind) and (not isinstance(screen, Question) or screen.listens)


async def typed(pilot: Driver, text: str) -> None:
    await pilot.press(*text)


def shown(app: Any) -> str:
    """Return what the tree, the status line and the log say, to be read in a failure."""
    return "\n".join([*texts(app.session_tree), status_line(app), *log_lines(app)])


def status_line(app: IcatTui) -> str:
    return str(app.screen_stack[0].query_one("#status").render())


def detail(app: IcatTui) -> str:
    return str(app.screen_stack[0].query_one("#detail Static").render())


def keys_line(app: IcatTui) -> str:
    return str(app.screen_stack[0].query_one("#keys").render())


def log_lines(app: IcatTui) -> list[str]:
    pane = app.screen_stack[0].query_one(RichLog)
    if pane.size.width == 0:  # it was never shown: what is to be written waits for its width
        return [str(each.content) for each in pane._deferred_renders]
    return [line.text for line in pane.lines]


def rows(app: IcatTui) -> list[str]:
    return [row.strip() for row in texts(app.session_tree) if row.strip()]


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())

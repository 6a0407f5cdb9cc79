"""Draw the screenshots, from a facility in a box.

    python -m tests.screenshots [DIRECTORY]

By default they go to `screenshots/` at the top. What must stay true: the same program draws the same files, on whatever
machine and day. So the facility lies in a directory of a fixed name, which is drawn as it is, and is as of a fixed
day; the broker is a name only, as nothing is sent.
"""

import asyncio
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.disk.find import find_sessions
from icat_tui.domain.formats import AUTO
from icat_tui.domain.scan_events import Found
from icat_tui.domain.selection import Selection
from icat_tui.sandbox import fake_icatplus
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from icat_tui.sandbox.raw_data_tree import SITE, SandboxFacility, catalogue_state, make_facility
from icat_tui.sandbox.sample_journal import write_journal
from icat_tui.services import Services
from icat_tui.settings.load import load
from icat_tui.settings.schema import Settings
from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.confirm_plan import ConfirmPlan
from icat_tui.tui.screens.journal_screen import JournalScreen
from icat_tui.tui.screens.session_walk import SessionWalk
from icat_tui.tui.theme import DARK, LIGHT, MONO
from icat_tui.tui.widgets.journal_list import JournalList
from icat_tui.tui.workspace import Workspace
from tests.support.ui_app import detail, scanned
from tests.support.ui_host import until

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
BOX = Path("/tmp/icat-tui-screenshots")
"""Where the facility lies while it is drawn: its name can be read in the pictures."""
NOW = datetime(2026, 3, 18, 13, 30, tzinfo=UTC)
"""Day 0 of the story."""
BROKER = "127.0.0.1:61613"
PROPOSALS = ("blc15801", "ev404", "hc4812", "hg333", "ihhc3846", "ls3456", "ma6658", "mx2500")
"""Those of the story that are drawn: as many as there is room for."""
FOREIGN = ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX", "STY", "COLORTERM", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM")
"""What the terminal of whoever draws must not have a say in."""

Driver = Pilot[Any]


@dataclass(kw_only=True)
class StillWorkspace(Workspace):
    """A workplace where it is always the same time."""

    def now(self) -> datetime:
        """Return the time."""
        return NOW


@dataclass(frozen=True)
class Picture:
    """A screenshot: what is done before it is taken."""

    act: Callable[[IcatTui, Driver], Awaitable[None]]
    size: tuple[int, int] = (120, 34)
    theme: str = DARK


# -- what is done ----------------------------------------------------------------------------------------------------


async def to_session(app: IcatTui, pilot: Driver) -> None:
    """Go to the session in which something of each kind is to be done."""
    await pilot.press("g")
    for _ in app.model.rows:
        if app.model.node and "hg333" in app.model.node.place:
            break
        await pilot.press("down")
    await pilot.press("n")


async def the_tree(app: IcatTui, pilot: Driver) -> None:
    """Show a dataset of an open session, and why it is what it is."""
    await to_session(app, pilot)
    await pilot.press("right", "n", "n", "n")
    await until(pilot, lambda: "ICAT has" in detail(app) and "not counted" not in detail(app))


async def a_filter(app: IcatTui, pilot: Driver) -> None:
    """Show what a filter lets through."""
    await pilot.press("slash", *"status:unregistered silicon", "enter")
    await until(pilot, lambda: app.model.filter.active and len(app.model.sessions.shown()) == 1)
    await pilot.press("G")
    await until(pilot, lambda: "silicon" in detail(app) and "not counted" not in detail(app))


async def a_confirmation(app: IcatTui, pilot: Driver) -> None:
    """Show what is asked before anything is sent."""
    await to_session(app, pilot)
    await pilot.press("r")
    await until(pilot, lambda: isinstance(app.screen, ConfirmPlan) and app.screen.listens)
    await pilot.press("j")


async def a_walk(app: IcatTui, pilot: Driver) -> None:
    """Show a question of the walk, with its datasets."""

    def asked() -> bool:
        return isinstance(app.screen, SessionWalk) and app.screen._looked and app.screen.listens

    await pilot.press("g", "w")
    await until(pilot, asked)
    while "hg333" not in str(app.screen.query_one("#where").render()):
        await pilot.press("n")
        await until(pilot, asked)
    await pilot.press("d")


async def the_journal(app: IcatTui, pilot: Driver) -> None:
    """Show what was sent before, and what became of it."""
    await pilot.press("J")
    await until(pilot, lambda: isinstance(app.screen, JournalScreen) and app.screen.model.shown.orders)
    await pilot.press("enter", "down")
    if app.screen.query_one(JournalList).model.row.message is None:
        await pilot.press("enter", "down")
    await until(pilot, lambda: "register ->" in str(app.screen.query_one("#journal-detail Static").render()))


PICTURES = {
    "tree": Picture(the_tree),
    "confirm": Picture(a_confirmation),
    "walk": Picture(a_walk),
    "filter": Picture(a_filter),
    "journal": Picture(the_journal),
    "mono": Picture(the_tree, theme=MONO),
    "80x24": Picture(the_tree, size=(80, 24)),
    "light": Picture(the_tree, theme=LIGHT),
}


# -- how it is drawn -------------------------------------------------------------------------------------------------


@contextmanager
def the_box() -> Iterator[Path]:
    """Give the directory of the facility, new; one at a time, and gone at the end."""
    while True:
        BOX.mkdir(exist_ok=True)
        lock = os.open(BOX, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not BOX.exists() or os.fstat(lock).st_ino != BOX.stat().st_ino:
                continue  # whoever had it has removed it meanwhile
            for left in BOX.iterdir():
                shutil.rmtree(left)
            try:
                yield BOX
            finally:
                shutil.rmtree(BOX)
            return
        finally:
            os.close(lock)


def settings_of(facility: SandboxFacility, url: str, own: Path) -> Settings:
    """Return the settings to work with the facility."""
    given = {
        "data_root": [facility.data_root],
        "format": AUTO,
        "icatplus": url,
        "api_key": SANDBOX_KEY,
        "queue": [BROKER],
        "cache_dir": str(own / "cache"),
        "save_dir": str(own / "overview"),
        "state_dir": str(own / "state"),
        "facility": {"formats": dict(SITE.formats)},
    }
    return load(given, {}, site=(), user=own / "config.toml")


def workplace(settings: Settings) -> Workspace:
    """Return where the app works: with a few proposals, all of them scanned at start."""

    def found() -> Iterator[Found]:
        selection = Selection(proposals=PROPOSALS)
        return find_sessions(settings.data_root[0], selection, settings.facility, "auto")

    return StillWorkspace(
        services=Services(settings),
        found=found,
        found_again=found,
        narrow=True,
        may_send=True,
        index=SessionIndex.load(SessionCache(Path(settings.cache_dir or ""))),
        stop=Cancellation(),
    )


def draw(settings: Settings, picture: Picture) -> str:
    """Open the app, do what the picture needs, and return it as SVG."""
    mono = picture.theme == MONO
    plain = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    plain["XDG_STATE_HOME"] = "/nonexistent"  # nobody's filters, and nobody's order
    with patch.dict(os.environ, plain | ({"NO_COLOR": "1"} if mono else {}), clear=True):
        app = IcatTui(workplace(settings), picture.theme, ansi_color=mono or None)
        return asyncio.run(_drawn(app, picture))


async def _drawn(app: IcatTui, picture: Picture) -> str:
    async with app.run_test(size=picture.size) as pilot:
        await pilot.pause()
        await scanned(app, pilot)
        await picture.act(app, pilot)
        app.notices.clear()
        app.show_state()  # the age of the data is that of where the cursor is now
        await pilot.pause(0.3)  # the cursor rests, what was moved is painted
        return without_chance(app.export_screenshot(title="icat-tui"))


def without_chance(svg: str) -> str:
    """Return a picture without numbers of chance: that of rich, the ids of messages, how fast ICAT+ answers."""
    svg = re.sub(r"terminal-\d+-", "terminal-", svg)
    svg = re.sub(r"(message&#160;)[0-9a-f]{32}", rf"\g<1>{'0' * 32}", svg)
    return re.sub(r"(answers,&#160;)\d+\.\d(&#160;s)", r"\g<1>0.0\g<2>", svg)


def draw_all(directory: Path) -> list[Path]:
    """Draw all pictures into a directory, and return their files."""
    resource_tracker.ensure_running()  # as `open_ui` does
    directory.mkdir(exist_ok=True)
    drawn = []
    with the_box() as box:
        facility = make_facility(box, NOW)
        state = catalogue_state(facility)
        with fake_icatplus.serve(state) as url:
            settings = settings_of(facility, url, box / "own")
            write_journal(Path(str(settings.state_dir)), facility, state)
            for name, picture in PICTURES.items():
                drawn.append(directory / f"{name}.svg")
                drawn[-1].write_text(draw(settings, picture), encoding="utf-8")
    return drawn


if __name__ == "__main__":
    for path in draw_all(Path(sys.argv[1]) if sys.argv[1:] else SCREENSHOTS):
        print(path)

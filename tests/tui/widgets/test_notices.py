"""Notices over the panes, alone and in the app."""

import pytest
from textual.pilot import Pilot

from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.yes_no import YesNo
from icat_tui.tui.widgets.notices import Notices
from tests.support.live_facility import LiveFacility
from tests.support.names import HOSTILE_TEXTS
from tests.support.ui_app import Driver, a_workplace, drive_app, scanned
from tests.support.ui_host import drive, screen_lines, until

SIZES = [(80, 24), (40, 12)]
LONG = "this is what went wrong with all of it, and what one can do about it: " * 9


def drawn(pilot: Driver) -> str:
    return "\n".join(screen_lines(pilot.app))


def test_at_most_two_are_shown_and_equal_ones_once_with_their_count() -> None:
    async def act(pilot: Pilot[None]) -> None:
        notices = pilot.app.query_one(Notices)
        for text in ("first", "second", "third", "second", "second"):
            notices.add(text)
        assert [str(each.content()) for each in notices.shown] == ["third", "second (3×)"]  # noqa: RUF001

    drive(act, Notices)


def test_one_that_came_again_stays_as_long_as_the_last_of_them() -> None:
    async def act(pilot: Pilot[None]) -> None:
        notices = pilot.app.query_one(Notices)
        notices.add("again", seconds=0.1)
        notices.add("again", seconds=60)
        notices.add("short", seconds=0.1)
        await until(pilot, lambda: len(notices.shown) == 1)
        assert notices.shown[0].text == "again"

    drive(act, Notices)


def test_hostile_texts_are_shown_visible() -> None:
    async def act(pilot: Pilot[None]) -> None:
        notices = pilot.app.query_one(Notices)
        for text in HOSTILE_TEXTS:
            notices.add(text)
            assert all(each.text.isprintable() for each in notices.shown)
            await pilot.pause()

    drive(act, Notices)


def test_they_go_by_themselves_and_leave_nothing() -> None:
    async def act(pilot: Pilot[None]) -> None:
        notices = pilot.app.query_one(Notices)
        notices.add("short", seconds=0.1)
        await pilot.pause()
        assert notices.display
        await until(pilot, lambda: not notices.shown)
        assert not notices.display

    drive(act, Notices)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ["short", LONG])
def test_they_cover_neither_status_line_nor_keys_nor_what_is_typed_into(
    facility: LiveFacility, size: tuple[int, int], text: str
) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("slash")
        await pilot.pause()
        app.hint(text)
        app.complain(f"not {text}")
        await pilot.pause()
        assert text[:20] in drawn(pilot)
        covered = app.notices.region
        assert 2 <= covered.height <= 4
        for name in ("#status", "#keys", "#filter"):
            lower = app.screen_stack[0].query_one(name)
            assert lower.region.height
            assert not covered.overlaps(lower.region)
        assert app.session_tree.region.height > 0

    drive_app(a_workplace(facility), act, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_any_key_takes_them_away_and_does_what_it_does(facility: LiveFacility, size: tuple[int, int]) -> None:
    facility.session(unregistered=2)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        tree = app.session_tree.region
        app.hint("for a moment")
        await pilot.pause()
        assert "for a moment" in drawn(pilot)
        assert app.session_tree.region == tree
        await pilot.press("L")
        await pilot.pause()
        assert not app.notices.shown
        assert app.screen.has_class("-logging")

    drive_app(a_workplace(facility), act, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_with_a_dialog_open_they_wait_below_it(facility: LiveFacility, size: tuple[int, int]) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        app.push_screen(YesNo("\n".join(f"line {number}" for number in range(40))))
        await pilot.pause()
        box = app.screen.query_one("#box").region
        before = [line[box.x : box.right] for line in screen_lines(app)[box.y : box.bottom]]
        app.hint("it waits")
        await pilot.pause()
        assert [line[box.x : box.right] for line in screen_lines(app)[box.y : box.bottom]] == before
        await pilot.press("escape")
        await pilot.pause()
        assert "it waits" in drawn(pilot)

    drive_app(a_workplace(facility), act, size=size)

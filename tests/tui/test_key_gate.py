"""Keys that come together go where they would go one by one; no question is answered by a key meant for another."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
from textual import events
from textual.widgets import Input

from icat_tui.tui.app import IcatTui
from icat_tui.tui.key_gate import AFTER_A_DIALOG
from icat_tui.tui.screens.confirm_plan import ConfirmPlan
from icat_tui.tui.screens.dialog import QUIET, Question
from icat_tui.tui.screens.help import Help
from icat_tui.tui.screens.session_walk import SessionWalk
from icat_tui.tui.screens.yes_no import YesNo
from tests.support.live_facility import LiveFacility
from tests.support.ui_app import Driver, a_workplace, drive_app, scanned
from tests.support.ui_host import until

pytestmark = pytest.mark.patient
Act = Callable[[IcatTui, Driver], Awaitable[None]]


def type_at_once(app: IcatTui, keys: Sequence[str]) -> None:
    """Have keys come as one packet."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def hold(app: IcatTui, pilot: Driver, key: str, seconds: float) -> None:
    """Hold a key down that repeats 30 times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and app.is_running:
        app.post_message(events.Key(key, key))
        await asyncio.sleep(1 / 30)
        await pilot.pause(0)


def test_a_filter_and_its_text_in_one_packet_end_in_the_filter(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        type_at_once(app, ["slash", *"qrwA1"])
        await until(pilot, lambda: app.model.filter.names)
        await pilot.pause()
        assert app.screen_stack[0].query_one("#filter Input", Input).value == "qrwA1"
        assert len(app.screen_stack) == 1

    drive_app(a_workplace(facility), act)


def test_keys_after_one_that_opens_something_go_there(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        type_at_once(app, ["question_mark", "q", "question_mark"])
        await until(pilot, lambda: isinstance(app.screen, Help))
        type_at_once(app, ["escape", "slash", "x", "escape", "question_mark"])
        await until(pilot, lambda: isinstance(app.screen, Help) and not app.model.filter.active)

    drive_app(a_workplace(facility), act)


def test_a_key_held_down_answers_one_question_of_the_walk_at_most(facility: LiveFacility) -> None:
    for day in range(1, 5):
        facility.session(f"hg444/id10/2023100{day}", unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        type_at_once(app, "wyyyyyy")
        await until(pilot, lambda: isinstance(app.screen, SessionWalk))
        await hold(app, pilot, "y", 1.0)
        walk = app.screen
        assert isinstance(walk, SessionWalk)
        assert not walk._confirmed
        await until(pilot, lambda: walk._asked and walk.listens)
        await hold(app, pilot, "y", 1.5)
        assert len(walk._confirmed) == 1

    drive_app(a_workplace(facility), act)


def test_a_question_hears_nothing_until_no_key_was_typed_for_a_while(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        type_at_once(app, "ry")
        await until(pilot, lambda: isinstance(app.screen, ConfirmPlan))
        await hold(app, pilot, "y", 3 * QUIET)
        assert isinstance(app.screen, ConfirmPlan)
        await pilot.press("escape")  # leaving is always heard
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive_app(a_workplace(facility), act)
    assert not facility.broker.sent


@pytest.mark.slow
def test_after_a_dialog_the_tree_hears_neither_what_leaves_nor_what_sends(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        for dangerous in "qrwA":
            app.push_screen(YesNo("?"))
            await until(pilot, lambda: isinstance(app.screen, Question) and app.screen.listens)
            await pilot.press("escape", dangerous)
            await hold(app, pilot, dangerous, AFTER_A_DIALOG + 2 * QUIET)  # held on, it is none of that later either
            assert len(app.screen_stack) == 1
            assert app.is_running

    drive_app(a_workplace(facility), act)

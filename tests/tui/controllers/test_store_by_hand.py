"""Registering by hand on a facility: what is refused, what is sent, and what the rows say meanwhile."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from icat_tui.domain.status import Status
from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.confirm_message import ConfirmMessage
from icat_tui.tui.screens.store_form import StoreForm
from tests.support.icatplus import HANG
from tests.support.live_facility import LiveFacility, dataset
from tests.support.ui_app import Driver, a_workplace, drive_app, log_lines, ready, scanned
from tests.support.ui_host import until

START, END = "2023-10-19T08:30:00+02:00", "2023-10-19T08:40:00+02:00"


def status_of(app: IcatTui, session: Path, path: str) -> Status | None:
    known = app.store.at_hand(str(session))
    return next((each.status for each in known.datasets if each.path == path), None) if known else None


async def form_of(app: IcatTui, pilot: Driver, *keys: str) -> None:
    await scanned(app, pilot)
    await pilot.press(*keys, "r")
    await until(pilot, lambda: ready(app, StoreForm))


async def fill(app: IcatTui, pilot: Driver, **values: str) -> None:
    for name, value in values.items():
        app.screen.query_one(f"#{name}", Input).value = value
    await pilot.pause()


def said_in_form(app: IcatTui, name: str = "trouble") -> str:
    shown = app.screen.query_one(f"#{name}", Static)
    return str(shown.render()) if shown.display else ""


# -- r on what is invalid --------------------------------------------------------------------------------------------


def test_where_nothing_but_invalid_datasets_is_left_r_leads_to_the_form_of_the_first(facility: LiveFacility) -> None:
    session = facility.session(invalid=2, registered=1)
    facility.session("hg4/id10/20231019", registered=1)
    shown: list[str] = []

    async def act(app: IcatTui, pilot: Driver) -> None:
        await form_of(app, pilot)  # on a group, or its only session
        shown.append(str(app.screen.query_one(".title", Static).render()))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive_app(a_workplace(facility), act)
    assert shown == [dataset(session, "invalid")]


def test_where_something_can_be_sent_r_asks_about_that(facility: LiveFacility) -> None:
    facility.session(invalid=1, unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: len(app.screen_stack) > 1)
        assert not isinstance(app.screen, StoreForm)

    drive_app(a_workplace(facility), act)


# -- the way of all else ---------------------------------------------------------------------------------------------


def test_it_is_planned_at_once_pending_when_it_is_accepted_and_registered_when_icat_has_it(
    facility: LiveFacility,
) -> None:
    session = facility.session(invalid=1)
    path = dataset(session, "invalid")
    facility.ingester.waits = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await form_of(app, pilot)
        await fill(app, pilot, startDate=START, endDate=END)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: ready(app, ConfirmMessage))
        body = str(app.screen.query_one("#message TextLines", Static).render())
        assert not any("<tns:" in line for line in log_lines(app))
        await pilot.press("y")
        await until(pilot, lambda: status_of(app, session, path) is Status.PENDING)
        assert app.registrations.numbers.confirmed == 1
        (sent,) = facility.broker.sent
        assert body.replace("\n", "") == sent.body.decode()
        facility.ingester.catch_up()
        await until(pilot, lambda: status_of(app, session, path) is Status.REGISTERED)
        await until(pilot, lambda: any("order 1, 1 message confirmed: ICAT has it" in line for line in log_lines(app)))

    drive_app(a_workplace(facility, verify_wait="20s"), act)
    assert facility.told(path) == ["plan", "intent", "accepted", "seen"]


def test_a_message_that_takes_the_time_from_the_clock_is_sent_as_it_was_shown(facility: LiveFacility) -> None:
    today = datetime.now(UTC)
    session = facility.session(f"hg333/id10/{today:%Y%m%d}", invalid=2)
    os.utime(dataset(session, "invalid", "0002"))  # the newest of a session that goes on is in progress
    slot = facility.place.icatplus.state._investigations[1]
    slot["startDate"], slot["endDate"] = (
        (today - timedelta(days=1)).isoformat(),
        (today + timedelta(days=1)).isoformat(),
    )
    facility.ingester.drops = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await form_of(app, pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: ready(app, ConfirmMessage))
        await pilot.pause(1.1)  # another second
        await pilot.press("y")
        await until(pilot, lambda: len(facility.broker.sent) == 1)

    drive_app(a_workplace(facility), act)
    assert facility.told(dataset(session, "invalid"))[:3] == ["plan", "intent", "accepted"]


# -- what does not suffice -------------------------------------------------------------------------------------------


def test_why_there_is_no_message_is_said_in_the_form_and_what_was_typed_stays(facility: LiveFacility) -> None:
    facility.session(invalid=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await form_of(app, pilot)
        await fill(app, pilot, sample="typed", startDate="", endDate="")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said_in_form(app, "startDate-trouble"))
        assert "startDate, endDate can't be read from it" in said_in_form(app, "startDate-trouble")
        assert " -p " not in said_in_form(app, "startDate-trouble")
        await fill(app, pilot, startDate=END, endDate=START)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "comes before its start" in said_in_form(app, "startDate-trouble"))
        await fill(app, pilot, startDate=START, endDate=END, sample="a\x01b")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "XML can't carry" in said_in_form(app, "sample-trouble"))
        facility.place.icatplus.state._investigations.clear()
        await fill(app, pilot, sample="typed")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ICAT has no investigation of hg333 at id10" in said_in_form(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.pause(1.1)  # the tree is wary for a second
        await pilot.press("r")
        await until(pilot, lambda: ready(app, StoreForm))
        assert [app.screen.query_one(f"#{name}", Input).value for name in ("sample", "startDate", "endDate")] == [
            "typed",
            START,
            END,
        ]

    drive_app(a_workplace(facility), act)
    assert facility.broker.sent == []


@pytest.mark.slow
def test_where_icat_does_not_answer_the_form_says_so_and_esc_does_not_wait_for_it(facility: LiveFacility) -> None:
    facility.session(invalid=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await form_of(app, pilot)
        await fill(app, pilot, startDate=START, endDate=END)
        facility.place.icatplus.fault = lambda _: HANG
        await pilot.press("ctrl+s")
        await until(pilot, facility.place.icatplus.hung.is_set)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        facility.place.icatplus.fault = lambda _: (500, "broken")
        await pilot.pause(1.1)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, StoreForm))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ICAT could not be asked whether it has it" in said_in_form(app))

    drive_app(a_workplace(facility), act)
    assert facility.broker.sent == []


def test_who_may_not_send_sees_the_message_and_how_to_allow_it(facility: LiveFacility) -> None:
    facility.session(invalid=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await form_of(app, pilot)
        await fill(app, pilot, startDate=START, endDate=END)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: ready(app, ConfirmMessage))
        assert "allow_register" in str(app.screen.query_one(".warning", Static).render())
        await pilot.press("y", "escape")
        await until(pilot, lambda: ready(app, StoreForm))

    drive_app(a_workplace(facility, may_send=False), act)
    assert facility.broker.connections == 0

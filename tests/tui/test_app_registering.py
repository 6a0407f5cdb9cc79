"""Registering from the tree: what is asked, what is sent, and what of it is seen again."""

import shlex
from pathlib import Path

import pytest
from textual.widgets import Input

from icat_tui.cli.parser import parse
from icat_tui.domain.status import Category, Status
from icat_tui.sync.session_lock import locked
from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.confirm_message import ConfirmMessage
from icat_tui.tui.screens.confirm_plan import ConfirmPlan
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.order_list import OrderList
from icat_tui.tui.screens.session_walk import SessionWalk
from icat_tui.tui.screens.store_form import StoreForm
from icat_tui.tui.screens.yes_no import YesNo
from icat_tui.tui.widgets.text_pane import TextView
from icat_tui.tui.workspace import Workspace
from tests.support.journal_entries import shards_in
from tests.support.live_facility import LiveFacility, dataset
from tests.support.ports import free_port
from tests.support.ui_app import Driver, a_workplace, detail, drive_app, log_lines, ready, scanned, status_line
from tests.support.ui_host import until

START, END = "2023-10-19T08:30:00+02:00", "2023-10-19T08:40:00+02:00"
"""What a person says of a dataset whose files don't."""


def counts(app: IcatTui, session: Path) -> dict[Status, int]:
    known = app.store.at_hand(str(session))
    return known.counts if known else {}


def asks(app: IcatTui) -> bool:
    return isinstance(app.screen, SessionWalk) and app.screen._asked is not None and app.screen.listens


def test_what_is_confirmed_is_sent_and_turns_registered_once_icat_lists_it(facility: LiveFacility) -> None:
    session = facility.session(unregistered=2, registered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: counts(app, session) == {Status.REGISTERED: 3})
        await until(pilot, lambda: any("2 sent, 0 not sent, 0 unknown" in line for line in log_lines(app)))
        assert app.model.sessions[str(session)].category == Category.OK
        assert any("icat-tui sync --register" in line for line in log_lines(app))
        await until(pilot, lambda: "seen" in facility.told(dataset(session, "unregistered")))

    drive_app(a_workplace(facility, verify_wait="10s"), act)
    assert len(facility.broker.sent) == 2
    assert facility.told(dataset(session, "unregistered")) == ["plan", "intent", "accepted", "seen"]


def test_the_orders_of_this_run_are_listed_with_numbers_that_add_up(facility: LiveFacility) -> None:
    facility.session(unregistered=2, without_files=1)
    facility.ingester.waits = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: app.registrations.numbers.pending == 3)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, OrderList))
        told = app.screen.query_one(TextView).text_lines()
        assert "3 messages confirmed: 3 sent, 0 not sent, 0 unknown (3 pending)" in " ".join(told)
        facility.ingester.catch_up()
        await until(pilot, lambda: "(3 in ICAT)" in " ".join(app.screen.query_one(TextView).text_lines()))

    drive_app(a_workplace(facility, verify_wait="10s"), act)


def test_what_icat_does_not_list_yet_is_pending_and_wants_no_attention(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    facility.ingester.waits = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: counts(app, session) == {Status.PENDING: 1})
        assert app.model.sessions[str(session)].category == Category.OK

    drive_app(a_workplace(facility), act)


def test_enter_in_the_dialog_sends_nothing(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive_app(a_workplace(facility), act)
    assert facility.broker.sent == []


def test_only_what_is_marked_is_offered_and_hidden_marks_are_said(facility: LiveFacility) -> None:
    session = facility.session(unregistered=2)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("right", "right", "space", "2", "r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        assert "1 marked, 1 of them hidden by the filter" in str(app.screen.query_one(".title").render())
        await pilot.press("y")
        await until(pilot, lambda: counts(app, session).get(Status.REGISTERED) == 1)
        assert not app.model.marks

    drive_app(a_workplace(facility, verify_wait="10s"), act)
    assert len(facility.broker.sent) == 1


def forbidden_places(facility: LiveFacility) -> list[Workspace]:
    return [
        a_workplace(facility, may_send=False),
        a_workplace(facility, read_only="true"),
        a_workplace(facility, queue=""),
    ]


@pytest.mark.parametrize(("which", "how"), [(0, "allow_register"), (1, "read_only"), (2, "--queue")])
def test_whoever_may_not_send_sees_what_would_be_sent_and_how_to_allow_it(
    facility: LiveFacility, which: int, how: str
) -> None:
    facility.session(unregistered=1, without_files=1, not_uploaded=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        assert "read-only" in status_line(app)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        assert how in str(app.screen.query_one(".warning").render())
        await pilot.press("y", "escape")
        await until(pilot, lambda: not app.is_wary)
        await pilot.press("A")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y", "escape")
        await until(pilot, lambda: not app.is_wary)
        await pilot.press("w")
        await until(pilot, lambda: ready(app, SessionWalk))
        await pilot.press("y", "q")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, MessagePreview))

    drive_app(forbidden_places(facility)[which], act)
    assert facility.broker.sent == []
    assert not shards_in(facility.journal)


def test_what_is_safe_unsupervised_is_only_files_to_be_added(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1, without_files=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("A")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: counts(app, session) == {Status.REGISTERED: 1, Status.UNREGISTERED: 1})

    drive_app(a_workplace(facility, verify_wait="10s"), act)
    assert [frame.headers["destination"].rpartition("/")[2] for frame in facility.broker.sent] == ["icatDataFiles"]


def test_what_was_asked_for_before_is_not_safe_to_ask_for_again(facility: LiveFacility) -> None:
    facility.session(without_files=1)
    facility.ingester.drops = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("A")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: any("1 sent, 0 not sent" in line for line in log_lines(app)))
        await until(pilot, lambda: not app.is_wary)
        await pilot.press("A")
        await until(pilot, lambda: any("takes a confirmation of its own" in line for line in log_lines(app)))

    drive_app(a_workplace(facility, verify_wait="0s", pending_timeout="0s"), act)
    assert len(facility.broker.sent) == 1


def test_the_walk_goes_through_what_is_todo_oldest_first(facility: LiveFacility) -> None:
    newer, older = facility.session(unregistered=1), facility.session("hg444/id10/20231001", unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("w")
        await until(pilot, lambda: ready(app, SessionWalk))
        where = app.screen.query_one("#where")
        await until(pilot, lambda: "20231001" in str(where.render()) and asks(app))
        await pilot.press("n")
        await until(pilot, lambda: "20231019" in str(where.render()) and asks(app))
        await pilot.press("y")
        await until(pilot, lambda: any("1 dataset confirmed, 1 skipped" in line for line in log_lines(app)))
        await until(pilot, lambda: counts(app, newer) == {Status.REGISTERED: 1})
        assert app.model.sessions[str(older)].category == Category.TODO

    drive_app(a_workplace(facility, verify_wait="10s"), act)
    assert len(facility.broker.sent) == 1


async def open_store_form(app: IcatTui, pilot: Driver) -> None:
    await scanned(app, pilot)
    await pilot.press("right", "right")
    await until(pilot, lambda: app.model.node is not None and app.model.node.dataset)
    await pilot.press("r")
    await until(pilot, lambda: ready(app, StoreForm))


async def register_by_hand(app: IcatTui, pilot: Driver) -> None:
    await open_store_form(app, pilot)
    for name, value in (("startDate", START), ("endDate", END)):
        app.screen.query_one(f"#{name}", Input).value = value
    await pilot.press("ctrl+s")
    await until(pilot, lambda: ready(app, ConfirmMessage))
    await pilot.press("y")


def test_an_invalid_dataset_is_registered_by_hand_and_the_log_has_the_command_for_it(facility: LiveFacility) -> None:
    session = facility.session(invalid=1)
    said: list[str] = []

    async def act(app: IcatTui, pilot: Driver) -> None:
        await register_by_hand(app, pilot)
        await until(pilot, lambda: counts(app, session) == {Status.REGISTERED: 1})
        said.extend(log_lines(app))

    drive_app(a_workplace(facility, verify_wait="10s"), act)
    (sent,) = facility.broker.sent
    (line,) = [line for entry in said for line in entry.splitlines() if line.strip().startswith("$ ")]
    words = shlex.split(line)
    arguments = parse("icat-tui", words[words.index("store-raw") :])
    assert arguments.command == "store-raw"
    assert arguments.path == str(dataset(session, "invalid"))
    assert dict(arguments.parameters) == {"startDate": START, "endDate": END}
    for given in (arguments.dataset, arguments.sample, arguments.proposal, arguments.beamline):
        assert f">{given}<".encode() in sent.body


def test_nothing_says_that_it_was_sent_where_no_broker_took_it(facility: LiveFacility) -> None:
    facility.session(invalid=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await register_by_hand(app, pilot)
        await until(pilot, lambda: any("no broker took" in line.lower() for line in log_lines(app)))
        assert not any("sent: it is pending" in line for line in log_lines(app))

    drive_app(a_workplace(facility, queue=f"127.0.0.1:{free_port()}"), act)
    assert facility.broker.sent == []


def test_a_form_that_is_left_sends_nothing(facility: LiveFacility) -> None:
    facility.session(invalid=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_store_form(app, pilot)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    drive_app(a_workplace(facility), act)
    assert facility.broker.sent == []


def test_a_session_that_somebody_else_registers_says_who(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    place = a_workplace(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        with locked(place.services.journal_directory.path, str(session), place.facility):
            await pilot.press("down", "right", "left")
            await until(pilot, lambda: "being registered by" in detail(app))
            await pilot.press("r")
            await until(pilot, lambda: ready(app, ConfirmPlan))
            await pilot.press("y")
            await until(pilot, lambda: any("nothing of it was sent" in line for line in log_lines(app)))

    drive_app(place, act)
    assert facility.broker.sent == []


def test_a_session_that_was_not_scanned_is_looked_at_before_anybody_is_asked(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: app.model.sessions)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))

    drive_app(a_workplace(facility, narrow=False), act)


def test_sending_is_stopped_by_esc_and_how_far_it_came_is_said(facility: LiveFacility) -> None:
    session = facility.session(unregistered=3)
    facility.broker.script = lambda client, frame: facility.ingester.take(frame)  # no receipts

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: facility.broker.sent)
        assert "sending" in status_line(app)
        await pilot.press("escape")
        await until(pilot, lambda: ready(app, YesNo))
        await pilot.press("y")
        await until(pilot, lambda: any("sending is being stopped" in line for line in log_lines(app)))
        await until(pilot, lambda: any(line.rstrip().endswith("unknown") for line in log_lines(app)))

    drive_app(a_workplace(facility), act)
    assert session.exists()

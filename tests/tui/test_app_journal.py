"""The journal on the screen: what it shows of a journal of two users, live, and what is done from there."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from icat_tui.domain.status import Status
from icat_tui.journal.directory import user_name
from icat_tui.journal.records import SendOutcome
from icat_tui.journal.sendings import MessageState
from icat_tui.sync.session_lock import locked
from icat_tui.text import visible
from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.confirm_plan import ConfirmPlan
from icat_tui.tui.screens.confirm_resume import ConfirmResume
from icat_tui.tui.screens.help import Help
from icat_tui.tui.screens.journal_screen import JournalScreen
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.settle_form import SettleForm
from icat_tui.tui.widgets.journal_list import JournalList
from tests.support.icatplus import HANG
from tests.support.journal_entries import index_of, message, shards_in, spoil
from tests.support.journal_states import OTHER, journal_of, message_in, other_process, write_all_states
from tests.support.live_facility import LiveFacility, dataset
from tests.support.names import HOSTILE_NAMES
from tests.support.ports import free_port
from tests.support.ui_app import Driver, a_workplace, drive_app, log_lines, ready, scanned, status_line, typed
from tests.support.ui_host import screen_lines, texts, until

ME = user_name()


def journal(app: IcatTui) -> JournalScreen:
    assert isinstance(app.screen, JournalScreen), "\n".join(screen_lines(app))
    return app.screen


def listed(app: IcatTui) -> list[str]:
    return [line.strip() for line in texts(journal(app).query_one(JournalList)) if line.strip()]


def on_screen(app: IcatTui) -> str:
    return " ".join(" ".join(screen_lines(app)).split())


async def open_journal(app: IcatTui, pilot: Driver, orders: int) -> None:
    await scanned(app, pilot)
    await pilot.press("J")
    await until(pilot, lambda: len(journal(app).model.shown.orders) == orders and not journal(app).model.shown.reading)


def counts(app: IcatTui, session: Path) -> dict[Status, int]:
    known = app.store.at_hand(str(session))
    return known.counts if known else {}


def states(facility: LiveFacility) -> dict[str, MessageState]:
    return {each.id: each.state for each in index_of(facility.journal).sendings()}


# -- what is shown ---------------------------------------------------------------------------------------------------


def test_orders_of_all_users_open_to_sessions_and_messages_with_what_became_of_each(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        assert "10 messages in 2 orders" in on_screen(app)
        everything, other, ours = listed(app)
        assert "10 messages" in everything
        assert f"{OTHER} on lid99" in other
        assert "ma1 id21 20240101" in other
        assert other.endswith("!1 ?2 x1 ~1 -1 _1 =1")
        assert f"{ME} on" in ours
        assert "2 sessions" in ours
        await pilot.press("enter")
        rows = "\n".join(listed(app))
        for word in ("planned", "no receipt", "rejected", "pending", "not sent", "settled as lost", "in ICAT"):
            assert word in rows
        assert "no room left" in rows
        await pilot.press("down", "down")
        await until(pilot, lambda: "register -> icatIngest investigation 7" in on_screen(app))
        assert f"by {OTHER} on lid99" in on_screen(app)
        await pilot.press("left", "left", "G", "right")
        assert "hg333 id10 20231019" in listed(app)[-2]
        await pilot.press("q")
        await until(pilot, lambda: not isinstance(app.screen, JournalScreen))

    drive_app(a_workplace(facility), act, size=(120, 40))


def test_a_filter_narrows_it_and_what_is_no_filter_is_said_beside_the_field(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        await pilot.press("slash")
        await typed(pilot, "user:me")
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 1)
        assert "2 of 10 messages in 1 order" in on_screen(app)
        journal(app).filter_line.field.value = "user:me nobody:1"  # as pasted: typed, it would be a word first
        await until(pilot, lambda: "There is no field nobody:" in on_screen(app))
        assert len(journal(app).model.shown.orders) == 1
        await pilot.press("enter")  # it can't be kept
        assert journal(app).filter_line.display
        journal(app).filter_line.field.value = "user:me"
        await until(pilot, lambda: "There is no field" not in on_screen(app))
        await pilot.press("enter")
        assert journal(app).listing.has_focus
        assert "filter user:me" in on_screen(app)
        assert not app.model.filter.active
        await pilot.press("escape")
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 2)
        await pilot.press("slash", "up")
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 1)
        await pilot.press("escape")
        await pilot.press("slash")
        await typed(pilot, "nothing-like-this")
        await until(pilot, lambda: "No message is let through by the filter" in on_screen(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, JournalScreen))

    drive_app(a_workplace(facility), act, size=(100, 30))


def test_what_another_process_writes_comes_by_itself_and_the_cursor_stays(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)
    program = other_process(facility.state_dir, "zz9/id10/20240601", 77)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        await pilot.press("G", "right", "right", "right", "right")
        under = journal(app).model.row.message
        assert under is not None
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=Path(__file__).parents[2])
        assert await other.wait() == 0
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 3)
        assert journal(app).model.row.message == under
        assert "zz9 id10 20240601" in listed(app)[1]

    drive_app(a_workplace(facility), act)


def test_where_nothing_changes_nothing_is_drawn(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        shown = journal(app).model.shown
        feed = app.journal._feed
        assert feed is not None
        for _ in range(3):
            feed.look()
            await pilot.pause(0.1)
        assert journal(app).model.shown is shown

    drive_app(a_workplace(facility), act)


def test_a_journal_that_can_not_be_read_says_why_and_is_not_empty(facility: LiveFacility) -> None:
    facility.session(registered=1)
    spoil(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: app.is_open)
        await pilot.press("J")
        await until(pilot, lambda: "can't be read" in on_screen(app))
        assert "Nothing was confirmed yet" not in on_screen(app)
        assert not journal(app).query_one(JournalList).display

    drive_app(a_workplace(facility), act)


def test_a_damaged_line_is_told_beside_what_can_be_read(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)
    with shards_in(facility.journal)[0].open("a") as shard:
        shard.write("no record\n")

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        assert "the journal is damaged" in on_screen(app)

    drive_app(a_workplace(facility), act)


def test_an_empty_journal_says_that_nothing_was_confirmed(facility: LiveFacility) -> None:
    facility.session(registered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 0)
        await until(pilot, lambda: "Nothing was confirmed yet" in on_screen(app))
        await pilot.press("r", "V", "E", "x", "y", "enter", "left", "right", "ctrl+d", "pageup")
        assert isinstance(app.screen, JournalScreen)

    drive_app(a_workplace(facility), act, size=(40, 12))


def test_what_this_run_sends_moves_in_the_journal_while_it_is_looked_at(facility: LiveFacility) -> None:
    facility.session(unregistered=2)
    facility.ingester.waits = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmPlan))
        await pilot.press("J")
        await until(pilot, lambda: "~2" in listed(app)[0])
        facility.ingester.catch_up()
        await until(pilot, lambda: "=2" in listed(app)[0])

    drive_app(a_workplace(facility, verify_wait="20s"), act)


@pytest.mark.parametrize("name", HOSTILE_NAMES[:6])
def test_names_from_outside_are_made_visible(facility: LiveFacility, name: str) -> None:
    path = f"/data/visitor/hg333/id10/20231019/RAW_DATA/colA/{name}"
    journal_of(facility.journal, OTHER).record_plans([message(1, dataset=path)])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await pilot.press("J")
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 1)
        await pilot.press("enter", "down")
        await until(pilot, lambda: "register -> icatIngest" in on_screen(app))
        assert all(line.isprintable() for line in screen_lines(app))
        assert visible(name)[:20].split()[0] in on_screen(app)

    drive_app(a_workplace(facility), act, size=(120, 30))


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_message_is_shown_byte_for_byte_and_copied(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        await pilot.press("x")
        assert "go to a message for that" in on_screen(app)
        await pilot.press("enter", "down", "x")
        await until(pilot, lambda: isinstance(app.screen, MessagePreview))
        assert "<dataset>10 é</dataset>" in on_screen(app)
        await pilot.press("q", "y")
        await until(pilot, lambda: app.clipboard == "<dataset>10 é</dataset>")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        assert "journal.resume" in on_screen(app)

    drive_app(a_workplace(facility), act)


def test_its_keys_are_remapped_and_may_be_those_of_the_tree(facility: LiveFacility) -> None:
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await pilot.press("J")
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 2)
        await pilot.press("q", "V")
        assert isinstance(app.screen, JournalScreen)
        assert "w Close" in on_screen(app)
        await pilot.press("w")
        await until(pilot, lambda: not isinstance(app.screen, JournalScreen))

    drive_app(a_workplace(facility, narrow=False, keys="journal.leave=w"), act, size=(120, 30))


# -- resuming --------------------------------------------------------------------------------------------------------


def plan_without_a_broker(facility: LiveFacility) -> None:
    """Confirm everything in view where no broker takes it: it stays planned."""

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: any("still planned" in line for line in log_lines(app)))
        await until(pilot, lambda: "planned by you" in status_line(app))

    drive_app(a_workplace(facility, queue=f"127.0.0.1:{free_port()}"), act)
    assert facility.broker.sent == []


def test_what_is_planned_is_said_at_the_start_resumed_and_turns_registered_in_the_tree(
    facility: LiveFacility,
) -> None:
    session = facility.session(unregistered=2)
    plan_without_a_broker(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await until(pilot, lambda: "2 planned by you" in status_line(app))
        assert status_line(app).count(": J") == 1
        await open_journal(app, pilot, 1)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmResume))
        assert f"2 messages go to {facility.broker.address}" in on_screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JournalScreen))
        await until(pilot, lambda: not app.is_wary)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmResume))
        await pilot.press("y")
        await until(pilot, lambda: [*states(facility).values()] == [MessageState.SEEN] * 2)
        await until(pilot, lambda: "=2" in listed(app)[0])
        await pilot.press("q")
        await until(pilot, lambda: counts(app, session) == {Status.REGISTERED: 2})
        await until(pilot, lambda: "planned by you" not in status_line(app))
        await until(pilot, lambda: any("ICAT has all 2" in line for line in log_lines(app)))

    drive_app(a_workplace(facility, verify_wait="10s"), act)
    assert facility.told(dataset(session, "unregistered")) == ["plan", "intent", "accepted", "seen"]
    assert set(facility.ingester.locations.values()) == {1}


def test_one_session_of_an_order_is_resumed_alone_and_what_does_not_hold_is_not_sent(facility: LiveFacility) -> None:
    facility.session(registered=1)
    sessions = "hg333/id10/20231019", "hg333/id10/20231020"
    journal_of(facility.journal).record_plans([message_in(each, number) for number, each in enumerate(sessions)])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        await pilot.press("enter", "down", "r")
        await until(pilot, lambda: ready(app, ConfirmResume))
        assert "1 message goes to" in on_screen(app)
        await pilot.press("y")
        await until(pilot, lambda: "-1" in listed(app)[0])
        assert "not sent" in on_screen(app)

    drive_app(a_workplace(facility), act)
    assert states(facility) == {"m0": MessageState.SKIPPED, "m1": MessageState.PLANNED}
    assert facility.broker.sent == []


def test_above_fifty_the_number_is_typed_and_messages_of_others_are_named(facility: LiveFacility) -> None:
    facility.session(registered=1)
    journal_of(facility.journal, OTHER).record_plans([message_in("hg333/id10/20231019", n) for n in range(51)])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmResume))
        assert f"51 of them confirmed by {OTHER}, and not by you" in on_screen(app)
        await pilot.press("y", "5", "0", "enter")
        await until(pilot, lambda: "That is not 51" in on_screen(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, JournalScreen))

    drive_app(a_workplace(facility), act)
    assert facility.broker.sent == []


@pytest.mark.parametrize("may_send", [False, True])
def test_where_nothing_may_be_sent_resuming_says_why(facility: LiveFacility, may_send: bool) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        await pilot.press("r")
        await until(pilot, lambda: ("read_only" if may_send else "allow_register") in on_screen(app))
        assert isinstance(app.screen, JournalScreen)

    place = (
        a_workplace(facility, may_send=True, read_only="true") if may_send else a_workplace(facility, may_send=False)
    )
    drive_app(place, act)


def test_what_somebody_is_sending_is_not_resumed(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    plan_without_a_broker(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        assert "planned by you" not in status_line(app)
        await pilot.press("r")
        await until(pilot, lambda: "being sent now" in on_screen(app))

    place = a_workplace(facility)
    with locked(facility.state_dir, str(session), place.facility):
        drive_app(place, act)


@pytest.mark.patient
def test_a_key_held_down_asks_once(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmResume))
        await pilot.press("escape", "r", "r", "r", "E")
        await pilot.pause(0.2)
        assert isinstance(app.screen, JournalScreen)

    drive_app(a_workplace(facility), act)


# -- asking ICAT -----------------------------------------------------------------------------------------------------


def send_and_lose(facility: LiveFacility) -> None:
    """Send something that ICAT has not ingested yet."""
    facility.ingester.waits = True

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: MessageState.ACCEPTED in states(facility).values())

    drive_app(a_workplace(facility), act)


def test_what_icat_has_got_meanwhile_is_in_icat_after_v_and_in_the_tree(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    send_and_lose(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        await pilot.press("V")
        await until(pilot, lambda: "0 seen in ICAT, 1 pending, 0 could not be looked for" in on_screen(app))
        facility.ingester.catch_up()
        await pilot.press("V")
        await until(pilot, lambda: "1 seen in ICAT" in on_screen(app))
        await until(pilot, lambda: listed(app)[0].endswith("=1"))
        await until(pilot, lambda: counts(app, session) == {Status.REGISTERED: 1})
        await pilot.press("V")
        assert "nothing is pending here" in on_screen(app)

    drive_app(a_workplace(facility), act)
    assert facility.told(dataset(session, "unregistered"))[-1] == "seen"


def test_esc_stops_asking_an_icat_that_hangs_at_once(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    send_and_lose(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        facility.place.icatplus.hung.clear()
        facility.place.icatplus.fault = lambda _: HANG
        await pilot.press("V")
        assert "asking ICAT about 1 message: esc stops it" in on_screen(app)
        await until(pilot, facility.place.icatplus.hung.is_set)
        assert "esc Stop asking" in on_screen(app)
        assert [each.noun for each in app.activities] == ["asking ICAT"]
        begun = time.monotonic()
        await pilot.press("escape")
        await until(pilot, lambda: "stopped: ICAT is asked no more" in on_screen(app))
        assert not app.journal.verifying
        assert time.monotonic() - begun < 1
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, JournalScreen))

    drive_app(a_workplace(facility), act)
    assert facility.told(dataset(session, "unregistered"))[-1] == "accepted"


def test_what_could_not_be_looked_for_says_why_and_stays_pending(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    send_and_lose(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        facility.place.icatplus.fault = lambda _: (403, "no")
        await pilot.press("V")
        await until(pilot, lambda: "1 could not be looked for:" in on_screen(app))

    drive_app(a_workplace(facility), act)
    assert facility.told(dataset(session, "unregistered"))[-1] == "accepted"


def test_without_an_icat_to_ask_that_is_said(facility: LiveFacility) -> None:
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await pilot.press("J")
        await until(pilot, lambda: len(journal(app).model.shown.orders) == 2)
        await pilot.press("V")
        await until(pilot, lambda: "ICAT could not be asked: no ICAT+ is known" in on_screen(app))
        assert not app.journal.verifying

    drive_app(a_workplace(facility, narrow=False, icatplus=""), act)


# -- settling --------------------------------------------------------------------------------------------------------


def test_a_person_says_what_became_of_what_is_pending_with_a_reason(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    send_and_lose(facility)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        assert counts(app, session) == {Status.PENDING: 1}
        await pilot.press("E")
        await until(pilot, lambda: ready(app, SettleForm))
        await pilot.press("l", "enter")
        await until(pilot, lambda: "A reason is needed" in on_screen(app))
        await typed(pilot, "ICAT was restored")
        await pilot.press("enter")
        await until(pilot, lambda: "settled as lost" in on_screen(app))
        await until(pilot, lambda: counts(app, session) == {Status.UNREGISTERED: 1})

    drive_app(a_workplace(facility), act)
    (settled,) = [each for each in facility.records if each.settled]
    assert (settled.settled, settled.words, settled.user) == ("lost", "ICAT was restored", ME)


def test_the_form_can_be_filled_in_on_forty_columns_by_twelve_lines(facility: LiveFacility) -> None:
    facility.session(registered=1)
    write_all_states(facility.journal)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 2)
        await pilot.press("E")
        await until(pilot, lambda: ready(app, SettleForm))
        await pilot.press("a")
        await typed(pilot, "seen in the portal")
        assert "seen in the portal" in on_screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: states(facility)["m12"] is MessageState.SEEN)

    drive_app(a_workplace(facility), act, size=(40, 12))


def test_of_many_only_what_is_pending_is_settled(facility: LiveFacility) -> None:
    facility.session(registered=1)
    ours = journal_of(facility.journal)
    messages = [message_in("hg333/id10/20231019", number) for number in range(3)]
    ours.record_plans(messages)
    ours.record_intents(messages[:2])
    ours.record_outcomes([(messages[0], SendOutcome.UNKNOWN, ""), (messages[1], SendOutcome.REJECTED, "no")])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await open_journal(app, pilot, 1)
        await pilot.press("E")
        await until(pilot, lambda: ready(app, SettleForm))
        assert "What became of 1 message?" in on_screen(app)
        await pilot.press("a")
        await typed(pilot, "seen in the portal")
        await pilot.press("enter")
        await until(pilot, lambda: states(facility)["m0"] is MessageState.SEEN)

    drive_app(a_workplace(facility), act)
    assert {state for name, state in states(facility).items() if name != "m0"} == {
        MessageState.REJECTED,
        MessageState.PLANNED,
    }

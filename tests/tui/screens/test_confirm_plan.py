import asyncio
from collections import Counter
from datetime import UTC
from functools import partial

import pytest
from msgspec import structs
from textual import events
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Button, Static

from icat_tui.domain.status import Category, Status
from icat_tui.sync.plan import Declined, Offer, Plan, make_plan
from icat_tui.text import visible
from icat_tui.tui.screens.confirm_plan import Confirmation, ConfirmPlan
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.send_question import MANY
from icat_tui.tui.theme import DARK
from tests.support.names import HOSTILE_TEXTS
from tests.support.ui_dialogs import NOTHING, TERMS, Outcome, ask, looked_at, plan_of, press, session_of, words
from tests.support.ui_host import Host, screen_lines, until

NEW, BARE = Status.UNREGISTERED, Status.REGISTERED_WITHOUT_FILES
FORBIDDEN = "nothing is sent, as nobody allowed it: give --register"


def about(*plans: Plan, **more: object) -> ConfirmPlan:
    return ConfirmPlan(Confirmation(plans=plans, target="broker:61613", zone=UTC, **more))  # type: ignore[arg-type]  # by name


def groups(result: tuple[Plan, ...]) -> list[tuple[Status, bool, int]]:
    return [(group.status, group.again, len(group.offers)) for plan in result for group in plan.groups]


def test_cancel_has_the_focus_and_enter_cancels() -> None:
    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        assert isinstance(pilot.app.focused, Button)
        await pilot.press("enter")
        await until(pilot, lambda: outcome.result is None)

    assert ask(lambda: about(plan_of(NEW)), act) is None


@pytest.mark.parametrize("key", ["escape", "enter"])
def test_leaving_sends_nothing(key: str) -> None:
    assert press(lambda: about(plan_of(NEW)), key) is None


@pytest.mark.parametrize("key", ["n", "j", "Y", "tab", "space", "r", "down", "5"])
def test_no_other_key_than_y_confirms(key: str) -> None:
    assert press(lambda: about(plan_of(NEW)), key) is NOTHING


def test_y_confirms_the_plan_as_it_was_shown() -> None:
    plans = plan_of(NEW, BARE), plan_of(NEW, date="20231020")
    assert press(lambda: about(*plans), "y") == plans


def test_what_looks_moved_is_off_at_first() -> None:
    session = session_of(NEW, NEW)
    moved = structs.replace(session.datasets[1], moved="looks moved: ICAT has it there")
    plan = make_plan(structs.replace(session, datasets=(session.datasets[0], moved)), TERMS)
    assert groups(press(lambda: about(plan), "y")) == [(NEW, False, 1)]
    assert "looks moved: ICAT has it there" in words(looked_at(lambda: about(plan)))


def test_what_was_sent_before_is_off_at_first() -> None:
    plan = plan_of(NEW, NEW, BARE, sent=[1])
    assert groups(press(lambda: about(plan), "y")) == [(NEW, False, 1), (BARE, False, 1)]


def test_space_switches_the_group_under_the_cursor_and_back() -> None:
    plan = plan_of(NEW, NEW, BARE)
    assert groups(press(lambda: about(plan), "space", "y")) == [(BARE, False, 1)]
    assert groups(press(lambda: about(plan), "j", "space", "space", "y")) == [(NEW, False, 2), (BARE, False, 1)]
    assert groups(press(lambda: about(plan), "n", "space", "y")) == [(NEW, False, 2)]


def test_where_everything_is_off_y_does_nothing() -> None:
    assert press(lambda: about(plan_of(NEW)), "space", "y") is NOTHING
    assert "Nothing is switched on" in words(looked_at(lambda: about(plan_of(NEW)), "space"))


def test_what_was_sent_before_is_sent_once_it_is_switched_on() -> None:
    assert groups(press(lambda: about(plan_of(NEW, sent=[0])), "y", "space", "y")) == [(NEW, True, 1)]


def test_many_take_their_number() -> None:
    plan = plan_of(*[NEW] * (MANY + 1))
    assert press(lambda: about(plan), "y") is NOTHING
    assert press(lambda: about(plan), "y", "y", "enter") is NOTHING
    assert press(lambda: about(plan), "y", "5", "0", "enter") is NOTHING
    assert press(lambda: about(plan), "y", "5", "1", "enter") == (plan,)
    assert press(lambda: about(plan_of(*[NEW] * MANY)), "y") is not NOTHING
    assert "That is not 51: nothing is sent" in words(looked_at(lambda: about(plan), "y", "5", "0", "enter"))


def test_the_number_is_that_of_what_is_switched_on() -> None:
    plan = plan_of(*[NEW] * 60, BARE)
    assert press(lambda: about(plan), "n", "space", "y", "6", "1", "enter") is NOTHING
    assert groups(press(lambda: about(plan), "n", "space", "y", "6", "0", "enter")) == [(NEW, False, 60)]


def test_keys_typed_before_the_dialog_was_painted_do_not_count() -> None:
    outcome = Outcome()

    async def run() -> None:
        host = Host([Static(Content("under it"))], DARK, ansi_color=None)
        async with host.run_test() as pilot:
            await pilot.pause()
            early = [events.Key("y", "y") for _ in range(4)]
            host.post_message(early[0])  # on its way before there is a dialog
            screen = about(plan_of(NEW))
            host.push_screen(screen, outcome.results.append)
            host.post_message(early[1])
            await until(pilot, lambda: screen.is_mounted)
            host.post_message(early[2])
            await until(pilot, lambda: screen.listens)
            host.post_message(early[3])  # typed before, though it comes only now
            await pilot.pause()
            assert outcome.result is NOTHING
            await pilot.press("y")
            await pilot.pause()

    asyncio.run(run())
    assert groups(outcome.result) == [(NEW, False, 1)]


@pytest.mark.parametrize("keys", [["y"], ["space", "space", "y"], ["y", "5", "1", "enter"], ["y", "enter"]])
def test_where_nothing_can_be_sent_nothing_is_and_it_says_how_to_allow_it(keys: list[str]) -> None:
    for number in (1, 51):
        plan = plan_of(*[NEW] * number)
        assert press(partial(about, plan, forbidden=FORBIDDEN), *keys) in (NOTHING, None)
    told = words(looked_at(lambda: about(plan_of(NEW), forbidden=FORBIDDEN)))
    assert FORBIDDEN in told
    assert "1 message would go to broker:61613" in told
    assert "y send" not in told


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_hidden_marks_are_said_first_then_warnings_then_the_groups(size: tuple[int, int]) -> None:
    plan = plan_of(NEW, NEW, sent=[1], category=Category.TODO_ONGOING)
    told = words(looked_at(lambda: about(plan, marked=12, hidden=3), size=size))
    order = ["12 marked, 3 of them hidden by the filter", "hg333 id99 20231019", "! the session is not over"]
    assert sorted(order, key=told.index) == order
    told = words(looked_at(lambda: about(plan, marked=12, hidden=3)))
    order += ["! 1 of these were sent before", "[x] ! 1 dataset unregistered -> icatIngest", "[ ] ! 1 dataset"]
    assert sorted(order, key=told.index) == order
    assert told.index("sent 2026-01-01 by opid99") > told.index("[ ] ! 1 dataset")


def test_declined_datasets_are_told_with_their_reasons() -> None:
    plan = plan_of(NEW)
    declined = Declined(plan.session.datasets[0], "its investigation is far")
    told = words(looked_at(lambda: about(structs.replace(plan, declined=(declined,)))))
    assert "not sent: colA/colA_0000: its investigation is far" in told


def test_x_previews_the_message_under_the_cursor_and_confirms_nothing() -> None:
    plan = plan_of(NEW, NEW, BARE)
    bodies: list[str] = []

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        for keys in (["x"], ["j", "j", "x"], ["n", "x"]):
            await pilot.press(*keys)
            await until(pilot, lambda: isinstance(pilot.app.screen, MessagePreview))
            await pilot.pause()
            bodies.append(words(screen_lines(pilot.app)))
            await pilot.press("y", "escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmPlan))
        assert outcome.result is NOTHING

    ask(lambda: about(plan), act)
    assert "<tns:name>0000</tns:name>" in bodies[0]
    assert "<tns:name>0001</tns:name>" in bodies[1]
    assert '{"datasetId": 3}' in bodies[2]


def test_hostile_texts_are_shown_visible_and_are_no_markup() -> None:
    offer = next(iter(plan_of(NEW).offers))
    texts = [text for text in HOSTILE_TEXTS if len(text) < 100]
    datasets = [structs.replace(offer.dataset, path=f"/elsewhere/{text}", sent=text) for text in texts]
    group = structs.replace(
        plan_of(NEW).groups[0], offers=tuple(Offer(each, offer.message, (each.sent or "",)) for each in datasets)
    )
    declined = tuple(Declined(dataset, dataset.sent or "") for dataset in datasets)
    plan = structs.replace(plan_of(NEW), groups=(group,), warnings=tuple(texts), declined=declined)
    lines = looked_at(lambda: about(plan, forbidden="\n[x]\x1b[/x]"), size=(150, 700))
    assert all(line.isprintable() for line in lines)
    assert "\\n[x]\\x1b[/x]" in words(lines)
    found = Counter(line.strip("│ ▁▂▃▄▅▆▇█") for line in lines)
    for text in texts:
        shown_as = visible(text).rstrip()
        assert found[f"! {shown_as}".strip()] == 1, text
        assert found[f"/elsewhere/{shown_as}"] == 1, text
        assert found[shown_as.lstrip()] >= 2 or not shown_as.strip(), text
        assert found[f"not sent: /elsewhere/{visible(text)}: {shown_as}".rstrip()] == 1, text


@pytest.mark.parametrize("text", ["[/x]", "a[b]c", "\x1b[31m", "\u202egnp"])
def test_a_hostile_proposal_and_target_are_shown_visible(text: str) -> None:
    plan = plan_of(NEW)
    directory = structs.replace(plan.session.directory, proposal=text)
    plan = structs.replace(plan, session=structs.replace(plan.session, directory=directory))
    lines = looked_at(lambda: ConfirmPlan(Confirmation(plans=(plan,), target=text, zone=UTC)))
    assert all(line.isprintable() for line in lines)
    assert f"{visible(text)} id99 20231019" in words(lines)
    assert f"1 message goes to {visible(text)}" in words(lines)

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from msgspec import structs
from textual import events
from textual.pilot import Pilot

from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Fit, Investigation, Match, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.sync.plan import Declined, Plan, make_plan, needs_choice
from icat_tui.text import visible
from icat_tui.tui.screens.choose_investigation import ChooseInvestigation
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.session_walk import SessionWalk
from tests.support.names import HOSTILE_TEXTS
from tests.support.samples import a_directory
from tests.support.time_slot import END, FACILITY, START
from tests.support.ui_dialogs import NOTHING, TERMS, Outcome, ask, plan_of, session_of, words
from tests.support.ui_host import screen_lines, until

NEW, BARE = Status.UNREGISTERED, Status.REGISTERED_WITHOUT_FILES
DAYS = ["20231001", "20231002", "20231003"]
Found = Callable[[], Plan | None]


class WalkGuide:
    """Finds what it is told, and remembers what it was asked to do."""

    def __init__(self, forbidden: str = "", **found: Found) -> None:
        self.forbidden = forbidden
        self.found = {day.removeprefix("d"): plan for day, plan in found.items()}
        self.target, self.facility, self.stop = "broker:61613", FACILITY, Cancellation()
        self.looked: list[str] = []
        self.chosen: list[int | None] = []
        self.sent: list[Plan] = []

    def plan(self, directory: SessionDirectory, chosen: int | None) -> Plan | None:
        self.chosen.append(chosen)
        self.looked.append(directory.date)
        find = self.found.get(directory.date)
        return find() if find else plan_of(NEW, BARE, date=directory.date)

    def needs_choice(self, plan: Plan, chosen: int | None) -> bool:
        return needs_choice(plan.session, structs.replace(TERMS, chosen=chosen))

    def send(self, plan: Plan, chosen: int | None) -> None:
        self.sent.append(plan)

    def summary(self) -> str:
        return f"{len(self.sent)} sent [x]"

    @property
    def names(self) -> list[tuple[str, Status]]:
        return [(plan.session.directory.date, group.status) for plan in self.sent for group in plan.groups]


def asked(pilot: Pilot[Any]) -> str:
    return words(screen_lines(pilot.app))


def walk(
    guide: WalkGuide, *steps: tuple[str, str], days: Sequence[str] = DAYS, size: tuple[int, int] = (80, 24)
) -> Any:
    """Walk: press a key once a text is shown, again and again."""

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        for text, key in steps:
            await until(pilot, partial(asks, pilot, text))
            await pilot.press(key)

    return ask(lambda: SessionWalk([a_directory(date=day) for day in days], guide), act, size)


def asks(pilot: Pilot[None], text: str) -> bool:
    return text in asked(pilot) and _settled(pilot)


def _settled(pilot: Pilot[None]) -> bool:
    screen = pilot.app.screen
    return isinstance(screen, SessionWalk) and screen.listens


def at(number: int, status: Status = NEW, of: int = 3) -> str:
    slot = "investigation 7, 19 Oct 2023, 08:00 to 24 Oct 08:00: the session is inside"
    return (
        f"{number} of {of}: hg333 id99 {DAYS[number - 1]} {slot} {status.glyph} Send 1 dataset that is {status.word}?"
    )


def test_each_group_is_asked_in_the_order_of_sending_and_the_walk_ends_with_a_summary() -> None:
    guide = WalkGuide()
    result = walk(
        guide, (at(1), "y"), (at(1, BARE), "n"), (at(2), "n"), (at(2, BARE), "y"), (at(3), "y"), (at(3, BARE), "y")
    )
    assert guide.names == [(DAYS[0], NEW), (DAYS[1], BARE), (DAYS[2], NEW), (DAYS[2], BARE)]
    assert guide.looked == DAYS
    assert result == "Walk: 4 datasets confirmed, 2 skipped; 4 sent [x]"


@pytest.mark.parametrize("key", ["q", "escape"])
def test_one_may_leave_at_any_time(key: str) -> None:
    guide = WalkGuide()
    assert walk(guide, (at(1), "y"), (at(1, BARE), key)) == "Walk: 1 dataset confirmed, 0 skipped; 1 sent [x]"


def test_going_back_looks_afresh_and_shows_what_was_skipped() -> None:
    guide = WalkGuide()
    walk(
        guide, (at(1), "n"), (at(1, BARE), "n"), (at(2), "b"), (at(1, BARE) + " (skipped before)", "b"),
        (at(1) + " (skipped before)", "y"), (at(1, BARE), "y"), (at(2), "q"),
    )  # fmt: skip
    assert guide.looked == [DAYS[0], DAYS[1], DAYS[0], DAYS[1]]
    assert guide.names == [(DAYS[0], NEW), (DAYS[0], BARE)]


def test_what_was_confirmed_is_not_sent_again_by_going_back_within_a_session() -> None:
    guide = WalkGuide()
    walk(guide, (at(1), "y"), (at(1, BARE), "b"), (at(1) + " (confirmed: n goes on)", "y"), (at(1, BARE), "q"))
    assert guide.names == [(DAYS[0], NEW)]


def test_what_was_confirmed_is_not_offered_again_by_going_back_to_a_session() -> None:
    guide = WalkGuide()
    result = walk(
        guide, (at(1), "y"), (at(1, BARE), "n"), (at(2), "b"), (at(1, BARE) + " (skipped before)", "y"),
        (at(2), "b"), ("Nothing is left to be sent here", "y"), ("Nothing is left to be sent here", "n"), (at(2), "q"),
    )  # fmt: skip
    assert guide.names == [(DAYS[0], NEW), (DAYS[0], BARE)]
    assert result == "Walk: 2 datasets confirmed, 0 skipped; 2 sent [x]"


def test_what_has_come_up_since_is_offered_beside_what_was_confirmed() -> None:
    found = [plan_of(NEW, date=DAYS[0]), plan_of(NEW, NEW, date=DAYS[0])]
    guide = WalkGuide(d20231001=lambda: found.pop(0))
    walk(guide, (at(1), "y"), (at(2), "b"), (at(1), "y"), (at(2), "q"))
    first, second = (list(plan.offers) for plan in guide.sent)
    assert [offer.dataset.name for offer in first + second] == ["0000", "0001"]


def test_a_session_where_nothing_is_left_is_passed_over() -> None:
    guide = WalkGuide(d20231001=plan_of, d20231003=lambda: plan_of(Status.REGISTERED))
    walk(guide, (at(2), "n"), (at(2, BARE), "n"))
    assert guide.looked == DAYS


def test_a_session_of_which_nothing_can_be_sent_says_why() -> None:
    plan = plan_of(NEW, NEW, NEW, NEW, date=DAYS[0])
    far = tuple(Declined(dataset, "its investigation is far") for dataset in plan.session.datasets)
    guide = WalkGuide(
        d20231001=lambda: structs.replace(plan, groups=(), declined=far[:1]),
        d20231002=lambda: structs.replace(plan, groups=(), declined=far),
    )
    walk(
        guide, ("not sent: colA/colA_0000: its investigation is far", "y"), ("1 of 3", "n"),
        ("4 datasets can't be sent: d says why", "d"), ("colA_0003: its investigation is far", "n"), (at(3), "q"),
    )  # fmt: skip
    assert not guide.sent


def broken() -> Plan:
    raise OSError("the disk [/x] is\x1b gone")


def test_a_session_that_cannot_be_looked_at_says_so_and_n_goes_on() -> None:
    guide = WalkGuide(d20231001=broken, d20231002=lambda: None)
    walk(
        guide, ("It could not be looked at (OSError: the disk [/x] is\\x1b gone): n goes on", "y"),
        ("1 of 3", "d"), ("could not be looked at", "x"), ("1 of 3", "n"),
        ("2 of 3: hg333 id99 20231002 It could not be looked at: n goes on", "y"), ("2 of 3", "n"), (at(3), "b"),
        ("2 of 3: hg333 id99 20231002 It could not be looked at", "n"), (at(3), "q"),
    )  # fmt: skip
    assert not guide.sent


def test_nothing_is_answered_while_a_session_is_looked_at() -> None:
    go = threading.Event()

    def slow() -> Plan:
        go.wait(30)
        return plan_of(NEW, date=DAYS[1])

    guide = WalkGuide(d20231002=slow)

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        for text, key in ((at(1), "n"), (at(1, BARE), "n"), *(("looking at it", key) for key in "ynxd")):
            await until(pilot, partial(asks, pilot, text))
            await pilot.press(key)
        assert "2 of 3: hg333 id99 20231002 looking at it" in asked(pilot)
        go.set()
        await until(pilot, lambda: at(2) in asked(pilot))
        assert outcome.result is NOTHING
        assert not guide.sent

    ask(lambda: SessionWalk([a_directory(date=day) for day in DAYS], guide), act)


def test_a_key_that_was_typed_before_its_question_was_painted_answers_nothing() -> None:
    guide = WalkGuide()

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await until(pilot, lambda: at(1) in asked(pilot) and _settled(pilot))
        twice = [events.Key("y", "y"), events.Key("y", "y")]
        pilot.app.post_message(twice[0])
        await until(pilot, lambda: at(1, BARE) in asked(pilot) and _settled(pilot))
        pilot.app.post_message(twice[1])
        for _turn in range(5):
            pilot.app.post_message(events.Key("j", "j"))
            await pilot.pause()
        assert at(1, BARE) in asked(pilot)

    ask(lambda: SessionWalk([a_directory(date=day) for day in DAYS], guide), act)
    assert guide.names == [(DAYS[0], NEW)]


def test_as_many_datasets_are_listed_as_fit_and_all_by_d() -> None:
    guide = WalkGuide(d20231001=lambda: plan_of(*[NEW] * 45, date=DAYS[0]))

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await until(pilot, lambda: "more: d lists them" in asked(pilot) and _settled(pilot))
        assert "colA/colA_0005" in asked(pilot)
        assert "45 messages go to broker:61613" in asked(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "d lists them" not in asked(pilot))
        await pilot.press("G")
        await until(pilot, lambda: "colA/colA_0044" in asked(pilot))

    ask(lambda: SessionWalk([a_directory(date=DAYS[0])], guide), act)


def test_a_yes_to_more_than_fifty_takes_their_number() -> None:
    guide = WalkGuide(d20231001=lambda: plan_of(*[NEW] * 51, date=DAYS[0]))

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await until(pilot, lambda: "51 messages go to broker:61613" in asked(pilot) and _settled(pilot))
        await pilot.press("y", "5", "0", "enter")
        await until(pilot, lambda: "That is not 51: nothing is sent" in asked(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "51 messages go to broker:61613" in asked(pilot))
        assert outcome.result is NOTHING
        assert not guide.sent
        await pilot.press("y", "5", "1", "enter")

    result = ask(lambda: SessionWalk([a_directory(date=DAYS[0])], guide), act)
    assert result == "Walk: 51 datasets confirmed, 0 skipped; 1 sent [x]"


@pytest.mark.parametrize("match", [Match.FAR, Match.AMBIGUOUS])
def test_where_the_investigation_is_not_sure_it_is_chosen_first(match: Match) -> None:
    slots = [Investigation(number, "HG-333", START, END, f"slot {number}") for number in (11, 12)]
    fit = Fit(id=11, match=match, target=END, start=START, end=END)
    session = structs.replace(session_of(NEW, BARE, date=DAYS[0]), fit=fit, candidates=tuple(slots))

    def find() -> Plan:
        return make_plan(session, structs.replace(TERMS, chosen=guide.chosen[-1]))

    guide = WalkGuide(d20231001=find)

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await until(pilot, lambda: "Which investigation is it?" in asked(pilot) and _settled(pilot))
        assert "12: 19 Oct 2023, 08:00 to 24 Oct 08:00, the session is inside, slot 12" in asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseInvestigation) and pilot.app.screen.listens)
        await pilot.press("1", "1", "enter")
        await until(pilot, lambda: f"Send 1 dataset that is {NEW.word}?" in asked(pilot) and _settled(pilot))
        assert "investigation 11 was chosen by hand" in asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: f"Send 1 dataset that is {BARE.word}?" in asked(pilot) and _settled(pilot))
        await pilot.press("q")

    ask(lambda: SessionWalk([a_directory(date=DAYS[0])], guide), act)
    assert guide.chosen == [None, 11]
    assert guide.names == [(DAYS[0], NEW)]


def test_going_on_without_a_choice_still_asks_for_what_needs_none() -> None:
    fit = Fit(id=11, match=Match.FAR, target=END, start=START, end=END)
    session = structs.replace(session_of(NEW, BARE, date=DAYS[0]), fit=fit)
    guide = WalkGuide(d20231001=lambda: make_plan(session, TERMS))

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await until(pilot, lambda: "Which investigation is it?" in asked(pilot) and _settled(pilot))
        await pilot.press("n")
        await until(pilot, lambda: f"Send 1 dataset that is {BARE.word}?" in asked(pilot) and _settled(pilot))
        await pilot.press("y")

    ask(lambda: SessionWalk([a_directory(date=DAYS[0])], guide), act)
    assert guide.names == [(DAYS[0], BARE)]


def test_the_datasets_are_listed_and_x_shows_a_message() -> None:
    guide = WalkGuide(d20231001=lambda: plan_of(NEW, NEW, date=DAYS[0], sent=[0, 1], category=Category.TODO_ONGOING))

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        text = "! the session is not over: BLISS may still register some of this"
        await until(pilot, lambda: text in asked(pilot) and _settled(pilot))
        assert "Send 2 datasets that are unregistered, sent before and not in ICAT?" in asked(pilot)
        assert "colA/colA_0001 sent 2026-01-01 by opid99" in asked(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, MessagePreview))
        await until(pilot, lambda: "<tns:name>0000</tns:name>" in asked(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionWalk))

    ask(lambda: SessionWalk([a_directory(date=day) for day in DAYS], guide), act)
    assert not guide.sent


def test_where_nothing_can_be_sent_it_says_what_would_be_and_how_to_allow_it() -> None:
    guide = WalkGuide(forbidden="give --register")
    would = "! Would be sent: 1 dataset that is unregistered give --register"
    walk(guide, (would, "y"), (would, "n"), ("o Would be sent", "q"), size=(80, 24))
    assert not guide.sent


def test_it_can_be_answered_on_a_small_screen() -> None:
    guide = WalkGuide()
    walk(guide, ("Send 1 dataset that is unregistered?", "y"), ("registered without files?", "q"), size=(40, 12))
    assert guide.names == [(DAYS[0], NEW)]


def test_hostile_texts_are_shown_visible_and_are_no_markup() -> None:
    texts = [text for text in HOSTILE_TEXTS if len(text) < 100]
    plan = plan_of(NEW)
    (group,) = plan.groups
    (offer,) = group.offers
    datasets = [structs.replace(offer.dataset, path=f"/else/{text}", reasons=(text,), sent=text) for text in texts]
    group = structs.replace(group, offers=tuple(structs.replace(offer, dataset=dataset) for dataset in datasets))
    declined = tuple(Declined(dataset, text) for dataset, text in zip(datasets, texts, strict=True))
    plan = structs.replace(plan, groups=(group,), warnings=tuple(texts), declined=declined)
    lines: list[str] = []

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await until(pilot, lambda: "Send" in asked(pilot) and _settled(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "/else/" in asked(pilot))
        lines.extend(screen_lines(pilot.app))

    directory = structs.replace(a_directory(date=DAYS[0]), proposal="[/x]\x1b")
    ask(lambda: SessionWalk([directory], WalkGuide(d20231001=lambda: plan)), act, (150, 700))
    assert all(line.isprintable() for line in lines)
    told = words(lines)
    assert "1 of 1: [/x]\\x1b id99 20231001" in told
    assert "0 sent [x]" in told
    for text in texts:
        once = " ".join(f"! {visible(text)}".split())
        assert once in told, text
        for said in (f"/else/{visible(text)}", f"not sent: /else/{visible(text)}: {visible(text)}"):
            assert " ".join(said.split()) in told, text

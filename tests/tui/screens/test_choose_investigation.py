import pytest
from msgspec import structs
from textual.pilot import Pilot

from icat_tui.domain.model import Fit, Investigation, Match, Session
from icat_tui.domain.status import Status
from icat_tui.text import visible
from icat_tui.tui.screens.choose_investigation import ChooseInvestigation
from tests.support.names import HOSTILE_TEXTS
from tests.support.time_slot import END, FACILITY, START
from tests.support.ui_dialogs import NOTHING, Outcome, ask, looked_at, press, session_of, words
from tests.support.ui_host import screen_lines

TARGET = END.replace(year=2024)
SLOTS = (
    Investigation(11, "HG-333", START, END, "the older one"),
    Investigation(12, "HG-333", START.replace(year=2024), END.replace(year=2024)),
    Investigation(13, "HG-333"),
)


def session(*candidates: Investigation) -> Session:
    fit = Fit(id=11, match=Match.FAR, target=TARGET, start=START, end=END)
    return structs.replace(session_of(Status.UNREGISTERED), fit=fit, candidates=candidates)


def screen() -> ChooseInvestigation:
    return ChooseInvestigation(session(*SLOTS), FACILITY)


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_the_id_that_is_typed_is_chosen(size: tuple[int, int]) -> None:
    assert press(screen, "1", "1", "enter", size=size) == 11
    assert press(screen, "1", "2", "enter", size=size) == 12


@pytest.mark.parametrize("keys", ["1", "13", "99", "", "011", "y"])
def test_nothing_but_the_id_of_a_candidate_with_a_time_slot_is_taken(keys: str) -> None:
    said: list[str] = []

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await pilot.press(*keys, "enter")
        await pilot.pause()
        assert outcome.result is NOTHING
        said.extend(screen_lines(pilot.app))

    ask(screen, act)
    assert "That is none of these ids" in words(said)


def test_leaving_chooses_nothing() -> None:
    assert press(screen, "1", "1", "escape") is None


def test_candidates_are_told_with_slot_distance_title_and_link_the_nearest_first() -> None:
    told = words(looked_at(screen))
    order = [
        "12 19 Oct 2024, 08:00 to 24 Oct 08:00, the session is inside", FACILITY.investigation_url(12),
        "11 19 Oct 2023, 08:00 to 24 Oct 08:00, 1 year away", "the older one",
    ]  # fmt: skip
    assert [told.index(each) for each in order] == sorted(told.index(each) for each in order)
    assert "13" not in told.split()


def test_where_there_are_none_it_says_so() -> None:
    told = words(looked_at(lambda: ChooseInvestigation(session(SLOTS[2]), FACILITY)))
    assert "ICAT knows none that has a time slot" in told


def test_many_candidates_scroll_while_the_id_is_typed() -> None:
    many = [Investigation(number, "HG-333", START, END) for number in range(100, 150)]
    last = FACILITY.investigation_url(149)

    def make() -> ChooseInvestigation:
        return ChooseInvestigation(session(*many), FACILITY)

    assert last not in words(looked_at(make))
    assert last in words(looked_at(make, *["pagedown"] * 30))
    assert press(make, "down", "pagedown", "1", "4", "9", "enter") == 149


def test_hostile_titles_are_shown_visible_and_are_no_markup() -> None:
    texts = [text for text in HOSTILE_TEXTS if len(text) < 100]
    many = [Investigation(number, "HG-333", START, END, text) for number, text in enumerate(texts)]
    odd = session(*many)
    odd = structs.replace(odd, directory=structs.replace(odd.directory, path="[/x]\x1b"))
    lines = looked_at(lambda: ChooseInvestigation(odd, FACILITY), size=(150, 800))
    assert all(line.isprintable() for line in lines)
    told = words(lines)
    assert "[/x]\\x1b" in told
    for text in texts:
        assert " ".join(visible(text).split()) in told, text

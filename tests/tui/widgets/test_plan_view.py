import asyncio
import time
from datetime import UTC

from rich.cells import cell_len
from textual.pilot import Pilot

from icat_tui.domain.status import Status
from icat_tui.sync.plan import Offer
from icat_tui.tui.theme import DARK
from icat_tui.tui.widgets.plan_view import PlanView, folded
from tests.support.names import HOSTILE_TEXTS
from tests.support.ui_dialogs import plan_of
from tests.support.ui_host import Host, drive, texts

NEW, BARE = Status.UNREGISTERED, Status.REGISTERED_WITHOUT_FILES


def names(offer: Offer | None) -> str | None:
    return offer.dataset.name if offer else None


def test_5000_offers_open_at_once_and_scroll() -> None:
    plan = plan_of(*[NEW] * 5000)

    async def run() -> float:
        host = Host([], DARK, ansi_color=None)
        async with host.run_test(size=(80, 24)) as pilot:
            began = time.perf_counter()
            view = PlanView([plan], UTC)
            await host.mount(view)
            took = time.perf_counter() - began
            await pilot.pause()
            assert texts(view)[3].strip() == "colA/colA_0000"
            view.move(1_000_000)
            await pilot.pause()
            assert names(view.offer) == "4999"
            assert texts(view)[-1].strip() == "colA/colA_4999"
            view.move(-1_000_000)
            await pilot.pause()
            assert texts(view)[0] == "hg333 id99 20231019"
        return took

    assert asyncio.run(run()) < 2, "the figure is 0.1 s on a machine of its own"


def test_the_cursor_stays_in_view_and_on_what_it_was_when_lines_are_folded() -> None:
    plans = [plan_of(*[NEW] * 40, BARE, sent=[40])]

    async def act(pilot: Pilot[None]) -> None:
        view = pilot.app.query_one(PlanView)
        for _ in range(45):
            view.move(1)
            await pilot.pause()
            assert 0 <= view.cursor - view.scroll_offset.y < view.size.height
        under = view.offer
        assert names(under) == "0040"
        await pilot.resize_terminal(24, 12)
        await pilot.pause()
        assert view.offer is under
        assert all(cell_len(line) <= view.size.width for line in texts(view))

    drive(act, lambda: PlanView(plans, UTC))


def test_the_cursor_is_drawn_where_it_is_in_a_plan_that_was_scrolled() -> None:
    def under_cursor(pilot: Pilot[None]) -> list[str]:
        style = pilot.app.query_one(PlanView).get_component_rich_style("plan--cursor")
        strips = pilot.app.screen._compositor.render_strips()
        return [
            each.text.strip()
            for strip in strips
            for each in strip
            if each.style and each.style.bgcolor == style.bgcolor
        ]

    async def act(pilot: Pilot[None]) -> None:
        view = pilot.app.query_one(PlanView)
        for _ in range(60):
            view.move(1)
            await pilot.pause()
        assert view.scroll_offset.y
        view.move(-1)
        await pilot.pause()
        assert [text for text in under_cursor(pilot) if text] == [
            texts(view)[view.cursor - view.scroll_offset.y].strip()
        ]

    drive(act, lambda: PlanView([plan_of(*[NEW] * 200)], UTC))


def test_groups_are_gone_through() -> None:
    plans = [plan_of(NEW, NEW, BARE), plan_of(NEW, date="20231020")]

    async def act(pilot: Pilot[None]) -> None:
        view, met = pilot.app.query_one(PlanView), []
        for step in (1, 1, 1, -1, -1, -1):
            view.move_to_group(step)
            met.append(view.offer and view.offer.dataset.path)
        first, second, third = (group.offers[0].dataset.path for plan in plans for group in plan.groups)
        assert met == [second, third, third, second, first, first]

    drive(act, lambda: PlanView(plans, UTC))


def test_no_plans_are_nothing_to_move_in() -> None:
    async def act(pilot: Pilot[None]) -> None:
        view = pilot.app.query_one(PlanView)
        view.move(1)
        view.move_to_group(1)
        view.toggle()
        assert view.offer is None
        assert view.confirmed == ()

    drive(act, lambda: PlanView([], UTC))


def test_folded_lines_fit_and_lose_nothing_but_space() -> None:
    for text in HOSTILE_TEXTS:
        for width in (20, 33, 80):
            lines = folded(f"  ! {text}", width)
            assert all(cell_len(line) <= width for line in lines), text
            assert "".join("".join(lines).split()) == "".join(f"!{text}".split()), text

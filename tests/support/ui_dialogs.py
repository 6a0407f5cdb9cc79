"""Dialogs on a host, plans to be shown in them, and what a person reads of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec import structs
from textual.app import App
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static

from icat_tui.domain.model import Session
from icat_tui.domain.status import Category, Status
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.sync.plan import Plan, Terms, make_plan
from icat_tui.tui.screens.dialog import Dialog, Question
from icat_tui.tui.theme import DARK
from tests.support.samples import NOW, a_directory, a_session
from tests.support.time_slot import FACILITY
from tests.support.ui_host import Host, screen_lines, until

TERMS = Terms(facility=FACILITY, origin=Origin("here", "tests", NOW), again=True)
NOTHING: Any = object()
"""The dialog is still open."""


class Outcome:
    """What a dialog was left with."""

    def __init__(self) -> None:
        self.results: list[Any] = []

    @property
    def result(self) -> Any:
        assert len(self.results) <= 1
        return self.results[0] if self.results else NOTHING


def ask(
    make: Callable[[], ModalScreen[Any]],
    act: Callable[[Pilot[None], Outcome], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    theme: str = DARK,
) -> Any:
    """Show a dialog over something, act on it, and return what it was left with."""
    outcome = Outcome()

    async def run() -> None:
        host = Host([Static(Content("under it"))], theme, ansi_color=None)
        async with host.run_test(size=size) as pilot:
            await pilot.pause()
            host.push_screen(make(), outcome.results.append)
            await until(pilot, lambda: _hears(pilot.app))
            await act(pilot, outcome)
            await pilot.pause()

    asyncio.run(run())
    return outcome.result


def press(make: Callable[[], ModalScreen[Any]], *keys: str, size: tuple[int, int] = (80, 24)) -> Any:
    """Show a dialog, press keys, and return what it was left with."""

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await pilot.press(*keys)

    return ask(make, act, size)


def _hears(app: App[None]) -> bool:
    return isinstance(app.screen, Dialog) and (not isinstance(app.screen, Question) or app.screen.listens)


def looked_at(make: Callable[[], ModalScreen[Any]], *keys: str, size: tuple[int, int] = (80, 24)) -> list[str]:
    """Return what a dialog shows after some keys."""
    lines: list[str] = []

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        lines.extend(screen_lines(pilot.app))

    ask(make, act, size)
    return lines


def words(lines: Iterable[str]) -> str:
    """Return lines of a box as running text."""
    return " ".join(" ".join(line.strip(" │╭╮╰╯─") for line in lines).split())


def plan_of(
    *statuses: Status, date: str = "20231019", sent: Iterable[int] = (), category: Category = Category.TODO
) -> Plan:
    """Return a plan for a session with a dataset of each status; `sent` are the places of those sent before."""
    return make_plan(session_of(*statuses, date=date, sent=sent, category=category), TERMS)


def session_of(
    *statuses: Status, date: str = "20231019", sent: Iterable[int] = (), category: Category = Category.TODO
) -> Session:
    before = set(sent)
    session = a_session(
        category,
        *[(f"{place:04}", status) for place, status in enumerate(statuses)],
        directory=a_directory(date=date),
    )
    datasets = [
        structs.replace(dataset, sent="sent 2026-01-01 by opid99") if place in before else dataset
        for place, dataset in enumerate(session.datasets)
    ]
    return structs.replace(session, datasets=tuple(datasets))

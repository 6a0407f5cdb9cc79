"""An app around widgets, with our themes and nothing else, and what is on its screen."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from icat_tui.tui.key_gate import OrderedKeys
from icat_tui.tui.theme import DARK, THEMES, VARIABLES
from tests.support.program import PATIENCE


class Host(OrderedKeys[None]):
    """Shows widgets."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, widgets: Iterable[Widget], theme: str, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        self.shown = list(widgets)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLES

    def compose(self) -> ComposeResult:
        yield from self.shown


def drive(
    act: Callable[[Pilot[None]], Awaitable[None]],
    *make: Callable[[], Widget],
    size: tuple[int, int] = (80, 24),
    theme: str = DARK,
    ansi_color: bool | None = None,
) -> list[Message]:
    """Show widgets, act on them, and return the messages that were handled, from first to last."""
    messages: dict[int, Message] = {}  # each comes once for every widget that it bubbles up to

    def keep(message: Message) -> None:
        messages[id(message)] = message

    async def run() -> None:
        host = Host([each() for each in make], theme, ansi_color=ansi_color)
        async with host.run_test(size=size, message_hook=keep) as pilot:
            await pilot.pause()
            await act(pilot)
            await pilot.pause()

    asyncio.run(run())
    return list(messages.values())


def texts(widget: Widget) -> list[str]:
    """Return what a widget that draws lines shows, without any style."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fail with what is on the screen."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "\n".join(screen_lines(pilot.app))
        await pilot.pause(0.01)


def screen_lines(app: App[Any]) -> list[str]:
    """Return the lines on the screen as they were drawn."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]

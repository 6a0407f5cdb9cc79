"""An app around widgets, as the real one does it: our themes and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from icat_tui.tui.theme import DARK, THEMES, VARIABLES


class Host(App[None]):
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

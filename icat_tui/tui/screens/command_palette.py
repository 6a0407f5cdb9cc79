"""The command palette: every binding that there is, by what it does."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from icat_tui.tui.bindings import Command
from icat_tui.tui.theme import DARK, LIGHT, MONO

THEMES = {"dark": DARK, "light": LIGHT, "without colours": MONO}


class CommandSource(Protocol):
    """Protocol of the app, as far as the palette knows it."""

    theme: str

    @property
    def commands(self) -> Sequence[Command]:
        """All that can be done by a key."""

    def run_command(self, command: Command) -> Awaitable[None]:
        """Do what a key does."""


class CommandProvider(Provider):
    """Source of the palette, which finds commands by their names."""

    def _found(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield each text, with what it is found by beside that and told by, and what it does."""
        app = cast("CommandSource", self.app)
        for command in app.commands:
            if command.id != "app.palette":
                words = f"{command.keys}  {command.label}  {command.id}"
                yield command.tooltip, " ".join(words.split()), partial(app.run_command, command)
        for name, theme in THEMES.items():
            yield f"Theme: {name}", "", partial(setattr, app, "theme", theme)

    async def discover(self) -> Hits:
        """Yield everything."""
        for text, keys, run in self._found():
            yield DiscoveryHit(text, run, help=keys or None)

    async def search(self, query: str) -> Hits:
        """Yield what matches."""
        matcher = self.matcher(query)
        for text, keys, run in self._found():
            exactly = 2.0 if query.strip() in keys.split() else 0.0  # a key, or an id in full
            if (score := max(matcher.match(text), matcher.match(keys), exactly)) > 0:
                yield Hit(score, matcher.highlight(text), run, help=keys or None)

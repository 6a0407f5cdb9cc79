"""The command palette: every binding that there is, by what it does."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from icat_tui.tui.theme import DARK, LIGHT, MONO

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

THEMES = {"dark": DARK, "light": LIGHT, "without colours": MONO}


class Palette(Provider):
    """Finds what can be done by its name."""

    def _found(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = cast("IcatTui", self.app)
        for command in app.commands:
            if command.id != "app.palette":
                yield command.tooltip, command.keys, partial(app.run_command, command)
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
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), run, help=keys or None)

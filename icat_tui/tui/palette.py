"""The command palette: every binding that there is, by what it does."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode

from icat_tui.settings.keymap import key_names
from icat_tui.tui.theme import DARK, LIGHT, MONO

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

KEY_WORDS = {"slash": "/", "question_mark": "?", "escape": "esc", "pagedown": "pgdn", "pageup": "pgup"}
THEMES = {"dark": DARK, "light": LIGHT, "without colours": MONO}


class Command(NamedTuple):
    """Something that can be done."""

    id: str
    keys: str
    """For a person: `right l`."""
    tooltip: str
    label: str
    """In the footer; empty: it is not there."""
    action: str
    """For `App.run_action`."""
    node: DOMNode


def commands_of(nodes: Iterable[tuple[DOMNode, Iterable[Binding]]], in_force: dict[str, str]) -> list[Command]:
    """Return what the bindings of some nodes do, each once, with the keys that are in force."""
    return list({binding.id: _command(node, binding, in_force) for node, each in nodes for binding in each}.values())


def _command(node: DOMNode, binding: Binding, in_force: dict[str, str]) -> Command:
    identity = binding.id or ""
    names = key_names(in_force.get(identity, binding.key))
    keys = " ".join(KEY_WORDS.get(name, name) for name in names)
    label = binding.description if binding.show else ""
    return Command(identity, keys, binding.tooltip, label, binding.action, node)


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

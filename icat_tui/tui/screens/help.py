"""The keys of where one is, as the bindings have them, by what one wants to do."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from icat_tui.domain.status import Category, Marked, Status
from icat_tui.text import visible
from icat_tui.tui.bindings import GROUPS, Command, group_of
from icat_tui.tui.screens.dialog import Dialog, hint
from icat_tui.tui.state.filtering import EXAMPLES
from icat_tui.tui.theme import style
from icat_tui.tui.widgets.text_pane import TextView

KEY_WIDTH = 18


class Help(Dialog[None]):
    """Dialog that lists what can be done, by which key, and under which id the key can be changed."""

    DEFAULT_CSS = """
    Help #box { height: 90%; }
    Help.-low #box { height: 100%; }
    Help TextView { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1", "leave", "close", id="help.close", tooltip="Close the help"),
    ]

    def __init__(self, commands: Iterable[Command], *, glyphs: bool = False) -> None:
        """List these; with `glyphs` in groups, and after them what the glyphs mean."""
        super().__init__()
        self._commands, self._glyphs = list(commands), glyphs

    def compose(self) -> ComposeResult:
        """Lay out the keys, then what the glyphs mean."""
        with Vertical(id="box"):
            yield TextView(Content("\n").join(self._lines()))
            yield Static(hint(("j k", "scroll"), ("/", "search, n and N go on"), ("esc", "close")), classes="hint")

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.query_one(TextView).focus()

    def _lines(self) -> Iterator[Content]:
        yield Content.styled("Keys ([keys] in config.toml changes those with an id)", "bold")
        if not self._glyphs:
            yield Content("")
            yield from map(_command, self._commands)
            return
        for group in GROUPS:
            yield Content("")
            yield Content.styled(group, "bold")
            yield from (_command(each) for each in self._commands if group_of(each.id) == group)
        for title, kind in (("Datasets", Status), ("Sessions", Category)):
            yield Content("")
            yield Content.styled(title, "bold")
            yield from map(_glyph, kind)
        yield Content("")
        yield Content.styled("Filter: all words must fit, in any order", "bold")
        yield from (Content.assemble((text, "bold"), f"  {meaning}") for text, meaning in EXAMPLES.items())


def _command(command: Command) -> Content:
    identity = f"  ({command.id})" if command.id else ""
    return Content.assemble((f"{visible(command.keys):{KEY_WIDTH}} ", "bold"), f"{command.tooltip}{identity}")


def _glyph(marked: Marked) -> Content:
    key = f" (key {marked.key})" if isinstance(marked, Status) else ""
    return Content.styled(f"{marked.glyph}  {marked.word}{key}: {marked.meaning}", style(marked.colour))

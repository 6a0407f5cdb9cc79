"""The keys, as the bindings have them."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from icat_tui.domain.status import Category, Marked, Status
from icat_tui.tui.bindings import Command
from icat_tui.tui.screens.dialog import Dialog
from icat_tui.tui.state.filtering import EXAMPLES
from icat_tui.tui.theme import style

KEY_WIDTH = 18


class Help(Dialog[None]):
    """Dialog that lists what can be done, by which key, and under which id the key can be changed."""

    DEFAULT_CSS = """
    Help #box { height: 90%; }
    Help.-low #box { height: 100%; }
    Help VerticalScroll { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark", "leave", "close", id="help.close", tooltip="Close the help"),
        Binding("j", "scroll_text(1)", "down", show=False, id="help.down", tooltip="Scroll down"),
        Binding("k", "scroll_text(-1)", "up", show=False, id="help.up", tooltip="Scroll up"),
    ]

    def __init__(self, commands: Iterable[Command]) -> None:
        """List these."""
        super().__init__()
        self._commands = list(commands)

    def compose(self) -> ComposeResult:
        """Lay out the keys, then what the glyphs mean."""
        with Vertical(id="box"), VerticalScroll():
            yield Static(self._text())

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    def _text(self) -> Content:
        lines = [Content("Keys (esc closes; [keys] in config.toml changes them by id)").stylize("bold"), Content("")]
        for command in self._commands:
            keys = Content.styled(f"{command.keys:{KEY_WIDTH}}", "bold")
            lines.append(Content.assemble(keys, Content(f"{command.tooltip}  ({command.id})")))
        for title, kind in (("Datasets", Status), ("Sessions", Category)):
            lines += [Content(""), Content(title).stylize("bold"), *map(_glyph, kind)]
        lines += [Content(""), Content("Filter: all words must fit, in any order").stylize("bold")]
        lines += [Content.assemble((text, "bold"), f"  {meaning}") for text, meaning in EXAMPLES.items()]
        return Content("\n").join(lines)


def _glyph(marked: Marked) -> Content:
    key = f" (key {marked.key})" if isinstance(marked, Status) else ""
    return Content.styled(f"{marked.glyph}  {marked.word}{key}: {marked.meaning}", style(marked.colour))

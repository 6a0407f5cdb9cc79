"""The tree below its header: what is shown, by what it is sorted, and the names of the columns."""

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from icat_tui.text import visible
from icat_tui.tui.state.columns import Columns, head_cells
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.theme import style
from icat_tui.tui.widgets.session_tree import SessionTree
from icat_tui.tui.widgets.text_pane import FOCUS

SEPARATOR = " · "
LEAST = 12
"""Characters that are left of the part of the title that is cut: how many sessions there are."""


class TreeHeader(Widget):
    """Two lines over the tree: its title, and the names of its columns or what to do first."""

    DEFAULT_CSS = """
    TreeHeader { height: 2; background: $panel; color: $foreground; }
    TreeHeader.-focused { text-style: bold; }
    .-short TreeHeader { height: 1; }
    """
    title: reactive[tuple[str, ...]] = reactive(())
    """Its parts; the second is the one that is cut where all are too long."""
    columns: reactive[Columns] = reactive(Columns())
    first_steps: reactive[str] = reactive("")
    """What to do where nothing was scanned yet; empty: the names of the columns are shown."""
    focused: reactive[bool] = reactive(True)

    def render(self) -> Content:
        """Return both lines."""
        marker = FOCUS if self.focused else " "
        lines = [Content(f"{marker}{self._title()}").truncate(self.size.width, ellipsis=True)]
        if self.size.height > 1:
            lines.append(Content(f"  {self.first_steps}") if self.first_steps else self._names())
        return Content("\n").join(lines)

    def _title(self) -> str:
        parts = [visible(part) for part in self.title if part]
        too_long = cell_len(SEPARATOR.join(parts)) - (self.size.width - 1)
        if too_long > 0 and len(parts) > 1:
            parts[1] = f"{parts[1][: max(LEAST, len(parts[1]) - too_long - 1)]}…"
        return SEPARATOR.join(parts)

    def _names(self) -> Content:
        name = "  session"
        cells = [Content.styled(text, style(colour)) for text, colour in head_cells(self.columns)]
        return Content.assemble(name.ljust(max(0, self.width - self.columns.width)), *cells)

    width: reactive[int] = reactive(0)
    """Columns of the tree, without its scroll bar."""


class TreePane(Vertical):
    """Pane with the tree and its header."""

    DEFAULT_CSS: ClassVar[str] = """
    TreePane {
        & > SessionTree { height: 1fr; width: 100%; }
        & > Static { display: none; padding: 0 2; background: $background; color: $foreground; }
    }
    """

    def __init__(self, model: TreeModel, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show a model."""
        super().__init__(id=id)
        self._model = model

    def compose(self) -> ComposeResult:
        """Lay out the header over the tree."""
        yield TreeHeader()
        yield Static(Content())
        yield SessionTree(self._model, id="tree")

    @property
    def header(self) -> TreeHeader:
        """The lines over the tree."""
        return self.query_one(TreeHeader)

    def show(self, title: tuple[str, ...], first_steps: str, instead: str = "") -> None:
        """Show what the tree shows, what to do where nothing was scanned yet, and what stands there without a row."""
        self.header.title, self.header.first_steps = title, first_steps
        text = self.query_one(Static)
        text.display = bool(instead)
        if instead:
            text.update(Content(visible(instead)))

    def on_session_tree_laid_out(self, message: SessionTree.LaidOut) -> None:
        """Put the names over the columns."""
        self.header.columns, self.header.width = message.columns_and_width

    def on_descendant_focus(self) -> None:
        """Mark the title."""
        self.header.focused = True

    def on_descendant_blur(self) -> None:
        """Mark it no longer."""
        self.header.focused = False

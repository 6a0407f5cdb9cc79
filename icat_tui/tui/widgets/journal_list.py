"""The journal on the screen: draws the rows in view, and moves the cursor.

What must stay true: where nothing has changed nothing is drawn (`row_list`).
"""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.message import Message

from icat_tui.tui.state.journal_rows import JournalRow, JournalRows
from icat_tui.tui.widgets.journal_text import Clock, row_texts
from icat_tui.tui.widgets.row_list import Coloured, RowList


class JournalList(RowList[JournalRows, tuple[Coloured, ...]]):
    """List of orders, sessions and messages, with a cursor."""

    DEFAULT_CSS: ClassVar[str] = "JournalList { height: 1fr; }"

    class RowChanged(Message):
        """Message: the cursor is on another row, or its row says something else."""

    def __init__(self, model: JournalRows, clock: Callable[[], Clock]) -> None:
        """Show the rows of a model; changes to it go through `changing`."""
        super().__init__(model)
        self._clock = clock

    def at(self, y: int) -> tuple[tuple[Coloured, ...], bool] | None:
        """Return what belongs in a row of the screen."""
        rows, index = self.model.rows, self.scroll_offset.y + y
        if not 0 <= index < len(rows):
            return None
        width = self.scrollable_content_region.width
        return row_texts(rows[index], width, self._clock()), index == self.model.cursor

    def texts(self, shown: tuple[Coloured, ...], width: int) -> tuple[Coloured, ...]:  # noqa: ARG002 - it is made for it
        """Return the texts of a row."""
        return shown

    def under_cursor(self) -> JournalRow:
        """Return the row that the cursor is on."""
        return self.model.row

    def cursor_changed(self) -> None:
        """Say that the cursor is on another row, or that its row says something else."""
        self.post_message(self.RowChanged())

    def move(self, rows: int) -> None:
        """Move the cursor down, or up."""
        self.move_to(self.model.cursor + rows)

    def page(self, halves: int) -> None:
        """Move the cursor by half pages."""
        self.move(halves * max(1, self.scrollable_content_region.height // 2))

    def on_click(self, event: events.Click) -> None:
        """Go to the row; open or close it by a double click, or by a click on its arrow."""
        index = self.scroll_offset.y + event.y
        if index >= len(self.model.rows):
            return
        self.move_to(index)
        if event.chain == 2 or event.x <= 2:  # noqa: PLR2004 - a double click; the columns of arrows
            with self.changing() as model:
                model.toggle()

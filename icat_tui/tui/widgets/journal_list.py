"""The journal on the screen: draws the rows in view, and moves the cursor.

What must stay true: only what differs is drawn; where nothing has changed nothing is, and the cursor's row stays where
it was on the screen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from icat_tui.tui.state.journal_rows import JournalRows
from icat_tui.tui.theme import STATUS_CLASSES, STATUS_CSS
from icat_tui.tui.widgets.journal_text import Clock, Coloured, row_texts

Drawn = tuple[tuple[Coloured, ...], bool] | None
"""What stands in a row of the screen, and whether the cursor is on it; None: nothing."""


class JournalList(ScrollView, can_focus=True):
    """List of orders, sessions and messages, with a cursor."""

    DEFAULT_CSS = f"""
    JournalList {{
        height: 1fr;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .journal-list--cursor {{
            color: $cursor-foreground; background: $cursor-background; text-style: $cursor-style;
        }}
        {STATUS_CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"journal-list--cursor", *STATUS_CLASSES}

    class RowChanged(Message):
        """Message: the cursor is on another row, or its row says something else."""

    def __init__(self, model: JournalRows, clock: Callable[[], Clock]) -> None:
        """Show the rows of a model; changes to it go through `changing`."""
        super().__init__()
        self.model, self._clock = model, clock
        self._drawn: dict[int, Drawn] = {}
        """What was drawn last, by row of the screen."""

    # -- drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a row of the screen."""
        width = self.scrollable_content_region.width
        drawn = self._drawn[y] = self._at(self.scroll_offset.y + y)
        if drawn is None:
            return Strip.blank(width, self.rich_style)
        texts, under_cursor = drawn
        if under_cursor:  # one style for the whole row: few bytes
            plain = "".join(text for text, _ in texts)
            return Strip([Segment(set_cell_size(plain, width), self.get_component_rich_style("journal-list--cursor"))])
        segments = [
            Segment(text, self.get_component_rich_style(f"status--{colour}") if colour else self.rich_style)
            for text, colour in texts
        ]
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, self.rich_style)

    def _at(self, index: int) -> Drawn:
        rows = self.model.rows
        if not 0 <= index < len(rows):
            return None
        width = self.scrollable_content_region.width
        return row_texts(rows[index], width, self._clock()), index == self.model.cursor

    def notify_style_update(self) -> None:
        """Draw everything anew in another theme."""
        super().notify_style_update()
        self._drawn.clear()

    def redraw(self) -> None:
        """Draw the rows in view that say something else by now."""
        top = self.scroll_offset.y
        for y in range(self.scrollable_content_region.height):
            if self._drawn.get(y) != self._at(top + y):
                self.refresh_line(top + y)

    # -- changes ---------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[JournalRows]:
        """Change the model within this; afterwards what differs is drawn."""
        top, before = self.scroll_offset.y, self.model.row
        y, height = self.model.cursor - top, self.scrollable_content_region.height
        yield self.model
        rows = len(self.model.rows)
        if rows != self.virtual_size.height:
            self.virtual_size = Size(0, rows)
        if 0 <= y < height:
            self.scroll_to(y=max(0, min(self.model.cursor - y, rows - height)), animate=False)
        self._bring_into_view()
        if self.scroll_offset.y == top:
            self.redraw()
        if self.model.row != before:
            self.post_message(self.RowChanged())

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._drawn.clear()
        self.virtual_size = Size(0, len(self.model.rows))
        self._bring_into_view()

    def _bring_into_view(self) -> None:
        top, height, cursor = self.scroll_offset.y, self.scrollable_content_region.height, self.model.cursor
        if height and cursor < top:
            self.scroll_to(y=max(0, min(top - height // 2, cursor)), animate=False)
        elif height and cursor >= top + height:
            self.scroll_to(y=max(top + height // 2, cursor - height + 1), animate=False)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, or on the closest there is."""
        before = self.model.cursor
        self.model.move_to(index)
        if self.model.cursor == before:
            return
        self.refresh_line(before)
        self.refresh_line(self.model.cursor)
        self._bring_into_view()
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

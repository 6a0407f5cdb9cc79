"""Rows of a model with a cursor on one of them, drawn line by line.

What must stay true: only what differs is sent to the terminal. A move of the cursor draws two rows; a change of the
model draws the rows in view that look different afterwards, with the cursor's row where it was.
"""

from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import ClassVar, Generic, Protocol, TypeVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from icat_tui.tui.theme import STATUS_CLASSES, STATUS_CSS

Coloured = tuple[str, str]
"""A text and its colour name."""


class Rows(Protocol):
    """Protocol of a model with rows and a cursor."""

    cursor: int

    @property
    def rows(self) -> Sized:
        """The rows, from top to bottom."""

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, the nearest there is."""


Model = TypeVar("Model", bound=Rows)
Looks = TypeVar("Looks")
"""What a row shows, as a value: two are equal exactly when they look the same."""


class RowList(ScrollView, Generic[Model, Looks], can_focus=True):
    """Base of the widgets that show rows with a cursor; `at` says what stands in a row of the screen."""

    DEFAULT_CSS = f"""
    RowList {{
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .row-list--cursor {{
            color: $cursor-foreground; background: $cursor-background; text-style: $cursor-style;
        }}
        {STATUS_CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--cursor", *STATUS_CLASSES}
    ROOM_ABOVE: ClassVar[int] = 0
    """Rows of the screen that are left above the cursor where it goes up over the edge."""

    def __init__(self, model: Model, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show the rows of a model; changes to it go through `changing`."""
        super().__init__(id=id)
        self.model = model
        self._drawn: dict[int, tuple[Looks, bool] | None] = {}
        """What was drawn last, by row of the screen."""

    # -- what the widgets say --------------------------------------------------------------------------------------

    def at(self, y: int) -> tuple[Looks, bool] | None:
        """Return what stands in a row of the screen, and whether the cursor is on it; None: nothing."""
        raise NotImplementedError

    def texts(self, shown: Looks, width: int) -> Sequence[Coloured]:
        """Return what a row shows as texts, in so many columns."""
        raise NotImplementedError

    def under_cursor(self) -> object:
        """Return what the cursor is on; where that is another one after a change, `cursor_changed` is called."""
        raise NotImplementedError

    def cursor_changed(self) -> None:
        """Say that the cursor is on something else."""
        raise NotImplementedError

    def lay_out(self) -> bool:
        """Choose how all rows are drawn; return whether that is another way than before."""
        return False

    def covered(self, top: int) -> int:  # noqa: ARG002 - widgets want to know
        """Return how many rows from `top` on are covered by something else."""
        return 0

    # -- drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a row of the screen."""
        width = self.scrollable_content_region.width
        drawn = self._drawn[y] = self.at(y)
        if drawn is None:
            return Strip.blank(width, self.rich_style)
        shown, is_under_cursor = drawn
        texts = self.texts(shown, width)
        if is_under_cursor:  # one style for the whole row: few bytes
            plain = "".join(text for text, _ in texts)
            return Strip([Segment(set_cell_size(plain, width), self.get_component_rich_style("row-list--cursor"))])
        segments = [Segment(text, self._style(colour)) for text, colour in texts if text]
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, self.rich_style)

    def _style(self, colour: str) -> Style:
        return self.get_component_rich_style(f"status--{colour}") if colour else self.rich_style

    def notify_style_update(self) -> None:
        """Draw everything anew in another theme."""
        super().notify_style_update()
        self.forget_drawn()

    def forget_drawn(self) -> None:
        """Take nothing on the screen for what it should be."""
        self._drawn.clear()

    def redraw(self) -> None:
        """Draw the rows in view that look different by now."""
        top = self.scroll_offset.y
        for y in range(self.scrollable_content_region.height):
            if self._drawn.get(y) != self.at(y):
                self.refresh_line(top + y)

    # -- changes ---------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[Model]:
        """Change the model within this: afterwards what differs is drawn, and the cursor's row stays where it was."""
        top, before = self.scroll_offset.y, self.under_cursor()
        height = self.scrollable_content_region.height
        y = self.model.cursor - top
        yield self.model
        rows = len(self.model.rows)
        if rows != self.virtual_size.height:
            self.virtual_size = Size(0, rows)
        if 0 <= y < height:
            self.scroll_to(y=max(0, min(self.model.cursor - y, rows - height)), animate=False)
        self._bring_into_view()
        if self.lay_out():
            self.refresh()
        elif self.scroll_offset.y == top:
            self.redraw()
        if self.under_cursor() != before:
            self.cursor_changed()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.forget_drawn()
        self.virtual_size = Size(0, len(self.model.rows))
        self.lay_out()
        self._bring_into_view()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, the nearest there is."""
        before = self.model.cursor
        self.model.move_to(index)
        after = self.model.cursor
        if before == after:
            return
        self.refresh_line(before)
        self.refresh_line(after)
        self._bring_into_view()
        self.cursor_changed()

    def _bring_into_view(self) -> None:
        """Scroll by half a page where the cursor has left it: scrolling draws everything."""
        top, height, cursor = self.scroll_offset.y, self.scrollable_content_region.height, self.model.cursor
        if not height:
            return
        if cursor < top + self.covered(top):
            self.scroll_to(y=max(0, min(top - height // 2, cursor - self.ROOM_ABOVE)), animate=False)
        elif cursor >= top + height:
            self.scroll_to(y=max(top + height // 2, cursor - height + 1), animate=False)

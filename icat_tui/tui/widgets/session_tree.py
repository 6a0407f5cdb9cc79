"""The tree on the screen: draws the rows of a `TreeModel` that are in view, and turns keys into changes of it.

What must stay true: only what differs is sent to the terminal. A move of the cursor draws two rows; a change of the
model draws the rows in view that look different afterwards, with the cursor's row where it was.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import STATUSES, Counts
from icat_tui.text import visible
from icat_tui.tui.key_actions import KeyAction, bindings_of
from icat_tui.tui.state.attention import seek_attention
from icat_tui.tui.state.columns import Cell, Columns, columns_for, row_cells
from icat_tui.tui.state.filtering import Filter
from icat_tui.tui.state.level import toggle_level
from icat_tui.tui.state.marks import Marking
from icat_tui.tui.state.nodes import Level, Node, above
from icat_tui.tui.state.order import SortBy
from icat_tui.tui.state.targets import mark_range, toggle_mark
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.theme import STATUS_CLASSES, STATUS_CSS
from icat_tui.tui.widgets.row_text import RowText, row_text

MARKS = {Marking.NO: " ", Marking.PARTLY: "-", Marking.YES: "+"}
RANGE = "v"
"""Stands where a range of marks begins that is not ended yet."""
ARROWS = {None: " ", False: "▸", True: "▾"}
LOWEST = 6
"""Rows of the screen from which on the group of the first one stays in view."""
LABEL_AT_LEAST = 12
"""Columns that counts leave to a name, where the row has that many."""

ACTIONS = {
    "enter": KeyAction("enter", "Open/close", "Open or close what the cursor is on"),
    "open": KeyAction("open", "", "Open, or go to the first row within"),
    "close": KeyAction("close", "", "Close, or go to what this lies in"),
    "down": KeyAction("move(1)", "", "One row down"),
    "up": KeyAction("move(-1)", "", "One row up"),
    "page_down": KeyAction("page(1)", "", "One page down"),
    "page_up": KeyAction("page(-1)", "", "One page up"),
    "half_down": KeyAction("half(1)", "", "Half a page down"),
    "half_up": KeyAction("half(-1)", "", "Half a page up"),
    "top": KeyAction("first", "", "To the first row"),
    "bottom": KeyAction("last", "", "To the last row"),
    "next": KeyAction("attention(1)", "Next", "To the next that wants attention"),
    "previous": KeyAction("attention(-1)", "", "To the one before"),
    "level": KeyAction("level", "", "Open all of this level, or close all"),
    "mark": KeyAction("mark", "Mark", "Mark or unmark what the cursor is on"),
    "range": KeyAction("range", "", "Mark from here; again: up to here"),
    "unmark": KeyAction("unmark", "", "Unmark everything"),
    "filter": KeyAction("app.filter", "Filter", "Filter by name, status:, proposal:, beamline:, sample:, date:, age:"),
    **{
        f"status_{status.key}": KeyAction(f"app.status({status.key})", "", f"Show or hide what is {status.word}")
        for status in Status
    },
}

Drawn = tuple[RowText, bool] | None
"""What stands in a row of the screen, and whether the cursor is on it; None: nothing."""


class SessionTree(ScrollView, can_focus=True):
    """Tree of proposals, beamlines, sessions, collections and datasets."""

    DEFAULT_CSS = f"""
    SessionTree {{
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .session-tree--cursor {{
            color: $cursor-foreground; background: $cursor-background; text-style: $cursor-style;
        }}
        {STATUS_CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"session-tree--cursor", *STATUS_CLASSES}

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("tree", ACTIONS)]

    class CursorMoved(Message):
        """Message: the cursor has come to another row, or to none."""

        def __init__(self, node: Node | None) -> None:
            """Take what it is on now."""
            super().__init__()
            self.node = node

    class NodeToggled(Message):
        """Message: a row was opened or closed."""

        def __init__(self, node: Node, *, opened: bool) -> None:
            """Take which one."""
            super().__init__()
            self.node = node
            self.opened = opened

    class LevelToggled(Message):
        """Message: all of a level were opened or closed."""

        def __init__(self, count: int) -> None:
            """Take how many were left closed, as they are too many."""
            super().__init__()
            self.count = count

    class NodeEntered(Message):
        """Message: a row was entered that has nothing to open, a dataset or a session not scanned yet."""

        def __init__(self, node: Node) -> None:
            """Take which one."""
            super().__init__()
            self.node = node

    class MarksChanged(Message):
        """Message: something was marked or unmarked, or the marking of a range has begun."""

        def __init__(self, count: int, *, range_begun: bool = False) -> None:
            """Take how many marks there are now."""
            super().__init__()
            self.count = count
            self.range_begun = range_begun

    class AttentionSought(Message):
        """Message: nothing further on wants attention."""

        def __init__(self, step: int) -> None:
            """Take the direction: 1 is down."""
            super().__init__()
            self.step = step

    class LaidOut(Message):
        """Message: the columns have changed."""

        def __init__(self, layout: tuple[Columns, int]) -> None:
            """Take them, and how wide the tree is without its scroll bar."""
            super().__init__()
            self.columns_and_width = layout

    class FilterApplied(Message):
        """Message: the filter has been applied to all sessions."""

        def __init__(self, sessions: int) -> None:
            """Take how many sessions it lets through."""
            super().__init__()
            self.sessions = sessions

    def __init__(self, model: TreeModel, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show a model; changes to it go through `changing`."""
        super().__init__(id=id)
        self.model = model
        self._layout = Columns(), 0
        """The columns, and the width that they are for."""
        self._drawn: dict[int, Drawn] = {}
        """What was drawn last, by row of the screen."""
        self._search_called = False

    # -- drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a row of the screen."""
        width = self.scrollable_content_region.width
        drawn = self._drawn[y] = self._at(y)
        if drawn is None:
            return Strip.blank(width, self.rich_style)
        shown, under_cursor = drawn
        left, glyph = _texts(shown)
        room = width - cell_len(left) - cell_len(glyph)
        cells = self._cells(shown, room)
        right = sum(cell_len(text) for text, _ in cells)
        label = _cut(visible(shown.label), room - right)
        texts = [(left, ""), (glyph, shown.sign.colour if shown.sign else ""), (label, "grey" if shown.stale else "")]
        return self._strip([*texts, *cells], width, under_cursor=under_cursor)

    def _cells(self, shown: RowText, room: int) -> list[Cell]:
        """Return what stands right of a name: in columns, or where that is too narrow one after the other."""
        if not self._layout[0].width:
            return _fitting(shown.counts, room - LABEL_AT_LEAST)
        if isinstance(shown.sign, Status) and not shown.counts:
            return []  # a dataset, whose name may be long
        word = shown.sign.word if isinstance(shown.sign, Category) else ""
        return row_cells(self._layout[0], shown.counts, shown.age, shown.fit, word)

    def _strip(self, texts: list[tuple[str, str]], width: int, *, under_cursor: bool) -> Strip:
        plain = "".join(text for text, _ in texts)
        if under_cursor:  # one style for the whole row: few bytes
            return Strip([Segment(set_cell_size(plain, width), self.get_component_rich_style("session-tree--cursor"))])
        segments = [Segment(text, self._style(colour)) for text, colour in texts if text]
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, self.rich_style)

    def _style(self, colour: str) -> Style:
        return self.get_component_rich_style(f"status--{colour}") if colour else self.rich_style

    def _at(self, y: int) -> Drawn:
        """Return what belongs in a row of the screen; in the first one the group that it is in, which stays there."""
        index = self.scroll_offset.y + y
        if y == 0 and (group := self._group_above(index)) is not None:
            label = "/".join(self.model.rows[group].place)
            return row_text(self.model, group)._replace(depth=0, label=label), False
        if not 0 <= index < len(self.model.rows):
            return None
        return row_text(self.model, index), index == self.model.cursor

    def _group_above(self, top: int) -> int | None:
        """Return the row of the group that stays in the first row, while its sessions scroll; None: there is none."""
        rows = self.model.rows
        if not 0 < top < len(rows) or self.scrollable_content_region.height < LOWEST:
            return None
        for place in above(rows[top].place):
            if len(place) <= Level.INNER and (row := self.model.index(place)) is not None:
                return row if row < top else None
        return None

    def notify_style_update(self) -> None:
        """Draw everything anew in another theme."""
        super().notify_style_update()
        self._drawn.clear()

    # -- changes ---------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[TreeModel]:
        """Change the model within this: afterwards what differs is drawn, and the cursor's row stays where it was."""
        top, before = self.scroll_offset.y, self.model.node
        height = self.scrollable_content_region.height
        y = self.model.cursor - top
        yield self.model
        rows = len(self.model.rows)
        if rows != self.virtual_size.height:
            self.virtual_size = Size(0, rows)
        if 0 <= y < height:
            self.scroll_to(y=max(0, min(self.model.cursor - y, rows - height)), animate=False)
        self._bring_into_view()
        if self._lay_out():
            self.refresh()
        elif self.scroll_offset.y == top:
            for row in range(height):
                if self._drawn.get(row) != self._at(row):
                    self.refresh_line(top + row)
        after = self.model.node
        if (before and before.place) != (after and after.place):
            self.post_message(self.CursorMoved(after))

    def _lay_out(self) -> bool:
        """Choose the columns for what is in view; return whether they have changed."""
        width = self.scrollable_content_region.width
        columns = columns_for(self.model.sessions.all_totals().counts, width)
        if (columns, width) == self._layout:
            return False
        self._layout = columns, width
        self._drawn.clear()
        self.post_message(self.LaidOut(self._layout))
        return True

    def narrow(self, to: Filter) -> None:
        """Apply a filter: its first hits at once, the others as the event loop has time."""
        with self.changing() as model:
            model.narrow(to)
            model.search()
        self._search_on(self.call_after_refresh)  # the first hits are painted before others are looked for

    def turn(self) -> None:
        """Change the order of proposals and beamlines."""
        with self.changing() as model:
            model.turn()
            model.search()
        self._search_on(self.call_after_refresh)

    def sort(self, by: SortBy) -> None:
        """Sort anew."""
        with self.changing() as model:
            model.sort(by)
            model.search()
        self._search_on(self.call_after_refresh)

    def _search_on(self, later: Callable[[Callable[[], None]], object]) -> None:
        if not self.model.searching:
            if self.model.filter.active:
                self.post_message(self.FilterApplied(len(self.model.sessions.shown_places())))
        elif not self._search_called:
            self._search_called = True
            later(self._search_some_more)

    def _search_some_more(self) -> None:
        self._search_called = False
        with self.changing() as model:
            model.search()
        self._search_on(self._once_others_had_their_turn)

    def _once_others_had_their_turn(self, callback: Callable[[], None]) -> None:
        # `call_later` alone goes on in the same turn of the event loop, so that no key would be read until the end.
        asyncio.get_running_loop().call_soon(self.call_later, callback)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._drawn.clear()
        self.virtual_size = Size(0, len(self.model.rows))
        self._lay_out()
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
        self.post_message(self.CursorMoved(self.model.node))

    def _bring_into_view(self) -> None:
        """Scroll by half a page where the cursor has left it: scrolling draws everything."""
        top, height, cursor = self.scroll_offset.y, self.scrollable_content_region.height, self.model.cursor
        if not height:
            return
        if cursor < top + (self._group_above(top) is not None):
            self.scroll_to(y=max(0, min(top - height // 2, cursor - 1)), animate=False)
        elif cursor >= top + height:
            self.scroll_to(y=max(top + height // 2, cursor - height + 1), animate=False)

    def on_click(self, event: events.Click) -> None:
        """Go to the row, and open or close it on a double click, or on a click on its arrow."""
        top = self.scroll_offset.y
        group = self._group_above(top) if event.y == 0 else None
        index = top + event.y if group is None else group
        if index < len(self.model.rows):
            self.move_to(index)
            node = self.model.rows[index]
            on_arrow = event.x == 1 + 2 * node.depth and self.model.can_open(node)
            if event.chain == 2 or on_arrow:  # noqa: PLR2004 - a double click
                self.action_enter()

    # -- actions ---------------------------------------------------------------------------------------------------

    def _set_open(self, *, opened: bool) -> bool:
        node = self.model.node
        if node is None:
            return False
        with self.changing() as model:
            done = model.open(model.cursor) if opened else model.close(model.cursor)
        if done:
            self.post_message(self.NodeToggled(node, opened=opened))
        return done

    def action_enter(self) -> None:
        """Open or close what the cursor is on; where that can't be, only say that it was entered."""
        node = self.model.node
        if node and not self._set_open(opened=True) and not self._set_open(opened=False):
            self.post_message(self.NodeEntered(node))

    def action_open(self) -> None:
        """Open what the cursor is on, or go to the first row within."""
        node = self.model.node
        if node and not self._set_open(opened=True) and self.model.can_open(node):
            self.move_to(self.model.cursor + 1)

    def action_close(self) -> None:
        """Close what the cursor is on, or go to what it lies in."""
        if self.model.rows and not self._set_open(opened=False):
            around = above(self.model.rows[self.model.cursor].place)
            parent = next((row for place in around if (row := self.model.index(place)) is not None), None)
            if parent is not None:
                self.move_to(parent)

    def action_move(self, rows: int) -> None:
        """Move the cursor down, or up."""
        self.move_to(self.model.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a page, less a row."""
        self.move_to(self.model.cursor + pages * max(1, self.scrollable_content_region.height - 1))

    def action_half(self, pages: int) -> None:
        """Move the cursor by half a page."""
        self.move_to(self.model.cursor + pages * max(1, self.scrollable_content_region.height // 2))

    def action_first(self) -> None:
        """Go to the top."""
        self.move_to(0)

    def action_last(self) -> None:
        """Go to the bottom."""
        self.move_to(len(self.model.rows) - 1)

    def action_attention(self, step: int) -> None:
        """Go to the next or previous that wants attention."""
        with self.changing() as model:
            found = seek_attention(model, step)
        if not found:
            self.post_message(self.AttentionSought(step))

    def action_level(self) -> None:
        """Open all of this level, or close all."""
        with self.changing() as model:
            closed = toggle_level(model)
        self.post_message(self.LevelToggled(closed))

    def action_mark(self) -> None:
        """Mark or unmark what the cursor is on, and go on to the next row."""
        if (node := self.model.node) is not None:
            with self.changing() as model:
                toggle_mark(model, node)
            self.move_to(self.model.cursor + 1)
            self.post_message(self.MarksChanged(len(self.model.marks)))

    @property
    def range_begun(self) -> bool:
        """Whether a range of marks has been begun and not ended."""
        return self.model.range_from is not None

    def action_range(self) -> None:
        """Begin a range of marks, or end it here."""
        node, begin = self.model.node, self.model.range_from
        if node is None:
            return
        start = self.model.index(begin) if begin else None
        with self.changing() as model:
            model.range_from = node.place if start is None else None
            if start is not None:
                mark_range(model, start, model.cursor)
        self.post_message(self.MarksChanged(len(self.model.marks), range_begun=start is None))

    def drop_range(self) -> None:
        """Mark nothing of the range that was begun."""
        with self.changing() as model:
            model.range_from = None
        self.post_message(self.MarksChanged(len(self.model.marks)))

    def action_unmark(self) -> None:
        """Unmark everything."""
        with self.changing() as model:
            model.range_from = None
            model.marks.clear()
        self.post_message(self.MarksChanged(0))


# -- a row as text ---------------------------------------------------------------------------------------------------


def _texts(shown: RowText) -> tuple[str, str]:
    """Return what stands before the glyph, and the glyph with a space on either side."""
    left = f"{RANGE if shown.range_begins else MARKS[shown.marking]}{'  ' * shown.depth}{ARROWS[shown.opened]}"
    return left, f" {shown.sign.glyph if shown.sign else ' '} "


def _fitting(counts: Counts, room: int) -> list[Cell]:
    """Return the counts that there is room for, from the first; `…` where some are left out."""
    fitting: list[Cell] = []
    for status, number in zip(STATUSES, counts, strict=False):
        text = f" {status.glyph}{number:,}"
        if not number:
            continue
        room -= cell_len(text)
        if room < 0:
            return [*fitting, (" …", "")]
        fitting.append((text, status.colour))
    return fitting


def _cut(label: str, width: int) -> str:
    """Return a label in exactly this many columns."""
    if cell_len(label) > width > 0:
        return f"{set_cell_size(label, width - 1)}…"
    return set_cell_size(label, max(0, width))

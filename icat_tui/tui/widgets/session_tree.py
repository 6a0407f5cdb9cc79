"""The tree on the screen: draws the rows of a `TreeModel` that are in view, and turns keys into changes of it.

What must stay true: what is drawn follows from the model and the width alone, so that only what differs is sent to the
terminal (`row_list`).
"""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import BindingType
from textual.message import Message

from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import STATUSES, Counts
from icat_tui.text import visible
from icat_tui.tui.key_actions import KeyAction, bindings_of
from icat_tui.tui.state.attention import seek_attention
from icat_tui.tui.state.columns import Cell, Columns, columns_for, row_cells
from icat_tui.tui.state.filtering import Filter
from icat_tui.tui.state.level import toggle_level
from icat_tui.tui.state.marks import Marking
from icat_tui.tui.state.nodes import Level, Node, Place, above
from icat_tui.tui.state.order import SortBy
from icat_tui.tui.state.targets import mark_range, toggle_mark
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.widgets.row_list import Coloured, RowList
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


class SessionTree(RowList[TreeModel, RowText]):
    """Tree of proposals, beamlines, sessions, collections and datasets."""

    ROOM_ABOVE: ClassVar[int] = 1
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
        super().__init__(model, id=id)
        self._layout = Columns(), 0
        """The columns, and the width that they are for."""
        self._search_called = False

    # -- drawing ---------------------------------------------------------------------------------------------------

    def texts(self, shown: RowText, width: int) -> list[Coloured]:
        """Return the texts of a row."""
        left, glyph = _texts(shown)
        room = width - cell_len(left) - cell_len(glyph)
        cells = self._cells(shown, room)
        right = sum(cell_len(text) for text, _ in cells)
        label = _cut(visible(shown.label), room - right)
        sign = shown.sign.colour if shown.sign else ""
        return [(left, ""), (glyph, sign), (label, "grey" if shown.stale else ""), *cells]

    def _cells(self, shown: RowText, room: int) -> list[Cell]:
        """Return what stands right of a name: in columns, or where that is too narrow one after the other."""
        if not self._layout[0].width:
            return _fitting(shown.counts, room - LABEL_AT_LEAST)
        if isinstance(shown.sign, Status) and not shown.counts:
            return []  # a dataset, whose name may be long
        word = shown.sign.word if isinstance(shown.sign, Category) else ""
        return row_cells(self._layout[0], shown.counts, shown.age, shown.fit, word)

    def at(self, y: int) -> tuple[RowText, bool] | None:
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

    def covered(self, top: int) -> int:
        """Return how many rows from `top` on are covered by the group that stays."""
        return int(self._group_above(top) is not None)

    def under_cursor(self) -> Place | None:
        """Return the place of what the cursor is on."""
        return self.model.node and self.model.node.place

    def cursor_changed(self) -> None:
        """Say what the cursor is on now."""
        self.post_message(self.CursorMoved(self.model.node))

    # -- changes ---------------------------------------------------------------------------------------------------

    def lay_out(self) -> bool:
        """Choose the columns for what is in view; return whether they have changed."""
        width = self.scrollable_content_region.width
        columns = columns_for(self.model.sessions.all_totals().counts, width)
        if (columns, width) == self._layout:
            return False
        self._layout = columns, width
        self.forget_drawn()
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

"""Panes with texts: all scroll by the same keys, and can be searched.

What must stay true: which pane has the focus is said by a mark before its title, not by a colour alone.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from icat_tui.text import visible
from icat_tui.tui.key_actions import KeyAction, bindings_of
from icat_tui.tui.widgets.text_search import TextLines, TextSearch

FOCUS = "»"
"""Stands before the title of the pane that has the focus."""
TEXT_ACTIONS = {
    "down": KeyAction("scroll_text(1)", "Down", "Scroll down"),
    "up": KeyAction("scroll_text(-1)", "Up", "Scroll up"),
    "half_down": KeyAction("scroll_half(1)", "", "Scroll half a page down"),
    "half_up": KeyAction("scroll_half(-1)", "", "Scroll half a page up"),
    "page_down": KeyAction("scroll_half(2)", "", "Scroll a page down"),
    "page_up": KeyAction("scroll_half(-2)", "", "Scroll a page up"),
    "top": KeyAction("scroll_text(-1_000_000)", "Top", "To the first line"),
    "bottom": KeyAction("scroll_text(1_000_000)", "Bottom", "To the last line"),
    "search": KeyAction("search_text", "Search", "Search in this text"),
    "next": KeyAction("search_step(1)", "Next", "To the next place where it was found"),
    "previous": KeyAction("search_step(-1)", "", "To the place before"),
}
"""By the names of their ids in the scope `text`; a pane that has the focus and a dialog around one do the same."""
TEXT_BINDINGS = bindings_of("text", TEXT_ACTIONS)


class TextPane(Widget):
    """Base of the widgets with a text that scrolls, beside one of textual's that does the scrolling.

    Theirs comes first among the bases, as style sheets follow the first one alone; so the bindings are given to each.
    """

    title: str = ""
    """Of the pane; empty: it has none."""
    _search: TextSearch | None = None

    class SearchAsked(Message):
        """Message: something is to be searched for in the text of a pane."""

        def __init__(self, pane: "TextPane") -> None:
            """Take the pane."""
            super().__init__()
            self.pane = pane

    def text_lines(self) -> list[str]:
        """Return the lines of the text as they are drawn."""
        raise NotImplementedError

    def mark_line(self, line: int | None) -> None:
        """Mark a line as found, or none."""
        raise NotImplementedError

    # -- the title -------------------------------------------------------------------------------------------------

    def show_title(self, title: str | None = None) -> None:
        """Show the title, another one where it is given, with the mark of the focus and what was found."""
        if title is not None:
            self.title = title
        if self.title:
            mark = f"{FOCUS} " if self.has_focus else ""
            self.border_title = Content(f"{mark}{visible(self.title)}")
            self.border_subtitle = Content("")

    def on_mount(self) -> None:
        """Show the title."""
        self.show_title()

    def on_focus(self) -> None:
        """Mark the title."""
        self.show_title()

    def on_blur(self) -> None:
        """Mark it no longer."""
        self.show_title()

    # -- scrolling and searching -----------------------------------------------------------------------------------

    def action_scroll_text(self, lines: int) -> None:
        """Scroll by lines."""
        self.scroll_relative(y=lines, animate=False)

    def action_scroll_half(self, halves: int) -> None:
        """Scroll by halves of a page."""
        self.scroll_relative(y=halves * max(1, self.scrollable_content_region.height // 2), animate=False)

    def action_search_text(self) -> None:
        """Ask what is searched for."""
        self.post_message(self.SearchAsked(self))

    def search_for(self, wanted: str | None) -> None:
        """Go to the first place of a text from here on; None: do nothing."""
        if wanted is not None:
            self._search = TextSearch(wanted, self.text_lines(), round(self.scroll_offset.y))
            self._show_found()

    def action_search_step(self, step: int) -> None:
        """Go on to the next place where it was found, or to the one before."""
        if self._search is not None:
            self._search.step(step)
            self._show_found()

    def _show_found(self) -> None:
        if self._search is None:
            return
        line = self._search.line
        self.mark_line(line)
        if line is not None:
            self.scroll_to(y=max(0, line - self.scrollable_content_region.height // 2), animate=False)
        self.app.notify(visible(self._search.told), markup=False, timeout=3)

    def forget_search(self) -> None:
        """Mark nothing any more: the text is another one."""
        if self._search is not None:
            self._search = None
            self.mark_line(None)


class TextView(VerticalScroll, TextPane):
    """Pane with one text."""

    DEFAULT_CSS = "TextView { scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [*TEXT_BINDINGS]

    def __init__(self, text: Content | None = None, *, id: str | None = None, can_focus: bool | None = None) -> None:  # noqa: A002 - textual's word
        """Show a text."""
        super().__init__(id=id, can_focus=can_focus)
        self._text = text or Content()

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield TextLines(self._text)

    def show_text(self, text: Content) -> None:
        """Show another text, as far as it was scrolled."""
        self.forget_search()
        self.query_one(TextLines).update(text)

    def text_lines(self) -> list[str]:
        """Return the lines of the text as they are drawn."""
        return self.query_one(TextLines).lines

    def mark_line(self, line: int | None) -> None:
        """Mark a line as found, or none."""
        self.query_one(TextLines).mark(line)

"""Bases of all dialogs: boxes over the tree, left by `esc`.

What must stay true: a question hears no key that may have been meant for what was on the screen before it. It is deaf
until it was painted and no key has been typed for 300 ms since; only leaving is always heard.
"""

from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from icat_tui.tui.key_actions import bindings_of
from icat_tui.tui.widgets.text_pane import TEXT_ACTIONS, TextPane

Result = TypeVar("Result")
QUIET = 0.3
"""Seconds without any key after which a question that is on the screen hears keys."""
NARROW, LOW = 60, 16
"""Columns and lines below which a dialog takes all of the screen."""


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """Base of all dialogs; left without an answer, its result is None."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > #box {
            width: 90%;
            max-width: 110;
            height: auto;
            max-height: 90%;
            border: round $primary;
            background: $background;
            color: $foreground;
            padding: 0 1;
        }
        &.-narrow > #box, &.-low > #box { width: 100%; max-height: 100%; padding: 0; }
        & .title { text-style: bold; }
        & .warning { color: $warning; }
        & .hint { color: $secondary; }
        & Input { background: $panel; color: $foreground; }
        & Button { min-width: 10; }
        & #foot { height: auto; & > .hint { width: 1fr; } }
        & VerticalScroll { height: auto; scrollbar-size-vertical: 1; background: $background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", tooltip="Leave without doing anything"),
        Binding("question_mark,f1", "app.help", "help", show=False, tooltip="List the keys"),
        *bindings_of("text", TEXT_ACTIONS),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012 - so declared by textual
    VERTICAL_BREAKPOINTS = [(0, "-low"), (LOW, "-high")]  # noqa: RUF012 - so declared by textual

    def hears(self, key: events.Key, before: float) -> bool:  # noqa: ARG002 - questions want to know
        """Return whether a key counts; `before` is when the last one was typed, wherever it went."""
        return True

    def action_leave(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    # -- the text in it, for when the focus is elsewhere -----------------------------------------------------------

    @property
    def text(self) -> TextPane:
        """The text that scrolls. Raises SkipAction where there is none."""
        for each in self.walk_children():
            if isinstance(each, TextPane):  # a query goes by the first of a widget's bases alone
                return each
        raise SkipAction

    def action_scroll_text(self, lines: int) -> None:
        """Scroll by lines."""
        self.text.action_scroll_text(lines)

    def action_scroll_half(self, halves: int) -> None:
        """Scroll by halves of a page."""
        self.text.action_scroll_half(halves)

    def action_search_text(self) -> None:
        """Ask what is searched for."""
        self.text.action_search_text()

    def action_search_step(self, step: int) -> None:
        """Go on to the next place where it was found, or to the one before."""
        self.text.action_search_step(step)


class Question(Dialog[Result]):
    """Base of the dialogs whose answer has consequences."""

    def __init__(self) -> None:
        """Wait to be painted."""
        super().__init__()
        self._painted_at: float | None = None
        self._last_key_at = 0.0
        self._listening = False

    @property
    def listens(self) -> bool:
        """Whether a person can have seen what they answer by now, and has stopped typing something else."""
        return self._listening or self._is_quiet(events.Event().time)

    def on_mount(self) -> None:
        """Heed keys once a person can have read what is asked."""
        self.await_paint()

    def await_paint(self) -> None:
        """Be deaf again: what is about to be shown is another question."""
        self._painted_at, self._listening = None, False
        self.call_after_refresh(self.call_after_refresh, self._was_painted)  # first the widgets say what has changed

    def _was_painted(self) -> None:
        self._painted_at = events.Event().time

    def _is_quiet(self, now: float) -> bool:
        return self._painted_at is not None and now - max(self._painted_at, self._last_key_at) >= QUIET

    def hears(self, key: events.Key, before: float) -> bool:
        """Return whether a key counts: any once the question listens, before that only the one that leaves."""
        self._last_key_at = before
        self._listening = self._listening or self._is_quiet(key.time)
        self._last_key_at = key.time
        if self._listening:
            return True
        heard = self.active_bindings.get(key.key)
        return heard is not None and heard.binding.action == "leave"


def hint(*keys: tuple[str, str]) -> Content:
    """Return what keys do, for the last line of a dialog."""
    return Content("  ").join(Content.assemble((key, "bold $primary"), " ", does) for key, does in keys)

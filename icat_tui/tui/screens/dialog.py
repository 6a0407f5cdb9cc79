"""Base of all dialogs: a box over the tree, left by `esc`, and deaf to keys typed before it was painted."""

from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

Result = TypeVar("Result")
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
        Binding("escape", "leave", "cancel", tooltip="Leave without doing anything")
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012 - so declared by textual
    VERTICAL_BREAKPOINTS = [(0, "-low"), (LOW, "-high")]  # noqa: RUF012 - so declared by textual

    def __init__(self) -> None:
        """Wait to be painted."""
        super().__init__()
        self._painted_at: float | None = None

    @property
    def painted(self) -> bool:
        """Whether a person can have seen what they say yes to."""
        return self._painted_at is not None

    def on_mount(self) -> None:
        """Heed keys from the first frame on."""
        self.await_paint()

    def await_paint(self) -> None:
        """Heed no key that was typed before what is about to be shown was painted."""
        self._painted_at = None
        self.call_after_refresh(self.call_after_refresh, self._was_painted)  # first the widgets say what has changed

    def _was_painted(self) -> None:
        self._painted_at = events.Event().time

    def on_key(self, event: events.Key) -> None:
        """Drop keys that were typed before anybody can have seen what they answer; one may always leave."""
        if self._painted_at is not None and event.time >= self._painted_at:
            return
        heard = self.active_bindings.get(event.key)
        if heard is None or heard.binding.action != "leave":
            event.stop()

    def action_leave(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def action_scroll_text(self, lines: int) -> None:
        """Scroll what is too long for the box."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def hint(*keys: tuple[str, str]) -> Content:
    """Return what keys do, for the last line of a dialog."""
    return Content("  ").join(Content.assemble((key, "bold $primary"), " ", does) for key, does in keys)

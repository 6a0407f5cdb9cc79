"""What all dialogs have in common: a box over the tree, `esc` to leave it, and no key counts before it was painted."""

from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """A dialog that is left with None."""

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
            padding: 0 1;
        }
        & .title { text-style: bold; }
        & .warning { color: $warning; }
        & .hint { color: $secondary; }
        & Input { border: none; height: 1; padding: 0; background: $panel; }
        & Button { min-width: 10; height: 1; border: none; }
        & #buttons { height: 1; align-horizontal: right; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", tooltip="Leave without doing anything")
    ]

    def __init__(self) -> None:
        """Wait to be painted."""
        super().__init__()
        self.painted = False
        """Whether a person can have seen what they say yes to: what was typed before does not count."""

    def on_mount(self) -> None:
        """Heed keys from the first frame on."""
        self.call_after_refresh(self._was_painted)

    def _was_painted(self) -> None:
        self.painted = True

    def action_leave(self) -> None:
        """Close without a result."""
        self.dismiss(None)

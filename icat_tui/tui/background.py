"""Work in threads that nobody waits for; its results come back to the UI as messages.

What must stay true: no thread touches a widget, none keeps the program from ending, and what goes wrong in one is told.
"""

import threading
import traceback
from collections.abc import Callable
from typing import TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from icat_tui.domain.errors import IcatTuiError

Result = TypeVar("Result")


class WorkDone(Message):
    """Message: a thread has done its work; `then` is to be called with the result."""

    def __init__(self, then: Callable[[], None]) -> None:
        """Take what is to be done with it, in the UI's own thread."""
        super().__init__()
        self.then = then


class WorkFailed(Message):
    """Message: work in a thread ended with an error."""

    def __init__(self, doing: str, error: Exception) -> None:
        """Take what was being done, and why it ended."""
        super().__init__()
        self.doing = doing
        self.error = error
        self.details = traceback.format_exc()

    @property
    def expected(self) -> bool:
        """Whether the error is one of ours, which says itself what is the matter."""
        return isinstance(self.error, IcatTuiError)

    @property
    def line(self) -> str:
        """The error in a line for a person."""
        if self.expected:
            return str(self.error)
        what = f"a mistake of ours while {self.doing} ({type(self.error).__name__}: {self.error})"
        return f"{what}: please report it, with what the log (L) says"


def in_background(
    pump: MessagePump, doing: str, work: Callable[[], Result], then: Callable[[Result], None] = lambda _: None
) -> threading.Thread:
    """Do `work` in a thread, and `then` something with its result in the UI's; errors are posted as `WorkFailed`."""

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown and logged where it can be
            pump.post_message(WorkFailed(doing, error))
        else:
            pump.post_message(WorkDone(lambda: then(result)))

    thread = threading.Thread(target=run, name=f"icat-tui {doing}", daemon=True)
    thread.start()
    return thread

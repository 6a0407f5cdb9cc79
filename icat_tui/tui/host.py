"""The interface between controllers and the app: show a text, ask a question, run work in a thread, stop it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, TypeVar

from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer

Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Host(Protocol):
    """Protocol of the app, as far as controllers know it."""

    @property
    def is_open(self) -> bool:
        """Whether there is anything to show things on: what comes when the app is being left is not shown."""

    def say(self, text: str, colour: str = "", command: str = "") -> None:
        """Write something into the log pane, with the command that does the same."""

    def hint(self, text: str) -> None:
        """Show something for a moment, and in the log."""

    def complain(self, text: str) -> None:
        """Show that something went wrong."""

    def ask(self, screen: ModalScreen[Answer | None], then: Callable[[Answer], None]) -> None:
        """Show a dialog, and go on with what it was dismissed with, if that is anything."""

    def copy_to_clipboard(self, text: str) -> None:
        """Have the terminal copy a text."""

    def background(self, doing: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do something in a thread, then something with its result in the UI's."""

    def post_message(self, message: Message) -> bool:
        """Have a message handled in the UI's thread; from any thread."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call something once, after so many seconds."""

    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer:
        """Call something every so many seconds."""

    def show_state(self) -> None:
        """Show the status line as things are now."""


class Activity(NamedTuple):
    """Scan, look, verification or sending under way."""

    since: float
    """Of `time.monotonic`."""
    noun: str
    """For the footer: `esc Stop the scan`."""
    stop: Callable[[], None]
    question: str = ""
    """What is asked before it is stopped; empty: nothing."""


def next_to_stop(activities: Iterable[Activity]) -> Activity | None:
    """Return what `esc` stops: the youngest of those that need no question, else the youngest."""
    return max(activities, key=lambda each: (not each.question, each.since), default=None)

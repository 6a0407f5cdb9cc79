"""Messages that threads post without being asked: facts in the past tense, each of a class of its own.

A result that was asked for comes back through `background`, where question and answer stand in one function.
"""

from collections.abc import Sequence

from msgspec import Struct
from textual.message import Message

from icat_tui.cache.session_index import Changes
from icat_tui.domain.model import SessionDirectory


class SessionsDiscovered(Message):
    """Message: sessions were found on disk, or directories that can't be listed."""

    def __init__(self, directories: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        """Take the sessions, and a line for each directory."""
        super().__init__()
        self.directories, self.troubles = tuple(directories), tuple(troubles)


class IndexChanged(Message):
    """Message: the cache was found to differ from its index."""

    def __init__(self, changes: Changes) -> None:
        """Take what is different."""
        super().__init__()
        self.changes = changes


class RegistrationTold(Message):
    """Message: something happened to confirmed messages, or to the sessions that they are about."""

    def __init__(self, event: Struct) -> None:
        """Take the event of sending, of verifying or of looking again."""
        super().__init__()
        self.event = event

"""Status of a dataset and category of a session, with their keys, glyphs, words and colour names.

The rules are in interface.md, "Status of a dataset" and "Category of a session". What must stay true: a colour is
never shown without the glyph or word. The theme decides which style a colour name means.
"""

from enum import StrEnum
from typing import Self


class Marked(StrEnum):
    """Key of a status or category, with its glyph, colour name and meaning."""

    glyph: str
    colour: str
    meaning: str

    def __new__(cls, value: str, glyph: str, colour: str, meaning: str) -> Self:
        """Make a member whose value is its key."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.glyph = glyph
        member.colour = colour
        member.meaning = meaning
        return member

    @property
    def word(self) -> str:
        """The key as words of a sentence."""
        return self.value.replace("_", " ")


class Status(Marked):
    """Status of a dataset, in the order of the keys 1 to 9."""

    REGISTERED = "registered", "=", "green", "ICAT has it"
    UNREGISTERED = "unregistered", "!", "magenta", "not in ICAT, has what it takes to register it"
    NOT_UPLOADED = "not_uploaded", "^", "yellow", "BLISS left its metadata in __icat__, ICAT does not have it"
    REGISTERED_WITHOUT_FILES = (
        "registered_without_files",
        "o",
        "cyan",
        "ICAT has it with 0 files, the directory has some",
    )
    INVALID = "invalid", "x", "red", "not in ICAT and can't be registered as it is"
    IN_PROGRESS = "in_progress", "*", "blue", "is or may be still written"
    PENDING = "pending", "~", "blue", "sent and accepted by the broker, not seen in ICAT yet"
    MISSING_ON_DISK = "missing_on_disk", "_", "grey", "ICAT has it, the disk has not"
    UNKNOWN = "unknown", "?", "reverse", "could not be determined"

    @property
    def key(self) -> str:
        """The key that shows or hides it."""
        return str(list(Status).index(self) + 1)


ACTIONABLE = (Status.NOT_UPLOADED, Status.UNREGISTERED, Status.REGISTERED_WITHOUT_FILES)
"""Statuses about which something can be sent, in the order of sending (icat.md, "Actions")."""


class Category(Marked):
    """Category of a session."""

    TODO = "todo", "!", "magenta", "something can be registered"
    TODO_ONGOING = "todo_ongoing", "*", "blue", "something can be registered, but it may still change"
    NOT_IN_ICAT = "not_in_icat", "-", "red", "ICAT has no investigation of this proposal and beamline"
    HAS_INVALID = "has_invalid", "x", "red", "something can't be registered as it is"
    UNKNOWN = "unknown", "?", "reverse", "something could not be determined"
    OK = "ok", "=", "green", "nothing is to be done"
    EMPTY = "empty", "·", "grey", "nothing on disk"


ATTENTION = frozenset({Category.TODO, Category.HAS_INVALID, Category.NOT_IN_ICAT, Category.UNKNOWN})
"""Categories of sessions that a person should look at."""

ATTENTION_STATUSES = frozenset({*ACTIONABLE, Status.INVALID, Status.UNKNOWN})
"""Statuses that a person should look at within a session; without pending, in progress and missing on disk."""

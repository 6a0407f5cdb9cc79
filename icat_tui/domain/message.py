"""One message to ICAT.

What must stay true: the body is sent byte for byte as it was made.
"""

import hashlib
from enum import StrEnum
from uuid import uuid4

from msgspec import Struct, field

from icat_tui.domain.errors import MessageError
from icat_tui.text import visible


class Action(StrEnum):
    """Kind of change that a message requests of ICAT."""

    REGISTER = "register"
    """A dataset's XML, made by this program."""
    REGISTER_STORED = "register_stored"
    """A dataset's XML, unchanged from a file."""
    ADD_FILES = "add_files"
    """A request to add the files of a registered dataset."""


class Message(Struct, frozen=True, kw_only=True):
    """Message as it is sent, byte for byte."""

    id: str = field(default_factory=lambda: uuid4().hex)
    """Made by this program: identifies the message in the journal and the broker's receipt."""
    action: Action
    destination: str
    """The name of the queue."""
    body: bytes
    dataset: str
    """The dataset directory as it is on disk."""
    location: str = ""
    """Where that directory lies, with links and mounts resolved, by which journal and locks know it; empty: there."""
    proposal: str = ""
    beamline: str = ""
    """What ICAT is told, by which ICAT is asked for the dataset afterwards."""
    icat_id: int | None = None
    """The dataset's id in ICAT, where files are to be added to it."""
    investigation: int | None = None

    def __post_init__(self) -> None:
        """Raise MessageError for a body that can't be sent: an empty one, or one with a NUL.

        STOMP ends a body without a length at its first NUL (icat.md, "Bytes on the wire").
        """
        if not self.body or b"\0" in self.body:
            raise MessageError(f"The message for {visible(self.dataset)} is empty or holds a NUL: it can't be sent")

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hexadecimal digits: equal for messages with the same body."""
        return hashlib.sha256(self.body).hexdigest()

"""One message to ICAT, byte for byte."""

import hashlib
from enum import StrEnum
from uuid import uuid4

from msgspec import Struct, field

from icat_tui.domain.errors import MessageError
from icat_tui.text import visible


class Action(StrEnum):
    """What a message asks of ICAT."""

    REGISTER = "register"
    """A dataset's XML, made by us."""
    REGISTER_STORED = "register_stored"
    """A dataset's XML, as it was found in a file."""
    ADD_FILES = "add_files"


class Message(Struct, frozen=True, kw_only=True):
    """One message as it will be sent, byte for byte."""

    id: str = field(default_factory=lambda: uuid4().hex)
    """Ours: in the journal and as the receipt that the broker is asked for."""
    action: Action
    destination: str
    """The name of the queue."""
    body: bytes
    dataset: str
    """The dataset directory as it is on disk."""
    icat_id: int | None = None
    """The dataset's id in ICAT, where files are to be added to it."""
    investigation: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no broker could carry: STOMP ends a body without a length at the first NUL (icat.md, "Bytes on the wire")."""
        if not self.body or b"\0" in self.body:
            raise MessageError(f"The message for {visible(self.dataset)} is empty or holds a NUL: it can't be sent")

    @property
    def digest(self) -> str:
        """What two messages with the same body have in common."""
        return hashlib.sha256(self.body).hexdigest()

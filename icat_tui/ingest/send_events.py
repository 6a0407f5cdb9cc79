"""What sending reports as it goes: facts in the past tense, told to whoever listens.

An outcome is reported only after it stands in the journal. A run of events ends with `SendingFinished` on every path
but a journal that can't be written, which is an error.
"""

from msgspec import Struct

from icat_tui.domain.message import Message


class BrokerConnected(Struct, frozen=True):
    """A broker took the connection; messages go there from now on."""

    broker: str


class BrokerLost(Struct, frozen=True):
    """The connection is gone; what had no receipt is reported as `MessageUnknown`."""

    broker: str
    reason: str


class MessageAccepted(Struct, frozen=True):
    """The broker confirmed that it has the message. It may follow a `MessageUnknown`: the receipt was late."""

    message: Message


class MessageRejected(Struct, frozen=True):
    """The broker answered this message with an error: it does not have it."""

    message: Message
    words: str
    """The broker's own."""


class MessageUnknown(Struct, frozen=True):
    """The message went out, or may have, and there was no receipt. It is never sent again by itself."""

    message: Message
    reason: str


class SendingFinished(Struct, frozen=True):
    """Nothing more comes. What was neither accepted, rejected nor unknown was not sent, and is still planned."""

    accepted: int
    rejected: int
    unknown: int
    connected: bool
    """Whether any broker took a connection."""
    cancelled: bool
    trouble: str = ""
    """Why not everything was sent, for a person; empty: all of it was, or it was cancelled."""


SendEvent = BrokerConnected | BrokerLost | MessageAccepted | MessageRejected | MessageUnknown | SendingFinished

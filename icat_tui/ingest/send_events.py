"""Events of sending: facts in the past tense.

What must stay true: the event of an outcome comes only after the outcome is in the journal. The last event is
`SendingFinished`, unless the journal can't be written, which is an error.
"""

from msgspec import Struct

from icat_tui.domain.message import Message


class BrokerConnected(Struct, frozen=True):
    """Event: a broker took the connection, and messages go there from now on."""

    broker: str


class BrokerLost(Struct, frozen=True):
    """Event: the connection is gone; messages without a receipt were reported as `MessageUnknown`."""

    broker: str
    reason: str


class MessageAccepted(Struct, frozen=True):
    """Event: the broker confirmed the message. It may follow a `MessageUnknown`: the receipt was late."""

    message: Message


class MessageRejected(Struct, frozen=True):
    """Event: the broker answered this message with an error, and does not have it."""

    message: Message
    words: str
    """The broker's text."""


class MessageUnknown(Struct, frozen=True):
    """Event: the message went out, or may have, without a receipt. It is never sent again by itself."""

    message: Message
    reason: str


class SendingFinished(Struct, frozen=True):
    """Last event. A message that is neither accepted, rejected nor unknown was not sent, and is still planned."""

    accepted: int
    rejected: int
    unknown: int
    connected: bool
    """Whether any broker took a connection."""
    cancelled: bool
    trouble: str = ""
    """The reason why not everything was sent, for a person; empty: all of it was, or it was cancelled."""


SendEvent = BrokerConnected | BrokerLost | MessageAccepted | MessageRejected | MessageUnknown | SendingFinished

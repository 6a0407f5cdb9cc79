"""Sending behind the screen: what was confirmed is registered one plan after the other, and looked for in ICAT.

One thread, so that messages keep their order and their pace. It knows no widget: whoever made it hears of everything
through `tell`, which may be called from that thread.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec import Struct

from icat_tui.domain.errors import IcatTuiError
from icat_tui.domain.events import SessionScanned
from icat_tui.domain.model import Session
from icat_tui.ingest.events import MessageAccepted, MessageRejected, MessageUnknown, SendingFinished
from icat_tui.ingest.messages import Message
from icat_tui.sync.cancel import Cancellation
from icat_tui.sync.plan import Plan, Terms
from icat_tui.sync.register import MessageSkipped, Office, RegisterEvent, look_again, register
from icat_tui.sync.verify import MessageConfirmed, VerifyEvent, verify


class Fate(StrEnum):
    """How far a confirmed message has come."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Order(Struct, frozen=True):
    """What was confirmed at once."""

    plans: tuple[Plan, ...]
    terms: Terms


class OrderDone(Struct, frozen=True):
    """All that was confirmed at once has been seen to; `trouble` says why it ended before that."""

    order: Order
    trouble: str = ""


Told = RegisterEvent | VerifyEvent | SessionScanned | OrderDone


class Registrar:
    """Registers what is confirmed, in the background."""

    def __init__(self, office: Office, tell: Callable[[Told], None]) -> None:
        """Work with `office`, and report everything to `tell`."""
        self._office, self._tell = office, tell
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._cancellation = Cancellation()
        self.fates: dict[str, Fate] = {}
        """By the id of each message that was confirmed."""
        self._thread = threading.Thread(target=self._work, daemon=True, name="registrar")
        self._thread.start()

    def confirm(self, plans: Sequence[Plan], terms: Terms) -> None:
        """Have plans sent, after what was confirmed before."""
        for plan in plans:
            for offer in plan.offers:
                self.fates[offer.message.id] = Fate.WAITING
        self._orders.put(Order(tuple(plans), terms))

    def cancel(self) -> None:
        """Stop sending: what has not gone out stays planned in the journal."""
        cancellation, self._cancellation = self._cancellation, Cancellation()
        cancellation.cancel()

    def stop(self, seconds: float) -> None:
        """Stop sending and end; give receipts that are under way a last time to come."""
        self._orders.put(None)
        self.cancel()
        self._thread.join(seconds)

    @property
    def busy(self) -> int:
        """How many messages have not been seen to yet."""
        return sum(1 for fate in self.fates.values() if fate is Fate.WAITING)

    def summary(self) -> str:
        """Return "k sent, m not sent, j unknown" in words."""
        counts = Counter(self.fates.values())
        sent = counts[Fate.ACCEPTED] + counts[Fate.CONFIRMED] + counts[Fate.REJECTED]
        not_sent = counts[Fate.WAITING] + counts[Fate.SKIPPED]
        return f"{sent} sent, {not_sent} not sent, {counts[Fate.UNKNOWN]} unknown"

    # -- the thread --

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            cancellation, trouble = self._cancellation, ""
            try:
                self._carry_out(order, cancellation)
            except IcatTuiError as error:
                trouble = str(error)
            except Exception as error:  # noqa: BLE001 - told, and the next order is seen to all the same
                trouble = f"a mistake of ours ({type(error).__name__}: {error}): please report it"
            self._tell(OrderDone(order, trouble))

    def _carry_out(self, order: Order, cancellation: Cancellation) -> None:
        to_verify: dict[str, Message] = {}
        for event in register(order.plans, order.terms, self._office, cancellation):
            self._note(event, to_verify)
            self._tell(event)
        for plan in order.plans:
            self._look(plan.session, cancellation)
        office = self._office
        for looked in verify(
            list(to_verify.values()), office.catalogue, office.around.facility, office.verify_wait, cancellation
        ):
            if isinstance(looked, MessageConfirmed):
                self.fates[looked.message.id] = Fate.CONFIRMED
                office.journal.seen([looked.message])
            self._tell(looked)
        for plan in order.plans:
            self._look(plan.session, cancellation)

    def _note(self, event: RegisterEvent, to_verify: dict[str, Message]) -> None:
        match event:
            case MessageAccepted(message=message):
                self.fates[message.id], to_verify[message.id] = Fate.ACCEPTED, message
            case MessageUnknown(message=message):
                self.fates[message.id], to_verify[message.id] = Fate.UNKNOWN, message
            case MessageRejected(message=message):
                self.fates[message.id] = Fate.REJECTED
            case MessageSkipped(message=message):
                self.fates[message.id] = Fate.SKIPPED
            case SendingFinished():
                pass

    def _look(self, session: Session, cancellation: Cancellation) -> None:
        """Tell how a session is now, and let the cache know."""
        now = look_again(session.directory, self._office, cancellation, keep=True)
        if now is not None:
            self._tell(SessionScanned(now))

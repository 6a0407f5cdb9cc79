"""What the journal's screen asks for: to resume, verify, settle, show and copy messages, each done in a thread.

What must stay true: messages go out by the thread that sends, after a question, as all others do; what is done is done
to messages as the journal has them then, not as they were on the screen.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from icat_tui.domain.errors import IcatTuiError
from icat_tui.domain.message import Message
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.journal.directory import user_name
from icat_tui.journal.sendings import MessageState, Sending
from icat_tui.journal.watch import JournalWatch
from icat_tui.settings.keymap import keys_in_force
from icat_tui.settings.schema import HomeUnknownError
from icat_tui.sync.pending_messages import settle
from icat_tui.text import counted
from icat_tui.tui.background import WorkDone
from icat_tui.tui.controllers.journal_feed import JournalFeed
from icat_tui.tui.controllers.journal_reading import JournalReading
from icat_tui.tui.controllers.journal_verification import JournalVerification, Verified
from icat_tui.tui.controllers.planned_work import PlannedWork
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.screens.confirm_resume import ConfirmResume, Resumption
from icat_tui.tui.screens.journal_screen import JournalScreen
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.settle_form import Settled, SettleForm
from icat_tui.tui.state.filter_history import FilterHistory
from icat_tui.tui.state.journal_entries import JournalShown
from icat_tui.tui.state.journal_filter import JournalFilter
from icat_tui.tui.state.journal_message import JournalMessage
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.widgets.journal_text import Clock
from icat_tui.tui.widgets.status_bar import ColouredText
from icat_tui.tui.widgets.status_text import planned_text
from icat_tui.tui.workspace import Workspace

Result = TypeVar("Result")
Rescan = Callable[[Sequence[SessionDirectory]], None]


class Resuming(Protocol):
    """Protocol of what sends, as far as the journal needs it."""

    order_done: Callable[[], None]
    """Called when nothing more of an order is sent."""

    @property
    def waiting(self) -> frozenset[str]:
        """The ids of messages that this run still sends."""

    def resume(
        self, planned: Sequence[Sending], directories: Sequence[SessionDirectory], sessions: Sequence[Session]
    ) -> int:
        """Have planned messages sent, and return the number of their order."""


class Resumable(NamedTuple):
    """Planned messages that can be sent."""

    planned: list[Sending]
    directories: list[SessionDirectory]
    """Their sessions that are in the tree."""
    sessions: list[Session]
    """Those of which more is known."""
    busy: int
    """How many more are being sent now."""


class JournalWork:
    """Controller of the journal on the screen: the `JournalDesk` of its screen."""

    def __init__(
        self, host: Host, workspace: Workspace, store: SessionStore, registrations: Resuming, rescan: Rescan
    ) -> None:
        """Read nothing yet; `rescan` has sessions looked at again of which the journal says something else."""
        self._host, self._workspace, self._store = host, workspace, store
        self._registrations, self._rescan = registrations, rescan
        self._reading = JournalReading(workspace, store)
        self._verification = JournalVerification(host, workspace, self._reading.pending, self._verified)
        self._planned_work = PlannedWork(host, workspace, lambda: registrations.waiting)
        registrations.order_done = self._planned_work.look
        self._keys = keys_in_force(workspace.services.settings.keys)
        self.history = FilterHistory()
        self._screen: JournalScreen | None = None
        self._feed: JournalFeed | None = None

    # -- the screen ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Look for what this user planned and nobody sends."""
        self._planned_work.begin()

    @property
    def planned_text(self) -> ColouredText | None:
        """How many messages of this user wait to be resumed, for the status line."""
        known = self._planned_work.known
        return planned_text(known.number, known.oldest, self._workspace.now(), self._keys["app.journal"])

    def open(self) -> None:
        """Show the journal, and read it."""
        try:
            path = str(self._reading.directory.path)
        except HomeUnknownError as error:
            self._host.complain(f"there is no journal: {error}, or state_dir")
            return
        zone = self._workspace.facility.zone
        clock = lambda: Clock(self._workspace.now(), zone)  # noqa: E731 - it is passed on
        self._screen = JournalScreen(path, self, clock, me=user_name(), keys=self._keys)
        self._host.ask(self._screen, lambda _: None)

    def opened(self) -> None:
        """Begin to read: the screen is there."""
        facility = self._workspace.facility
        feed = self._feed = JournalFeed(JournalWatch(self._reading.directory, facility), facility.zone)
        feed.start(lambda shown: self._host.post_message(WorkDone(partial(self._show, feed, shown))))

    def closed(self) -> None:
        """Read no more: the screen was closed."""
        if self._feed is not None:
            self._feed.stop()
        self._screen = self._feed = None
        if self._host.is_open:
            self._planned_work.look()

    def _show(self, feed: JournalFeed, shown: JournalShown) -> None:
        if self._screen is not None and feed is self._feed:
            self._screen.show(shown)

    def _tell(self, text: str, colour: str = "") -> None:
        """Say something on the screen, or where that was closed meanwhile, for a moment."""
        if self._screen is not None:
            self._screen.tell(text, colour)
            self._host.say(text, colour)
        else:
            self._host.hint(text)

    def _show_doing(self, text: str) -> None:
        """Say on the screen what is under way, which takes its time where a journal is large."""
        if self._screen is not None:
            self._screen.tell(text)

    def _in_thread(self, doing: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do something in a thread, then something with its result; an error of ours is told where one looks."""

        def tried() -> tuple[Result] | IcatTuiError:
            try:
                return (work(),)
            except IcatTuiError as error:
                return error

        def go_on(result: tuple[Result] | IcatTuiError) -> None:
            if isinstance(result, IcatTuiError):
                self._tell(str(result), "red")
            else:
                then(result[0])

        self._host.background(doing, tried, go_on)

    def _look(self) -> None:
        if self._feed is not None:
            self._feed.look()

    def narrow(self, wanted: JournalFilter) -> None:
        """Show what a filter lets through."""
        if self._feed is not None:
            self._feed.narrow(wanted)

    # -- resuming --------------------------------------------------------------------------------------------------

    def resume(self, messages: Sequence[JournalMessage]) -> None:
        """Ask whether planned messages are to be sent, and have them sent."""
        if self._workspace.forbidden:
            self._tell(self._workspace.forbidden, "red")
            return
        if not messages:
            self._tell("nothing is planned here that was never sent")
            return
        self._show_doing("looking at what is planned here")
        self._in_thread("reading what is planned", partial(self._planned, messages), self._ask_to_resume)

    def _planned(self, messages: Sequence[JournalMessage]) -> Resumable:
        """Return what can be sent, with its sessions as they were known last, and how much of it is being sent."""
        waiting = self._registrations.waiting
        planned = self._reading.now(messages, (MessageState.PLANNED,))
        free = self._reading.nobody_sends([each for each in planned if each.id not in waiting])
        directories = self._reading.directories(free)
        sessions = [session for each in directories if (session := self._store.load(each)) is not None]
        return Resumable(free, directories, sessions, len(planned) - len(free))

    def _ask_to_resume(self, found: Resumable) -> None:
        self._show_doing("")
        planned, busy = found.planned, found.busy
        if not planned:
            left = f"{counted(busy, 'message')} being sent now"
            self._tell(f"there is nothing else to resume here: {left}" if busy else "nothing is planned here any more")
            self._look()
            return
        me, others = user_name(), Counter(each.user for each in planned)
        mine = others.pop(me, 0)
        notes = [f"{number:,} of them confirmed by {user}, and not by you" for user, number in others.most_common()]
        if busy:
            notes.append(f"{counted(busy, 'message')} more being sent now")
        resumption = Resumption(
            messages=mine + others.total(),
            target=self._workspace.services.target(),
            notes=tuple(notes),
            lines=tuple(self._reading.lines(planned)),
        )
        self._host.ask(ConfirmResume(resumption), lambda _: self._send(found))

    def _send(self, found: Resumable) -> None:
        if self._workspace.forbidden:
            self._tell(self._workspace.forbidden, "red")
            return
        number = self._registrations.resume(found.planned, found.directories, found.sessions)
        self._tell(f"order {number}: {counted(len(found.planned), 'message')} being sent; the tree shows how far it is")

    # -- asking ICAT -----------------------------------------------------------------------------------------------

    @property
    def verifying(self) -> bool:
        """Whether ICAT is being asked."""
        return bool(self._verification)

    @property
    def activities(self) -> list[Activity]:
        """What is under way and can be stopped."""
        return self._verification.activities(self.stop_verifying)

    def verify(self, messages: Sequence[JournalMessage]) -> None:
        """Ask ICAT in a thread whether pending messages have arrived."""
        if self.verifying:
            self._tell("ICAT is being asked: esc stops it")
        elif not messages:
            self._tell("nothing is pending here")
        else:
            self._verification.begin(messages)
            self._tell(f"asking ICAT about {counted(len(messages), 'message')}: esc stops it")

    def stop_verifying(self) -> None:
        """Ask ICAT no more: what it has not shown stays pending."""
        self._verification.stop()
        self._tell("stopped: ICAT is asked no more, what it has not shown stays pending")

    def _verified(self, verified: Verified) -> None:
        self._rescan(self._reading.directories(verified.seen))
        self._look()
        self._tell(verified.words(), "red" if verified.trouble else "green" if verified.seen else "")

    # -- settling --------------------------------------------------------------------------------------------------

    def settle(self, messages: Sequence[JournalMessage]) -> None:
        """Ask a person what became of messages, and write that to the journal."""
        if not messages:
            self._tell("there is nothing to settle here: only what was sent, and not seen in ICAT")
            return
        self._show_doing("looking at what became of it")
        states = {message.state for message in messages}
        self._in_thread(
            "reading the journal",
            lambda: self._reading.nobody_sends(self._reading.now(messages, states)),
            self._ask_what_became,
        )

    def _ask_what_became(self, sendings: list[Sending]) -> None:
        self._show_doing("")
        if not sendings:
            self._tell("it is being sent now, or something became of it meanwhile")
            self._look()
            return
        form = SettleForm(len(sendings), self._reading.lines(sendings))
        self._host.ask(form, partial(self._settle, sendings))

    def _settle(self, sendings: Sequence[Sending], answer: Settled) -> None:
        def settled(_: None) -> None:
            self._look()
            self._rescan(self._reading.directories(sendings))
            self._tell(f"{counted(len(sendings), 'message')} settled as {answer.settled}")

        self._in_thread(
            "settling", lambda: settle(sendings, self._reading.directory, answer.settled, answer.why), settled
        )

    # -- messages byte for byte ------------------------------------------------------------------------------------

    def preview(self, message: JournalMessage) -> None:
        """Show a message byte for byte."""
        self._with_body(message, lambda found: self._host.ask(MessagePreview(found), lambda _: None))

    def copy(self, message: JournalMessage) -> None:
        """Copy a message."""

        def copy(found: Message) -> None:
            self._host.copy_to_clipboard(found.body.decode("utf-8", "surrogateescape"))
            self._tell(f"copied: the message about {found.dataset}")

        self._with_body(message, copy)

    def _with_body(self, message: JournalMessage, then: Callable[[Message], object]) -> None:
        def show(found: Message | None) -> None:
            if found is None:
                self._tell("the journal does not hold this message itself")
            else:
                then(found)

        self._in_thread("reading a message", lambda: self._reading.body(message), show)

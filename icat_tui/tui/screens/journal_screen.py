"""The journal: who confirmed which messages, when, and what became of each; live while others send.

What must stay true: nothing is read or sent from here: the desk behind it does both, and asks before it sends. A
journal that can't be read is said to be that, and never shown as empty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from icat_tui.text import and_more, counted, visible
from icat_tui.tui.bindings import Command, commands_of
from icat_tui.tui.key_actions import FooterKey, KeyAction, bindings_of
from icat_tui.tui.screens.dialog import Dialog
from icat_tui.tui.screens.help import Help
from icat_tui.tui.state.filter_history import FilterHistory
from icat_tui.tui.state.filter_words import FilterError
from icat_tui.tui.state.journal_entries import JournalShown
from icat_tui.tui.state.journal_filter import JournalFilter, parse_journal_filter
from icat_tui.tui.state.journal_message import CAN_BE_RESUMED, CAN_BE_VERIFIED, JournalMessage
from icat_tui.tui.state.journal_rows import JournalRows
from icat_tui.tui.theme import style
from icat_tui.tui.widgets.filter_line import FilterLine
from icat_tui.tui.widgets.journal_list import JournalList
from icat_tui.tui.widgets.journal_text import Clock, detail_of_row
from icat_tui.tui.widgets.key_line import KeyLine

FILTER_HINT = "words, user:…, state:…, date:…, before:…, after:…, proposal:…, beamline:…, -word"
REST = 0.1
"""Seconds without a move after which the detail is shown."""
MINUTE = 60.0
WARY = frozenset({"journal.resume", "journal.settle"})
"""Ids of what is not heard just after a question was answered: a key held down must not ask again."""

Keys = Mapping[str, str]
"""Keys in force by binding id."""
ACTIONS = {
    "enter": KeyAction("enter", "Open", "Open or close an order or a session; show a message"),
    "open": KeyAction("go_in", "", "Open, or go to the first row in it"),
    "close": KeyAction("go_out", "", "Close, or go to what it lies in"),
    "down": KeyAction("move(1)", "", "One row down"),
    "up": KeyAction("move(-1)", "", "One row up"),
    "half_down": KeyAction("page(1)", "", "Half a page down"),
    "half_up": KeyAction("page(-1)", "", "Half a page up"),
    "page_down": KeyAction("page(2)", "", "One page down"),
    "page_up": KeyAction("page(-2)", "", "One page up"),
    "top": KeyAction("move(-1_000_000_000)", "", "To the first row"),
    "bottom": KeyAction("move(1_000_000_000)", "", "To the last row"),
    "resume": KeyAction("resume", "Resume", "Send what is planned here and was never sent, after a question"),
    "verify": KeyAction("verify", "Verify", "Ask ICAT whether what is pending here has arrived"),
    "settle": KeyAction("settle", "Settle", "Say what became of what is pending here"),
    "preview": KeyAction("preview", "Message", "Show the message byte for byte"),
    "copy": KeyAction("copy", "Copy", "Copy the message"),
    "filter": KeyAction("filter", "Filter", "Filter by words and by user:, state:, date:, before:, after:, proposal:"),
    "back": KeyAction("step_back", "Clear filter", "Clear the filter; else ask ICAT no more; else close the journal"),
    "leave": KeyAction("leave", "Close", "Close the journal"),
    "help": KeyAction("help", "Help", "List the keys of the journal"),
}


class JournalDesk(Protocol):
    """Protocol of what does the work for the screen."""

    history: FilterHistory
    """Filters that were kept."""

    def narrow(self, wanted: JournalFilter) -> None:
        """Show what a filter lets through."""

    def resume(self, messages: Sequence[JournalMessage]) -> None:
        """Ask whether planned messages are to be sent."""

    def verify(self, messages: Sequence[JournalMessage]) -> None:
        """Ask ICAT about pending messages."""

    def settle(self, messages: Sequence[JournalMessage]) -> None:
        """Ask a person what became of messages."""

    def preview(self, message: JournalMessage) -> None:
        """Show a message byte for byte."""

    def copy(self, message: JournalMessage) -> None:
        """Copy a message."""

    @property
    def verifying(self) -> bool:
        """Whether ICAT is being asked."""

    def stop_verifying(self) -> None:
        """Ask ICAT no more."""

    def opened(self) -> None:
        """Begin to read."""

    def closed(self) -> None:
        """Read no more."""


class JournalScreen(Dialog[None], inherit_bindings=False):
    """Screen with the orders, sessions and messages of the journal."""

    DEFAULT_CSS = """
    JournalScreen {
        align: left top;
        & > #journal-box { width: 100%; max-width: 100%; height: 100%; max-height: 100%; border: none; padding: 0; }
        & #journal-title { height: 1; background: $panel; text-style: bold; }
        & #troubles { color: $warning; max-height: 3; }
        & #instead { color: $warning; padding: 1 2; }
        & #journal-detail { height: 7; border-top: solid $secondary; padding: 0 1; }
        & #said { height: auto; max-height: 3; color: $secondary; }
        &.-low #journal-detail { height: 3; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("journal", ACTIONS)]

    def __init__(self, place: str, desk: JournalDesk, clock: Callable[[], Clock], *, me: str, keys: Keys) -> None:
        """Show the journal that is at a place; `me` is the user's name, `keys` are those in force."""
        super().__init__()
        self._place, self._desk, self._clock, self._me, self._keys = place, desk, clock, me, keys
        self.model = JournalRows()
        self._read = False
        """Whether anything of the journal was told yet."""
        self._resting: Timer | None = None

    # -- what it is made of ----------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        with Vertical(id="journal-box"):
            yield Static(Content(), id="journal-title")
            yield Static(Content(), id="troubles")
            yield Static(Content(), id="instead")
            yield JournalList(self.model, self._clock)
            with VerticalScroll(id="journal-detail", can_focus=False):
                yield Static(Content())
            yield FilterLine(FILTER_HINT, id="journal-filter")
            yield Static(Content(), id="said")
            yield KeyLine(id="journal-keys")

    @property
    def listing(self) -> JournalList:
        """The list."""
        return self.query_one(JournalList)

    @property
    def filter_line(self) -> FilterLine:
        """The line that a filter is typed into."""
        return self.query_one(FilterLine)

    def on_mount(self) -> None:
        """Say that it is being read."""
        self.filter_line.history = self._desk.history
        self._update("#said", Content())
        self.listing.focus()
        self._show_all()
        self.set_interval(MINUTE, self._tell_times)
        self._desk.opened()

    def on_unmount(self) -> None:
        """Say that nothing is to be shown any more."""
        self._desk.closed()

    def hears(self, key: events.Key, before: float) -> bool:
        """Return whether a key counts: what asks before it acts does not just after another question."""
        if isinstance(self.focused, Input) or not getattr(self.app, "is_wary", False):
            return super().hears(key, before)
        heard = self.active_bindings.get(key.key)
        return heard is None or heard.binding.id not in WARY

    # -- what is shown ---------------------------------------------------------------------------------------------

    def show(self, shown: JournalShown) -> None:
        """Show the journal as it is now."""
        self._read = True
        with self.listing.changing() as model:
            model.take(shown)
        self._show_all()

    def tell(self, text: str, colour: str = "") -> None:
        """Say something about what was asked for last."""
        self._update("#said", Content.styled(visible(text), style(colour)))
        self._show_keys()

    def _show_all(self) -> None:
        shown = self.model.shown
        self._update("#journal-title", Content(f" {self._title()}"))
        first = f"{visible(shown.troubles[0])}{and_more(len(shown.troubles))}" if shown.troubles else ""
        self._update("#troubles", Content(first))
        self._update("#instead", Content(self._instead()))
        self.listing.display = not shown.broken
        self._show_detail()

    def _title(self) -> str:
        shown = self.model.shown
        parts = ["Journal"]
        if shown.broken:
            parts.append("can't be read")
        elif not self._read or shown.reading:
            parts.append(f"reading the journal: {counted(shown.messages, 'message')} so far")
        elif shown.tally.total == shown.messages:
            parts.append(f"{counted(shown.messages, 'message')} in {counted(len(shown.orders), 'order')}")
        else:
            orders = counted(len(shown.orders), "order")
            parts.append(f"{shown.tally.total:,} of {counted(shown.messages, 'message')} in {orders}")
        if self.filter_line.text:
            parts.append(f"filter {visible(self.filter_line.text)}")
        return " · ".join([*parts, visible(self._place)])

    def _instead(self) -> str:
        """Return what is said where there is no message to be seen; empty where there is one."""
        shown = self.model.shown
        if shown.broken:
            return visible(shown.broken)
        if shown.orders or shown.reading or not self._read:
            return ""
        if shown.messages:
            return "No message is let through by the filter: esc clears it"
        return "" if shown.troubles else "Nothing was confirmed yet: messages stand here once somebody says yes to them"

    def _update(self, name: str, content: Content) -> None:
        """Show a text, and nothing in its place where it is empty; what is the same is not drawn."""
        widget = self.query_one(name, Static)
        if not isinstance(widget.content, Content) or not widget.content.is_same(content):
            widget.update(content)
        widget.display = bool(content)

    def _tell_times(self) -> None:
        """Tell how long ago things were as it is now."""
        self.listing.redraw()

    def on_journal_list_row_changed(self) -> None:
        """Show what the cursor is on, once it has come to rest."""
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._show_detail)

    def _show_detail(self) -> None:
        detail = self.query_one("#journal-detail")
        detail.display = not self.model.shown.broken
        text = detail_of_row(self.model.row, self._clock())
        static = detail.query_one(Static)
        if not isinstance(static.content, Content) or not static.content.is_same(text):
            static.update(text)
            detail.scroll_home(animate=False)
        self._show_keys()

    def _show_keys(self) -> None:
        """Show the keys that do something on this row."""
        row = self.model.row
        rules = {
            "journal.enter": row.is_open is not None,
            "journal.resume": bool(row.tally.of(CAN_BE_RESUMED)),
            "journal.verify": bool(row.tally.of(CAN_BE_VERIFIED)),
            "journal.settle": bool(row.tally.of(CAN_BE_VERIFIED)),
            "journal.preview": row.message is not None,
            "journal.copy": row.message is not None,
            "journal.back": self._filtering or self._desk.verifying,
        }
        words = {} if self._filtering else {"journal.back": "Stop asking"}
        keys = [
            FooterKey(each.keys.split()[0], words.get(each.id, each.label), each.id)
            for each in self.commands
            if each.label and rules.get(each.id, True)
        ]
        self.query_one(KeyLine).show(sorted(keys, key=lambda key: key.id == "journal.help"))

    @property
    def commands(self) -> Sequence[Command]:
        """All that can be done by a key."""
        return commands_of([(self, [each for each in self.BINDINGS if isinstance(each, Binding)])], dict(self._keys))

    # -- the filter ------------------------------------------------------------------------------------------------

    @property
    def _filtering(self) -> bool:
        return self.filter_line.display or bool(self.filter_line.text)

    def action_filter(self) -> None:
        """Type a filter."""
        self.filter_line.open()

    def on_filter_line_typed(self, message: FilterLine.Typed) -> None:
        """Apply what has been typed so far; what can't be understood changes nothing, and is said beside it."""
        message.stop()
        clock = self._clock()
        try:
            wanted = parse_journal_filter(message.text, clock.zone, clock.now.astimezone(clock.zone).date(), self._me)
        except FilterError as error:
            self.filter_line.tell(str(error), wrong=True)
        else:
            self.filter_line.tell("")
            self._desk.narrow(wanted)
        self._show_all()

    def on_filter_line_kept(self, message: FilterLine.Kept) -> None:
        """Go back to the list; the filter stays."""
        message.stop()
        self.listing.focus()
        self._show_all()

    def on_filter_line_cleared(self, message: FilterLine.Cleared) -> None:
        """Show everything."""
        message.stop()
        self.listing.focus()
        self._desk.narrow(JournalFilter())
        self._show_all()

    def action_step_back(self) -> None:
        """Clear the filter; else ask ICAT no more; else close."""
        if self._filtering:
            self.filter_line.clear()
        elif self._desk.verifying:
            self._desk.stop_verifying()
        else:
            self.action_leave()

    # -- movement --------------------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move the cursor down, or up."""
        self.listing.move(rows)

    def action_page(self, halves: int) -> None:
        """Move the cursor by half pages."""
        self.listing.page(halves)

    def action_enter(self) -> None:
        """Open what the cursor is on, or close it; show a message."""
        if self.model.row.message is not None:
            self.action_preview()
            return
        with self.listing.changing() as model:
            model.toggle()

    def action_go_in(self) -> None:
        """Open what the cursor is on, or go to what is in it."""
        with self.listing.changing() as model:
            model.go_in()

    def action_go_out(self) -> None:
        """Close what the cursor is on, or go to what it lies in."""
        with self.listing.changing() as model:
            model.go_out()

    # -- what is done ----------------------------------------------------------------------------------------------

    def action_resume(self) -> None:
        """Send what is planned of what the cursor is on, after a question."""
        self._desk.resume(self.model.chosen(CAN_BE_RESUMED))

    def action_verify(self) -> None:
        """Ask ICAT about what is pending of what the cursor is on."""
        self._desk.verify(self.model.chosen(CAN_BE_VERIFIED))

    def action_settle(self) -> None:
        """Say what became of what is pending of what the cursor is on."""
        self._desk.settle(self.model.to_settle())

    def action_preview(self) -> None:
        """Show the message under the cursor byte for byte."""
        if (message := self._message()) is not None:
            self._desk.preview(message)

    def action_copy(self) -> None:
        """Copy the message under the cursor."""
        if (message := self._message()) is not None:
            self._desk.copy(message)

    def _message(self) -> JournalMessage | None:
        message = self.model.row.message
        if message is None:
            self.tell("go to a message for that: enter opens orders and sessions")
        return message

    async def on_key_line_clicked(self, message: KeyLine.Clicked) -> None:
        """Do what a key in the footer does."""
        message.stop()
        for command in self.commands:
            if command.id == message.identity:
                await self.app.run_action(command.action, command.node)

    def action_help(self) -> None:
        """List the keys of the journal."""
        self.app.push_screen(Help(self.commands))

"""The terminal UI: keys to what they do, and what comes back from threads to where it is shown.

What must stay true: nothing here takes long, and no rule lives here; whatever takes its time runs in a thread and comes
back as a message. What is known of sessions stands in the store; what differs after a change of it is drawn here.
"""

import logging
import os
from collections.abc import Callable
from functools import partial
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from icat_tui.domain.status import Status
from icat_tui.settings.keymap import keys_in_force, with_new_ids
from icat_tui.tui.background import Result, WorkDone, WorkFailed, in_background
from icat_tui.tui.bindings import (
    Command,
    app_bindings,
    applies,
    commands_here,
    commands_of,
    footer_keys,
    words_for_back,
)
from icat_tui.tui.browser import open_in_window
from icat_tui.tui.controllers import status
from icat_tui.tui.controllers.cache_drop import CacheDrop
from icat_tui.tui.controllers.detail import show_detail
from icat_tui.tui.controllers.discovery import Discovery
from icat_tui.tui.controllers.exports import export
from icat_tui.tui.controllers.journal_work import JournalWork
from icat_tui.tui.controllers.narrowing import Narrowing
from icat_tui.tui.controllers.registrations import Registrations
from icat_tui.tui.controllers.scans import Scans
from icat_tui.tui.host import Activity, next_to_stop
from icat_tui.tui.key_gate import OrderedKeys
from icat_tui.tui.messages import IndexChanged, RegistrationTold, SessionsDiscovered
from icat_tui.tui.screens.command_palette import CommandProvider
from icat_tui.tui.screens.dialog import Dialog
from icat_tui.tui.screens.help import Help
from icat_tui.tui.screens.leave import LeaveQuestion, Leaving
from icat_tui.tui.screens.search_prompt import SearchPrompt
from icat_tui.tui.screens.yes_no import YesNo
from icat_tui.tui.state.marks import Mark
from icat_tui.tui.state.session_store import SessionStore, StoreChange
from icat_tui.tui.state.targets import directories_of, link_of, path_of, shown_directories
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.terminal import copy_sequence, over_ssh
from icat_tui.tui.theme import THEMES, VARIABLES
from icat_tui.tui.widgets.detail_pane import DetailPane
from icat_tui.tui.widgets.filter_line import FilterLine
from icat_tui.tui.widgets.key_line import KeyLine
from icat_tui.tui.widgets.log_pane import LogEntry, LogPane
from icat_tui.tui.widgets.notices import Notices
from icat_tui.tui.widgets.session_tree import SessionTree
from icat_tui.tui.widgets.status_bar import StatusBar
from icat_tui.tui.widgets.text_pane import TextPane
from icat_tui.tui.widgets.tree_pane import TreePane
from icat_tui.tui.workspace import Workspace

log = logging.getLogger("icat_tui")
FILTER_HINT = "names, -not, status: proposal: beamline: sample: date: before: after: age:"
Answer = TypeVar("Answer")


class IcatTui(OrderedKeys[Leaving], inherit_bindings=False):
    """Terminal UI: a tree of sessions, the detail of one row, a status line, a line of keys."""

    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {CommandProvider}
    BINDINGS: ClassVar[list[BindingType]] = [*app_bindings()]

    def __init__(self, workspace: Workspace, theme: str, *, ansi_color: bool | None = None) -> None:
        """Work with what a workspace has, in the theme of this name."""
        super().__init__(ansi_color=ansi_color)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        if over_ssh():
            self.animation_level = "none"
        self.workspace = workspace
        self.store = SessionStore(workspace.cache, workspace.index, workspace.facility, self._store_changed)
        self.model = TreeModel(self.store.rows, groups_open=workspace.narrow)
        self.discovery = Discovery(self, workspace, self.store, self.model.sessions)
        self.scans = Scans(self, workspace, self.store, self.discovery.take)
        self.registrations = Registrations(self, workspace, self.store, self.model, self._unmark)
        self.cache_drop = CacheDrop(self, workspace, self.store, self.discovery.check_cache)
        self.journal = JournalWork(self, workspace, self.store, self.registrations, self.scans.rescan)
        self.narrowing = Narrowing(self, workspace, lambda: self.session_tree, lambda: self.filter_line)
        self._keys_in_force = keys_in_force(workspace.services.settings.keys)
        self.set_keymap(with_new_ids(workspace.services.settings.keys))
        self.model.put(path for path in self.store.rows if self.discovery.belongs(path))

    # -- what it is made of ----------------------------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the variables that our style sheets need under any theme."""
        return VARIABLES

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        with Container(id="panes"):
            yield TreePane(self.model, id="tree-pane")
            yield DetailPane(id="detail")
            yield Notices(id="notices")
        yield LogPane(id="log")
        yield FilterLine(FILTER_HINT, id="filter")
        yield StatusBar(id="status")
        yield KeyLine(id="keys")

    @property
    def session_tree(self) -> SessionTree:
        """The tree."""
        return self.screen_stack[0].query_one(SessionTree)

    @property
    def detail(self) -> DetailPane:
        """The detail."""
        return self.screen_stack[0].query_one(DetailPane)

    @property
    def filter_line(self) -> FilterLine:
        """The line that a filter is typed into."""
        return self.screen_stack[0].query_one("#filter", FilterLine)

    @property
    def notices(self) -> Notices:
        """What is shown for a while."""
        return self.screen_stack[0].query_one(Notices)

    async def on_event(self, event: events.Event) -> None:
        """Take away what was shown for a while by any key, which does what it does all the same."""
        if isinstance(event, events.Key) and not event.is_forwarded and self.is_open and len(self.screen_stack) == 1:
            self.notices.clear()
        await super().on_event(event)

    @property
    def commands(self) -> list[Command]:
        """All that can be done by a key."""
        nodes = (self.session_tree, self.detail, self.filter_line, self)
        bindings = [(node, [each for each in node.BINDINGS if isinstance(each, Binding)]) for node in nodes]
        return commands_of(bindings, self._keys_in_force)

    async def run_command(self, command: Command) -> None:
        """Do what a key does."""
        await self.run_action(command.action, command.node)

    # -- what comes in ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show what is known, then look for sessions."""
        self.session_tree.focus()
        self.show_keys()
        self.show_state()
        self.detail.follow(self.model.node)
        self.discovery.begin()
        self.narrowing.begin()
        if self.workspace.narrow:
            self.scans.scan_found(self.workspace.found(), use_cache=True)
        self.journal.begin()
        self.set_interval(1, status.PassingTime(self, lambda: self.activities).tick)

    def on_work_done(self, message: WorkDone) -> None:
        """Go on with what a thread has done."""
        if self.is_open:
            message.then()

    def on_work_failed(self, message: WorkFailed) -> None:
        """Show what went wrong in a thread: our own errors as they are, any other with its traceback."""
        log.debug("%s", message.details)
        if self.is_open:
            self.scans.flush()
            if not message.expected:
                self.say(message.details, Status.INVALID.colour)
            self.complain(message.line)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what went wrong in a worker of textual's."""
        if event.state == WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.post_message(WorkFailed(event.worker.name or "working", event.worker.error))

    def on_sessions_discovered(self, message: SessionsDiscovered) -> None:
        """Show sessions that were found on disk."""
        if self.is_open:
            self.discovery.take(message.directories, message.troubles)

    def on_index_changed(self, message: IndexChanged) -> None:
        """Show what the cache says and the index did not."""
        if self.is_open:
            self.discovery.index_changed(message)

    def on_registration_told(self, message: RegistrationTold) -> None:
        """Show what became of a message, or how a session is now."""
        if self.is_open:
            self.registrations.handle(message.event)

    def _store_changed(self, change: StoreChange) -> None:
        """Draw what is known by now."""
        self.model.now = self.workspace.now()
        indexed = (path for path in change.indexed if path in self.model.sessions or self.discovery.belongs(path))
        with self.session_tree.changing() as model:
            if change.gone:
                model.drop(change.gone)  # first: what is known no more must not be looked up while others are put
            model.put([*change.taken, *indexed])
        self.show_state()
        self.detail.follow(self.model.node)

    def _unmark(self, marks: list[Mark]) -> None:
        """Take off marks; of a session that is marked as a whole, only its own."""
        with self.session_tree.changing() as model:
            model.marks.discard(marks)
        self.show_state()

    # -- what controllers ask for (`host.Host`) --------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether there is anything to show things on: what comes when the app is being left is not shown."""
        return bool(self.screen_stack) and self.screen_stack[0].is_running

    def background(self, doing: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do something in a thread, then something with what came of it."""
        in_background(self, doing, work, then)

    def say(self, text: str, colour: str = "", command: str = "") -> None:
        """Write something into the log pane."""
        time = self.workspace.now().astimezone(self.workspace.facility.zone).strftime("%H:%M:%S")
        self.screen_stack[0].query_one(LogPane).add(LogEntry(time=time, text=text, colour=colour, command=command))

    def hint(self, text: str) -> None:
        """Show something for a moment, and in the log."""
        self.say(text)
        self.notices.add(text)

    def complain(self, text: str) -> None:
        """Show that something went wrong."""
        log.error("%s", text)
        self.say(text, Status.INVALID.colour)
        self.notices.add(text, Status.INVALID.colour, 12)

    def ask(self, screen: ModalScreen[Answer | None], then: Callable[[Answer], None]) -> None:
        """Show a dialog, and go on with what it was dismissed with, if that is anything."""

        def answered(answer: Answer | None) -> None:
            self.session_tree.focus()
            if answer:
                then(answer)

        self.push_screen(screen, answered)

    def show_state(self) -> None:
        """Show the status line as things are now."""
        sent = self.registrations
        doing = sent.progress, sent.looking, self.scans.progress, sent.looked_for
        under_way = status.UnderWay(*doing, self.journal.planned_text, sent.broker)
        state = status.status_of(self.model, self.narrowing.choice, self.workspace, under_way)
        self.screen_stack[0].query_one(StatusBar).show(state)
        header = status.header_of(self.model, self.narrowing.choice, self.workspace.services.settings.data_root)
        self.screen_stack[0].query_one(TreePane).show(*header)

    def show_keys(self) -> None:
        """Show the keys that do something on this row."""
        applies_now = partial(applies, model=self.model, can_export=self.workspace.save_dir is not None)
        in_text, activity = isinstance(self.focused, TextPane), next_to_stop(self.activities)
        back = words_for_back(self.model, activity.noun if activity else "", in_text=in_text)
        keys = footer_keys(self.commands, "tree" if in_text else "text", back, applies_now)
        self.screen_stack[0].query_one(KeyLine).show(keys)

    async def on_key_line_clicked(self, message: KeyLine.Clicked) -> None:
        """Do what a key in the footer does."""
        await self.run_command(next(each for each in self.commands if each.id == message.identity))

    def on_descendant_focus(self) -> None:
        """Show the keys of the pane that has the focus now."""
        if len(self.screen_stack) == 1:
            self.show_keys()

    @property
    def activities(self) -> list[Activity]:
        """What is going on and can be stopped."""
        controllers = (self.discovery, self.scans, self.registrations, self.journal)
        return [activity for each in controllers for activity in each.activities]

    # -- what widgets say ------------------------------------------------------------------------------------------

    def on_detail_pane_cursor_rested(self, message: DetailPane.CursorRested) -> None:
        """Show the detail of what the cursor is on."""
        if self.is_open:
            self.model.now = self.workspace.now()
            self.show_keys()
            show_detail(message.node, self, self.model, (self.store, self.workspace), self.detail)

    def on_session_tree_cursor_moved(self, message: SessionTree.CursorMoved) -> None:
        """Wait for the cursor to rest."""
        self.detail.follow(message.node)

    def on_session_tree_node_toggled(self, message: SessionTree.NodeToggled) -> None:
        """Open says something of keys, too."""
        self.detail.follow(message.node)

    def on_session_tree_node_entered(self, message: SessionTree.NodeEntered) -> None:
        """Scan a session that was not scanned and open it then, or go to the detail."""
        node, row = message.node, self.model.sessions.at(message.node.place)
        if node.dataset is None and row.category is None:
            self.model.opening.add(row.directory.path)
            self.scans.scan([row.directory])
        else:
            self.detail.focus()

    def on_session_tree_marks_changed(self, message: SessionTree.MarksChanged) -> None:
        """Show how many marks there are."""
        if message.range_begun:
            self.hint("mark from here: v again, where it ends")
        self.show_state()
        self.show_keys()

    def on_session_tree_attention_sought(self, message: SessionTree.AttentionSought) -> None:
        """Say that there is nothing further."""
        self.hint(status.nothing_wants_attention(self.model, message.step, "n" if message.step > 0 else "N"))

    def on_session_tree_level_toggled(self, message: SessionTree.LevelToggled) -> None:
        """Say how many stay closed."""
        if message.count:
            self.hint(f"{message.count:,} stay closed: they are too many to be looked through")

    def on_session_tree_filter_applied(self) -> None:
        """Show how much the filter lets through."""
        self.narrowing.tell()
        self.show_state()
        self.detail.follow(self.model.node)

    def on_text_pane_search_asked(self, message: TextPane.SearchAsked) -> None:
        """Ask what is searched for in a text."""
        self.push_screen(SearchPrompt(), message.pane.search_for)

    # -- the filter ------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        self.narrowing.open()

    def on_filter_line_typed(self, message: FilterLine.Typed) -> None:
        """Apply what has been typed so far."""
        self.narrowing.type(message.text)

    def on_filter_line_kept(self, message: FilterLine.Kept) -> None:
        """Go back to the tree; the filter stays."""
        self.narrowing.keep(message.text)

    def on_filter_line_cleared(self) -> None:
        """Show everything."""
        self.narrowing.clear()

    def action_status(self, key: int) -> None:
        """Show or hide a status."""
        self.narrowing.toggle_status(key)

    def action_attention(self) -> None:
        """Show only what wants attention, or everything."""
        self.narrowing.toggle_attention()

    def action_turn(self) -> None:
        """Turn proposals and beamlines."""
        self.session_tree.turn()

    def action_sort(self) -> None:
        """Sort by what comes next."""
        self.narrowing.sort()

    def action_step_back(self) -> None:
        """Leave the pane; else drop the range, else the filter; else stop what is going on, the youngest first."""
        if not isinstance(self.focused, SessionTree | Input):
            self.session_tree.focus()
        elif self.session_tree.range_begun:
            self.session_tree.drop_range()
        elif self.narrowing.active:
            self.filter_line.clear()
        elif activity := next_to_stop(self.activities):
            self.stop(activity)

    def stop(self, activity: Activity) -> None:
        """Stop what is going on; what has consequences only after a yes."""
        if activity.question:
            self.ask(YesNo(activity.question), lambda _: activity.stop())
        else:
            activity.stop()
        self.show_state()
        self.show_keys()

    # -- single keys -----------------------------------------------------------------------------------------------

    def action_scan(self) -> None:
        """Scan what the cursor is on."""
        self.scans.scan(directories_of(self.model, self.model.node))

    def action_scan_shown(self) -> None:
        """Scan all that is shown, and what has come up since."""
        look_again = partial(self.discovery.look_again, self.scans.scan_new, by_itself=True)
        self.scans.scan(shown_directories(self.model), look_again)

    def action_rediscover(self) -> None:
        """Look for sessions again."""
        self.discovery.look_again()

    def action_drop(self) -> None:
        """Drop what the cursor is on from the cache."""
        self.cache_drop.drop(directories_of(self.model, self.model.node))

    def action_drop_stale(self) -> None:
        """Drop from the cache what has changed on disk, of what is shown."""
        self.cache_drop.drop_stale(shown_directories(self.model) if self.model.filter.active else None)

    def action_take_back(self) -> None:
        """Take back what was dropped from the cache."""
        self.cache_drop.take_back()

    def action_export(self) -> None:
        """Write the overview, or under a filter what is shown."""
        shown = shown_directories(self.model) if self.model.filter.active else None
        self.background("exporting", partial(export, self.workspace, self.store, shown), self.hint)

    def action_copy(self) -> None:
        """Copy the path of what the cursor is on, and show it."""
        if path := path_of(self.model):
            self.copy_to_clipboard(path)
            self.hint(path)

    def copy_to_clipboard(self, text: str) -> None:
        """Have the terminal copy a text."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(copy_sequence(text, os.environ))

    def action_link(self) -> None:
        """Open the page of the data portal; where no window is sure, copy its address. It is shown in any case."""
        link = link_of(self.model, self.store.load, self.workspace.facility)
        if link and not open_in_window(link):
            self.copy_to_clipboard(link)
            link = f"copied: {link}"
        self.hint(link or "there is no link here: go to a session")

    def action_journal(self) -> None:
        """Show the journal."""
        self.journal.open()

    def action_log(self) -> None:
        """Show or hide the log."""
        self.screen_stack[0].toggle_class("-logging")

    def action_switch_pane(self, step: int) -> None:
        """Go to the next pane that is shown, or to the one before."""
        panes = [pane for pane in (self.session_tree, self.detail, self.query_one(LogPane)) if pane.display]
        at = panes.index(self.focused) if self.focused in panes else 0
        panes[(at + step) % len(panes)].focus()

    def action_help(self) -> None:
        """List the keys."""
        here = self.screen
        self.push_screen(Help(commands_here(here)) if isinstance(here, Dialog) else Help(self.commands, glyphs=True))

    def action_order(self, what: str) -> None:
        """Register something, or show what would be or was: what the keys for that name."""
        does = self.registrations
        keys = {"register": does.register, "register_safe": does.register_safe, "walk": does.walk}
        (keys | {"preview": does.preview, "orders": does.show_orders})[what]()

    async def action_quit(self) -> None:
        """Leave; where confirmed messages wait, ask what becomes of them."""
        if self.registrations.progress:
            self.ask(LeaveQuestion(self.registrations.numbers.how_far()), self.exit)
        else:
            self.exit(Leaving.AT_ONCE)

    def on_unmount(self, _: events.Unmount) -> None:
        """Stop what is going on, without waiting for it."""
        self.cache_drop.close()
        self.scans.cancel()

"""The terminal UI: keys to what they do, and what comes back from threads to where it is shown.

What must stay true: nothing here takes long, and no rule lives here; whatever takes its time runs in a thread and comes
back as a message.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Container
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from icat_tui.domain.errors import IcatTuiError
from icat_tui.domain.keys import keys_in_force
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.status import Status
from icat_tui.domain.visible import visible
from icat_tui.sync.report import counted
from icat_tui.tui.background import Broken, Done, Result, in_background
from icat_tui.tui.bindings import app_bindings
from icat_tui.tui.clipboard import copy_sequence, over_ssh
from icat_tui.tui.filtering import FilterError
from icat_tui.tui.finding import discover, known_rows
from icat_tui.tui.housekeeping import Housekeeping
from icat_tui.tui.palette import Command, Palette, commands_of
from icat_tui.tui.registrations import Registrations
from icat_tui.tui.row_facts import (
    applies,
    detail_of,
    directories_of,
    link_of,
    path_of,
    shown_directories,
    what_is_typed,
)
from icat_tui.tui.scanning import Batch, Scan, directories_only
from icat_tui.tui.screens.ask import AskScreen
from icat_tui.tui.screens.help import HelpScreen
from icat_tui.sync.rows import SessionRow
from icat_tui.tui.sessions import Sessions
from icat_tui.tui.state import bar_state
from icat_tui.tui.theme import THEMES, VARIABLES
from icat_tui.tui.tree_model import TreeModel
from icat_tui.tui.widgets.detail import Detail
from icat_tui.tui.widgets.key_line import KeyLine
from icat_tui.tui.widgets.log_pane import LogEntry, LogPane
from icat_tui.tui.widgets.session_tree import SessionTree
from icat_tui.tui.widgets.status_bar import Said, StatusBar
from icat_tui.tui.workplace import Found, Workplace

log = logging.getLogger("icat_tui")
FIRST_FLUSH, FLUSH = 0.2, 1.0
"""Seconds after which what a scan found is shown: for the first time, and from then on."""
FILTER_HINT = "names, status:…, beamline:…, sample:…   enter keeps, esc clears"
MANY = 50
"""From how many sessions on one is asked first."""
Answer = TypeVar("Answer")


class IcatTui(App[None], inherit_bindings=False):
    """A tree of sessions, the detail of one row, a status line, a line of keys."""

    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Palette}
    BINDINGS: ClassVar[list[BindingType]] = [*app_bindings()]
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-short"), (20, "-tall")]

    def __init__(self, place: Workplace, theme: str, *, ansi_color: bool | None = None) -> None:
        """Work at a place, in the theme of this name."""
        super().__init__(ansi_color=ansi_color)
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        if over_ssh():
            self.animation_level = "none"
        self.place = place
        self.sessions = Sessions(place.cache)
        self.model = TreeModel(groups_open=place.narrow)
        self.known: dict[str, SessionRow] = {}
        """What the cache says of sessions, by path."""
        self.scans: dict[int, Scan] = {}
        self.registrations = Registrations(self)
        self.housekeeping = Housekeeping(self)
        self.hidden: frozenset[Status] = frozenset()
        self.attention = False
        self.icatplus: Said | None = None
        self.filter_trouble = ""
        self._flushing: Timer | None = None
        self._opening: set[str] = set()
        """Sessions that are opened once they are scanned."""
        self._in_force = keys_in_force(place.settings.keys)
        self.set_keymap(dict(place.settings.keys))

    # -- what it is made of ----------------------------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the variables that our style sheets need under any theme."""
        return VARIABLES

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        with Container(id="panes"):
            yield SessionTree(self.model, id="tree")
            yield Detail(id="detail")
        yield LogPane(id="log")
        yield Input(id="filter", placeholder=FILTER_HINT, compact=True)
        yield StatusBar(id="status")
        yield KeyLine(id="keys")

    @property
    def session_tree(self) -> SessionTree:
        """The tree."""
        return self.screen_stack[0].query_one(SessionTree)

    @property
    def detail(self) -> Detail:
        """The detail."""
        return self.screen_stack[0].query_one(Detail)

    @property
    def filter_line(self) -> Input:
        """Where a filter is typed."""
        return self.screen_stack[0].query_one("#filter", Input)

    @property
    def commands(self) -> list[Command]:
        """All that can be done by a key."""
        nodes: list[tuple[DOMNode, type[DOMNode]]] = [
            (self.session_tree, SessionTree),
            (self.detail, Detail),
            (self, IcatTui),
        ]
        return commands_of(
            [(node, [each for each in kind.BINDINGS if not isinstance(each, tuple)]) for node, kind in nodes],
            self._in_force,
        )

    async def run_command(self, command: Command) -> None:
        """Do what a key does."""
        await self.run_action(command.action, command.node)

    # -- what comes in ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show what is known, then look for sessions."""
        self.session_tree.focus()
        self.show_keys()
        self.show_state()
        in_background(self, "reading the cache", lambda: known_rows(self.sessions), self._known)
        if self.place.narrow:
            self.scan_found(self.place.found(), use_cache=True)
        else:
            in_background(self, "looking for sessions", lambda: discover(self.place, self.post_found))

    def post_found(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        """Take what discovery has come across; from its thread."""
        self.post_message(Done(lambda: self._found(found, troubles)))

    def _known(self, rows: list[SessionRow]) -> None:
        self.known = {row.directory.path: row for row in rows}
        roots = tuple(f"{root.rstrip('/')}/" for root in self.place.settings.data_root)
        shown = self.model.sessions
        if self.place.narrow:
            fresh = [row for path, row in self.known.items() if path in shown and shown[path].category is None]
        else:
            fresh = [row for path, row in self.known.items() if path.startswith(roots)]
            fresh = [row for row in fresh if row.directory.path not in shown or not shown[row.directory.path].category]
        self._put(fresh)

    def _found(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        new = [directory for directory in found if directory.path not in self.model.sessions]
        self._put(self.known.get(directory.path) or SessionRow(directory=directory) for directory in new)
        for trouble in troubles:
            self.say(trouble, Status.UNKNOWN.colour)

    def take_row(self, row: SessionRow) -> None:
        """Show how a session is now."""
        self.known[row.directory.path] = row
        self._put([row])

    def _put(self, rows: Iterable[SessionRow]) -> None:
        with self.session_tree.changing() as model:
            model.put(rows)
        self.show_state()
        self.detail.follow(self.model.node)

    def on_done(self, message: Done) -> None:
        """Go on with what a thread has done."""
        message.then()

    def on_broken(self, message: Broken) -> None:
        """Show what went wrong in a thread: our own errors as they are, any other with its traceback."""
        self.flush()
        if isinstance(message.error, IcatTuiError):
            self.complain(str(message.error))
            return
        what = f"a mistake of ours while {message.doing} ({type(message.error).__name__}: {message.error})"
        log.debug("%s", message.details)
        self.say(message.details, Status.INVALID.colour)
        self.complain(f"{what}: please report it, with what the log (L) says")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what went wrong in a worker of textual's."""
        if event.state == WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.post_message(Broken(event.worker.name or "working", event.worker.error))

    def background(self, doing: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do something in a thread, then something with what came of it."""
        in_background(self, doing, work, then)

    # -- scanning --------------------------------------------------------------------------------------------------

    def scan_found(self, found: Iterable[Found], *, use_cache: bool, total: int | None = None) -> None:
        """Scan sessions in a thread."""
        scan = Scan(self.sessions.keep, total)
        self.scans[scan.id] = scan
        make = partial(self.place.scan_plan, iter(found), use_cache=use_cache)
        in_background(self, "scanning", lambda: scan.run(make), lambda _: self.flush())
        self.set_timer(FIRST_FLUSH, self.flush)
        if self._flushing is None:
            self._flushing = self.set_interval(FLUSH, self.flush)
        self.show_state()

    def scan(self, directories: Sequence[SessionDirectory]) -> None:
        """Scan sessions anew; ask first where they are many."""
        if not directories:
            self.hint("there is no session here to scan")
            return
        self.ask_above_many(
            f"Scan {len(directories):,} sessions, without the cache?",
            len(directories),
            lambda: self.scan_found(directories_only(list(directories)), use_cache=False, total=len(directories)),
        )

    def flush(self) -> None:
        """Show what scans have found since the last time."""
        rows: list[SessionRow] = []
        for scan in list(self.scans.values()):
            if ended := scan.ended:
                del self.scans[scan.id]
            batch = scan.fetch()
            self._found(batch.found, batch.troubles)
            rows += batch.rows
            self._judge_icatplus(batch)
            if ended and batch.finished:
                how = "stopped" if batch.finished.cancelled else "done"
                self.say(f"scan {how}: {counted(scan.done, 'session')} in {batch.finished.seconds:.1f} s")
        if self._flushing is not None and not self.scans:
            self._flushing.stop()
            self._flushing = None
        if rows:
            self.known.update({row.directory.path: row for row in rows})
            self._put(rows)
            self._open_scanned({row.directory.path for row in rows})
        else:
            self.show_state()

    def _open_scanned(self, paths: set[str]) -> None:
        """Open what was entered before it was scanned, if the cursor is still there."""
        node = self.model.node
        if node and node.session in self._opening & paths:
            self.session_tree.action_open()
        self._opening -= paths

    def _judge_icatplus(self, batch: Batch) -> None:
        if batch.rows:
            silent = batch.undetermined == len(batch.rows)
            self.icatplus = Said("ICAT+ did not answer", "red") if silent else Said("ICAT+ ok", "green")

    # -- what is shown ---------------------------------------------------------------------------------------------

    def show_state(self) -> None:
        """Show the status line."""
        self.screen_stack[0].query_one(StatusBar).show(bar_state(self))

    def show_keys(self) -> None:
        """Show the keys that do something on this row."""
        keys = [
            (each.keys.split()[0], each.label)
            for each in self.commands
            if each.label and applies(each.id, self.model, self.place, busy=self.busy)
        ]
        order = {"?": 1}
        self.screen_stack[0].query_one(KeyLine).show(sorted(keys, key=lambda key: order.get(key[0], 0)))

    @property
    def busy(self) -> bool:
        """Whether anything is going on that can be stopped."""
        return bool(self.scans) or self.registrations.desk.progress is not None

    def say(self, text: str, colour: str = "", command: str = "") -> None:
        """Write something into the log pane."""
        time = self.place.now().astimezone(self.place.facility.zone).strftime("%H:%M:%S")
        self.screen_stack[0].query_one(LogPane).tell(LogEntry(time=time, text=text, colour=colour, command=command))

    def hint(self, text: str) -> None:
        """Tell something for a moment, and in the log."""
        self.say(text)
        self.notify(visible(text), markup=False, timeout=6)

    def complain(self, text: str) -> None:
        """Tell that something went wrong."""
        log.error("%s", text)
        self.say(text, Status.INVALID.colour)
        self.notify(visible(text), markup=False, severity="error", timeout=12)

    def ask(self, screen: ModalScreen[Answer | None], then: Callable[[Answer], None]) -> None:
        """Show a dialog, and go on with what it was dismissed with, if that is anything."""

        def answered(answer: Answer | None) -> None:
            self.session_tree.focus()
            if answer:
                then(answer)

        self.push_screen(screen, answered)

    def ask_above_many(self, question: str, number: int, then: Callable[[], None]) -> None:
        """Do something; where it concerns many, only after a yes."""
        if number <= MANY:
            then()
        else:
            self.ask(AskScreen(question), lambda _: then())

    def on_detail_cursor_rested(self, message: Detail.CursorRested) -> None:
        """Show the detail of what the cursor is on."""
        node = message.node
        self.show_keys()
        if node is None or self.model.node is None or self.model.node.place != node.place:
            return
        content, work = detail_of(self, node)
        if content is not None:
            self.detail.show(content)
        if work is not None:
            self.background("reading a session", work, lambda later: self._show_later(node.place, later))

    def _show_later(self, place: tuple[str, ...], content: object) -> None:
        if content is not None and self.model.node and self.model.node.place == place:
            self.detail.show(content)  # type: ignore[arg-type]  # whatever `detail_of` promised

    def on_session_tree_cursor_moved(self, message: SessionTree.CursorMoved) -> None:
        """Wait for the cursor to rest."""
        self.detail.follow(message.node)

    def on_session_tree_node_toggled(self, message: SessionTree.NodeToggled) -> None:
        """Open says something of keys, too."""
        self.detail.follow(message.node)

    def on_session_tree_node_entered(self, message: SessionTree.NodeEntered) -> None:
        """Scan a session that was not scanned, or go to the detail."""
        node = message.node
        if node.dataset is None and self.model.session(node.place).category is None:
            self._opening.add(node.place[3])
            self.scan([self.model.session(node.place).directory])
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
        self.hint(f"nothing {'further down' if message.step > 0 else 'further up'} wants attention")

    def on_session_tree_filter_applied(self) -> None:
        """Show how much the filter lets through."""
        self.show_state()
        self.detail.follow(self.model.node)

    # -- the filter ------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        self.filter_line.display = True
        self.filter_line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Apply what has been typed so far."""
        if event.input is self.filter_line:
            self.apply_filter()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back to the tree; the filter stays."""
        if event.input is self.filter_line:
            self.filter_line.display = False
            self.session_tree.focus()

    def apply_filter(self) -> None:
        """Show what the filter lets through, with what is hidden by keys."""
        try:
            wanted = what_is_typed(self.filter_line.value, self.hidden, attention=self.attention)
        except FilterError as error:
            self.filter_trouble = str(error)
        else:
            self.filter_trouble = ""
            if wanted != self.model.filter:
                self.session_tree.narrow(wanted)
        self.show_state()

    def action_status(self, key: int) -> None:
        """Show or hide a status."""
        self.hidden ^= {list(Status)[key - 1]}
        self.apply_filter()

    def action_attention(self) -> None:
        """Show only what wants attention, or everything."""
        self.attention = not self.attention
        self.apply_filter()

    def action_turn(self) -> None:
        """Turn proposals and beamlines."""
        self.session_tree.turn()

    def action_step_back(self) -> None:
        """Leave the detail; else clear the filter; else stop what is going on."""
        if self.focused is self.detail:
            self.session_tree.focus()
        elif self.filter_line.has_focus or self.model.filter.active or self.filter_trouble:
            self.hidden, self.attention = frozenset(), False
            self.filter_line.value = ""
            self.filter_line.display = False
            self.session_tree.focus()
            self.apply_filter()
        elif self.registrations.desk.progress is not None:
            self.registrations.cancel()
        elif self.scans:
            for scan in self.scans.values():
                scan.cancel()
            self.hint("the scan is being stopped")

    # -- single keys -----------------------------------------------------------------------------------------------

    def action_scan(self) -> None:
        """Scan what the cursor is on."""
        self.scan(directories_of(self.model, self.model.node))

    def action_scan_shown(self) -> None:
        """Scan all that is shown."""
        self.scan(shown_directories(self.model))

    def action_drop(self) -> None:
        """Drop what the cursor is on from the cache."""
        self.housekeeping.drop()

    def action_drop_stale(self) -> None:
        """Drop from the cache what has changed on disk."""
        self.housekeeping.drop_stale()

    def action_export(self) -> None:
        """Write the overview, or under a filter what is shown."""
        self.housekeeping.export()

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
        """Open the page of the data portal, or show its address over SSH."""
        link = link_of(self.model, self.sessions, self.place.facility)
        if link and not over_ssh():
            self.open_url(link)
        self.hint(link or "there is no link here: go to a session")

    def action_log(self) -> None:
        """Show or hide the log."""
        self.screen_stack[0].toggle_class("-logging")

    def action_switch_pane(self) -> None:
        """Go to the detail, or back to the tree."""
        (self.session_tree if self.focused is self.detail else self.detail).focus()

    def action_help(self) -> None:
        """List the keys."""
        self.push_screen(HelpScreen(self.commands))

    def action_register(self) -> None:
        """Register what is marked, else what the cursor is on."""
        self.registrations.register()

    def action_register_safe(self) -> None:
        """Register what is shown and safe unsupervised."""
        self.registrations.register_safe()

    def action_walk(self) -> None:
        """Walk through the sessions in view."""
        self.registrations.walk()

    def action_preview(self) -> None:
        """Show the message that would be sent."""
        self.registrations.preview()

    def on_unmount(self, _: events.Unmount) -> None:
        """Stop what is going on, without waiting for it."""
        for scan in self.scans.values():
            scan.cancel()

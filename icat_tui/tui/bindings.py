"""Actions of keys, with their words in the footer, the palette and the help, and when the footer names them.

What must stay true: the keys themselves stand in `settings.keymap`, by the same ids.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.domain.summary import STATUSES
from icat_tui.settings.keymap import key_names
from icat_tui.tui.key_actions import FooterKey, KeyAction, bindings_of
from icat_tui.tui.state.nodes import Level, Node
from icat_tui.tui.state.tree_model import TreeModel

ACTIONS: dict[str, KeyAction] = {
    "register": KeyAction("order('register')", "Register", "Register what is marked, else what the cursor is on"),
    "register_safe": KeyAction(
        "order('register_safe')", "", "Register what is safe unsupervised of what is shown: files to be added"
    ),
    "walk": KeyAction("order('walk')", "Walk", "Walk through the sessions in view where something is to be done"),
    "preview": KeyAction("order('preview')", "Message", "Show the message that would be sent"),
    "scan": KeyAction("scan", "Scan", "Scan what the cursor is on, without the cache"),
    "scan_shown": KeyAction("scan_shown", "", "Scan all that is shown, without the cache"),
    "rediscover": KeyAction("rediscover", "", "Look for sessions again: list what may hold new ones"),
    "attention": KeyAction("attention", "Todo only", "Show only what wants attention, or everything again"),
    "back": KeyAction("step_back", "Back", "Clear the filter; else stop what is going on"),
    "turn": KeyAction("turn", "", "Beamlines above proposals, or the other way round"),
    "sort": KeyAction("sort", "", "Sort by what comes next: path, urgency, date, missing, last change"),
    "link": KeyAction("link", "", "Link to the data portal: opened, or shown over SSH"),
    "copy": KeyAction("copy", "Copy path", "Copy the path, and show it"),
    "export": KeyAction(
        "export", "Export", "Write the overview; under a filter, what is shown to a directory of its own"
    ),
    "drop": KeyAction("drop", "", "Drop this from the cache: it is shown as not scanned"),
    "drop_stale": KeyAction("drop_stale", "", "Check what is shown against the disk, and drop what has changed"),
    "orders": KeyAction("order('orders')", "", "List the orders of this run, and what became of each"),
    "take_back": KeyAction("take_back", "", "Take back what was dropped from the cache"),
    "journal": KeyAction("journal", "", "Journal: what was sent and what became of it; resume, verify, settle"),
    "log": KeyAction("log", "Log", "Show or hide the log"),
    "focus": KeyAction("switch_pane(1)", "", "Go to the next pane: tree, detail, log"),
    "focus_previous": KeyAction("switch_pane(-1)", "", "Go to the pane before"),
    "help": KeyAction("help", "Help", "List the keys, here and in every dialog"),
    "palette": KeyAction("command_palette", "", "Find a command by name"),
    "quit": KeyAction("quit", "Quit", "Quit"),
}


def app_bindings() -> list[Binding]:
    """Return the bindings of the app."""
    return bindings_of("app", ACTIONS)


KEY_WORDS = {"slash": "/", "question_mark": "?", "escape": "esc", "pagedown": "pgdn", "pageup": "pgup"}


class Command(NamedTuple):
    """Action that can be chosen by key or by name."""

    id: str
    keys: str
    """For a person: `right l`."""
    tooltip: str
    label: str
    """In the footer; empty: it is not there."""
    action: str
    """For `App.run_action`."""
    node: DOMNode


def commands_here(screen: Screen[Any]) -> list[Command]:
    """Return what the keys of a dialog do, with the keys that are in force, its own before those of all texts."""
    keys: dict[tuple[str, DOMNode], list[str]] = {}
    bindings: dict[tuple[str, DOMNode], Binding] = {}
    for key, active in screen.active_bindings.items():
        if active.node is not screen.app:
            what = active.binding.action, active.node
            keys.setdefault(what, []).append(KEY_WORDS.get(key, key))
            bindings[what] = active.binding
    found = [
        Command(each.id or "", " ".join(keys[what]), each.tooltip or each.description, "", *what)
        for what, each in bindings.items()
    ]
    return sorted(found, key=lambda command: command.id.startswith("text."))


def commands_of(nodes: Iterable[tuple[DOMNode, Iterable[Binding]]], in_force: dict[str, str]) -> list[Command]:
    """Return what the bindings of some nodes do, each once, with the keys that are in force."""
    return list({binding.id: _command(node, binding, in_force) for node, each in nodes for binding in each}.values())


def _command(node: DOMNode, binding: Binding, in_force: dict[str, str]) -> Command:
    identity = binding.id or ""
    names = key_names(in_force.get(identity, binding.key))
    keys = " ".join(KEY_WORDS.get(name, name) for name in names)
    label = binding.description if binding.show else ""
    return Command(identity, keys, binding.tooltip, label, binding.action, node)


GROUPS: dict[str, tuple[str, ...]] = {
    "Move": ("enter", "open", "close", "down", "up", "half_down", "half_up", "page_down", "page_up", "top", "bottom"),
    "Find": ("next", "previous", "filter", "search", "attention", "sort", "turn", "level", "palette"),
    "Mark": ("mark", "range", "unmark"),
    "Register": ("register", "register_safe", "walk", "preview", "orders", "journal"),
    "Scan and cache": ("scan", "scan_shown", "rediscover", "drop", "drop_stale", "take_back"),
    "Take along": ("copy", "link", "export"),
    "Screen": ("focus", "focus_previous", "log", "back", "help", "quit"),
}
"""What one wants to do, with the ids of the keys for it, without their scope; what hides a status is to find."""


def group_of(identity: str) -> str:
    """Return what one wants to do with a key."""
    name = identity.partition(".")[2]
    return next((group for group, names in GROUPS.items() if name in names), "Find")


def words_for_back(model: TreeModel, under_way: str, *, in_text: bool) -> str:
    """Return what `esc` does now; empty: nothing. `under_way` is what it can stop, `in_text`: a text has the focus."""
    if in_text:
        return "Back to the tree"
    if model.range_from is not None:
        return "Drop the range"
    if model.filter.active:
        return "Clear the filter"
    return f"Stop {under_way}" if under_way else ""


def footer_keys(
    commands: Iterable[Command], hidden: str, back: str, applies_now: Callable[[str], bool]
) -> list[FooterKey]:
    """Return the keys of the footer: how to go back or to stop what is going on first, the help last.

    `hidden` is the scope of the panes that don't have the focus, `back` what `esc` does now; empty: nothing.
    """
    keys = []
    for each in commands:
        label = back if each.id == "app.back" else each.label
        if label and not each.id.startswith(f"{hidden}.") and applies_now(each.id):
            keys.append(FooterKey(each.keys.split()[0], label, each.id))
    order = {"app.back": -1, "app.help": 1}
    return sorted(keys, key=lambda key: order.get(key.id, 0))


def applies(identity: str, model: TreeModel, *, can_export: bool) -> bool:
    """Return whether the footer names a key on this row."""
    node = model.node
    rules: dict[str, Callable[[], bool]] = {
        "app.register": lambda: bool(model.marks) or _holds(model, node, {*ACTIONABLE, Status.INVALID}),
        "app.preview": lambda: _holds(model, node, set(ACTIONABLE)),
        "app.walk": lambda: any(row.category == Category.TODO for row in model.sessions.rows()),
        "tree.filter": lambda: True,
        "app.back": lambda: True,
        "app.export": lambda: can_export,
        "app.scan": lambda: node is not None,
        "app.copy": lambda: node is not None,
    }
    return rules[identity]() if identity in rules else node is not None or identity.startswith("app.")


def _holds(model: TreeModel, node: Node | None, wanted: set[Status]) -> bool:
    """Return whether a row is, or holds, a dataset of one of some statuses."""
    if node is None:
        return False
    if node.dataset is not None:
        return node.dataset.status in wanted
    counts = model.sessions.counts_of(node.place) if node.level == Level.SESSION else None
    if counts is None:
        counts = (node.tally or model.sessions.tally_of(node.place)).counts
    return any(number and status in wanted for status, number in zip(STATUSES, counts, strict=False))

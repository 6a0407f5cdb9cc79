"""What the app does on keys: one entry for each, with what the footer, the palette and the help say of it.

What must stay true: the keys themselves stand in `settings.keymap`, by the same ids.
"""

from typing import NamedTuple

from textual.binding import Binding

from icat_tui.domain.status import Status
from icat_tui.settings.keymap import KEYS


class Does(NamedTuple):
    """What a key does."""

    action: str
    says: str
    """In the footer; empty: not there."""
    tooltip: str
    """In the palette and in the help."""


ACTIONS: dict[str, Does] = {
    "register": Does("register", "Register", "Register what is marked, else what the cursor is on"),
    "register_safe": Does("register_safe", "", "Register what is shown and safe unsupervised: files to be added"),
    "walk": Does("walk", "Walk", "Walk through the sessions in view where something is to be done"),
    "preview": Does("preview", "Message", "Show the message that would be sent"),
    "scan": Does("scan", "Scan", "Scan what the cursor is on, without the cache"),
    "scan_shown": Does("scan_shown", "", "Scan all that is shown, without the cache"),
    "filter": Does("filter", "Filter", "Filter by name, status:, beamline:, sample:"),
    "attention": Does("attention", "Todo only", "Show only what wants attention, or everything again"),
    "back": Does("step_back", "Back", "Clear the filter; else stop what is going on"),
    "turn": Does("turn", "", "Beamlines above proposals, or the other way round"),
    "link": Does("link", "", "Link to the data portal: opened, or shown over SSH"),
    "copy": Does("copy", "Copy path", "Copy the path, and show it"),
    "export": Does("export", "Export", "Write the overview; under a filter, what is shown to a directory of its own"),
    "drop": Does("drop", "", "Drop this from the cache: it is shown as not scanned"),
    "drop_stale": Does("drop_stale", "", "Check what is cached against the disk, and drop what has changed"),
    "log": Does("log", "Log", "Show or hide the log"),
    "focus": Does("switch_pane", "", "Go to the detail and back"),
    "help": Does("help", "Help", "List the keys"),
    "palette": Does("command_palette", "", "Find a command by name"),
    "quit": Does("quit", "Quit", "Quit"),
}


def app_bindings() -> list[Binding]:
    """Return the bindings of the app."""
    bindings = [
        Binding(
            KEYS[f"app.{name}"],
            does.action,
            does.says or does.tooltip,
            show=bool(does.says),
            id=f"app.{name}",
            tooltip=does.tooltip,
        )
        for name, does in ACTIONS.items()
    ]
    for status in Status:
        word = f"Show or hide what is {status.word}"
        identity = f"app.status_{status.key}"
        bindings.append(Binding(KEYS[identity], f"status({status.key})", word, show=False, id=identity, tooltip=word))
    return bindings

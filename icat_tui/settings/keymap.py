"""Keys of the terminal UI by binding id, as `[keys]` of `config.toml` names them (interface.md, "Keys").

They are defined here because settings are read without the UI. What must stay true: the bindings of the UI have the
same ids and default keys, and no two ids that are active at the same time have a key in common.
"""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import combinations

DEFAULT_KEYS: dict[str, str] = {
    "tree.enter": "enter",
    "tree.open": "right,l",
    "tree.close": "left,h",
    "tree.down": "down,j",
    "tree.up": "up,k",
    "tree.page_down": "pagedown,ctrl+f",
    "tree.page_up": "pageup,ctrl+b",
    "tree.top": "home,g",
    "tree.bottom": "end,G",
    "tree.next": "n",
    "tree.previous": "N",
    "tree.level": "z",
    "tree.mark": "space",
    "tree.range": "v",
    "tree.unmark": "u",
    "tree.half_down": "ctrl+d",
    "tree.half_up": "ctrl+u",
    "tree.filter": "slash",
    **{f"tree.status_{number}": str(number) for number in range(1, 10)},
    "filter.older": "up",
    "filter.newer": "down",
    "text.down": "down,j",
    "text.up": "up,k",
    "text.half_down": "ctrl+d",
    "text.half_up": "ctrl+u",
    "text.page_down": "pagedown,ctrl+f",
    "text.page_up": "pageup,ctrl+b",
    "text.top": "home,g",
    "text.bottom": "end,G",
    "text.search": "slash",
    "text.next": "n",
    "text.previous": "N",
    "app.register": "r",
    "app.register_safe": "A",
    "app.walk": "w",
    "app.preview": "x",
    "app.orders": "p",
    "app.scan": "s",
    "app.scan_shown": "S",
    "app.rediscover": "R",
    "app.attention": "t",
    "app.back": "escape",
    "app.turn": "b",
    "app.sort": "O",
    "app.link": "o",
    "app.copy": "y",
    "app.export": "e",
    "app.drop": "i",
    "app.drop_stale": "I",
    "app.take_back": "U",
    "app.journal": "J",
    "app.log": "L",
    "app.focus": "tab",
    "app.focus_previous": "shift+tab",
    "app.help": "question_mark,f1",
    "app.palette": "ctrl+p",
    "app.quit": "q,ctrl+q",
    "journal.enter": "enter",
    "journal.open": "right,l",
    "journal.close": "left,h",
    "journal.down": "down,j",
    "journal.up": "up,k",
    "journal.half_down": "ctrl+d",
    "journal.half_up": "ctrl+u",
    "journal.page_down": "pagedown,ctrl+f",
    "journal.page_up": "pageup,ctrl+b",
    "journal.top": "home,g",
    "journal.bottom": "end,G",
    "journal.resume": "r",
    "journal.verify": "V",
    "journal.settle": "E",
    "journal.preview": "x",
    "journal.copy": "y",
    "journal.filter": "slash",
    "journal.back": "escape",
    "journal.leave": "q",
    "journal.help": "question_mark,f1",
}
"""Default keys by binding id, separated by commas; a capital letter is that key with shift."""
RENAMED: dict[str, str] = {
    "app.filter": "tree.filter",
    **{f"app.status_{number}": f"tree.status_{number}" for number in range(1, 10)},
    "detail.down": "text.down",
    "detail.up": "text.up",
}
"""Ids of earlier versions, which are still taken, with those of today."""
GLOBAL_SCOPE = "app"
"""Scope (first part of an id) that is active together with `tree` or `text`; these two are never active together."""

SEPARATE_SCOPES = frozenset({"journal"})
"""Scopes of screens that hear their own keys alone."""


def with_new_ids(changed: Mapping[str, str]) -> dict[str, str]:
    """Return changed keys by the ids of today; where both an old and a new id stand, the new one counts."""
    old = {RENAMED[binding]: keys for binding, keys in changed.items() if binding in RENAMED}
    return old | {binding: keys for binding, keys in changed.items() if binding not in RENAMED}


def keys_in_force(changed: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of every binding id, with the changed ones in place of the defaults.

    Raises ValueError for an unknown id, naming the closest, and for two ids that share a key, naming both.
    """
    changed = with_new_ids(changed)
    for binding, keys in changed.items():
        if binding not in DEFAULT_KEYS:
            closest = difflib.get_close_matches(binding, DEFAULT_KEYS, n=1, cutoff=0)[0]
            raise ValueError(f"there is no key with the id {binding!r}; the closest is {closest}")
        if not any(map(str.strip, keys.split(","))):
            raise ValueError(f"{binding} must be the name of a key, such as {DEFAULT_KEYS[binding]}")
    in_force = DEFAULT_KEYS | dict(changed)
    for one, other in combinations(in_force, 2):
        if _active_together(one, other) and (shared := {*key_names(in_force[one])} & {*key_names(in_force[other])}):
            raise ValueError(f"{one} and {other} both have the key {min(shared)}: give one of them another")
    return in_force


def key_names(keys: str) -> Iterator[str]:
    """Yield the names that the UI has for keys separated by commas: `/` is `slash`."""
    for key in map(str.strip, keys.split(",")):
        if len(key) == 1 and not key.isalnum():
            yield unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_").replace("solidus", "slash")
        elif key:
            yield key


def _active_together(one: str, other: str) -> bool:
    scopes = {one.partition(".")[0], other.partition(".")[0]}
    return len(scopes) == 1 or (GLOBAL_SCOPE in scopes and not scopes & SEPARATE_SCOPES)

"""Bindings of a scope of keys from a table of what they do, so that ids and keys stand in `settings.keymap` alone."""

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding

from icat_tui.settings.keymap import DEFAULT_KEYS


class KeyAction(NamedTuple):
    """Action of a key, with its words."""

    action: str
    label: str
    """In the footer; empty: not there."""
    tooltip: str
    """In the palette and in the help."""


class FooterKey(NamedTuple):
    """Key that does something now, as the footer names it."""

    key: str
    does: str
    id: str
    """Of its binding."""


def bindings_of(scope: str, actions: Mapping[str, KeyAction]) -> list[Binding]:
    """Return the bindings of a scope, whose actions are named by their ids without it."""
    return [
        Binding(
            DEFAULT_KEYS[f"{scope}.{name}"],
            does.action,
            does.label or does.tooltip,
            show=bool(does.label),
            id=f"{scope}.{name}",
            tooltip=does.tooltip,
        )
        for name, does in actions.items()
    ]

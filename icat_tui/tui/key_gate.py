"""Order of what is typed: each key goes where the focus is once the key before has done its work.

Keys that come in one packet would else go where the focus was when the packet came: what is typed after `/` to the
tree, what follows a confirmed question to the next one (interface.md, "Terminal UI").

What must stay true: no key is lost or passes another, and a question hears no key that may have been meant for what was
on the screen before it.
"""

import logging
from collections import deque
from collections.abc import Mapping
from typing import TypeVar

from textual import events
from textual.actions import ActionParseResult
from textual.app import App
from textual.dom import DOMNode
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widgets import Input

from icat_tui.tui.background import WorkFailed
from icat_tui.tui.screens.dialog import QUIET, Dialog

log = logging.getLogger("icat_tui")

Returned = TypeVar("Returned")
LONGEST_TURN = 0.5
"""Seconds after which the next key is passed on though the one before is still being worked on."""
ROUNDS = 2
"""How often a message goes the way of a key behind it: what the key has caused by then has been caused."""
AFTER_A_DIALOG = 1.0
"""Seconds after the end of a dialog in which the tree hears neither what leaves nor what sends."""
DANGEROUS = frozenset({"app.quit", "app.register", "app.register_safe", "app.walk", "journal.resume"})
"""Binding ids of what leaves and of what sends."""


class KeyPassed(Message):
    """Message that follows a key on its way from the focus up to the app."""

    def __init__(self, number: int, round_: int) -> None:
        """Take which key it follows, and for which time."""
        super().__init__()
        self.number, self.round = number, round_


class OrderedKeys(App[Returned]):
    """App that passes on one key, paste or click at a time."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        """Wait for the first key."""
        super().__init__(ansi_color=ansi_color)
        self._waiting: deque[events.InputEvent | events.Paste] = deque()
        self._number = 0
        """Of the key that was passed on last."""
        self._working = False
        """Whether that key still does its work."""
        self._last_key_at = 0.0
        self._dialog_closed_at = float("-inf")
        self._unheard = ""
        """The key that was not heard last, as a dialog had just been closed."""

    async def on_event(self, event: events.Event) -> None:
        """Pass on what is typed in its order, all else at once."""
        typed = isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseUp)
        if not typed or event.is_forwarded:
            await super().on_event(event)
            return
        if isinstance(event, events.InputEvent | events.Paste):
            self._waiting.append(event)
        if not self._working:
            await self._pass_on()
        elif len(self._waiting) == 1:
            number = self._number
            self.set_timer(LONGEST_TURN, lambda: self._done(number))

    async def _pass_on(self) -> None:
        while self._waiting and not self._working:
            event = self._waiting.popleft()
            if isinstance(event, events.Key) and not self._hears(event):
                continue
            self._working = True
            self._number += 1
            target = self.focused or self.screen
            await super().on_event(event)
            self._follow(target, 1)

    def _follow(self, target: MessagePump, round_: int) -> None:
        if not target.post_message(KeyPassed(self._number, round_)):
            self.call_later(self._done, self._number)

    def on_key_passed(self, message: KeyPassed) -> None:
        """Go the same way once more, from where the focus is now, or pass on the next key."""
        if message.number != self._number or not self._working:
            return
        if message.round < ROUNDS:
            self.call_later(self._follow_from_focus, message.round + 1)
        else:
            self.call_later(self._done, message.number)

    def _follow_from_focus(self, round_: int) -> None:
        self._follow(self.focused or self.screen, round_)

    async def _done(self, number: int) -> None:
        if number == self._number and self._working:
            self._working = False
            await self._pass_on()

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key asks for; what goes wrong in it is told, and ends nothing.

        What goes wrong in a widget of textual's is not worth more than a line for those who look for it: keys that lead
        out of a list that is empty, for one.
        """
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            log.debug("%s went wrong", action, exc_info=True)
            if not type(default_namespace or self).__module__.startswith("textual."):
                self.post_message(WorkFailed("doing what a key asks for", error))
            return True

    # -- what is not heard -----------------------------------------------------------------------------------------

    @property
    def is_wary(self) -> bool:
        """Whether the tree hears neither what leaves nor what sends, as a dialog has just been closed."""
        return self._just_closed(events.Event().time)

    def pop_screen(self):  # type: ignore[no-untyped-def]  # textual has no public name for what it returns
        """Note when a dialog was closed."""
        self._dialog_closed_at = events.Event().time
        return super().pop_screen()

    def _just_closed(self, now: float) -> bool:
        return now - self._dialog_closed_at < AFTER_A_DIALOG

    def _hears(self, key: events.Key) -> bool:
        """Return whether a key counts where it comes to now."""
        before, self._last_key_at = self._last_key_at, key.time
        screen = self.screen
        if isinstance(screen, Dialog):
            return screen.hears(key, before)
        held = key.key == self._unheard and key.time - before < QUIET
        if (
            (held or self._just_closed(key.time))
            and not isinstance(self.focused, Input)
            and self._is_dangerous(key.key)
        ):
            self._unheard = key.key
            return False
        self._unheard = ""
        return True

    def _is_dangerous(self, key: str) -> bool:
        if isinstance(self.focused, Input):
            return False  # it is text
        active = self.screen.active_bindings.get(key)
        return active is not None and active.binding.id in DANGEROUS

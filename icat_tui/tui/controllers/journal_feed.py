"""The thread that reads the journal while it is on the screen: all of it once, then what others write.

What must stay true: nothing of it is read in the UI's thread; what was written last is shown first; where nothing has
changed nothing is told; and a journal that can't be read is told as that.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import tzinfo

from icat_tui.domain.errors import unexpected
from icat_tui.journal.records import JournalError
from icat_tui.journal.view import troubles_of
from icat_tui.journal.watch import JournalWatch
from icat_tui.tui.state.journal_entries import JournalEntries, JournalShown
from icat_tui.tui.state.journal_filter import JournalFilter
from icat_tui.tui.state.journal_message import message_of, sum_of_tallies

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks at the journal."""
FIRST_PART, LATER_PARTS = 0.05, 0.3
"""Seconds of reading after which what was read is shown, at first and later."""


class JournalFeed:
    """Thread that tells what of a journal is shown, whenever that is something else."""

    def __init__(self, watch: JournalWatch, zone: tzinfo) -> None:
        """Read nothing yet; days are those of a time zone."""
        self._watch, self._zone = watch, zone
        self._tell: Callable[[JournalShown], object] = lambda _: None
        self._entries = JournalEntries()
        self._troubles: dict[str, tuple[str, ...]] = {}
        """What is wrong with shards, by name."""
        self._wanted = JournalFilter()
        self._wake = threading.Event()
        self._stopped = False
        self._told: JournalShown | None = None

    def start(self, tell: Callable[[JournalShown], object]) -> None:
        """Begin to read; `tell` is called from the thread, and must neither wait nor raise."""
        self._tell = tell
        threading.Thread(target=self._work, daemon=True, name="icat-tui journal").start()

    def narrow(self, wanted: JournalFilter) -> None:
        """Let through what a filter does."""
        self._wanted = wanted
        self._wake.set()

    def look(self) -> None:
        """Look now."""
        self._wake.set()

    def stop(self) -> None:
        """End, without waiting for it."""
        self._stopped = True
        self._wake.set()

    def _work(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                self._read()
                broken = ""
            except JournalError as error:
                broken = str(error)
            except Exception as error:
                log.exception("reading the journal broke")
                broken = unexpected(error)
            self._show(reading=False, broken=broken)
            self._wake.wait(PAUSE)

    def _read(self) -> None:
        """Read what has changed, and show parts of it meanwhile."""
        part, until = FIRST_PART, time.monotonic() + FIRST_PART
        for shard in self._watch.changed():
            if self._stopped:
                return
            name = shard.path.stem
            self._troubles[name] = tuple(troubles_of([shard]))
            self._entries.put(name, (message_of(name, each, self._zone) for each in shard.index.sendings()))
            if (now := time.monotonic()) >= until:
                self._show(reading=True)
                took = time.monotonic() - now
                part = max(LATER_PARTS, part if part > LATER_PARTS else 0, 4 * took)
                until = time.monotonic() + part

    def _show(self, *, reading: bool, broken: str = "") -> None:
        self._entries.narrow(self._wanted)
        orders = self._entries.shown()
        before = self._told
        same = before is not None and before.orders is orders
        shown = JournalShown(
            orders=orders,
            tally=before.tally if before is not None and same else sum_of_tallies(order.tally for order in orders),
            messages=self._entries.messages,
            troubles=tuple(trouble for name in sorted(self._troubles) for trouble in self._troubles[name]),
            broken=broken,
            reading=reading,
        )
        if self._stopped or (before is not None and same and _apart_from_orders(before) == _apart_from_orders(shown)):
            return
        self._told = shown
        self._tell(shown)


def _apart_from_orders(shown: JournalShown) -> tuple[object, ...]:
    return shown.messages, shown.troubles, shown.broken, shown.reading

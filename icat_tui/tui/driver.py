"""The driver of the terminal: what was typed, made into events, whatever bytes come.

What must stay true: no bytes end the thread that reads them. What is pasted never becomes keys, whatever it contains.
"""

import logging
import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Iterator

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

log = logging.getLogger("icat_tui")
INTRODUCER = b"\x1b["
RELEASED = 3
"""Button of a report that some button was let go."""
REPORT = 4
"""Bytes of a mouse report of old terminals (X10) after the introducer: M, then button, column and row."""
PASTE, PASTED = "\x1b[200~", "\x1b[201~"
CHUNK = 4096
TURN = 0.1
"""Seconds until it is looked whether a report or a sequence is not going to be completed."""


def _as_sgr(report: bytes) -> bytes:
    """Return a mouse report of old terminals, without its introducer, in the form that newer ones have."""
    button, column, row = (max(0, each - 32) for each in report[1:])
    released = button & RELEASED == RELEASED and not button & (32 | 64)
    return b"<%d;%d;%d%c" % (button & ~RELEASED if released else button, column, row, b"m" if released else b"M")


class MouseReports:
    """Mouse reports of old terminals in a stream of bytes, whose three numbers are any bytes."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._before = b""
        self._held = b""

    def feed(self, byte: bytes) -> bytes:
        """Return what is to be parsed once this byte has come: nothing within a report, all of it after its end."""
        if self._held or (byte == b"M" and self._before == INTRODUCER):
            self._held += byte
            if len(self._held) < REPORT:
                return b""
            byte, self._held = _as_sgr(self._held), b""
        self._before = (self._before + byte)[-len(INTRODUCER) :]
        return byte

    def give_up(self) -> None:
        """Drop a report that is not going to be completed."""
        self._held, self._before = b"", b""


class TypedInput:
    """Parser of what a terminal sends, which takes any bytes."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._reports = MouseReports()
        self._decode = getincrementaldecoder("utf-8")(errors="ignore").decode
        self._parser = XTermParser()
        self._recent = ""
        self._pasted: list[str] | None = None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield what some bytes mean; what is not UTF-8 means nothing."""
        for number in data:
            byte = bytes([number])
            if self._pasted is None:
                byte = self._reports.feed(byte)
            for character in self._decode(byte):
                self._recent = (self._recent + character)[-len(PASTE) :]
                yield from self._key(character) if self._pasted is None else self._paste(self._pasted, character)

    def rest(self) -> Iterator[Message]:
        """Yield what was begun and is not going to be completed: a single escape, for example."""
        self._reports.give_up()
        yield from self._parsed("")

    def _key(self, character: str) -> Iterator[Message]:
        yield from self._parsed(character)
        if self._recent == PASTE:
            self._pasted = []

    def _paste(self, pasted: list[str], character: str) -> Iterator[Message]:
        pasted.append(character)
        if self._recent == PASTED:
            self._pasted = None
            yield from self._parsed(PASTED)
            text = "".join(pasted[: -len(PASTED)])
            yield events.Paste("".join(each for each in text if each.isprintable() or each in "\r\n\t"))

    def _parsed(self, text: str) -> Iterator[Message]:
        """Yield what textual's parser makes of a text; where it fails at one, a new one goes on behind it."""
        try:
            for message in self._parser.feed(text) if text else self._parser.tick():
                if not isinstance(message, events.Paste):  # we make these: its own parser makes keys of some
                    yield message
        except Exception as error:  # noqa: BLE001 - whatever it is, a mistyped sequence is no reason to end
            log.debug("not understood: %r (%s)", self._recent, error)
            self._parser = XTermParser()


class TerminalDriver(LinuxDriver):
    """Driver of a terminal that takes any bytes."""

    def run_input_thread(self) -> None:
        """Read and hand on what is typed, until the program ends; a terminal that is gone has nothing more to say."""
        typed = TypedInput()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(TURN):
                    try:
                        data = os.read(self.fileno, CHUNK)
                    except OSError:
                        data = b""
                    if not data:
                        self.exit_event.wait()
                        return
                    messages = typed.feed(data)
                else:
                    messages = typed.rest()
                for message in messages:
                    try:
                        self.process_message(message)
                    except Exception as error:  # noqa: BLE001 - one event is lost, not all that are typed after it
                        log.debug("an event was not taken: %r (%s)", message, error)

"""The texts of the journal on screen: a row of it, and the detail of one.

What must stay true: texts from outside are made visible, and whatever a glyph says a word says too.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from icat_tui.text import ago_text, counted, moment_text, time_text, visible
from icat_tui.tui.state.journal_entries import OrderEntry
from icat_tui.tui.state.journal_message import LOOKS, JournalMessage, StateCounts
from icat_tui.tui.state.journal_rows import JournalRow, RowLevel
from icat_tui.tui.theme import style
from icat_tui.tui.widgets.row_list import Coloured

WIDE = 100
"""Columns from which hosts and dates are shown too; the detail has them in any case."""
NAME_AT_LEAST = 16
STATE_WIDTH, ACTION_WIDTH = 15, 16
"""Columns."""


class Clock(NamedTuple):
    """Time by which moments are told."""

    now: datetime
    zone: tzinfo

    def told(self, moment: datetime) -> str:
        """Return a moment as it is told."""
        return moment_text(moment, self.now, self.zone)

    def told_exactly(self, moment: datetime) -> str:
        """Return a moment with day and time."""
        return f"{time_text(moment, self.zone)}, {ago_text(moment, self.now)}"


def row_texts(row: JournalRow, width: int, clock: Clock) -> tuple[Coloured, ...]:
    """Return the parts of a row, as many columns as there are at most."""
    if row.message is not None:
        return tuple(_cut(_message_texts(row, row.message, width, clock), width))
    counts = [(f" {text}", colour) for text, colour in tally_texts(row.tally)]
    wide = width >= WIDE
    number = f"  {counted(row.tally.total, 'message') if wide else f'{row.tally.total:,}'} "
    room = width - cell_len(number) - sum(cell_len(text) for text, _ in counts)
    label = set_cell_size(_label(row, clock, wide=wide), max(room, NAME_AT_LEAST))
    return tuple(_cut([(label, ""), (number, ""), *counts], width))


def tally_texts(tally: StateCounts) -> list[Coloured]:
    """Return the number of messages by glyph, in the order in which they want attention."""
    numbers: dict[Coloured, int] = {}
    for state, number in tally.counts:
        look = LOOKS[state]
        key = look.glyph, look.colour
        numbers[key] = numbers.get(key, 0) + number
    return [(f"{glyph}{number:,}", colour) for (glyph, colour), number in numbers.items()]


def _label(row: JournalRow, clock: Clock, *, wide: bool) -> str:
    arrow = {None: " ", False: "▸", True: "▾"}[row.is_open]
    if row.level == RowLevel.ALL:
        return f"{arrow} everything shown"
    if row.level == RowLevel.SESSION and row.session is not None:
        return f"  {arrow} {visible(row.session.label)}"
    order = row.order
    if order is None:
        return arrow
    about = row.session.label if row.session else counted(len(order.sessions), "session")
    user = visible(f"{order.user} on {order.host}" if wide else order.user)
    return f"{arrow} {clock.told(order.time)}  {user}  {visible(about)}"


def _message_texts(row: JournalRow, message: JournalMessage, width: int, clock: Clock) -> list[Coloured]:
    look = LOOKS[message.state]
    folded = row.order is not None and len(row.order.sessions) == 1
    indent = "    " if folded else "      "
    name_width = max(NAME_AT_LEAST, width * 2 // 5 - len(indent))
    name = set_cell_size(visible(message.name), name_width)
    time = clock.told(message.time) if width >= WIDE else ago_text(message.time, clock.now)
    reason = f"  {visible(message.words)}" if message.words else ""
    return [
        (f"{indent}{look.glyph} ", look.colour),
        (f"{name} ", ""),
        (f"{look.word:{STATE_WIDTH}} ", look.colour),
        (f"{action_word(message):{ACTION_WIDTH}} ", ""),
        (f"{time}{reason}", ""),
    ]


def action_word(message: JournalMessage) -> str:
    """Return what a message asks of ICAT, in words."""
    return message.action.replace("_", " ")


def _cut(texts: list[Coloured], width: int) -> Iterator[Coloured]:
    for text, colour in texts:
        if width <= 0:
            return
        length = cell_len(text)
        yield (text if length <= width else set_cell_size(text, width)), colour
        width -= length


# -- the detail ------------------------------------------------------------------------------------------------------


def detail_of_row(row: JournalRow, clock: Clock) -> Content:
    """Return everything that is known of what the cursor is on."""
    if row.message is not None:
        return _message_detail(row.message, clock)
    lines = [_counts_in_words(row.tally)]
    if row.level == RowLevel.ORDER and row.order is not None:
        lines = [_order_line(row.order, clock), *lines]
    if row.session is not None:
        lines.append(Content(visible(row.session.path or "in no session")))
    return Content("\n").join(lines)


def _order_line(order: OrderEntry, clock: Clock) -> Content:
    return Content(f"{clock.told_exactly(order.time)}, by {visible(order.user)} on {visible(order.host)}")


def _counts_in_words(tally: StateCounts) -> Content:
    numbers: dict[Coloured, int] = {}
    for state, number in tally.counts:
        look = LOOKS[state]
        key = f"{look.glyph} {look.word}", look.colour
        numbers[key] = numbers.get(key, 0) + number
    parts = [Content.styled(f"{number:,} {word}", style(colour)) for (word, colour), number in numbers.items()]
    return Content(", ").join(parts) if parts else Content("no message")


def _message_detail(message: JournalMessage, clock: Clock) -> Content:
    look = LOOKS[message.state]
    where = [
        f"investigation {message.investigation}" if message.investigation is not None else "",
        f"ICAT id {message.icat_id}" if message.icat_id is not None else "",
        f"{visible(message.proposal)} on {visible(message.beamline)}" if message.proposal else "",
    ]
    state = f"{look.glyph} {look.word}" + (f": {visible(message.words)}" if message.words else "")
    lines = [
        Content.styled(state, style(look.colour)),
        Content(visible(message.dataset)),
        Content(f"{action_word(message)} -> {visible(message.destination)}  {', '.join(filter(None, where))}"),
        Content(f"{clock.told_exactly(message.time)}, by {visible(message.user)} on {visible(message.host)}"),
        Content(f"message {visible(message.id)}"),
    ]
    return Content("\n").join(lines)

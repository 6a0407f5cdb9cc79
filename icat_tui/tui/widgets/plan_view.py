"""Plans on screen: groups that can be switched on and off, and their datasets.

Lines are drawn one at a time, so that a plan of thousands opens at once.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from icat_tui.sync.plan import Group, Offer, Plan
from icat_tui.text import counted, visible
from icat_tui.tui.theme import STATUS_CLASSES, STATUS_CSS
from icat_tui.tui.widgets.investigation_text import investigation_text

Switch = tuple[int, int]
"""A group: the place of its plan among the plans, and its own among the plan's groups."""
NARROWEST = 20
"""Columns that lines are folded to at least."""


class PlanLine(NamedTuple):
    """Line of a plan on screen."""

    text: str
    """Made visible."""
    colour: str = ""
    switch: Switch | None = None
    """The group that it belongs to."""
    offer: Offer | None = None


class PlanView(ScrollView, can_focus=False):
    """Widget with plans, their groups switched on or off, and a cursor on one line."""

    DEFAULT_CSS = f"""
    PlanView {{
        height: auto;
        max-height: 100%;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .plan--cursor {{ color: $cursor-foreground; background: $cursor-background; text-style: $cursor-style; }}
        {STATUS_CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"plan--cursor"} | STATUS_CLASSES

    def __init__(self, plans: Sequence[Plan], zone: tzinfo) -> None:
        """Show these plans, all groups switched on but those that take a confirmation of their own."""
        super().__init__()
        self._plans, self._zone = plans, zone
        self.on: set[Switch] = {
            (place, number)
            for place, plan in enumerate(plans)
            for number, group in enumerate(plan.groups)
            if not group.doubts
        }
        self._lines = list(self._all_lines())
        """Unfolded until the width is known."""
        self.cursor = next((at for at, line in enumerate(self._lines) if line.switch), 0)

    @property
    def confirmed(self) -> tuple[Plan, ...]:
        """The plans with the groups that are switched on."""
        plans = (
            Plan(
                plan.session,
                tuple(group for number, group in enumerate(plan.groups) if (place, number) in self.on),
                plan.declined,
                plan.warnings,
            )
            for place, plan in enumerate(self._plans)
        )
        return tuple(plan for plan in plans if plan.groups)

    @property
    def messages(self) -> int:
        """How many messages are switched on."""
        return sum(len(group.offers) for plan in self.confirmed for group in plan.groups)

    @property
    def offer(self) -> Offer | None:
        """The offer under the cursor; of a group the first."""
        line = self._lines[self.cursor] if self._lines else None
        if line is None or line.switch is None:
            return None
        place, number = line.switch
        return line.offer or self._plans[place].groups[number].offers[0]

    def move(self, lines: int) -> None:
        """Move the cursor, and show where it is."""
        before, last = self.cursor, len(self._lines) - 1
        self.cursor = min(max(self.cursor + lines, 0), max(last, 0))
        self.refresh_line(before)
        self.refresh_line(self.cursor)
        self._show_cursor()

    def move_to_group(self, step: int) -> None:
        """Move the cursor to the next group, or to the one before."""
        heads = [at for at, line in enumerate(self._lines) if self._is_head(at)]
        after = [at for at in heads if at > self.cursor] if step > 0 else [at for at in heads if at < self.cursor][::-1]
        if after:
            self.move(after[0] - self.cursor)

    def toggle(self) -> None:
        """Switch the group that the cursor is in on or off."""
        if self._lines and (switch := self._lines[self.cursor].switch):
            self.on ^= {switch}
            self._draw()

    # -- drawing --

    def on_resize(self) -> None:
        """Fold the lines to the new width; what stands first, warnings among it, stays in view until one moves."""
        self._draw()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        place = y + self.scroll_offset.y
        width = self.size.width
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[place]
        style = self._style(line, at_cursor=place == self.cursor)
        return Strip([Segment(line.text, style)]).adjust_cell_length(width, style)

    def _style(self, line: PlanLine, *, at_cursor: bool) -> Style:
        if at_cursor:
            return self.get_component_rich_style("plan--cursor")
        if line.colour:
            return self.get_component_rich_style(f"status--{line.colour}")
        return self.rich_style

    def _is_head(self, at: int) -> bool:
        line = self._lines[at]
        return line.switch is not None and line.offer is None and (at == 0 or self._lines[at - 1].switch != line.switch)

    def _show_cursor(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if not top <= self.cursor < top + height:
            self.scroll_to(y=max(self.cursor - height // 2, 0), animate=False)

    def _draw(self) -> None:
        """Fold all lines anew; the cursor stays on what it was on."""
        width = max(self.size.width, NARROWEST)
        under = self._lines[self.cursor] if self._lines else None
        self._lines = [line._replace(text=text) for line in self._all_lines() for text in folded(line.text, width)]
        self.virtual_size = Size(self.size.width, len(self._lines))
        if under is not None and under.switch is not None:
            places = enumerate(self._lines)
            same = (at for at, line in places if line.switch == under.switch and line.offer is under.offer)
            self.cursor = next(same, self.cursor)
        self.cursor = min(self.cursor, max(len(self._lines) - 1, 0))
        self.refresh()

    def _all_lines(self) -> Iterator[PlanLine]:
        for place, plan in enumerate(self._plans):
            directory, below = plan.session.directory, f"{plan.session.directory.raw_path}/"
            yield PlanLine(visible(directory.label))
            yield PlanLine(f"  {investigation_text(plan.session, self._zone)}")
            for warning in plan.warnings:
                yield PlanLine(f"  ! {visible(warning)}", "yellow")
            for number, group in enumerate(plan.groups):
                yield from self._group((place, number), group, below)
            for declined in plan.declined:
                name = declined.dataset.path.removeprefix(below)
                yield PlanLine(f"  not sent: {visible(name)}: {visible(declined.reason)}", "grey")

    def _group(self, switch: Switch, group: Group, below: str) -> Iterator[PlanLine]:
        status, on = group.status, switch in self.on
        doubts = "".join(f", {doubt}" for doubt in group.doubts)
        destination = visible(group.offers[0].message.destination)
        number = counted(len(group.offers), "dataset")
        head = f"  [{'x' if on else ' '}] {status.glyph} {number} {status.word}{doubts} -> {destination}"
        yield PlanLine(head, status.colour, switch)
        for offer in group.offers:
            name = offer.dataset.path.removeprefix(below)
            yield PlanLine(f"        {visible(name)}", "" if on else "grey", switch, offer)
            for doubt in (offer.dataset.sent, offer.dataset.moved, *offer.warnings):
                if doubt:
                    yield PlanLine(f"          {visible(doubt)}", "yellow", switch, offer)


def folded(text: str, width: int) -> list[str]:
    """Return a text as lines of at most `width` cells, those after the first indented a little deeper."""
    if cell_len(text) <= width:
        return [text]
    indent = " " * min(len(text) - len(text.lstrip(" ")) + 4, width // 2)
    lines, line = [], ""
    for word in re.findall(r"\s*\S+|\s+$", text):
        if line and cell_len(line + word) > width:
            lines.append(line)
            line = indent + word.lstrip(" ")
        else:
            line += word
        while cell_len(line) > width:
            lines.append(chop_cells(line, width)[0])
            line = indent + line[len(lines[-1]) :]
    return [*lines, line]

"""What would be sent, to be looked through: groups that can be switched on and off, and their datasets.

Lines are drawn one at a time, so that a plan of thousands opens at once.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from icat_tui.domain.visible import visible
from icat_tui.sync.plan import Group, Offer, Plan
from icat_tui.sync.report import counted
from icat_tui.tui.theme import STATUS_CLASSES, STATUS_CSS

Switch = tuple[int, int]
"""A group: the place of its plan among the plans, and its own among the plan's groups."""


class PlanLine(NamedTuple):
    """A line of what would be sent."""

    text: str
    """Made visible."""
    colour: str = ""
    switch: Switch | None = None
    """The group that it belongs to."""
    offer: Offer | None = None


class PlanView(ScrollView, can_focus=False):
    """Shows plans, with a cursor on one line."""

    DEFAULT_CSS = f"""
    PlanView {{
        height: auto;
        max-height: 100%;
        background: $background;
        scrollbar-size-vertical: 1;
        & > .plan--cursor {{ color: $cursor-foreground; background: $cursor-background; text-style: $cursor-style; }}
        {STATUS_CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"plan--cursor"} | STATUS_CLASSES

    def __init__(self, plans: Sequence[Plan]) -> None:
        """Show these plans, all groups switched on but those that were sent before."""
        super().__init__()
        self._plans = plans
        self.on: set[Switch] = {
            (place, number)
            for place, plan in enumerate(plans)
            for number, group in enumerate(plan.groups)
            if not group.again
        }
        self._lines: list[PlanLine] = []
        self._draw()
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
        """What the cursor is on; of a group the first."""
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
        top, height = self.scroll_offset.y, self.size.height
        if not top <= self.cursor < top + height:
            self.scroll_to(y=self.cursor - height // 2, animate=False)

    def toggle(self) -> None:
        """Switch the group that the cursor is in on or off."""
        if self._lines and (switch := self._lines[self.cursor].switch):
            self.on ^= {switch}
            self._draw()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        place = y + self.scroll_offset.y
        width = self.size.width
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[place]
        if place == self.cursor:
            style = self.get_component_rich_style("plan--cursor")
        elif line.colour:
            style = self.get_component_rich_style(f"status--{line.colour}")
        else:
            style = self.rich_style
        return Strip([Segment(line.text, style)]).adjust_cell_length(width, style)

    def _draw(self) -> None:
        self._lines = [line for place, plan in enumerate(self._plans) for line in self._told(place, plan)]
        self.virtual_size = Size(max((len(line.text) for line in self._lines), default=0), len(self._lines))

    def _told(self, place: int, plan: Plan) -> list[PlanLine]:
        directory = plan.session.directory
        lines = [PlanLine(visible(f"{directory.proposal} {directory.beamline} {directory.date}"))]
        lines += [PlanLine(f"  ! {visible(warning)}", "yellow") for warning in plan.warnings]
        for number, group in enumerate(plan.groups):
            lines += self._group((place, number), group)
        lines += [
            PlanLine(f"  not sent: {visible(declined.dataset.path)}: {visible(declined.reason)}", "grey")
            for declined in plan.declined
        ]
        return lines

    def _group(self, switch: Switch, group: Group) -> list[PlanLine]:
        status, mark = group.status, "x" if switch in self.on else " "
        again = ", sent before and not in ICAT" if group.again else ""
        destination = visible(group.offers[0].message.destination)
        number = counted(len(group.offers), "dataset")
        head = f"  [{mark}] {status.glyph} {number} {status.word}{again} -> {destination}"
        lines = [PlanLine(head, status.colour, switch)]
        for offer in group.offers:
            lines.append(PlanLine(f"        {visible(offer.dataset.path)}", "", switch, offer))
            doubts = (*((offer.dataset.sent,) if offer.dataset.sent else ()), *offer.warnings)
            lines += [PlanLine(f"          {visible(doubt)}", "yellow", switch, offer) for doubt in doubts]
        return lines

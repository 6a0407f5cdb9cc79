"""The status line as things are now, put together from the controllers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from icat_tui.domain.server_report import BrokerReport
from icat_tui.text import and_more, counted
from icat_tui.tui.controllers.server_texts import broker_text, icatplus_text
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.state.attention import unscanned_from
from icat_tui.tui.state.filtering import FilterChoice
from icat_tui.tui.state.order import SortBy
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.widgets.status_bar import BarState, ColouredText
from icat_tui.tui.widgets.status_text import (
    age_of,
    filter_parts,
    filter_text,
    sessions_text,
)
from icat_tui.tui.workspace import Workspace

MINUTE = 60
"""Seconds after which what was so is told with its age."""
ROOT = 16
"""Characters of the data root that are shown, the last."""
Progress = tuple[int, int] | None
"""How many are done, and of how many; None: nothing of the kind is under way."""


class UnderWay(NamedTuple):
    """Work under way, of each kind, and what waits."""

    sending: Progress
    looking: bool
    """At what would be sent."""
    scanning: Progress
    looked_for: Progress
    """Messages that ICAT is asked for."""
    planned: ColouredText | None = None
    """How many messages wait to be resumed."""
    broker: BrokerReport | None = None
    """How the brokers were seen last."""

    def told(self) -> tuple[str, Progress]:
        """Return what is told of it: what sends first."""
        if self.sending:
            return "sending", self.sending
        if self.looking:
            return "looking at what would be sent", None
        if self.scanning:
            return "scanning", self.scanning
        return ("in ICAT", self.looked_for) if self.looked_for else ("", None)


class PassingTime:
    """Clock of what is told with its age: ticks each second, and draws each second only while something runs."""

    def __init__(self, host: Host, activities: Callable[[], Sequence[Activity]]) -> None:
        """Begin to count seconds."""
        self._host, self._activities = host, activities
        self._seconds = 0

    def tick(self) -> None:
        """Show the status line as it is by now, at rest once a minute."""
        self._seconds += 1
        if self._host.is_open and (self._activities() or self._seconds % MINUTE == 0):
            self._host.show_state()


def status_of(model: TreeModel, choice: FilterChoice, workspace: Workspace, under_way: UnderWay) -> BarState:
    """Return what the status line shows."""
    doing, progress = under_way.told()
    node, sessions = model.node, model.sessions
    row = sessions.get(node.session) if node and node.session else None
    icatplus = workspace.services.icatplus_state.report()
    return BarState(
        counts=sessions.totals().counts,
        progress=progress,
        doing=doing,
        marks=len(model.marks),
        range_begun=model.range_from is not None,
        planned=under_way.planned,
        filtered=filter_text(choice, sessions=len(sessions.shown_places()), active=model.filter.active),
        icatplus=icatplus_text(icatplus),
        broker=broker_text(workspace.forbidden, workspace.services.settings.queue, under_way.broker, icatplus.now),
        age=age_of(row, workspace.now()),
    )


Title = tuple[str, str, str]
"""Data root, sessions by category, and order and filter; what is too long is cut in the second."""


def header_of(model: TreeModel, choice: FilterChoice, roots: Sequence[str]) -> tuple[Title, str, str]:
    """Return what stands over the tree, what to do first, and what stands in the place of an empty tree."""
    return title_of(model, choice, roots), first_steps(model), instead_of_rows(model, choice)


def title_of(model: TreeModel, choice: FilterChoice, roots: Sequence[str]) -> Title:
    """Return what the tree shows."""
    order = model.sessions.order.by
    parts = [f"by {order}"] if order != SortBy.PATH else []
    parts += ["todo only"] if choice.attention else []
    parts += [choice.text.strip()] if choice.text.strip() and not choice.trouble else []
    return _roots(roots), sessions_text(model.sessions.categories()), " · ".join(parts)


def _roots(roots: Sequence[str]) -> str:
    first, *others = roots or ("",)
    short = first if len(first) <= ROOT else f"…{first[-ROOT:]}"
    return f"{short}{and_more(len(others) + 1)}"


def nothing_wants_attention(model: TreeModel, step: int, key: str) -> str:
    """Return that nothing further wants attention, as far as anyone can know without a scan."""
    number, unscanned = unscanned_from(model, step)
    where = "below" if step > 0 else "above"
    if number and unscanned == number:
        return f"{key} has nothing scanned {where}: S scans"
    told = f"nothing further {'down' if step > 0 else 'up'} wants attention"
    return f"{told}; {counted(unscanned, 'session')} {where} not scanned: S scans" if unscanned else told


def first_steps(model: TreeModel) -> str:
    """Return what to do where nothing that is shown was scanned yet; empty: something was."""
    categories = model.sessions.categories()
    if not categories or any(categories.keys()):
        return ""
    return f"nothing is scanned yet: S scans all {categories.total():,}, enter one"


def instead_of_rows(model: TreeModel, choice: FilterChoice) -> str:
    """Return what stands in the place of the tree where the filter lets nothing through; empty where it does."""
    if model.rows or model.searching or not model.filter.active:
        return ""
    asked = "" if choice.trouble else f" {' and '.join(filter_parts(choice))}"
    return f"nothing matches{asked}: esc clears the filter"

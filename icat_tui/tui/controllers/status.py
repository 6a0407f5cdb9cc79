"""The status line as things are now, put together from the controllers."""

from typing import NamedTuple

from icat_tui.tui.state.filtering import FilterChoice
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.widgets.status_bar import BarState, ColouredText
from icat_tui.tui.widgets.status_text import age_of, broker_text, filter_text, icatplus_text
from icat_tui.tui.workspace import Workspace

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

    def told(self) -> tuple[str, Progress]:
        """Return what is told of it: what sends first."""
        if self.sending:
            return "sending", self.sending
        if self.looking:
            return "looking at what would be sent", None
        if self.scanning:
            return "scanning", self.scanning
        return ("in ICAT", self.looked_for) if self.looked_for else ("", None)


def status_of(
    model: TreeModel, choice: FilterChoice, workspace: Workspace, under_way: UnderWay, *, icatplus_answers: bool | None
) -> BarState:
    """Return what the status line shows."""
    doing, progress = under_way.told()
    node, sessions = model.node, model.sessions
    row = sessions.get(node.session) if node and node.session else None
    return BarState(
        counts=sessions.totals().counts,
        progress=progress,
        doing=doing,
        marks=len(model.marks),
        range_begun=model.range_from is not None,
        planned=under_way.planned,
        filtered=filter_text(choice, sessions=len(sessions.shown_places()), active=model.filter.active),
        icatplus=icatplus_text(icatplus_answers),
        broker=broker_text(workspace.forbidden, workspace.services.settings.queue),
        age=age_of(row, workspace.now()),
    )

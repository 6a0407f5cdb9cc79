"""The text of a row of the tree, as values without style or width.

What must stay true: two rows look the same exactly when their lines are equal, so that only what differs is drawn.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import Counts, dataset_label
from icat_tui.tui.state.marks import Marking
from icat_tui.tui.state.nodes import Level, Node, Tally
from icat_tui.tui.state.targets import marking
from icat_tui.tui.state.tree_model import TreeModel

HOURS_OF_DAY = 24


class RowText(NamedTuple):
    """Text of a row of the tree, in its parts."""

    depth: int
    opened: bool | None
    """None: there is nothing to open."""
    marking: Marking
    sign: Status | Category | None
    """Whose glyph and colour it has; None: not scanned yet."""
    label: str
    """As it is on disk: not made visible yet."""
    counts: Counts
    stale: bool
    range_begins: bool = False
    """Whether a range of marks was begun here."""
    age: str = ""
    """How long ago ICAT was asked about a session."""
    fit: str = ""
    """How the investigation of a session fits."""


def row_text(tree: TreeModel, index: int) -> RowText:
    """Return what a row shows."""
    node = tree.rows[index]
    sign, counts = _tally(tree, node)
    row = tree.sessions.at(node.place) if node.session is not None else None
    of_session = row if node.level == Level.SESSION else None
    return RowText(
        depth=node.depth,
        opened=node.place in tree.opened if tree.can_open(node) else None,
        marking=marking(tree, node),
        sign=sign,
        label=_label(tree, node),
        counts=counts,
        stale=row is not None and row.stale,
        range_begins=node.place == tree.range_from,
        age=_age(of_session.seen_at, tree.now) if of_session and of_session.seen_at and tree.now else "",
        fit=of_session.match or "" if of_session else "",
    )


def _age(seen_at: datetime, now: datetime) -> str:
    """Return an age in its largest unit from hours on: rows do not change each minute."""
    hours = int((now - seen_at) / timedelta(hours=1))
    if hours < HOURS_OF_DAY:
        return f"{hours} h" if hours >= 1 else "<1 h"
    return f"{hours // HOURS_OF_DAY:,} d"


def _tally(tree: TreeModel, node: Node) -> Tally:
    if node.dataset is not None:
        return Tally(node.dataset.status, ())
    if node.level == Level.SESSION:
        return Tally(tree.sessions.at(node.place).category, tree.sessions.counts_of(node.place))
    return node.tally or tree.sessions.tally_of(node.place)


def _label(tree: TreeModel, node: Node) -> str:
    """Return the name, after those of the levels that are folded into the row."""
    if node.level == Level.COLLECTION:
        return node.place[4]
    if node.dataset is not None:
        label = dataset_label(tree.sessions.at(node.place).directory, node.dataset)
        return f"{node.dataset.collection}/{label}" if node.folded else label
    parts = node.place[: min(len(node.place), 3)][-1 - node.folded :]
    return "/".join([*parts, node.within] if node.within else parts)

"""Marking rows of the tree: what a row stands for, and how many of the marks a filter hides.

What must stay true: a mark is a session or a dataset; a row of several of them marks those that the filter shows.
"""

from icat_tui.domain.summary import entries
from icat_tui.tui.marks import Mark, Marking
from icat_tui.tui.nodes import Level, Node
from icat_tui.tui.tree_model import TreeModel


def standing_for(tree: TreeModel, node: Node) -> list[Mark]:
    """Return what a row stands for: a session, a dataset, or all that is shown of a group or collection."""
    if node.level < Level.SESSION:
        return [Mark(place[3]) for place in tree.sessions_in(node.place)]
    if node.level == Level.SESSION:
        return [Mark(node.place[3])]
    return [Mark(node.place[3], entry.path) for entry in node.datasets]


def toggle_mark(tree: TreeModel, node: Node) -> None:
    """Mark what a row stands for; if all of it is marked already, unmark it."""
    marks = standing_for(tree, node)
    if not all(mark in tree.marks for mark in marks):
        tree.marks.add(marks)
        return
    for mark in marks:
        tree.marks.remove(mark, (entry.path for entry in entries(tree.sessions[mark.session])))


def mark_range(tree: TreeModel, first: int, last: int) -> None:
    """Mark all rows from one to another, both included, in either order."""
    for index in range(min(first, last), max(first, last) + 1):
        tree.marks.add(standing_for(tree, tree.rows[index]))


def hidden_marks(tree: TreeModel) -> int:
    """Return how many of the marks the filter hides; what only lies in something closed is not hidden."""
    if not tree.filter.active:
        return 0
    shown: dict[str, set[str]] = {}
    for path in {mark.session for mark in tree.marks if tree.shows(mark.session)}:
        shown[path] = {entry.path for entry in tree.filter.kept(tree.sessions[path])}
    return sum(
        mark.session not in shown or (mark.dataset is not None and mark.dataset not in shown[mark.session])
        for mark in tree.marks
    )


def marking(tree: TreeModel, node: Node) -> Marking:
    """Return whether a row is marked; cheap where nothing is."""
    if not tree.marks:
        return Marking.NO
    if node.level == Level.SESSION:
        return tree.marks.of_session(node.place[3])
    if node.level < Level.SESSION:
        found = {tree.marks.of_session(place[3]) for place in tree.sessions_in(node.place)}
    else:
        found = {
            Marking.YES if Mark(node.place[3], entry.path) in tree.marks else Marking.NO for entry in node.datasets
        }
    return found.pop() if len(found) == 1 else Marking.PARTLY

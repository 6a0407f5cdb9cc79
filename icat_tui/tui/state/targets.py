"""The targets of a key: sessions, datasets, paths and links of the marks or of the row under the cursor.

What must stay true: a mark is a session or a dataset; a row of several of them marks those that the filter shows.
"""

import os
from collections.abc import Callable, Iterable

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.summary import entries
from icat_tui.tui.state.filtering import FilterMatch
from icat_tui.tui.state.marks import Mark, Marking
from icat_tui.tui.state.nodes import Level, Node
from icat_tui.tui.state.tree_model import TreeModel


def marks_for(tree: TreeModel, node: Node) -> list[Mark]:
    """Return what a row stands for: a session, a dataset, or all that is shown of what lies in it."""
    if node.level > Level.SESSION:
        return [Mark(node.place[3], entry.path) for entry in node.datasets]
    places = tree.sessions.within(node.place) if node.level < Level.SESSION else [node.place]
    return [mark for place in places for mark in marks_in(tree, place[3])]


def marks_in(tree: TreeModel, path: str) -> list[Mark]:
    """Return a session, or those of its datasets that the filter shows where it does not show all."""
    to, row = tree.filter, tree.sessions[path]
    if not to.active or to.match(row) == FilterMatch.WHOLE:
        return [Mark(path)]
    return [Mark(path, entry.path) for entry in to.kept(row)]


def toggle_mark(tree: TreeModel, node: Node) -> None:
    """Mark what a row stands for; if all of it is marked already, unmark it."""
    marks = marks_for(tree, node)
    if not all(mark in tree.marks for mark in marks):
        tree.marks.add(marks)
        return
    for mark in marks:
        tree.marks.remove(mark, (entry.path for entry in entries(tree.sessions[mark.session])))


def mark_range(tree: TreeModel, first: int, last: int) -> None:
    """Mark all rows from one to another, both included, in either order."""
    for index in range(min(first, last), max(first, last) + 1):
        tree.marks.add(marks_for(tree, tree.rows[index]))


def hidden_marks(tree: TreeModel) -> int:
    """Return how many of the marks the filter hides; what only lies in something closed is not hidden."""
    if not tree.filter.active:
        return 0
    shown: dict[str, set[str]] = {}
    for path in {mark.session for mark in tree.marks if tree.sessions.shows(mark.session)}:
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
        found = {tree.marks.of_session(place[3]) for place in tree.sessions.within(node.place)}
    else:
        found = {
            Marking.YES if Mark(node.place[3], entry.path) in tree.marks else Marking.NO for entry in node.datasets
        }
    return found.pop() if len(found) == 1 else Marking.PARTLY


def directories_of(model: TreeModel, node: Node | None) -> list[SessionDirectory]:
    """Return the sessions that a row is, holds or lies in, as far as the filter shows them."""
    if node is None:
        return []
    if node.level < Level.SESSION:
        return [model.sessions.at(place).directory for place in model.sessions.within(node.place)]
    return [model.sessions.at(node.place).directory]


def shown_directories(model: TreeModel) -> list[SessionDirectory]:
    """Return the sessions that the filter lets through."""
    return [model.sessions[path].directory for path in model.sessions.shown()]


def path_of(model: TreeModel) -> str:
    """Return the path of what the cursor is on; empty where there is nothing."""
    node = model.node
    if node is None:
        return ""
    if node.dataset is not None:
        return node.dataset.path
    directory = directories_of(model, node)[0]
    if node.level == Level.COLLECTION:
        return f"{directory.raw_path}/{node.place[4]}"
    up = {Level.SESSION: 0, Level.INNER: 1, Level.OUTER: 1 if model.sessions.beamline_first else 2}[node.level]
    path = directory.path
    for _ in range(up):
        path = os.path.dirname(path)
    return path


def link_of(model: TreeModel, load: Callable[[SessionDirectory], Session | None], facility: Facility) -> str:
    """Return the page of the data portal about what the cursor is on; empty where there is none.

    `load` returns a session in full, None where nothing is known of it.
    """
    directories = directories_of(model, model.node)
    if not directories:
        return ""
    session = load(directories[0])
    if session is not None and session.fit is not None and model.node and model.node.session:
        return facility.investigation_url(session.fit.id)
    return facility.search_url(directories[0].beamline, directories[0].proposal)


Selected = dict[str, frozenset[str] | None]
"""Datasets by the path of their session; None: all that can be sent there."""


def selection_of(marks: Iterable[Mark]) -> Selected:
    """Return what marks mean; of a session that is marked whole, all that can be sent."""
    selected: dict[str, set[str] | None] = {}
    for mark in marks:
        if mark.dataset is None:
            selected[mark.session] = None
        elif (datasets := selected.setdefault(mark.session, set())) is not None:
            datasets.add(mark.dataset)
    return {path: None if datasets is None else frozenset(datasets) for path, datasets in selected.items()}

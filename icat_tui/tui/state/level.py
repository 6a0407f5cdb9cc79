"""Opening and closing all rows of one level at once."""

from icat_tui.tui.state.nodes import Level, Node, above
from icat_tui.tui.state.tree_model import TreeModel

AT_MOST = 10_000
"""How many rows of datasets are opened at once."""


def toggle_level(tree: TreeModel) -> int:
    """Open all of the level of the cursor's row, or close all where all are open; return how many stay closed.

    A row that can't be opened stands for what it lies in. Only as many are opened as one can look through.
    """
    if tree.node is None:
        return 0
    places = (tree.node.place, *above(tree.node.place))
    rows = (tree.rows[row] for place in places if (row := tree.index(place)) is not None)
    level = next((node.level for node in rows if tree.can_open(node)), None)
    same = [node for node in tree.rows if node.level == level and tree.can_open(node)]
    closed = [node for node in same if node.place not in tree.opened]
    if not closed:
        tree.set_open([node.place for node in same], opened=False)
        return 0
    room, opening = AT_MOST, []
    for node in closed:
        room -= _rows_below(tree, node)
        if room < 0:
            break
        opening.append(node.place)
    tree.set_open(opening, opened=True)
    return len(closed) - len(opening)


def _rows_below(tree: TreeModel, node: Node) -> int:
    """Return how many rows of datasets a node may show once it is opened."""
    if node.level == Level.SESSION:
        return sum(tree.sessions.at(node.place).counts)
    return len(node.datasets) if node.level == Level.COLLECTION else 0

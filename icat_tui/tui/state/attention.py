"""Going to the next row of the tree that wants attention: a session, or a dataset within an open one."""

from collections.abc import Iterator

from icat_tui.domain.status import ATTENTION, ATTENTION_STATUSES
from icat_tui.tui.state.nodes import Level, Node, Place
from icat_tui.tui.state.tree_model import TreeModel


def seek_attention(tree: TreeModel, step: int) -> bool:
    """Go to the next (1) or previous (-1) row that wants attention, opening what it lies in.

    Return whether there is one; it is not sought from the other end.
    """
    end = len(tree.rows) if step > 0 else -1
    for index in range(tree.cursor, end, step) if tree.rows else ():
        node = tree.rows[index]
        place = None
        if index != tree.cursor and _wants_attention(tree, node):
            place = node.place
        elif (index != tree.cursor or step > 0) and node.level != Level.DATASET and node.place not in tree.opened:
            place = next(_within(tree, node, step), None)
        if place is not None and (found := tree.reveal(place)) is not None:
            tree.move_to(found)
            return True
    return False


def unscanned_from(tree: TreeModel, step: int) -> tuple[int, int]:
    """Return how many sessions come after the cursor (1) or before it (-1), and how many of these were not scanned."""
    places = tree.sessions.shown_places()
    here = tree.node.place[: Level.SESSION] if tree.node else ()
    inside = [number for number, place in enumerate(places) if place[: len(here)] == here]
    whole = tree.node is not None and tree.node.level < Level.SESSION
    if step > 0:
        rest = places[(inside[0] if whole else inside[-1] + 1) :] if inside else places
    else:
        rest = places[: inside[0]] if inside else ()
    return len(rest), sum(tree.sessions.at(place).category is None for place in rest)


def _wants_attention(tree: TreeModel, node: Node) -> bool:
    if node.level == Level.SESSION:
        return tree.sessions.at(node.place).category in ATTENTION
    return node.dataset is not None and node.dataset.status in ATTENTION_STATUSES


def _within(tree: TreeModel, node: Node, step: int) -> Iterator[Place]:
    """Yield what wants attention in a closed group or collection, forwards or backwards."""
    if node.level == Level.COLLECTION:
        for entry in node.datasets[::step]:
            if entry.status in ATTENTION_STATUSES:
                yield (*node.place, entry.directory, entry.path)
    elif node.level < Level.SESSION:
        for place in tree.sessions.within(node.place)[::step]:
            if tree.sessions.at(place).category in ATTENTION:
                yield place

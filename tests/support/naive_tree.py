"""The tree of sessions in its simplest form, to compare with: everything is built anew, from the top."""

from collections.abc import Callable, Iterable, Iterator

from icat_tui.domain.summary import DatasetEntry, SessionRow, entries

Place = tuple[str, ...]
IsOpen = Callable[[Place], bool]
Shown = Callable[[SessionRow], list[DatasetEntry]]


def visible(
    rows: Iterable[SessionRow], is_open: IsOpen, *, beamline_first: bool = False, shown: Shown = entries
) -> list[tuple[Place, int]]:
    """Return place and depth of every visible row."""
    tree: dict[str, dict[str, dict[Place, SessionRow]]] = {}
    for row in rows:
        outer, inner = row.directory.proposal, row.directory.beamline
        if beamline_first:
            outer, inner = inner, outer
        place = (outer, inner, row.directory.date, row.directory.path)
        tree.setdefault(outer, {}).setdefault(inner, {})[place] = row
    return list(_outer(tree, is_open, shown))


def _outer(
    tree: dict[str, dict[str, dict[Place, SessionRow]]], is_open: IsOpen, shown: Shown
) -> Iterator[tuple[Place, int]]:
    for outer in sorted(tree):
        depth, opened = 0, True
        if len(tree[outer]) > 1:
            yield (outer,), 0
            depth, opened = 1, is_open((outer,))
        for inner in sorted(tree[outer]) if opened else ():
            sessions = tree[outer][inner]
            if len(sessions) == 1:
                for place, row in sessions.items():
                    yield from _session(place, row, depth, is_open, shown)
                continue
            yield (outer, inner), depth
            for place in sorted(sessions) if is_open((outer, inner)) else ():
                yield from _session(place, sessions[place], depth + 1, is_open, shown)


def _session(place: Place, row: SessionRow, depth: int, is_open: IsOpen, shown: Shown) -> Iterator[tuple[Place, int]]:
    yield place, depth
    if not any(row.counts) or not is_open(place):
        return
    collections: dict[str, list[DatasetEntry]] = {}
    for entry in shown(row):
        collections.setdefault(entry.collection, []).append(entry)
    for name in sorted(collections):
        below = depth + 1
        if len(collections) > 1 and len(collections[name]) > 1:
            yield (*place, name), below
            if not is_open((*place, name)):
                continue
            below += 1
        for entry in sorted(collections[name], key=lambda entry: entry.directory):
            yield (*place, name, entry.directory, entry.path), below

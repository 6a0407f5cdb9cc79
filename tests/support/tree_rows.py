"""Sessions for the tree, small and large."""

from collections.abc import Iterable
from typing import cast

from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow, session_row
from icat_tui.tui.state.tree_model import TreeModel
from tests.support.samples import INSIDE, NOW

Named = tuple[str, str, Status]
"""Collection, name and status of a dataset."""


def a_scanned(
    directory: SessionDirectory,
    datasets: Iterable[Named] = (),
    category: Category = Category.OK,
    sample: str | None = None,
) -> Session:
    return Session(
        directory=directory,
        category=category,
        fit=INSIDE,
        datasets=tuple(
            Dataset(
                path=f"{directory.raw_path}/{collection}/{collection}_{name}",
                collection=collection,
                name=name,
                status=status,
                sample=sample,
            )
            for collection, name, status in datasets
        ),
        seen_at=NOW,
    )


def a_row(
    directory: SessionDirectory,
    datasets: Iterable[Named] = (),
    category: Category = Category.OK,
    sample: str | None = None,
) -> SessionRow:
    return session_row(a_scanned(directory, datasets, category, sample))


def found(directory: SessionDirectory) -> SessionRow:
    return SessionRow(directory=directory)


def a_model(*, groups_open: bool = False) -> TreeModel:
    """Return a tree over sessions that `put` makes known."""
    return TreeModel({}, groups_open=groups_open)


def put(tree: TreeModel, rows: Iterable[SessionRow]) -> None:
    """Make sessions known, and show them."""
    known = {row.directory.path: row for row in rows}
    cast("dict[str, SessionRow]", tree.sessions._known).update(known)
    tree.put(known)

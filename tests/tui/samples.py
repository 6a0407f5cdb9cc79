"""Sessions for the tree, small and large."""

from collections.abc import Iterable

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow, session_row
from tests.sync.samples import INSIDE, NOW

Named = tuple[str, str, Status]
"""Collection, name and status of a dataset."""


def a_place(proposal: str = "hg333", beamline: str = "id99", date: str = "20231019") -> SessionDirectory:
    path = f"/data/visitor/{proposal}/{beamline}/{date}"
    return SessionDirectory(path=path, proposal=proposal, beamline=beamline, date=date, format=RawFormat.ESRFV3)


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

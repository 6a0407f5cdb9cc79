"""Sessions some of whose datasets have just been sent: what was compared before, as it is until ICAT is asked again."""

from collections.abc import Mapping

from msgspec import structs

from icat_tui.domain.model import Dataset, Session
from icat_tui.domain.status import ACTIONABLE, Category, Status


def with_pending(session: Session, reasons: Mapping[str, str]) -> Session:
    """Return a session whose datasets at the paths of `reasons` are pending, each for its reason.

    The category follows the statuses as in a comparison (interface.md, "Category of a session").
    """
    datasets = tuple(_pending(dataset, reasons) for dataset in session.datasets)
    return structs.replace(session, datasets=datasets, category=_category(session.category, datasets))


def _pending(dataset: Dataset, reasons: Mapping[str, str]) -> Dataset:
    reason = reasons.get(dataset.path)
    return dataset if reason is None else structs.replace(dataset, status=Status.PENDING, reasons=(reason,))


def _category(before: Category, datasets: tuple[Dataset, ...]) -> Category:
    if before not in (Category.TODO, Category.TODO_ONGOING, Category.HAS_INVALID):
        return before
    statuses = {dataset.status for dataset in datasets}
    if statuses.intersection(ACTIONABLE) or (before == Category.TODO_ONGOING and Status.IN_PROGRESS in statuses):
        return before
    if Status.UNKNOWN in statuses:
        return Category.UNKNOWN
    return Category.HAS_INVALID if Status.INVALID in statuses else Category.OK

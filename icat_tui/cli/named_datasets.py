"""Datasets that `--dataset` names: the sessions that hold them, and which of a scanned session's datasets they are.

What must stay true: a PATH means one dataset of one session or none, however it is spelled, and what is none is said.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from icat_tui.disk.find import MisnamedError, absolute, identity_or_path, sessions_once
from icat_tui.disk.identity import identity
from icat_tui.domain.errors import UsageError
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed, Found
from icat_tui.domain.status import Category, Status


class Unmatched(Struct, frozen=True):
    """PATH that is none of its session's datasets, with the reason."""

    path: str
    reason: str
    certain: bool = True
    """Whether it is a mistake of who named it; False: its session could not be determined, or ICAT lacks that."""


class NamedDatasets:
    """PATHs of datasets, with the sessions that hold them; `find` tells which datasets they are."""

    def __init__(
        self,
        paths: Iterable[str],
        sessions_at: Callable[[str], Iterator[Found]],
        selected: Iterable[Found] | None = None,
    ) -> None:
        """Look for the session of each PATH, by `sessions_at`, which also has to be one of `selected`, if given.

        Raises UsageError where a PATH is not there, or can't be a dataset of a selected session.
        """
        self._paths: dict[object, list[str]] = {}
        """PATHs by the identities of their sessions."""
        among = None if selected is None else {identity_or_path(each.path) for each in selected}
        found = []
        for path in dict.fromkeys(paths):
            session = _session_of(path, sessions_at)
            key = identity_or_path(session.path)
            if among is not None and key not in among:
                raise UsageError(f"--dataset {path!r} is in no session that is selected: leave out one of the two")
            self._paths.setdefault(key, []).append(path)
            found.append(session)
        self._looked_for: set[object] = set()
        """Identities of the sessions that were scanned."""
        self.found = sessions_once(found)
        """The sessions, each once, and those that could not be looked at."""

    def find(self, session: Session) -> tuple[list[Dataset], list[Unmatched]]:
        """Return which datasets of a scanned session are named, and the PATHs that are none of them."""
        datasets: dict[str, Dataset] = {}
        unmatched = []
        key = identity_or_path(session.directory.path)
        self._looked_for.add(key)
        for path in self._paths.get(key, ()):
            meant = _meant(path, session.datasets)
            if len(meant) == 1:
                datasets[meant[0].path] = meant[0]
            else:
                unmatched.append(_unmatched(path, meant, session))
        return list(datasets.values()), unmatched

    def of_no_session(self) -> list[Unmatched]:
        """Return the PATHs whose sessions were never scanned, once all that could be were."""
        left = (path for key, paths in self._paths.items() if key not in self._looked_for for path in paths)
        return [Unmatched(path, "its session could not be looked at", certain=False) for path in left]


def _session_of(path: str, sessions_at: Callable[[str], Iterator[Found]]) -> Found:
    """Return the session that a dataset lies in. Raises UsageError where there is none, or it is not selected."""
    try:
        found = next(_by_any_name(path, sessions_at), None)
    except UsageError as error:
        raise UsageError(f"--dataset: {error}") from error
    if found is None:
        raise UsageError(f"--dataset {path!r} is in no session that is selected: leave out one of the two")
    inside = any(
        place.startswith(f"{above}/")
        for place, above in ((absolute(path), found.path), (os.path.realpath(path), os.path.realpath(found.path)))
    )
    if isinstance(found, DirectoryFailed) or (inside and isinstance(found, SessionDirectory)):
        return found
    raise UsageError(f"--dataset {path!r} is no dataset: to register all that its sessions lack, give it as PATH")


def _by_any_name(path: str, sessions_at: Callable[[str], Iterator[Found]]) -> Iterator[Found]:
    """Return the sessions at a path; where its spelling leads to none, those at what its links lead to."""
    try:
        return sessions_at(path)
    except MisnamedError:
        real = os.path.realpath(path)
        if real == absolute(path):
            raise
        return sessions_at(real)


def _meant(path: str, datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return the datasets that a PATH may mean: the one so spelled, else those that are the same directory."""
    spelled = absolute(path)
    exact = [dataset for dataset in datasets if dataset.path == spelled]
    if exact:
        return exact[:1]
    wanted = identity(path)
    return [dataset for dataset in datasets if isinstance(wanted, tuple) and identity(dataset.path) == wanted]


def _unmatched(path: str, meant: Sequence[Dataset], session: Session) -> Unmatched:
    """Return why a PATH means no dataset of its session, or none in particular."""
    if meant:
        return Unmatched(path, f"it may be {' or '.join(dataset.path for dataset in meant)}: say which")
    if session.category == Category.NOT_IN_ICAT:
        return Unmatched(path, "ICAT has no investigation for its session", certain=False)
    if not session.determined:
        reasons = "".join(f": {reason}" for reason in session.reasons[:1])
        return Unmatched(path, f"its session is {session.category.word}{reasons}", certain=False)
    holder = _holder(path, session.datasets)
    if holder is None:
        return Unmatched(path, "it is no dataset: name the directory of one")
    if holder.status == Status.UNKNOWN:
        return Unmatched(path, f"{holder.path} is unknown: {'; '.join(holder.reasons)}", certain=False)
    return Unmatched(path, f"it is no dataset, but lies in one: name {holder.path}")


def _holder(path: str, datasets: Sequence[Dataset]) -> Dataset | None:
    """Return the dataset that a path lies in, if any; also a directory that could not be listed."""
    places = {absolute(path), os.path.realpath(path)}
    return next((each for each in datasets for place in places if place.startswith(f"{each.path}/")), None)

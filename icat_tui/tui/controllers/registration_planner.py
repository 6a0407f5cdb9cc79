"""Plans for registrations: what would be sent about sessions, looked at afresh where nothing is known of them.

What must stay true: nothing is sent here, and everything here takes its time: it is for threads.
"""

from collections.abc import Callable, Sequence

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.domain.status import ACTIONABLE, Status
from icat_tui.sync.plan import Plan, Terms, make_plan, needs_choice
from icat_tui.sync.scan import scan
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.state.targets import Selected
from icat_tui.tui.workspace import Workspace


class RegistrationPlanner:
    """Maker of plans, which also reports the sessions that it had to look at."""

    def __init__(self, workspace: Workspace, store: SessionStore, tell: Callable[[SessionScanned], object]) -> None:
        """Plan with what is in the store; `tell` is called from whatever thread asks for a plan."""
        self._workspace, self._store, self._tell = workspace, store, tell

    def plans(
        self, directories: Sequence[SessionDirectory], selected: Selected, terms: Terms, stop: Cancellation
    ) -> list[Plan]:
        """Return what would be sent of some sessions; one that was not scanned yet is scanned first."""
        made = []
        for directory in directories:
            session = self._store.load(directory) or self.look(directory, stop)
            if session is not None:
                made.append(make_plan(session, structs.replace(terms, paths=selected.get(directory.path))))
        return made

    def plans_for_chosen(
        self, selected: Selected, directory: SessionDirectory, terms: Terms, stop: Cancellation
    ) -> list[Plan]:
        """Return what would be sent of a session whose investigation a person chose: `terms.chosen`."""
        session = self.look(directory, stop, terms.chosen)
        paths = selected.get(directory.path)
        return [make_plan(session, structs.replace(terms, paths=paths))] if session else []

    def look(self, directory: SessionDirectory, stop: Cancellation, chosen: int | None = None) -> Session | None:
        """Return a session as it is now, by neither half of the cache; None where it could not be looked at."""
        plan = self._workspace.scan_plan(iter((directory,)), use_cache=False)
        plan = structs.replace(plan, investigation=chosen, processes=0, jobs=1)
        found = [event for event in scan(plan, stop) if isinstance(event, SessionScanned)]
        if not found:
            return None
        if chosen is None:
            self._tell(found[0])
        return found[0].session


def session_to_choose_for(plans: Sequence[Plan], selected: Selected, terms: Terms) -> Session | None:
    """Return the session whose investigation a person has to choose first, where there is only that one."""
    if len(plans) != 1:
        return None
    session = plans[0].session
    paths = selected.get(session.directory.path)
    return session if needs_choice(session, structs.replace(terms, paths=paths)) else None


def first_invalid(plans: Sequence[Plan], selected: Selected) -> tuple[Session, str] | None:
    """Return the first invalid dataset that is meant, with its session; None where something else is to be sent."""
    meant = [(plan.session, dataset) for plan in plans for dataset in _meant(plan.session, selected)]
    if any(dataset.status in ACTIONABLE for _, dataset in meant):
        return None
    return next(((session, dataset.path) for session, dataset in meant if dataset.status == Status.INVALID), None)


def _meant(session: Session, selected: Selected) -> list[Dataset]:
    paths = selected.get(session.directory.path)
    return [dataset for dataset in session.datasets if paths is None or dataset.path in paths]

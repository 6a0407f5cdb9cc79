"""Plans for registrations: what would be sent about sessions, looked at afresh where nothing is known of them.

What must stay true: nothing is sent here, and everything here takes its time: it is for threads.
"""

from collections.abc import Callable, Sequence

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.domain.status import Status
from icat_tui.sync.catalogue_query import ProposalListings
from icat_tui.sync.plan import Plan, Terms, make_plan, needs_choice
from icat_tui.sync.scan import scan
from icat_tui.sync.site import locate
from icat_tui.sync.store_request import DatasetRequest, raw_body
from icat_tui.tui.screens.store_form import Filled
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

    def by_hand(self, filled: Filled) -> tuple[DatasetRequest, bytes]:
        """Return what was filled in as a request, and the message that would be sent.

        Raises UsageError where the message can't be made, or no ICAT+ is known.
        """
        given = {"startDate": filled.start, "endDate": filled.end, "Sample_name": filled.sample}  # as `store-raw` does
        request = DatasetRequest(
            beamline=filled.beamline,
            proposal=filled.proposal,
            dataset=filled.dataset,
            path=filled.path,
            metadata={name: value for name, value in given.items() if value},
        )
        site = self._workspace.services.site(self._workspace.now())
        listings = ProposalListings(self._workspace.catalogue(), site.facility)
        return request, raw_body(request, locate(request.path, site), site, listings).content


def session_to_choose_for(plans: Sequence[Plan], selected: Selected, terms: Terms) -> Session | None:
    """Return the session whose investigation a person has to choose first, where there is only that one."""
    if len(plans) != 1:
        return None
    session = plans[0].session
    paths = selected.get(session.directory.path)
    return session if needs_choice(session, structs.replace(terms, paths=paths)) else None


def invalid_dataset(plans: Sequence[Plan], selected: Selected) -> str | None:
    """Return the path of the one invalid dataset that is meant, where that is all that is; else None."""
    meant = [path for paths in selected.values() for path in paths or ()]
    if len(plans) != 1 or len(meant) != 1:
        return None
    invalid = {dataset.path for dataset in plans[0].session.datasets if dataset.status == Status.INVALID}
    return meant[0] if meant[0] in invalid else None

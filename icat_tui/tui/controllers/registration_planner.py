"""Registration as keys ask for it: what would be sent, whom to ask, and who sends it behind the screen.

What must stay true: a plan goes out on the very terms it was made on, and only after a dialog has given it back.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.domain.status import Status
from icat_tui.sync.catalogue_query import Listings
from icat_tui.sync.plan import Plan, Terms, make_plan, needs_choice
from icat_tui.sync.scan import scan
from icat_tui.sync.site import place_of
from icat_tui.sync.store import store
from icat_tui.sync.store_request import RawDirectory, raw_body
from icat_tui.tui.controllers.registration_worker import Registrar, Told
from icat_tui.tui.screens.store_form import Filled
from icat_tui.tui.state.session_store import Sessions
from icat_tui.tui.state.targets import Selected
from icat_tui.tui.workspace import Workspace


class RegistrationDesk:
    """Makes plans, and has them sent."""

    def __init__(self, place: Workspace, sessions: Sessions, tell: Callable[[Told], None]) -> None:
        """Report what becomes of messages to `tell`, from a thread."""
        self._place, self._sessions, self._tell = place, sessions, tell
        self._registrar: Registrar | None = None
        self.stop = Cancellation()
        """For what is looked at before anybody is asked."""

    # -- what would be sent; all of this takes its time ------------------------------------------------------------

    def plans(self, directories: Sequence[SessionDirectory], selected: Selected, terms: Terms) -> list[Plan]:
        """Return what would be sent of some sessions; one that was not scanned yet is scanned first."""
        made = []
        for directory in directories:
            session = self._sessions.load(directory) or self.look(directory)
            if session is not None:
                made.append(make_plan(session, structs.replace(terms, paths=selected.get(directory.path))))
        return made

    def plans_by_word(self, directory: SessionDirectory, selected: Selected, terms: Terms) -> list[Plan]:
        """Return what would be sent of a session whose investigation a person chose: `terms.chosen`."""
        session = self.look(directory, terms.chosen)
        paths = selected.get(directory.path)
        return [make_plan(session, structs.replace(terms, paths=paths))] if session else []

    def look(self, directory: SessionDirectory, chosen: int | None = None) -> Session | None:
        """Return a session as it is now, by neither half of the cache; None where it could not be looked at."""
        plan = self._place.scan_plan(iter((directory,)), use_cache=False)
        plan = structs.replace(plan, investigation=chosen, processes=0, jobs=1)
        found = [event.session for event in scan(plan, self.stop) if isinstance(event, SessionScanned)]
        if found and chosen is None:
            self._sessions.keep(found[0])
        return found[0] if found else None

    # -- sending ---------------------------------------------------------------------------------------------------

    @property
    def target(self) -> str:
        """Where messages go, and who said so."""
        return self._place.services.target()

    def send(self, plans: Sequence[Plan], terms: Terms) -> None:
        """Have confirmed plans sent, behind. Raises UsageError where nothing can be sent, JournalError."""
        if self._registrar is None:
            self._registrar = Registrar(self._place.submission, self._tell)
        self._registrar.confirm(plans, terms)

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many messages are seen to, and of how many; None: none is on its way."""
        if self._registrar is None or not self._registrar.busy:
            return None
        total = len(self._registrar.outcomes)
        return total - self._registrar.busy, total

    @property
    def summary(self) -> str:
        """How far sending has come: "k sent, m not sent, j unknown"."""
        return self._registrar.summary() if self._registrar else "nothing sent"

    def cancel(self) -> None:
        """Stop sending; what has not gone out stays planned in the journal."""
        if self._registrar:
            self._registrar.cancel()

    def close(self, seconds: float) -> None:
        """Stop everything, and give receipts a last time to come."""
        self.stop.cancel()
        if self._registrar:
            self._registrar.stop(seconds)

    # -- by hand ---------------------------------------------------------------------------------------------------

    def by_hand(self, filled: Filled) -> tuple[RawDirectory, bytes]:
        """Return what was filled in as a request, and the message that would be sent. Raises UsageError and others."""
        said = {"Sample_name": filled.sample, "startDate": filled.start, "endDate": filled.end}
        request = RawDirectory(
            beamline=filled.beamline,
            proposal=filled.proposal,
            dataset=filled.dataset,
            path=filled.path,
            metadata={name: value for name, value in said.items() if value},
        )
        site = self._place.services.site(self._place.now())
        listings = Listings(self._place.catalogue(), site.facility)
        return request, raw_body(request, place_of(request.path, site), site, listings).content

    def store(self, request: RawDirectory) -> list[object]:
        """Send one request by hand, and return what happened. Raises UsageError where nothing can be sent."""
        site = self._place.services.site(self._place.now())
        return list(store([request], self._place.submission(), site, self.stop))


class Walk:
    """Shows the way through sessions where something is to be done (`screens.walk.Guide`)."""

    def __init__(self, desk: RegistrationDesk, terms: Terms, forbidden: str) -> None:
        """Walk on these terms."""
        self._desk, self._terms = desk, terms
        self.forbidden = forbidden
        """Why nothing can be sent; empty where it can."""

    def plan(self, directory: SessionDirectory) -> Plan | None:
        """Return what a session lacks, looked at afresh."""
        session = self._desk.look(directory)
        return make_plan(session, self._terms) if session else None

    def send(self, plan: Plan) -> None:
        """Have a plan sent, behind."""
        self._desk.send([plan], self._terms)

    def summary(self) -> str:
        """Return how far sending has come."""
        return self._desk.summary


def wants_choice(plans: Sequence[Plan], selected: Selected, terms: Terms) -> Session | None:
    """Return the session whose investigation a person has to choose first, where there is only that one."""
    if len(plans) != 1:
        return None
    session = plans[0].session
    paths = selected.get(session.directory.path)
    return session if needs_choice(session, structs.replace(terms, paths=paths)) else None


def invalid_dataset(plans: Sequence[Plan], selected: Selected) -> Iterator[str]:
    """Yield the path of the one invalid dataset that is meant, where that is all that is."""
    meant = [path for paths in selected.values() for path in paths or ()]
    if len(plans) == 1 and len(meant) == 1:
        yield from (
            dataset.path
            for dataset in plans[0].session.datasets
            if dataset.path == meant[0] and dataset.status == Status.INVALID
        )

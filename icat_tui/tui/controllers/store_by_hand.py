"""Registering an invalid dataset by hand: the form, the message that is made of it, and the order once it is confirmed.

What must stay true: what is sent is the message that was shown and confirmed, byte for byte; what was typed is kept.
"""

from collections.abc import Callable, Mapping
from contextlib import closing

from msgspec import Struct

from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import UsageError
from icat_tui.domain.message import Message
from icat_tui.domain.model import Session
from icat_tui.sync.site import Site
from icat_tui.sync.store import AcceptedRequest, accepted_now
from icat_tui.sync.store_request import DatasetRequest
from icat_tui.tui.controllers.orders import HandOrder
from icat_tui.tui.host import Host
from icat_tui.tui.screens.store_form import Filled, Offered, StoreForm
from icat_tui.tui.workspace import Workspace


class HandOffer(Struct, frozen=True):
    """Message for a dataset that a person registers by hand, to be confirmed."""

    accepted: AcceptedRequest
    site: Site

    @property
    def message(self) -> Message:
        """The message as it would be sent."""
        return self.accepted.message

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before it is sent."""
        return self.accepted.warnings


class StoreByHand:
    """Controller of the form for invalid datasets."""

    def __init__(self, host: Host, workspace: Workspace, give: Callable[[HandOrder, Session], None]) -> None:
        """Show the form on a host; `give` has what was confirmed sent."""
        self._host, self._workspace, self._give = host, workspace, give
        self._drafts: dict[str, Mapping[str, str]] = {}
        """What was typed and not sent, by the path of the dataset and by field."""

    def ask(self, session: Session, path: str) -> None:
        """Ask for what an invalid dataset lacks, show what would be sent, and have it sent."""
        dataset = next(each for each in session.datasets if each.path == path)

        def confirmed(offer: Offered) -> None:
            if isinstance(offer, HandOffer):
                self._give(HandOrder(offer.accepted, offer.site, session.directory), session)

        self._host.ask(StoreForm(session, dataset, DatasetGuide(self._workspace, self._drafts, path)), confirmed)


class DatasetGuide:
    """StoreGuide of one dataset."""

    def __init__(self, workspace: Workspace, drafts: dict[str, Mapping[str, str]], path: str) -> None:
        """Make messages with what a workspace has; `drafts` holds what was typed."""
        self._workspace, self._drafts, self._path = workspace, drafts, path

    @property
    def forbidden(self) -> str:
        """Why nothing can be sent, and how to allow it; empty where it can."""
        return self._workspace.forbidden

    @property
    def target(self) -> str:
        """Where messages go, and who said so."""
        return self._workspace.services.target()

    @property
    def draft(self) -> Mapping[str, str]:
        """What was typed before and not sent, by field."""
        return self._drafts.get(self._path, {})

    def keep(self, typed: Mapping[str, str]) -> None:
        """Keep what was typed."""
        self._drafts[self._path] = typed

    def make(self, filled: Filled, stop: Cancellation) -> HandOffer:
        """Return the message for what was filled in.

        Raises UsageError where none can be made or may be sent, JournalError, Cancelled where it is cancelled.
        """
        given = {"startDate": filled.start, "endDate": filled.end, "Sample_name": filled.sample}  # as `store-raw` does
        request = DatasetRequest(
            beamline=filled.beamline,
            proposal=filled.proposal,
            dataset=filled.dataset,
            path=filled.path,
            metadata={name: value for name, value in given.items() if value},
        )
        site, submission = self._workspace.services.site(self._workspace.now()), self._workspace.submission()
        if submission.catalogue is None:
            raise UsageError("no ICAT+ is known that could be asked before anything is sent")
        unregister = stop.on_cancel(submission.catalogue.close)
        try:
            with closing(submission.catalogue):
                accepted = accepted_now(request, submission, site)
        finally:
            unregister()
            stop.check()
        return HandOffer(accepted, site)

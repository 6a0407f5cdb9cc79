"""What a walk is guided by: sessions looked at afresh, and what is confirmed of them sent meanwhile."""

from collections.abc import Callable, Sequence
from datetime import tzinfo

from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import SessionDirectory
from icat_tui.sync.plan import Plan, Terms, needs_choice
from icat_tui.tui.workspace import Workspace


class RegistrationGuide:
    """WalkGuide that plans with what a workspace has."""

    def __init__(
        self,
        workspace: Workspace,
        plan: Callable[[SessionDirectory, Terms, Cancellation], Sequence[Plan]],
        send: Callable[[Sequence[Plan], Terms], None],
        summary: Callable[[], str],
    ) -> None:
        """Walk on a person's terms; `plan` looks, `send` has plans sent, `summary` says how far that has come."""
        self._plan, self._send = plan, send
        self._terms = workspace.terms()
        self.summary = summary
        self.forbidden = workspace.forbidden
        self.target = workspace.services.target()
        self.stop = Cancellation()

    @property
    def facility(self) -> Facility:
        """The rules of the place."""
        return self._terms.facility

    @property
    def zone(self) -> tzinfo:
        """Of the times that are shown."""
        return self.facility.zone

    def plan(self, directory: SessionDirectory, chosen: int | None) -> Plan | None:
        """Return what a session lacks, looked at afresh; None where it could not be looked at. Takes its time."""
        plans = self._plan(directory, self._on(chosen), self.stop)
        return plans[0] if plans else None

    def needs_choice(self, plan: Plan, chosen: int | None) -> bool:
        """Return whether a person has to choose the investigation before all of it can be sent."""
        return needs_choice(plan.session, self._on(chosen))

    def send(self, plan: Plan, chosen: int | None) -> None:
        """Have a plan sent, behind."""
        self._send([plan], self._on(chosen))

    def _on(self, chosen: int | None) -> Terms:
        return structs.replace(self._terms, chosen=chosen)

"""Commands that the log shows: what one would type in a shell to do to a dataset what was done here, and no more."""

from collections.abc import Callable, Sequence
from functools import cached_property

from icat_tui.domain.message import Action, Message
from icat_tui.report.shell_command import CommandCall, register_command, store_command
from icat_tui.sync.plan import NEEDS_CHOICE, Plan
from icat_tui.sync.store import AcceptedRequest
from icat_tui.sync.store_request import DatasetRequest
from icat_tui.tui.controllers.orders import HandOrder, PlanOrder, RunningOrder


class EquivalentCommands:
    """Commands for the messages of the orders of this run."""

    def __init__(self, make_call: Callable[[], CommandCall], orders: Sequence[RunningOrder]) -> None:
        """Make commands with what all have in common, which is asked for with the first; `orders` may become more."""
        self._make_call, self._orders = make_call, orders
        self._known: dict[str, Plan | DatasetRequest] = {}
        """What the messages of the orders so far are about, by their ids."""
        self._seen = 0
        """How many orders are in `_known`."""

    @cached_property
    def _call(self) -> CommandCall:
        return self._make_call()

    def of(self, message: Message) -> str:
        """Return the command for a message."""
        for running in self._orders[self._seen :]:
            self._take(running)
        match self._known.get(message.id):
            case DatasetRequest() as request:
                return _store_command(self._call, request)
            case Plan(session=session):
                fit = session.fit if message.action is not Action.ADD_FILES else None  # which needs no investigation
                chosen = fit.id if fit and fit.match in NEEDS_CHOICE else None
                return register_command(self._call, message.dataset, session.directory.format, chosen)
        return register_command(self._call, message.dataset)

    def _take(self, running: RunningOrder) -> None:
        self._seen += 1
        match running.order:
            case PlanOrder(plans=plans):
                self._known.update((offer.message.id, plan) for plan in plans for offer in plan.offers)
            case HandOrder(accepted=AcceptedRequest(request=DatasetRequest() as request, message=message)):
                self._known[message.id] = request


def _store_command(call: CommandCall, request: DatasetRequest) -> str:
    """Return the command for a request of the form, which always has a sample."""
    parameters = dict(request.metadata)
    given = {
        "beamline": request.beamline,
        "proposal": request.proposal,
        "dataset": request.dataset,
        "sample": str(parameters.pop("Sample_name")),
        "path": request.path,
    }
    if request.investigation is not None:
        given["investigation"] = str(request.investigation)
    if request.yes_proposal:
        given["yes-proposal"] = request.yes_proposal
    return store_command(call, given, parameters)

"""Functions `scan` and `register`, which do the work of `icat-tui sync` for scripts.

What must stay true: all promises of the commands hold (promises.md); `register` asks no question, as the call itself is
the confirmation.
"""

import logging
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime

from msgspec import Struct, structs

from icat_tui.api.errors import IncompleteError
from icat_tui.api.settings import settings_in_force
from icat_tui.cancel import Cancellation
from icat_tui.disk.find import find_sessions, roots_once, sessions_at, sessions_once
from icat_tui.domain.errors import UsageError
from icat_tui.domain.message import Message
from icat_tui.domain.model import Session
from icat_tui.domain.scan_events import (
    CatalogueDoubted,
    DirectoryFailed,
    DirectoryIgnored,
    Found,
    ScanEvent,
    SessionFailed,
    SessionScanned,
)
from icat_tui.domain.selection import Selection
from icat_tui.domain.status import ACTIONABLE, Status
from icat_tui.ingest.broker import BrokerError
from icat_tui.ingest.send_events import SendingFinished
from icat_tui.services import Services
from icat_tui.sync.outcomes import MessageOutcome, Outcomes
from icat_tui.sync.plan import Plan, Terms, make_plan
from icat_tui.sync.register import register as send_plans
from icat_tui.sync.scan import ScanPlan
from icat_tui.sync.scan import scan as scan_sessions
from icat_tui.sync.verify import MessageConfirmed, verify
from icat_tui.text import visible

log = logging.getLogger("icat_tui")

NO_ICATPLUS = "no ICAT+ is known: give icatplus, or name it in the settings"


def scan(  # noqa: PLR0913 - an argument for each way to select
    *paths: str | os.PathLike[str],
    beamline: str | Iterable[str] = (),
    proposal: str | Iterable[str] = (),
    session: str | Iterable[str] = (),
    since: date | None = None,
    until: date | None = None,
    investigation: int | None = None,
    processes: int | None = 0,
    **settings: object,
) -> Iterator[Session]:
    """Return an iterator over sessions, disk and catalogue compared, each as soon as it is done.

    ::

        import icat_tui

        for session in icat_tui.scan(beamline="id99", since=date(2026, 1, 1), icatplus="https://icatplus.example"):
            print(session.directory.path, session.category, session.counts)

    Sessions are selected as on the command line (interface.md, "Selection"): by `paths`, else by names and globs below
    the data roots. `settings` are those of the command line and of `config.toml` by their names (`data_root`,
    `icatplus`, `api_key`, `format`, `cache_dir`, `jobs`, …). `processes` is the number of further processes that read
    datasets; None: as many as there are processors, once it is worthwhile.

    Raises UsageError for an unusable argument or setting. After the last session IncompleteError is raised where
    something has no result; what could not be determined in a session is `unknown` there.
    """
    given = settings_in_force(settings)
    selection = Selection(
        beamlines=_names(beamline), proposals=_names(proposal), sessions=_names(session), since=since, until=until
    )
    services = Services(given)
    catalogue = services.catalogue(NO_ICATPLUS)
    surroundings = services.surroundings(datetime.now(UTC), services.journal_view())
    found = _found([os.fspath(path) for path in paths], selection, services)
    plan = services.scan_plan(found, catalogue, surroundings, services.cache())
    return _sessions(structs.replace(plan, processes=processes, investigation=investigation))


def _sessions(plan: ScanPlan) -> Iterator[Session]:
    failed: list[str] = []
    with closing(plan.catalogue):
        for event in scan_sessions(plan):
            if isinstance(event, SessionScanned):
                yield event.session
            elif isinstance(event, DirectoryIgnored):
                log.warning("not a session directory: %s, %s", visible(event.path), visible(event.reason))
            elif reason := _without_result(event):
                failed.append(reason)
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise IncompleteError(f"{failed[0]}{more}")


def _without_result(event: ScanEvent) -> str:
    match event:
        case CatalogueDoubted(reason=reason):
            return reason
        case DirectoryFailed(path=path, reason=reason):
            return f"{visible(path)}: {visible(reason)}"
        case SessionFailed(directory=directory, reason=reason):
            return f"{visible(directory.path)}: {visible(reason)}"
    return ""


def _found(paths: list[str], selection: Selection, services: Services) -> Iterator[Found]:
    """Return the selected sessions, those at paths each once. Raises UsageError where a path or data root is absent."""
    settings, raw_format = services.settings, services.raw_format
    if paths:
        at = (sessions_at(path, settings.data_root, settings.facility, raw_format, selection) for path in paths)
        return iter(sessions_once(each for several in at for each in several))
    for root in settings.data_root:
        if not os.path.isdir(root):
            raise UsageError(f"data root {visible(root)} is not there: mount it, or give another data_root")
    return (
        each
        for root in roots_once(settings.data_root)
        for each in find_sessions(root, selection, settings.facility, raw_format)
    )


class Registration(Struct, frozen=True):
    """Outcome of a dataset that was to be registered."""

    dataset: str
    """Its path."""
    fate: str
    """`seen` (ICAT shows it), `accepted` (by the broker), `rejected`, `unknown`, `skipped` or `not_sent`."""
    reason: str = ""


def register(
    *sessions: Session,
    statuses: Collection[Status] = ACTIONABLE,
    paths: Collection[str] | None = None,
    investigation: int | None = None,
    again: bool = False,
    **settings: object,
) -> list[Registration]:
    """Register what scanned sessions lack, wait for ICAT as `verify_wait` says, and return the outcome of each.

    ::

        import icat_tui
        from icat_tui.domain.status import Status

        sessions = list(icat_tui.scan("/data/visitor/hg333/id99/20231019"))
        for outcome in icat_tui.register(*sessions, statuses=[Status.NOT_UPLOADED], queue=["broker.example:61613"]):
            print(outcome.fate, outcome.dataset, outcome.reason)

    The call is the confirmation: no question is asked. `paths` leaves out all other datasets, `investigation` is the
    one meant where that of a session is `far` or `ambiguous`, `again` sends also what was sent before and never seen,
    and what looks moved.
    `settings` are those of `scan`; the broker is `queue`, here or in the settings. Disk, ICAT and journal are examined
    again before anything is sent.

    Raises UsageError where no broker or ICAT+ is known, BrokerError where none takes the connection, SaveError where
    the journal can't be written.
    """
    services = Services(settings_in_force(settings))
    terms = services.terms(datetime.now(UTC), statuses=tuple(statuses), paths=paths, chosen=investigation, again=again)
    plans = [make_plan(session, terms) for session in sessions]
    declined = [Registration(each.dataset.path, "skipped", each.reason) for plan in plans for each in plan.declined]
    if not any(plan.groups for plan in plans):
        return declined
    return declined + _register(plans, terms, services)


def _register(plans: Sequence[Plan], terms: Terms, services: Services) -> list[Registration]:
    """Send plans, and wait until ICAT lists what was sent. Raises UsageError, BrokerError and SaveError."""
    services.check_may_send()
    catalogue = services.catalogue_if_known()
    if catalogue is None:
        raise UsageError(NO_ICATPLUS)
    view = services.journal_view()
    submission = services.submission(datetime.now(UTC), view, catalogue=catalogue, cache=services.cache())
    outcomes = Outcomes()
    for plan in plans:
        outcomes.plan(plan)
    with closing(catalogue):
        for event in send_plans(plans, terms, submission, Cancellation()):
            outcomes.add(event)
            if isinstance(event, SendingFinished) and event.trouble and not event.connected:
                raise BrokerError(event.trouble)
        for seen in verify(outcomes.open, catalogue, services.facility, submission.verify_wait, Cancellation()):
            if isinstance(seen, MessageConfirmed):
                submission.journal.record_seen([(seen.message, seen.icat_id)])
                outcomes.confirm(seen)
    return [_registration(offer.message, outcomes) for plan in plans for offer in plan.offers]


def _registration(message: Message, outcomes: Outcomes) -> Registration:
    outcome = outcomes.of(message.id)
    if outcome is MessageOutcome.NOT_SENT:
        return Registration(message.dataset, "not_sent", "sending ended before")
    return Registration(message.dataset, outcome.value, outcomes.reason(message.id))


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)

"""From the settings in force to what a run works with: ICAT+, the broker, the cache, the rules of the place.

For those who may read settings: the commands, the UI and the Python API. What must stay true: there is no broker here
that nobody named, and with `read_only` there is none at all.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from icat_tui.cache.session_cache import SessionCache
from icat_tui.catalogue.icatplus import DEFAULT_LIMITS, IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.disk.find import AnyFormat
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.broker import Broker, Login
from icat_tui.ingest.dataset_xml import origin_here
from icat_tui.journal.view import JournalView
from icat_tui.settings.schema import Settings
from icat_tui.sync.site import Site

NO_KEY = "elogbook-00000000-0000-0000-0000-000000000000"
"""What a server that asks for no key is given; any other refuses it (icat.md, "The two calls")."""


def icatplus_for(settings: Settings, limits: Limits = DEFAULT_LIMITS) -> IcatPlus | None:
    """Return the client of ICAT+ that the settings describe; None where they name none."""
    if not settings.icatplus:
        return None
    return IcatPlus(
        settings.icatplus, settings.api_key or NO_KEY, zone=settings.facility.zone, jobs=settings.jobs, limits=limits
    )


def broker_for(settings: Settings, addresses: Sequence[BrokerAddress] | None = None) -> Broker:
    """Return how to reach the brokers of the settings, or those at `addresses`.

    Raises UsageError where none is named, or nothing can be sent.
    """
    addresses = settings.queue if addresses is None else tuple(addresses)
    if settings.read_only:
        origin = settings.origin.get("read_only", "a default")
        raise UsageError(f"nothing can be sent, as read_only is set by {origin}: leave it out to send")
    if not addresses:
        raise UsageError(
            "no broker is known, so nothing can be sent: give --queue HOST:PORT, or set ICAT_TUI_QUEUE or queue in "
            "config.toml"
        )
    login = Login(settings.broker_login, settings.broker_passcode or "") if settings.broker_login else None
    return Broker(addresses=tuple(addresses), login=login, rate=settings.rate)


def target_text(settings: Settings, broker: Broker) -> str:
    """Return where messages will go, and who said so."""
    return f"{', '.join(map(str, broker.addresses))} (from {settings.origin.get('queue', 'the call')})"


def cache_for(settings: Settings) -> SessionCache | None:
    """Return the cache; None where none is kept."""
    return SessionCache(Path(settings.cache_dir)) if settings.cache_dir else None


def raw_format_of(settings: Settings) -> AnyFormat:
    """Return the format of raw data, `auto` where none is set."""
    return RawFormat(settings.format) if settings.format not in (None, AUTO) else "auto"


def site_for(settings: Settings, now: datetime) -> Site:
    """Return where we are, for what is registered by hand."""
    return Site(
        facility=settings.facility,
        origin=origin_here(now),
        data_roots=settings.data_root,
        raw_format=raw_format_of(settings),
    )


def surroundings_for(settings: Settings, now: datetime, view: JournalView) -> Surroundings:
    """Return what the rules need to know, what the journal says among it."""
    return Surroundings(
        facility=settings.facility,
        now=now,
        settle_time=settings.settle_time,
        sent=view,
        pending_timeout=settings.pending_timeout,
    )

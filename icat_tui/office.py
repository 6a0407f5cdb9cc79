"""From the settings in force to what a run works with: ICAT+ and the broker.

For those who may read settings: the commands, the UI and the Python API. What must stay true: there is no broker here
that nobody named, and with `read_only` there is none at all.
"""

from collections.abc import Sequence

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.ingest.broker import Broker, Login
from icat_tui.settings import Settings

NO_KEY = "elogbook-00000000-0000-0000-0000-000000000000"
"""What a server that asks for no key is given; any other refuses it (icat-facts.md §3.1)."""


def icatplus_for(settings: Settings) -> IcatPlus | None:
    """Return the client of ICAT+ that the settings describe; None where they name none."""
    if not settings.icatplus:
        return None
    return IcatPlus(settings.icatplus, settings.api_key or NO_KEY, zone=settings.facility.zone, jobs=settings.jobs)


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

"""What a run on a facility of the kit takes."""

from collections.abc import Callable

from tests.fieldkit.facility import Facility
from tests.support.program import Ran

KEY = "elogbook-the-key-of-the-kit"


PATIENCE = 60.0


def settings(facility: Facility, url: str = "") -> dict[str, str]:
    """Return the environment to work on a facility."""
    known = {"DATA_ROOT": str(facility.data_root), "ICATPLUS": url or facility.url, "API_KEY": KEY}
    return {f"ICAT_TUI_{name}": value for name, value in known.items()}


SyncHere = Callable[..., Ran]

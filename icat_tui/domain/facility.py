"""Settings that differ from one facility to the next, with the values of the ESRF as defaults.

Every rule that depends on the facility takes its settings from here (icat.md, "Names and beamline directories",
"Mount points", "Portal pages", "Queues"); no other module has values of a facility.
"""

from fnmatch import fnmatchcase
from functools import cached_property
from urllib.parse import quote
from zoneinfo import ZoneInfo

from msgspec import Struct, field

BEAMLINE_DIRECTORIES: dict[str, str] = {
    "id23-1": "id23eh1",
    "id23-2": "id23eh2",
    "id30a-1": "id30a1",
    "id30a-2": "id30a2",
    "id30a-3": "id30a3",
}
"""Directory by beamline (icat.md, "Names and beamline directories")."""


SYSTEM_DIRECTORIES = ("lost+found", "System Volume Information")
"""Directories that file systems make for themselves, at the top of each."""


class Facility(Struct, frozen=True, kw_only=True, dict=True):
    """Settings of a facility that rules depend on; `dict=True` lets cached properties keep their values."""

    time_zone: str = "Europe/Paris"
    """Zone of times without an offset and of session dates: never the machine's (icat.md, "Known faults", D28)."""
    mount_marker: str = "data"
    """First directory of a path that ICAT is told; empty: the path stays as it is (icat.md, "Mount points")."""
    beamline_directories: dict[str, str] = field(default_factory=BEAMLINE_DIRECTORIES.copy)
    """Directory by beamline, where it is not the beamline's name in lower case."""
    formats: dict[str, str] = {}
    """Raw data format by beamline, for `auto`: formats that directory names don't show (`id16bspec`, `mx`)."""
    ignore: tuple[str, ...] = (*SYSTEM_DIRECTORIES, ".snapshot*")
    """Globs, case-insensitive, of directories that are no proposal, beamline or session."""
    portal_url: str = "https://data.esrf.fr"
    """The data portal that people look at."""
    dataset_queue: str = "icatIngest"
    """Queue of messages about datasets (icat.md, "Queues")."""
    files_queue: str = "icatDataFiles"
    """Queue of requests to add files (icat.md, "Queues")."""

    def __hash__(self) -> int:
        """Return the same for equal settings, so that results can be cached by path and facility."""
        return hash((self.time_zone, self.mount_marker))

    @cached_property
    def zone(self) -> ZoneInfo:
        """Zone object of `time_zone`. Raises ZoneInfoNotFoundError or ValueError where there is no such zone."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def beamline_names(self) -> dict[str, str]:
        """Normalised name by directory, of the beamlines in `beamline_directories`; all in lower case."""
        return {directory.lower(): name.lower() for name, directory in self.beamline_directories.items()}

    def beamline(self, directory: str) -> str:
        """Return the normalised name of a beamline from its directory or from any spelling of its name."""
        lowered = directory.lower()
        return self.beamline_names.get(lowered, lowered)

    def ignores(self, name: str) -> bool:
        """Return whether a directory of this name, hidden or to be ignored, is no proposal, beamline or session."""
        lowered = name.lower()
        return name.startswith(".") or any(fnmatchcase(lowered, pattern.lower()) for pattern in self.ignore)

    def raw_format(self, beamline: str) -> str | None:
        """Return the format that the settings name for a beamline in any spelling, None where they name none."""
        wanted = self.beamline(beamline)
        return next((known for name, known in self.formats.items() if self.beamline(name) == wanted), None)

    def investigation_url(self, investigation: int) -> str:
        """Return the portal's page of the datasets of an investigation."""
        return f"{self.portal_url}/investigation/{investigation}/datasets"

    def search_url(self, beamline: str, proposal: str) -> str:
        """Return the portal's page of all investigations of a proposal at a beamline, in any spelling of both."""
        return f"{self.portal_url}/instruments/{_quoted(beamline)}/investigations?search={_quoted(proposal)}"


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="surrogateescape")

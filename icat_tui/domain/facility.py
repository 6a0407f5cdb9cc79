"""What differs from one facility to the next, with the values of the ESRF as defaults (icat-facts.md §1.2, §3.5, §5.1)."""

from zoneinfo import ZoneInfo

from msgspec import Struct, field

BEAMLINE_DIRECTORIES: dict[str, str] = {
    "id23-1": "id23eh1",
    "id23-2": "id23eh2",
    "id30a-1": "id30a1",
    "id30a-2": "id30a2",
    "id30a-3": "id30a3",
}


class Facility(Struct, frozen=True, kw_only=True):
    """The site settings that rules depend on."""

    time_zone: str = "Europe/Paris"
    """The zone of times without an offset and of session dates: never the machine's (icat-facts.md §7 D28)."""
    mount_marker: str = "data"
    """ICAT is told a path from the first directory of this name on; empty: the path as it is (§1.4)."""
    beamline_directories: dict[str, str] = field(default_factory=BEAMLINE_DIRECTORIES.copy)
    """Directory by beamline, where it is not the beamline's name in lower case."""
    formats: dict[str, str] = {}
    """Raw data format by beamline, for `auto`: what the directories alone don't tell (`id16bspec`, `mx`)."""
    portal_url: str = "https://data.esrf.fr"
    """The data portal that people look at."""
    dataset_queue: str = "icatIngest"
    files_queue: str = "icatDataFiles"

    @property
    def zone(self) -> ZoneInfo:
        """`time_zone`, ready for use."""
        return ZoneInfo(self.time_zone)

    def beamline(self, directory: str) -> str:
        """Return the normalised name of a beamline from its directory or from any spelling of its name."""
        lowered = directory.lower()
        return next((name for name, known in self.beamline_directories.items() if known == lowered), lowered)

    def investigation_url(self, investigation: int) -> str:
        """Return the portal's page of the datasets of an investigation."""
        return f"{self.portal_url}/investigation/{investigation}/datasets"

    def search_url(self, beamline: str, proposal: str) -> str:
        """Return the portal's page of all investigations of a proposal at a beamline."""
        return f"{self.portal_url}/instruments/{beamline}/investigations?search={proposal}"

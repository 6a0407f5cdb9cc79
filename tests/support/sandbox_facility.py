"""What the facilities of the sandbox in the tests consist of, and when they were made."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icat_tui.sandbox.fake_icatplus import CatalogueEntry

# In the night in which the clocks of the facility are put forward: an hour that does not exist lies just behind.
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


DATASET_DIRECTORY = "data/visitor/mx2500/id23eh1/20231019/RAW_DATA/colA/colA_0001"


START = datetime(2023, 10, 19, 8, tzinfo=UTC)


DAY = timedelta(days=1)


START_IN_PARIS = datetime(2023, 10, 19, 8, tzinfo=ZoneInfo("Europe/Paris"))


def catalogue_entry(name: str, file_count: int | None = 3) -> CatalogueEntry:
    return CatalogueEntry(
        name, f"/data/visitor/hg333/id21/{name}", START_IN_PARIS, START_IN_PARIS + timedelta(hours=1), "sA", file_count
    )

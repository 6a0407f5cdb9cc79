"""The facility of the sample sessions, and the time slot of their investigation."""

from datetime import datetime

from icat_tui.domain.facility import Facility

FACILITY = Facility()
START = datetime.fromisoformat("2023-10-19T08:00:00+02:00")
END = datetime.fromisoformat("2023-10-24T08:00:00+02:00")

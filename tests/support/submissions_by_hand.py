"""What sending by hand in the session of a beam time takes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from icat_tui.catalogue.limits import Limits
from icat_tui.domain.facility import Facility
from icat_tui.domain.surroundings import Surroundings
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sync.submit import Submission
from tests.support.beamtime import Beamtime
from tests.support.scripted_broker import broker_at

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


IMPATIENT = Limits(connect=1, read=1, answer=1, retries=0)


Send = Callable[..., list[Any]]


def submission_by_hand(beamtime: Beamtime) -> Submission:
    view = JournalView(beamtime.journal, Facility())
    return Submission(
        catalogue=None,
        surroundings=Surroundings(facility=Facility(), now=NOW, sent=view),
        view=view,
        journal=Journal(beamtime.journal),
        broker=broker_at(beamtime.broker.address),
    )

"""What registering at a facility of the tests takes: its submission, and plans that are made there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from icat_tui.cancel import Cancellation
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sync.plan import Plan, Terms, make_plan
from icat_tui.sync.submit import Submission, look_again
from tests.support.live_facility import LiveFacility
from tests.support.place import KEY, START
from tests.support.scripted_broker import broker_at
from tests.support.time_slot import FACILITY

TERMS = Terms(facility=FACILITY, origin=Origin("here", "tests", START))


def submission_of(facility: LiveFacility, **known: Any) -> Submission:
    view = JournalView(facility.journal, FACILITY)
    defaults: dict[str, Any] = {
        "catalogue": IcatPlus(facility.place.icatplus.url, KEY, zone=FACILITY.zone, jobs=2),
        "surroundings": Surroundings(facility=FACILITY, now=datetime.now(UTC), sent=view),
        "view": view,
        "journal": Journal(facility.journal),
        "broker": broker_at(facility.broker.address),
    }
    return Submission(**(defaults | known))


def directory_of(path: Path) -> SessionDirectory:
    proposal, beamline, date = path.parts[-3:]
    return SessionDirectory(str(path), proposal, beamline, date, RawFormat.ESRFV3)


def planned(path: Path, submission: Submission, terms: Terms = TERMS) -> Plan:
    session = look_again(directory_of(path), submission, Cancellation())
    assert isinstance(session, Session)
    return make_plan(session, terms)

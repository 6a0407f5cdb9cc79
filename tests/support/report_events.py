"""Events of a run to report, and their totals."""

from msgspec.structs import replace

from icat_tui.domain.scan_events import ScanEvent, SessionScanned
from icat_tui.domain.status import Category, Status
from icat_tui.report.totals import Totals
from tests.support.samples import a_directory, a_session


def totals(*events: ScanEvent) -> Totals:
    result = Totals()
    for event in events:
        result.add(event)
    return result


def scanned(category: Category, *statuses: Status, determined: bool = True, stale: bool = False) -> SessionScanned:
    datasets = [(str(number), status) for number, status in enumerate(statuses)]
    return SessionScanned(replace(a_session(category, *datasets, stale=stale), determined=determined))


DIRECTORY = a_directory()

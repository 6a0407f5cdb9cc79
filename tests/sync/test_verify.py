"""Looking whether ICAT has understood: wherever it lists it, as soon as it does, and never longer than wanted."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from icat_tui.cancel import Cancellation
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import Answer, CatalogueDataset, Investigation, Outcome
from icat_tui.sync.verify import MessageConfirmed, VerifyFailed, verify
from tests.support.catalogue_in_memory import NOTHING, OUTAGE, CatalogueInMemory
from tests.support.journal_entries import message
from tests.support.time_slot import FACILITY

NOW, SOON, LONG = timedelta(0), timedelta(seconds=5), timedelta(minutes=9)
SLOTS = Answer(Outcome.OK, (Investigation(7, "HG-333"), Investigation(8, "HG-333")))


class ChangingCatalogue(CatalogueInMemory):
    """Catalogue in memory where what is listed is decided at each look."""

    def __init__(self, datasets: Callable[[int, int], Answer[CatalogueDataset]]) -> None:
        super().__init__()
        self.lists = datasets
        self.looks = 0
        self.slots: Answer[Investigation] = SLOTS

    def investigations(self, beamline: str, proposal: str) -> Answer[Investigation]:
        self.looks += 1
        self.asked.append((beamline, proposal))
        return self.slots

    def datasets(self, investigation: int) -> Answer[CatalogueDataset]:
        return self.lists(investigation, self.looks)


def row(number: int = 1, investigation: int = 7, **known: Any) -> CatalogueDataset:
    return CatalogueDataset(number, message(number).dataset, investigation, **known)


def files(icat_id: int = 1) -> Message:
    return message(icat_id, action=Action.ADD_FILES, icat_id=icat_id, body=b"{}")


def listing(*rows: CatalogueDataset, after: int = 0) -> ChangingCatalogue:
    def lists(investigation: int, looks: int) -> Answer[CatalogueDataset]:
        found = tuple(each for each in rows if each.investigation == investigation)
        return Answer(Outcome.OK, found) if found and looks > after else NOTHING

    return ChangingCatalogue(lists)


def looked(sent: list[Message], catalogue: ChangingCatalogue, wait: timedelta = NOW) -> list[Any]:
    return list(verify(sent, catalogue, FACILITY, wait, Cancellation()))


def test_what_is_listed_is_confirmed_in_whatever_investigation() -> None:
    sent = [message(1), message(2)]
    catalogue = listing(row(1), row(2, investigation=8))
    assert looked(sent, catalogue) == [MessageConfirmed(sent[0], 7, 1), MessageConfirmed(sent[1], 8, 2)]
    assert catalogue.asked == [("id99", "hg333")], "once for all of a proposal"


def test_it_looks_again_until_it_is_there() -> None:
    catalogue = listing(row(1), after=2)
    assert looked([message(1)], catalogue, SOON) == [MessageConfirmed(message(1), 7, 1)]
    assert catalogue.looks == 3


def test_when_the_wait_is_over_nothing_is_said_of_what_is_not_there() -> None:
    catalogue = listing(row(1))
    sent = [message(1), message(2)]
    began = time.monotonic()
    assert looked(sent, catalogue, timedelta(seconds=0.4)) == [MessageConfirmed(sent[0], 7, 1)]
    assert 0.4 <= time.monotonic() - began < 5
    assert catalogue.looks >= 2


@pytest.mark.parametrize(("count", "confirmed"), [(None, False), (0, False), (1, True)])
def test_files_are_there_once_they_are_counted(count: int | None, confirmed: bool) -> None:
    assert looked([files()], listing(row(file_count=count))) == ([MessageConfirmed(files(), 7, 1)] if confirmed else [])


def test_files_are_found_by_id_and_not_by_place() -> None:
    assert looked([files(1)], listing(row(2, file_count=3))) == []


def test_a_location_told_without_the_mount_point_is_the_same() -> None:
    sent = message(1, dataset=f"/gpfs/easy{message(1).dataset}")
    assert looked([sent], listing(row(1))) == [MessageConfirmed(sent, 7, 1)]


def test_an_outage_is_said_and_not_taken_for_absence() -> None:
    catalogue = ChangingCatalogue(lambda *_: OUTAGE)
    assert looked([message(1)], catalogue) == [VerifyFailed(message(1), "ICAT+ does not answer")]
    catalogue.slots = OUTAGE
    assert looked([message(1)], catalogue) == [VerifyFailed(message(1), "ICAT+ does not answer")]


def test_an_outage_of_one_investigation_hides_nothing_that_another_lists() -> None:
    catalogue = ChangingCatalogue(
        lambda number, _: OUTAGE if number == 7 else Answer(Outcome.OK, (row(1, investigation=8),))
    )
    sent = [message(1), message(2)]
    assert looked(sent, catalogue) == [MessageConfirmed(sent[0], 8, 1), VerifyFailed(sent[1], "ICAT+ does not answer")]


def test_an_outage_that_ends_in_time_is_nothing() -> None:
    catalogue = ChangingCatalogue(lambda *_: Answer(Outcome.OK, (row(1),)) if catalogue.looks > 1 else OUTAGE)
    assert looked([message(1)], catalogue, SOON) == [MessageConfirmed(message(1), 7, 1)]


def test_what_lies_in_no_session_can_not_be_looked_for() -> None:
    (event,) = looked([message(1, dataset="/tmp/somewhere")], listing())
    assert isinstance(event, VerifyFailed)
    assert "in no session" in event.reason


def test_nothing_sent_asks_nothing() -> None:
    catalogue = listing()
    assert looked([], catalogue, LONG) == []
    assert catalogue.looks == 0


def test_cancelling_ends_the_wait_and_whatever_call_is_under_way() -> None:
    cancellation = Cancellation()
    hangs = threading.Event()

    def hang(_investigation: int, _looks: int) -> Answer[CatalogueDataset]:
        hangs.set()
        assert catalogue.closed.wait(10), "nobody closed the catalogue"
        return OUTAGE

    catalogue = ChangingCatalogue(hang)
    events: list[Any] = []
    thread = threading.Thread(
        target=lambda: events.extend(verify([message(1)], catalogue, FACILITY, LONG, cancellation))
    )
    thread.start()
    assert hangs.wait(10)
    cancellation.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert events == []


def test_afterwards_cancelling_no_longer_closes_the_catalogue() -> None:
    cancellation, catalogue = Cancellation(), listing(row(1))
    assert list(verify([message(1)], catalogue, FACILITY, NOW, cancellation))
    cancellation.cancel()
    assert not catalogue.closed.is_set()

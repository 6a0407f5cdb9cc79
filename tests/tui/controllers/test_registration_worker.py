"""Sending behind the screen, against disks, brokers and ingesters that are real enough."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cache.session_cache import CachedSession, SessionCache
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.domain.errors import UsageError
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.domain.status import Status
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.ingest.send_events import MessageAccepted, MessageUnknown
from icat_tui.journal.records import RecordKind
from icat_tui.journal.writer import Journal
from icat_tui.sync.plan import Plan, Terms
from icat_tui.sync.site import Site
from icat_tui.sync.store import accepted_now
from icat_tui.sync.store_request import DatasetRequest
from icat_tui.sync.submit import Submission
from icat_tui.sync.verify import MessageConfirmed, VerifyFailed
from icat_tui.tui.controllers.orders import HandOrder, OrderDone, PlanOrder
from icat_tui.tui.controllers.registration_worker import RegistrationEvent, RegistrationWorker
from tests.support import submissions
from tests.support.icatplus import HANG
from tests.support.live_facility import LiveFacility, dataset
from tests.support.place import START
from tests.support.program import PATIENCE
from tests.support.scripted_broker import Client, Frame, accept, broker_at, scripted
from tests.support.submissions import directory_of
from tests.support.time_slot import FACILITY
from tests.support.waiting import wait_for

SITE = Site(facility=FACILITY, origin=Origin("here", "tests", START))
TERMS = Terms(facility=FACILITY, origin=Origin("here", "tests", START), again=True)


def planned(facility: LiveFacility, path: Path) -> Plan:
    return submissions.planned(path, submission_of(facility), TERMS)


def submission_of(facility: LiveFacility, **known: Any) -> Submission:
    return submissions.submission_of(facility, **({"verify_wait": timedelta(seconds=PATIENCE)} | known))


class Heard:
    """What a registrar told."""

    def __init__(self) -> None:
        self.events: list[RegistrationEvent] = []
        self.changed = threading.Condition()

    def __call__(self, event: RegistrationEvent) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def wait_for(self, holds: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, timeout=PATIENCE)

    def wait_for_orders(self, number: int) -> list[str]:
        """Wait until so many orders are done; return the trouble of each."""
        self.wait_for(lambda: len(self.of(OrderDone)) >= number)
        return [done.trouble for done in self.of(OrderDone)]

    def last_look(self, path: Path) -> dict[str, Status]:
        """Return the statuses of a session as they were told last, by path of the dataset."""
        looks = [each.session for each in self.of(SessionScanned) if each.session.directory.path == str(path)]
        return {dataset.path: dataset.status for dataset in looks[-1].datasets} if looks else {}


@contextmanager
def working(facility: LiveFacility, heard: Heard, **known: Any) -> Iterator[RegistrationWorker]:
    """Have a registrar, which is gone in the end."""
    registrar = RegistrationWorker(lambda: submission_of(facility, **known), lambda: SITE, heard)
    try:
        yield registrar
    finally:
        registrar.stop(PATIENCE, PATIENCE)
        assert not registrar._thread.is_alive()


def sessions(facility: LiveFacility, number: int, **lacking: int) -> list[Path]:
    return [facility.session(f"hg{place}/id10/20231019", **lacking) for place in range(number)]


def order_by_hand(facility: LiveFacility, session: Path) -> HandOrder:
    """Return the order to register the one unregistered dataset of a session."""
    (path,) = (session / "RAW_DATA" / "unregistered").iterdir()
    proposal, beamline, _ = session.parts[-3:]
    request = DatasetRequest(beamline=beamline, proposal=proposal, dataset="by hand", path=str(path))
    submission = submission_of(facility)
    assert isinstance(submission.catalogue, IcatPlus)
    with submission.catalogue:
        return HandOrder(accepted_now(request, submission, SITE), SITE, directory_of(session))


def registered(heard: Heard, path: Path) -> bool:
    return set(heard.last_look(path).values()) == {Status.REGISTERED}


def test_what_is_confirmed_goes_out_in_order_and_is_told_until_icat_has_it(facility: LiveFacility) -> None:
    heard = Heard()
    paths = sessions(facility, 2, unregistered=2, without_files=1)
    plans = [planned(facility, path) for path in paths]
    with working(facility, heard) as registrar:
        for plan in plans:
            registrar.give(PlanOrder((plan,), TERMS))
        assert heard.wait_for_orders(2) == ["", ""]
        heard.wait_for(lambda: len(heard.of(MessageConfirmed)) == 6)
        for path in paths:
            heard.wait_for(partial(registered, heard, path))
        assert registrar.to_go == 0
        assert registrar.summary() == "6 sent, 0 not sent, 0 unknown (6 in ICAT)"
    assert facility.bodies == [offer.message.body for plan in plans for offer in plan.offers]
    assert facility.told(dataset(paths[0], "unregistered")) == ["plan", "intent", "accepted", "seen"]


def test_the_cache_has_a_session_as_it_is_once_icat_has_what_was_sent(facility: LiveFacility, tmp_path: Path) -> None:
    heard, cache = Heard(), SessionCache(tmp_path / "cache")
    (path,) = sessions(facility, 1, unregistered=1)
    with working(facility, heard, cache=cache) as registrar:
        registrar.give(PlanOrder((planned(facility, path),), TERMS))
        heard.wait_for(lambda: registered(heard, path))
    kept = cache.cached_session(directory_of(path))
    assert isinstance(kept, CachedSession)
    assert kept.session.counts == {Status.REGISTERED: 1}


def test_what_icat_does_not_list_yet_is_pending_and_holds_up_nothing(facility: LiveFacility) -> None:
    heard = Heard()
    facility.ingester.waits = True
    paths = sessions(facility, 2, unregistered=1)
    plans = [planned(facility, path) for path in paths]
    with working(facility, heard) as registrar:
        registrar.give(PlanOrder(tuple(plans[:1]), TERMS))
        heard.wait_for_orders(1)
        heard.wait_for(lambda: heard.last_look(paths[0]) == {dataset(paths[0], "unregistered"): Status.PENDING})
        registrar.give(PlanOrder(tuple(plans[1:]), TERMS))
        heard.wait_for_orders(2)  # though the first is still waited for
        assert registrar.summary() == "2 sent, 0 not sent, 0 unknown (2 pending)"
        facility.ingester.catch_up()
        heard.wait_for(lambda: len(heard.of(MessageConfirmed)) == 2)


@pytest.mark.slow
def test_whom_nobody_can_ask_is_told_at_the_last_look_only(facility: LiveFacility) -> None:
    heard = Heard()
    (path,) = sessions(facility, 1, unregistered=1)
    plan = planned(facility, path)

    def then_nobody_answers(client: Client, frame: Frame) -> None:
        facility.place.icatplus.fault = lambda _: (500, "")
        accept(client, frame)

    facility.broker.script = then_nobody_answers
    with working(facility, heard, verify_wait=timedelta()) as registrar:
        registrar.give(PlanOrder((plan,), TERMS))
        heard.wait_for(lambda: bool(heard.of(VerifyFailed)))
        assert registrar.summary() == "1 sent, 0 not sent, 0 unknown (1 pending)"


def test_cancelled_sending_says_how_far_it_came_and_the_next_order_is_carried_out(facility: LiveFacility) -> None:
    heard = Heard()
    paths = sessions(facility, 3, unregistered=3)
    plans = [planned(facility, path) for path in paths]
    sent = threading.Event()

    def once(client: Client, frame: Frame) -> None:
        facility.ingester(client, frame)
        sent.set()

    facility.broker.script = once
    with working(facility, heard, broker=broker_at(facility.broker.address, rate=2.0)) as registrar:
        registrar.give(PlanOrder(tuple(plans[:1]), TERMS))
        registrar.give(PlanOrder(tuple(plans[1:2]), TERMS))
        assert registrar.to_go == 6
        assert sent.wait(PATIENCE)
        registrar.cancel()
        assert heard.wait_for_orders(2) == ["", ""]
        number = len(facility.broker.sent)
        assert 1 <= number < 3
        assert registrar.to_go == 0
        assert registrar.summary().startswith(f"{number} sent, {6 - number} not sent, 0 unknown")
        heard.wait_for(lambda: len(heard.of(MessageConfirmed)) == number)
        kinds = [record.record for record in facility.records]
        assert kinds.count(RecordKind.PLAN) == 6, "what was not sent stays planned"
        registrar.give(PlanOrder(tuple(plans[2:]), TERMS))
        heard.wait_for_orders(3)
        assert len(facility.broker.sent) == number + 3


def test_a_broken_order_does_not_stop_the_next(facility: LiveFacility) -> None:
    heard = Heard()
    paths = sessions(facility, 3, unregistered=1)
    plans = [planned(facility, path) for path in paths]
    broken: list[Exception] = [UsageError("no ICAT+ is known"), ZeroDivisionError("[/x]")]

    def submission() -> Submission:
        if len(heard.of(OrderDone)) < 2:
            raise broken[len(heard.of(OrderDone))]
        return submission_of(facility)

    registrar = RegistrationWorker(submission, lambda: SITE, heard)
    try:
        for plan in plans:
            registrar.give(PlanOrder((plan,), TERMS))
        assert heard.wait_for_orders(3) == [
            "no ICAT+ is known", "a mistake of ours (ZeroDivisionError: [/x]): please report it", "",
        ]  # fmt: skip
        assert registrar.summary().startswith("1 sent, 2 not sent, 0 unknown")
    finally:
        registrar.stop(PATIENCE, PATIENCE)
    assert facility.bodies == [offer.message.body for offer in plans[2].offers]


def test_where_the_journal_cannot_be_written_nothing_is_sent_and_it_is_said(facility: LiveFacility) -> None:
    heard = Heard()
    (path,) = sessions(facility, 1, unregistered=1)
    plan = planned(facility, path)
    shutil.rmtree(facility.state_dir)
    facility.state_dir.write_text("a file")
    with working(facility, heard, journal=Journal(facility.journal)) as registrar:
        registrar.give(PlanOrder((plan,), TERMS))
        (trouble,) = heard.wait_for_orders(1)
        assert str(facility.state_dir) in trouble
        assert registrar.summary() == "0 sent, 1 not sent, 0 unknown (1 not in the journal)"
    assert facility.broker.connections == 0


def test_a_receipt_that_comes_late_makes_what_was_unknown_accepted(facility: LiveFacility) -> None:
    heard = Heard()
    (path,) = sessions(facility, 1, unregistered=1)
    plan = planned(facility, path)

    def late(client: Client, frame: Frame) -> None:
        heard.wait_for(lambda: bool(heard.of(MessageUnknown)))
        accept(client, frame)

    facility.broker.script = late
    with working(facility, heard, broker=broker_at(facility.broker.address, receipt_timeout=0.2)) as registrar:
        registrar.give(PlanOrder((plan,), TERMS))
        heard.wait_for_orders(1)
        assert [type(event) for event in heard.events if isinstance(event, MessageUnknown | MessageAccepted)] == [
            MessageUnknown, MessageAccepted,
        ]  # fmt: skip
        assert registrar.summary() == "1 sent, 0 not sent, 0 unknown (1 pending)"


def test_what_has_no_receipt_is_unknown_and_what_is_rejected_was_not_sent(facility: LiveFacility) -> None:
    heard = Heard()
    (path,) = sessions(facility, 1, unregistered=1, without_files=1)
    plan = planned(facility, path)
    facility.broker.script = scripted(
        lambda client, frame: client.error("no such queue [x]", frame), lambda _client, _frame: None
    )
    broker = broker_at(facility.broker.address, rate=5.0, receipt_timeout=0.2, reconnect_for=5.0)
    with working(facility, heard, broker=broker) as registrar:
        registrar.give(PlanOrder((plan,), TERMS))
        heard.wait_for_orders(1)
        assert registrar.summary() == "0 sent, 1 not sent, 1 unknown (1 rejected)"


def test_what_is_registered_by_hand_is_planned_at_once_and_sent_in_its_turn(facility: LiveFacility) -> None:
    heard = Heard()
    first, by_hand, last = sessions(facility, 3, unregistered=1)
    plans = [planned(facility, path) for path in (first, last)]
    order = order_by_hand(facility, by_hand)
    message = order.accepted.message
    gate = threading.Event()

    def waiting(client: Client, frame: Frame) -> None:
        assert gate.wait(PATIENCE)
        facility.ingester(client, frame)

    facility.broker.script = waiting
    with working(facility, heard) as registrar:
        registrar.give(PlanOrder(tuple(plans[:1]), TERMS))
        registrar.give(order)
        registrar.give(PlanOrder(tuple(plans[1:]), TERMS))
        wait_for(lambda: facility.told(message.dataset) == ["plan"])
        assert registrar.to_go == 3
        gate.set()
        assert heard.wait_for_orders(3) == ["", "", ""]
        assert [done.went_out for done in heard.of(OrderDone)] == [1, 1, 1]
        assert registrar.summary().startswith("3 sent, 0 not sent, 0 unknown")
        heard.wait_for(lambda: heard.last_look(by_hand).get(message.dataset) is Status.REGISTERED)
        wait_for(lambda: facility.told(message.dataset) == ["plan", "intent", "accepted", "seen"])
    assert facility.bodies[1] == message.body


def test_what_changed_since_it_was_confirmed_by_hand_is_not_sent(facility: LiveFacility) -> None:
    heard = Heard()
    (by_hand,) = sessions(facility, 1, unregistered=1)
    order = order_by_hand(facility, by_hand)
    path = Path(order.accepted.message.dataset)
    shutil.rmtree(path)
    with working(facility, heard) as registrar:
        registrar.give(order)
        assert heard.wait_for_orders(1) == [""]
        assert registrar.summary() == "0 sent, 1 not sent, 0 unknown (1 changed meanwhile)"
    assert facility.told(str(path)) == ["plan", "skipped"]
    assert facility.broker.sent == []


def test_what_is_called_off_before_it_is_sent_by_hand_stays_planned(facility: LiveFacility) -> None:
    heard = Heard()
    first, by_hand = sessions(facility, 2, unregistered=1)
    plan = planned(facility, first)
    order = order_by_hand(facility, by_hand)

    def cancelling(client: Client, frame: Frame) -> None:
        registrar.cancel()
        facility.ingester(client, frame)

    facility.broker.script = cancelling
    with working(facility, heard) as registrar:
        registrar.give(PlanOrder((plan,), TERMS))
        registrar.give(order)
        assert heard.wait_for_orders(2) == ["", ""]
        assert [done.went_out for done in heard.of(OrderDone)] == [1, 0]
        assert registrar.to_go == 0
        assert registrar.summary().startswith("1 sent, 1 not sent, 0 unknown")
        assert registrar.numbers.planned == 1
    assert len(facility.broker.sent) == 1
    assert facility.told(order.accepted.message.dataset) == ["plan"]


def test_what_is_called_off_by_hand_waits_for_no_answer_of_icat(facility: LiveFacility) -> None:
    heard = Heard()
    by_hand, later = sessions(facility, 2, unregistered=1)
    order = order_by_hand(facility, by_hand)
    plan = planned(facility, later)
    facility.place.icatplus.fault = lambda _: HANG
    with working(facility, heard) as registrar:
        registrar.give(order)
        assert facility.place.icatplus.hung.wait(PATIENCE)
        assert registrar.to_go == 1
        facility.place.icatplus.fault = lambda _: None
        registrar.cancel()
        registrar.give(PlanOrder((plan,), TERMS))
        assert heard.wait_for_orders(2) == ["", ""]
        assert registrar.numbers.planned == 1
    assert len(facility.broker.sent) == 1


@pytest.mark.parametrize("hanging", ["broker", "icatplus"])
def test_it_stops_though_others_hang(facility: LiveFacility, hanging: str) -> None:
    heard = Heard()
    paths = sessions(facility, 2, unregistered=1)
    plans = [planned(facility, path) for path in paths]
    reached = threading.Event()
    if hanging == "broker":
        facility.broker.script = lambda _client, _frame: reached.set()
    else:
        facility.place.icatplus.fault = lambda _: HANG
        reached = facility.place.icatplus.hung
    with working(facility, heard) as registrar:
        for plan in plans:
            registrar.give(PlanOrder((plan,), TERMS))
        assert reached.wait(PATIENCE)
    assert len(facility.broker.sent) == (hanging == "broker")
    assert registrar.to_go == 0


def test_it_stops_where_there_was_nothing_to_do(facility: LiveFacility) -> None:
    with working(facility, Heard()) as registrar:
        assert registrar.summary() == "0 sent, 0 not sent, 0 unknown"

"""`icat_tui.scan` and `icat_tui.register` in scripts (interface.md, "Python API")."""

from collections.abc import Iterator
from typing import Any

import pytest

import icat_tui
from icat_tui.api import Registration
from icat_tui.domain.errors import UsageError
from icat_tui.domain.status import Category, Status
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from tests.support.beamtime import Beamtime
from tests.support.journal_entries import shards_in
from tests.support.scripted_broker import Client, Frame


def test_sessions_are_scanned_registered_and_scanned_again(beamtime: Beamtime) -> None:
    known: dict[str, Any] = {"icatplus": beamtime.icatplus, "api_key": SANDBOX_KEY}
    unregistered, stored = beamtime.dataset("0001"), beamtime.dataset("0002")
    beamtime.stored("0002")
    beamtime.age()

    def ingest(client: Client, frame: Frame) -> None:
        beamtime.ingest_one(frame)
        client.receipt(frame)

    beamtime.broker.script = ingest
    [session] = icat_tui.scan(beamline="id99", **known)
    assert session.category == Category.TODO
    told = icat_tui.register(session, queue=[str(beamtime.broker.address)], **known)
    assert told == [
        Registration(str(stored), "seen", "in investigation 7"),
        Registration(str(unregistered), "seen", "in investigation 7"),
    ]
    [again] = icat_tui.scan(beamtime.session, **known)
    assert again.counts == {Status.REGISTERED: 2}
    assert icat_tui.register(again, queue=[str(beamtime.broker.address)], **known) == []
    assert len(beamtime.bodies) == 2


def test_what_was_accepted_and_not_seen_is_pending(beamtime: Beamtime) -> None:
    known: dict[str, Any] = {"icatplus": beamtime.icatplus, "api_key": SANDBOX_KEY}
    path = beamtime.dataset()
    given: dict[str, Any] = {**known, "queue": [str(beamtime.broker.address)], "verify_wait": "0s"}
    assert icat_tui.register(*icat_tui.scan(**known), **given) == [Registration(str(path), "accepted")]
    [session] = icat_tui.scan(**known)
    assert session.counts == {Status.PENDING: 1}


def test_only_what_is_asked_for_is_registered(beamtime: Beamtime) -> None:
    known: dict[str, Any] = {"icatplus": beamtime.icatplus, "api_key": SANDBOX_KEY}
    beamtime.dataset()
    [session] = icat_tui.scan(**known)
    assert icat_tui.register(session, statuses=[Status.NOT_UPLOADED], **known) == []
    with pytest.raises(UsageError, match="no broker is known"):
        icat_tui.register(session, **known)
    assert not shards_in(beamtime.journal)


def test_a_setting_that_there_is_not_is_a_mistake_of_the_script(beamtime: Beamtime) -> None:
    with pytest.raises(TypeError, match="icat_plus"):
        icat_tui.scan(icat_plus="x")
    with pytest.raises(UsageError, match="no ICAT"):
        icat_tui.scan()
    with pytest.raises(UsageError, match="nowhere"):
        icat_tui.scan("/nowhere/at/all", icatplus=beamtime.icatplus)


def test_what_has_no_result_raises_after_all_others(beamtime: Beamtime, monkeypatch: pytest.MonkeyPatch) -> None:
    from icat_tui.domain.scan_events import DirectoryFailed  # noqa: PLC0415

    beamtime.dataset()
    found = icat_tui.api.sessions._found

    def with_failure(*given: Any) -> Iterator[Any]:
        yield DirectoryFailed("/data/visitor/hg334", "Permission denied")
        yield from found(*given)

    monkeypatch.setattr(icat_tui.api.sessions, "_found", with_failure)
    sessions = icat_tui.scan(icatplus=beamtime.icatplus, api_key=SANDBOX_KEY)
    assert next(sessions).directory.path == str(beamtime.session)
    with pytest.raises(icat_tui.IncompleteError, match="hg334: Permission denied"):
        next(sessions)

"""Registering in the sandbox: what is not in ICAT is found, sent to the broker, ingested, and found in ICAT."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cancel import Cancellation
from icat_tui.disk.find import find_sessions
from icat_tui.domain.model import Match, Session
from icat_tui.domain.scan_events import SessionScanned
from icat_tui.domain.selection import Selection
from icat_tui.domain.status import ACTIONABLE, Status
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.ingest.send_events import MessageAccepted, SendingFinished
from icat_tui.sandbox.demo_facility import CONFIG, RunningSandbox, run_sandbox
from icat_tui.services import Services
from icat_tui.settings.load import load
from icat_tui.settings.schema import Settings
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.plan import Terms, make_plan
from icat_tui.sync.register import register
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.sync.submit import Submission
from icat_tui.sync.verify import MessageConfirmed, verify
from tests.support.sent_counts import sent_counts

PATIENCE = timedelta(seconds=30)
PENDING_FOR_EVER = 6


def settings_of(sandbox: RunningSandbox) -> Settings:
    given = {key: value for key, value in sandbox.settings.items() if key != "facility"}
    return load(given | {"config": str(sandbox.facility.directory / CONFIG), "rate": 0}, {}, site=())


def submission_of(settings: Settings) -> Submission:
    services = Services(settings)
    return services.submission(datetime.now(UTC), services.journal_view(), catalogue=services.catalogue(), cache=None)


def catalogue_of(submission: Submission) -> Catalogue:
    assert submission.catalogue is not None
    return submission.catalogue


def scanned(settings: Settings, submission: Submission) -> dict[str, Session]:
    submission.view.refresh()
    plan = ScanPlan(
        found=find_sessions(settings.data_root[0], Selection(), settings.facility, "auto"),
        catalogue=catalogue_of(submission),
        around=submission.surroundings,
        jobs=2,
    )
    sessions = [event.session for event in scan(plan) if isinstance(event, SessionScanned)]
    return {session.directory.path: session for session in sessions}


def statuses(sessions: dict[str, Session]) -> dict[str, dict[str, Status]]:
    return {path: {dataset.path: dataset.status for dataset in session.datasets} for path, session in sessions.items()}


def test_all_that_can_be_registered_is_registered_in_the_end_and_nothing_else_changes(sandbox: RunningSandbox) -> None:
    settings, cancellation = settings_of(sandbox), Cancellation()
    submission = submission_of(settings)
    truth = sandbox.facility.truth
    before = scanned(settings, submission)
    assert statuses(before) == {path: known.datasets for path, known in truth.items()}

    terms = Terms(facility=settings.facility, origin=Origin("here", "a test", submission.surroundings.now), again=True)
    plans = [make_plan(session, terms) for session in before.values()]
    events = list(register(plans, terms, submission, cancellation))
    accepted = [event.message for event in events if isinstance(event, MessageAccepted)]
    assert isinstance(events[-1], SendingFinished)
    assert events[-1].accepted == len(accepted) == sum(len(list(plan.offers)) for plan in plans) > 0

    confirmed = verify(accepted, catalogue_of(submission), settings.facility, PATIENCE, cancellation)
    assert [type(event) for event in confirmed] == [MessageConfirmed] * len(accepted)
    submission.journal.record_seen([(each, None) for each in accepted])
    chosen_by_hand = {path for path, known in truth.items() if known.match in (Match.FAR, Match.AMBIGUOUS)}
    expected = {
        path: {
            dataset: Status.REGISTERED if status in ACTIONABLE and path not in chosen_by_hand else status
            for dataset, status in known.datasets.items()
        }
        for path, known in truth.items()
    }
    assert statuses(scanned(settings, submission)) == expected
    assert sandbox.dead_letters == []


def test_what_is_sent_is_pending_until_it_is_ingested(sandbox_cache_home: Path) -> None:
    with run_sandbox(sandbox_cache_home / "icat-tui" / "sandbox", ingest_delay=3600) as sandbox:
        settings, cancellation = settings_of(sandbox), Cancellation()
        submission = submission_of(settings)
        before = scanned(settings, submission)
        session = next(each for each in before.values() if each.counts.get(Status.REGISTERED_WITHOUT_FILES))
        terms = Terms(facility=settings.facility, origin=Origin("here", "a test", submission.surroundings.now))
        plan = make_plan(session, terms)
        for _ in register([plan], terms, submission, cancellation):
            pass
        now = {
            dataset.path: dataset.status for dataset in scanned(settings, submission)[session.directory.path].datasets
        }
        assert {now[offer.dataset.path] for offer in plan.offers} == {Status.PENDING}
        assert list(make_plan(scanned(settings, submission)[session.directory.path], terms).offers) == []


# -- the program -----------------------------------------------------------------------------------------------------


def demo(sandbox_cache_home: Path, *words: str, answers: str = "") -> tuple[int, list[dict[str, Any]], str]:
    """The exit code, what was printed, and what was said."""
    command = [sys.executable, "-m", "icat_tui", "demo", "--headless", "--json", *words]
    env = os.environ | {"XDG_CACHE_HOME": str(sandbox_cache_home)}
    done = subprocess.run(
        command, env=env, input=answers, capture_output=True, text=True, timeout=PATIENCE.seconds * 2, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_the_demo_shows_what_is_pending_and_what_never_arrived(sandbox_cache_home: Path) -> None:
    code, records, said = demo(sandbox_cache_home, "--proposal", "hc4812")
    assert (code, said) == (0, "")
    *sessions, summary = records
    assert summary["counts"] == {"registered": 5, "pending": PENDING_FOR_EVER, "unregistered": 4}
    reasons = str(sessions)
    assert "by opid21 on lid21ctrl1, not in ICAT" in reasons
    assert "no receipt, sent" in reasons
    assert "rejected by the broker" in reasons


def test_the_demo_registers_without_asking_what_is_safe_and_starts_anew_the_next_time(sandbox_cache_home: Path) -> None:
    for _ in range(2):
        _, records, _ = demo(sandbox_cache_home, "--auto-register", "--proposal", "hg333")
        summary = records[-1]
        assert summary["sent"] == sent_counts(seen=2)
        assert "registered_without_files" not in summary["counts"]
        assert summary["counts"]["unregistered"] > 0


def test_the_demo_registers_what_is_confirmed(sandbox_cache_home: Path) -> None:
    _, records, said = demo(sandbox_cache_home, "--register", "--proposal", "hc4812", answers="y\n" * 100)
    summary = records[-1]
    assert summary["counts"] == {"registered": 9, "pending": PENDING_FOR_EVER}
    assert summary["sent"] == sent_counts(seen=4)
    assert "What is confirmed is sent to 127.0.0.1:" in said
    assert "that were sent before and are not in ICAT?" in said


@pytest.mark.parametrize("words", [("--queue", "127.0.0.1:61613"), ("--config", "mine.toml")])
def test_the_demo_sends_to_its_own_broker_only(sandbox_cache_home: Path, words: tuple[str, str]) -> None:
    code, records, _ = demo(sandbox_cache_home, "--auto-register", *words)
    assert code == 2
    assert f"leave out {words[0]}" in str(records[0]["message"])


def test_the_scripts_of_the_overview_work_with_the_sandbox_s_settings_only(sandbox_cache_home: Path) -> None:
    demo(sandbox_cache_home, "--proposal", "hg333")
    scripts = list(sandbox_cache_home.rglob("overview/*/todo.sh"))
    assert scripts
    for script in scripts:
        calls = [line for line in script.read_text().splitlines() if "--format" in line and not line.startswith("#")]
        assert all("--config" in call and CONFIG in call for call in calls)

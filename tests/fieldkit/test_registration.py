"""Registering with ActiveMQ and the kit: tree, ICAT+ and ingester share no code with this program.

What must stay true: every dataset of `truth.json` is accounted for by name, and what is sent is counted on arrival.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.records import RecordKind, SendOutcome
from icat_tui.journal.sendings import PENDING_STATES
from tests.fieldkit.facility import SMALL, Facility, Options, TrueSession, make_tree, serving_kit
from tests.support.activemq import JAR, ActiveMQ, stored
from tests.support.icatplus import serving_icatplus
from tests.support.journal_entries import records_in, shared_journal
from tests.support.live_facility import Ingester, LiveFacility, dataset
from tests.support.place import Place
from tests.support.ports import free_port
from tests.support.program import PATIENCE, Ran
from tests.support.scripted_broker import ScriptedBroker
from tests.support.sent_counts import sent_counts

pytestmark = [pytest.mark.activemq, pytest.mark.skipif(not JAR.exists(), reason=f"ActiveMQ is not installed ({JAR})")]
NOTHING = sent_counts()


class KitRuns:
    """A facility of the kit with a broker, and runs on it."""

    def __init__(self, facility: Facility, broker: ActiveMQ) -> None:
        self.facility, self.truth = facility, facility.truth
        self.settings = {
            "DATA_ROOT": str(facility.data_root),
            "ICATPLUS": facility.url,
            "QUEUE": str(broker.address),
            "STATE_DIR": str(shared_journal(facility.root / "state").path),
            "CACHE_DIR": str(facility.root / "cache"),
            "SAVE_DIR": str(facility.root / "overview"),
            "RATE": "0",
        }

    def sync(self, *words: str, answers: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "icat_tui", "sync", "--json", *words],
            env=os.environ | {f"ICAT_TUI_{key}": value for key, value in self.settings.items()},
            input=answers,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def after(self, statuses: Sequence[Status], categories: Sequence[Category]) -> dict[str, TrueSession]:
        """Return the truth once datasets of these statuses, in sessions of these categories, were registered."""
        truth = {}
        for path, session in self.truth.items():
            datasets = {
                name: "registered" if status in statuses and session.category in categories else status
                for name, status in session.datasets.items()
            }
            category = session.category
            if category in (Category.TODO, Category.TODO_ONGOING) and not set(ACTIONABLE) & set(datasets.values()):
                category = Category.HAS_INVALID if Status.INVALID in datasets.values() else Category.OK
            truth[path] = TrueSession(str(category), datasets)
        return truth

    def number(self, statuses: Sequence[Status], categories: Sequence[Category]) -> int:
        """Return how many datasets of these statuses are in sessions of these categories."""
        return sum(
            status in statuses
            for session in self.truth.values()
            if session.category in categories
            for status in session.datasets.values()
        )


@contextmanager
def kit_runs(root: Path, broker: ActiveMQ, tree: Options, ingester: Options) -> Iterator[KitRuns]:
    make_tree(root, {**SMALL, **tree})
    for destination in ("icatIngest", "icatDataFiles"):
        stored(broker, destination)  # what other tests have left there is not for this facility
    with serving_kit(root / "icat.json", {"broker": str(broker.address), **ingester}) as url:
        yield KitRuns(Facility(root, url), broker)


ONGOING = (Category.TODO, Category.TODO_ONGOING)
FILES = (Status.REGISTERED_WITHOUT_FILES,)


@pytest.mark.parametrize(
    ("seed", "ingester"),
    [
        (1, {}),
        pytest.param(2, {"ingest_delay": 0.05}, marks=pytest.mark.slow),
        pytest.param(3, {"latency_ms": 20}, marks=pytest.mark.slow),
        pytest.param(5, {"ingest_delay": 0.02, "file_count_delay": 1}, marks=pytest.mark.slow),
        pytest.param(8, {}, marks=pytest.mark.slow),
    ],
)
def test_everything_that_can_be_is_registered_once_and_the_rest_is_told(
    tmp_path: Path, activemq: ActiveMQ, seed: int, ingester: Options
) -> None:
    tree = {"seed": seed, "sessions": 20}
    with kit_runs(tmp_path / "facility", activemq, tree, ingester) as runs:
        assert runs.sync().sessions == runs.truth
        auto = runs.sync("--auto-register")
        files = runs.number(FILES, ONGOING)
        assert auto.summary["sent"] == sent_counts(seen=files)
        assert auto.sessions == runs.after(FILES, ONGOING)
        rest = runs.number(ACTIONABLE, [Category.TODO]) - runs.number(FILES, [Category.TODO])
        ran = runs.sync("--register", answers=f"a\n{rest}\n")
        assert ran.summary["sent"] == sent_counts(seen=rest)
        runs.truth = runs.after(FILES, ONGOING)
        done = runs.sync()
        assert done.sessions == runs.after(ACTIONABLE, [Category.TODO])
        assert Category.TODO not in done.summary["categories"]
        third = runs.sync("--register", answers="a\n")
        assert (third.code, third.summary["sent"]) == (0, NOTHING)
        assert ("left out" in third.err) == (runs.number(ACTIONABLE, [Category.TODO_ONGOING]) > 0)
        last = runs.sync("--register", "--beamline", "*", answers="a\n" * 99)
        assert last.sessions == runs.after(ACTIONABLE, ONGOING)
        ongoing = runs.number(ACTIONABLE, [Category.TODO_ONGOING])
        stats = runs.facility.stats
        assert (stats["ingested"], stats["files_added"], stats["dead_letters"]) == (rest + ongoing, files, 0)
        assert runs.sync("--auto-register", "--register").summary["sent"] == NOTHING


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back_in_the_middle_loses_nothing_and_has_nothing_twice(
    tmp_path: Path,
) -> None:
    broker = ActiveMQ(tmp_path / "activemq", free_port())
    broker.script("start")
    try:
        with serving_icatplus() as icatplus:
            place = Place(tmp_path / "facility", icatplus)
            facility = LiveFacility(
                place,
                ScriptedBroker(port=broker.address.port),
                Ingester(place),
                shared_journal(tmp_path / "state").path,
            )
            path = facility.session(unregistered=60)
            lacking = {dataset(path, "unregistered", f"{number:04}") for number in range(1, 61)}
            ran = registered_while_killed(facility, broker)
            outcomes = Counter(record.outcome for record in facility.records if record.record is RecordKind.OUTCOME)
            frames = stored(broker, "icatIngest")
            for frame in frames:
                facility.ingester.ingest(frame)
            assert set(facility.ingester.locations.values()) == {1}
            accepted, unknown = outcomes[SendOutcome.ACCEPTED], outcomes[SendOutcome.UNKNOWN]
            assert accepted + unknown == 60
            assert accepted <= len(frames) <= 60
            assert ran.summary["sent"] == sent_counts(
                pending=accepted, unknown=unknown, not_sent=60 - accepted - unknown
            )
            assert ran.code == (3 if unknown else 0)
            assert all(sending.state in PENDING_STATES for sending in facility.pending)
            again = run(facility, "--register", "--json").summary
            assert again["sent"] == NOTHING
            registered = len(facility.ingester.locations)
            expected = {"registered": registered, "pending": 60 - registered}
            assert again["counts"] == {status: number for status, number in expected.items() if number}
            asked = run(facility, "--register", "--json", answers="y\n", pending_timeout="0s")
            assert asked.summary["sent"]["accepted"] == 60 - registered
            for frame in stored(broker, "icatIngest"):
                facility.ingester.ingest(frame)
            assert facility.ingester.locations == Counter(dict.fromkeys(lacking, 1))
    finally:
        broker.script("stop")


def command_and_environment(facility: LiveFacility, *words: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    known = {f"ICAT_TUI_{key.upper()}": value for key, value in facility.settings(**settings).items()}
    return [sys.executable, "-m", "icat_tui", "sync", *words], os.environ | known


def run(facility: LiveFacility, *words: str, answers: str = "", **settings: str) -> Ran:
    command, env = command_and_environment(facility, *words, **settings)
    done = subprocess.run(
        command, env=env, input=answers, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def registered_while_killed(facility: LiveFacility, broker: ActiveMQ) -> Ran:
    """Register everything, with the broker killed after the first answers, and started again."""
    command, env = command_and_environment(facility, "--register", "--json", rate="100")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as program:
        assert program.stdin is not None
        program.stdin.write("a\n60\n")
        program.stdin.flush()
        while answered(facility.journal) < 5:
            assert program.poll() is None
        broker.kill()
        broker.script("start")
        out, err = program.communicate(timeout=3 * PATIENCE)
    return Ran(program.returncode, out, err)


def answered(journal: JournalDirectory) -> int:
    return sum(record.record is RecordKind.OUTCOME for record in records_in(journal))

"""The whole circle, with real parts: a tree, ActiveMQ and an ingester that this program did not make.

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
from icat_tui.journal.reader import PENDING_STATES
from icat_tui.journal.records import RecordKind, SendOutcome, read_journal
from tests.cli.place import PATIENCE, Place, Ran
from tests.cli.place import serving as serving_icatplus
from tests.cli.sending import Circle, Ingester, dataset
from tests.fieldkit.facility import SMALL, Facility, Options, TrueSession, make_tree, serving
from tests.ingest.conftest import JAR, ActiveMQ, FakeBroker, activemq, free_port
from tests.ingest.test_activemq import stored

__all__ = ["activemq"]  # a fixture, found by its name

pytestmark = [pytest.mark.activemq, pytest.mark.skipif(not JAR.exists(), reason=f"ActiveMQ is not installed ({JAR})")]
NOTHING = {"accepted": 0, "confirmed": 0, "rejected": 0, "unknown": 0, "skipped": 0}


class Circular:
    """A facility of the kit with a broker, and runs on it."""

    def __init__(self, facility: Facility, broker: ActiveMQ) -> None:
        self.facility, self.truth = facility, facility.truth
        self.settings = {
            "DATA_ROOT": str(facility.data_root),
            "ICATPLUS": facility.url,
            "QUEUE": str(broker.address),
            "STATE_DIR": str(facility.root / "state"),
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


def told(ran: Ran) -> dict[str, TrueSession]:
    return {
        one["path"]: TrueSession(one["category"], {each["path"]: each["status"] for each in one["datasets"]})
        for one in ran.records
        if one["type"] == "session"
    }


@contextmanager
def circle_of(root: Path, broker: ActiveMQ, tree: Options, ingester: Options) -> Iterator[Circular]:
    make_tree(root, {**SMALL, **tree})
    with serving(root / "icat.json", {"broker": str(broker.address), **ingester}) as url:
        yield Circular(Facility(root, url), broker)


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
    with circle_of(tmp_path / "facility", activemq, tree, ingester) as circle:
        assert told(circle.sync()) == circle.truth
        auto = circle.sync("--auto-register")
        files = circle.number(FILES, ONGOING)
        assert auto.summary["sent"] == NOTHING | {"confirmed": files}
        assert told(auto) == circle.after(FILES, ONGOING)
        rest = circle.number(ACTIONABLE, [Category.TODO]) - circle.number(FILES, [Category.TODO])
        ran = circle.sync("--register", answers=f"a\n{rest}\n")
        assert ran.summary["sent"] == NOTHING | {"confirmed": rest}
        circle.truth = circle.after(FILES, ONGOING)
        done = circle.sync()
        assert told(done) == circle.after(ACTIONABLE, [Category.TODO])
        assert Category.TODO not in done.summary["categories"]
        third = circle.sync("--register", answers="a\n")
        assert (third.code, third.summary["sent"]) == (0, NOTHING)
        assert ("left out" in third.err) == (circle.number(ACTIONABLE, [Category.TODO_ONGOING]) > 0)
        last = circle.sync("--register", "--beamline", "*", answers="a\n" * 99)
        assert told(last) == circle.after(ACTIONABLE, ONGOING)
        ongoing = circle.number(ACTIONABLE, [Category.TODO_ONGOING])
        stats = circle.facility.stats
        assert (stats["ingested"], stats["files_added"], stats["dead_letters"]) == (rest + ongoing, files, 0)
        assert circle.sync("--auto-register", "--register").summary["sent"] == NOTHING


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back_in_the_middle_loses_nothing_and_has_nothing_twice(
    tmp_path: Path,
) -> None:
    broker = ActiveMQ(tmp_path / "activemq", free_port())
    broker.script("start")
    try:
        with serving_icatplus() as icatplus:
            place = Place(tmp_path / "facility", icatplus)
            circle = Circle(place, FakeBroker(port=broker.address.port), Ingester(place), tmp_path / "state")
            path = circle.session(unregistered=60)
            lacking = {dataset(path, "unregistered", f"{number:04}") for number in range(1, 61)}
            ran = registered_while_killed(circle, broker)
            outcomes = Counter(record.outcome for record in circle.records if record.record is RecordKind.OUTCOME)
            frames = stored(broker, "icatIngest")
            for frame in frames:
                circle.ingester.ingest(frame)
            assert set(circle.ingester.locations.values()) == {1}
            accepted, unknown = outcomes[SendOutcome.ACCEPTED], outcomes[SendOutcome.UNKNOWN]
            assert accepted + unknown == 60
            assert accepted <= len(frames) <= 60
            assert ran.summary["sent"] == NOTHING | {"accepted": accepted, "unknown": unknown}
            assert ran.code == (3 if unknown else 0)
            assert all(sending.state in PENDING_STATES for sending in circle.pending)
            again = run(circle, "--register", "--json").summary
            assert again["sent"] == NOTHING
            registered = len(circle.ingester.locations)
            expected = {"registered": registered, "pending": 60 - registered}
            assert again["counts"] == {status: number for status, number in expected.items() if number}
            asked = run(circle, "--register", "--json", answers="y\n", pending_timeout="0s")
            assert asked.summary["sent"]["accepted"] == 60 - registered
            for frame in stored(broker, "icatIngest"):
                circle.ingester.ingest(frame)
            assert circle.ingester.locations == Counter(dict.fromkeys(lacking, 1))
    finally:
        broker.script("stop")


def command_and_environment(circle: Circle, *words: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    known = {f"ICAT_TUI_{key.upper()}": value for key, value in circle.settings(**settings).items()}
    return [sys.executable, "-m", "icat_tui", "sync", *words], os.environ | known


def run(circle: Circle, *words: str, answers: str = "", **settings: str) -> Ran:
    command, env = command_and_environment(circle, *words, **settings)
    done = subprocess.run(
        command, env=env, input=answers, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def registered_while_killed(circle: Circle, broker: ActiveMQ) -> Ran:
    """Register everything, with the broker killed after the first answers, and started again."""
    command, env = command_and_environment(circle, "--register", "--json", rate="100")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as program:
        assert program.stdin is not None
        program.stdin.write("a\n60\n")
        program.stdin.flush()
        while answered(circle.journal) < 5:
            assert program.poll() is None
        broker.kill()
        broker.script("start")
        out, err = program.communicate(timeout=3 * PATIENCE)
    return Ran(program.returncode, out, err)


def answered(journal: Path) -> int:
    return sum(line.record is not None and line.record.record is RecordKind.OUTCOME for line in read_journal(journal))

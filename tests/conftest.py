"""Every test is safe by default: no settings of the person who runs it, no home directory, no network beyond loopback.

The other fixtures here are those that tests of several directories use.
"""

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from icat_tui.cache.session_cache import SessionCache
from icat_tui.journal.writer import Journal
from tests.support.activemq import ActiveMQ
from tests.support.beamtime import Beamtime, serving_beamtime
from tests.support.icatplus import serving_icatplus
from tests.support.isolation import HOMES, foreign_variables, guarded, heed_signals
from tests.support.journal_entries import own_journal, shared_journal
from tests.support.live_facility import Ingester, LiveFacility
from tests.support.place import Place
from tests.support.ports import free_port
from tests.support.scripted_broker import ScriptedBroker, serving_broker


def pytest_configure() -> None:
    """Let tests of properties take as long as they need, and be stopped by signals what they start.

    A property that takes longer beside others is no failure.
    """
    heed_signals()
    settings.register_profile("busy machine", deadline=None)
    settings.load_profile("busy machine")


@pytest.fixture(autouse=True)
def _environment_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in foreign_variables():
        monkeypatch.delenv(variable)
    home = tmp_path / "home"  # not made: a test that looks into its tmp_path finds only what it has put there
    monkeypatch.setenv("HOME", str(home))
    for variable in HOMES:
        monkeypatch.setenv(variable, str(home / variable.lower()))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, guarded(getattr(socket.socket, method)))


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal without a record."""
    return Journal(own_journal(tmp_path / "state"))


@pytest.fixture
def cache(tmp_path: Path) -> SessionCache:
    """An empty cache."""
    return SessionCache(tmp_path / "cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty data root."""
    path = tmp_path / "data" / "visitor"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def shared_directory() -> Iterator[Path]:
    """A directory that other users can reach: every run of pytest closes `tmp_path` to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def group_umask() -> Iterator[None]:
    """The umask of a user who shares files with a group."""
    before = os.umask(0o002)
    yield
    os.umask(before)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What hangs waits for this; at the end of the test all of it goes on, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hanging_disk(held: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], threading.Event]:
    """Return a function that makes listings below a path hang; it returns what is set once one does."""

    def hang(path: str) -> threading.Event:
        scandir, hangs = os.scandir, threading.Event()

        def hanging(place: str) -> object:
            if str(place).startswith(path):
                hangs.set()
                held.wait()
            return scandir(place)

        monkeypatch.setattr(os, "scandir", hanging)
        return hangs

    return hang


# -- servers and facilities ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def activemq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveMQ]:
    """A real broker for all tests of a process."""
    broker = ActiveMQ(tmp_path_factory.mktemp("activemq"), free_port())
    broker.script("start")
    yield broker
    broker.script("stop")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty tree and an ICAT+ that knows nothing."""
    with serving_icatplus() as icatplus:
        made = Place(tmp_path / "facility", icatplus)
        made.root.mkdir(parents=True)
        yield made


@pytest.fixture
def facility(place: Place, tmp_path: Path) -> Iterator[LiveFacility]:
    """The place with a broker and an ingester: things can be registered in it."""
    ingester = Ingester(place)
    with serving_broker(ScriptedBroker(script=ingester)) as broker:
        yield LiveFacility(place, broker, ingester, shared_journal(tmp_path / "state").path)


@pytest.fixture
def beamtime(tmp_path: Path) -> Iterator[Beamtime]:
    """A session whose datasets are sent by hand."""
    with serving_beamtime(tmp_path) as made:
        yield made


@pytest.fixture
def listening_port() -> Iterator[int]:
    """The port of a server at 127.0.0.1 that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]

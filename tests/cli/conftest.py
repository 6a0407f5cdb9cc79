"""Programs that are run in this process, with settings, with answers on stdin, with brokers that are slow."""

import errno
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from icat_tui.catalogue.limits import Limits
from icat_tui.cli import main
from icat_tui.cli.prompts import Questions
from icat_tui.cli.signals import SignalCancellation
from icat_tui.ingest.broker import Broker
from icat_tui.journal.records import SendOutcome
from icat_tui.journal.writer import Journal
from tests.support.beamtime import Beamtime, serving_beamtime
from tests.support.journal_entries import message
from tests.support.live_facility import LiveFacility
from tests.support.place import Place
from tests.support.program import Ran, Registrar, Runner
from tests.support.stdin import Asker, stdin_of


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    """Run a program with nothing set: `run("sync", "--json")`, `run("-q", program=cli.sync_raw)`."""

    def run(*words: str, program: Callable[[list[str]], int] = main.main) -> Ran:
        capsys.readouterr()
        code = program(list(words))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def at(place: Place, run: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run a program with the settings of the place: `at("sync", "--json")`."""
    for key, value in place.settings().items():
        monkeypatch.setenv(f"ICAT_TUI_{key.upper()}", value)
    return run


@pytest.fixture
def impatient_with_icatplus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for ICAT+ less long than one does."""
    limits = Limits(connect=5.0, read=0.5, answer=5.0, retries=1, backoff=0.001)
    monkeypatch.setattr("icat_tui.services.DEFAULT_LIMITS", limits)


@pytest.fixture
def nobody_else_knows(place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    place.session()
    monkeypatch.delenv("ICAT_TUI_ICATPLUS")
    return at


@pytest.fixture
def asker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """Questions to a person who has typed all answers in advance."""
    with stdin_of(monkeypatch) as typed:

        def ask(text: str) -> Questions:
            typed.write(text.encode())
            typed.close()
            return Questions(SignalCancellation())

        yield ask


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def overview_dir(tmp_path: Path) -> Path:
    return tmp_path / "overview"


@pytest.fixture
def sync_with_cache(at: Runner, cache_dir: Path, overview_dir: Path) -> Runner:
    """Sync with a cache and an overview: `sync_with_cache("--json")`."""
    return lambda *words: at("sync", "--cache-dir", str(cache_dir), "--save-dir", str(overview_dir), *words)


@pytest.fixture
def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user of whom the system knows nothing."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.fixture
def sync_answered(facility: LiveFacility, run: Runner, monkeypatch: pytest.MonkeyPatch) -> Registrar:
    """Sync with answers on stdin: `sync_answered("--register", answers="y\\n")`; settings by name."""

    def sync_answered(*words: str, answers: str = "", **settings: str) -> Ran:
        for key, value in facility.settings(**settings).items():
            monkeypatch.setenv(f"ICAT_TUI_{key.upper()}", value)
        reading, writing = os.pipe()
        os.write(writing, answers.encode())
        os.close(writing)
        with os.fdopen(reading) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            return run("sync", *words)

    return sync_answered


@pytest.fixture
def impatient_with_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a broker less long than one does."""
    hasty = partial(Broker, receipt_timeout=0.3, reconnect_for=0.3, connect_timeout=1.0)
    monkeypatch.setattr("icat_tui.services.Broker", hasty)


@pytest.fixture
def far_session(facility: LiveFacility) -> Path:
    path = facility.session(unregistered=1, without_files=1)
    slot = facility.place.icatplus.state._investigations[1]
    slot["startDate"], slot["endDate"] = "2023-06-01T08:00:00.000+02:00", "2023-06-04T08:00:00.000+02:00"
    return path


@pytest.fixture
def beamtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beamtime]:
    with serving_beamtime(tmp_path) as made:
        for variable, value in made.environment.items():
            monkeypatch.setenv(variable, value)
        yield made


@pytest.fixture
def store_raw(beamtime: Beamtime, run: Runner) -> Callable[..., Path]:
    """Register a dataset by hand; return its directory."""

    def store_raw(name: str = "0001", *more: str) -> Path:
        path = beamtime.dataset(name)
        words = ("--beamline", "id99", "--proposal", "hg333", "--dataset", name, "--sample", "sA", "--path", str(path))
        run("store-raw", *words, *more)
        return path

    return store_raw


@pytest.fixture(scope="module")
def demo_cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the facility is made, once for all tests of this module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def one_demo_facility(demo_cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(demo_cache_home))


@pytest.fixture
def journal_of(beamtime: Beamtime) -> Journal:
    """The journal of the beam time, with a message that was accepted, and one that was planned."""
    journal = Journal(beamtime.journal)
    journal.record_plans([message(1), message(2)])
    journal.record_intents([message(1)])
    journal.record_outcomes([(message(1), SendOutcome.ACCEPTED, "")])
    return journal


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The environments of locales that are not UTF-8, by encoding; of Latin-1 where it can be made."""
    found = {"ascii": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}}
    directory = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") and Path("/usr/share/i18n/locales/fr_FR").exists():
        made = ["localedef", "-i", "fr_FR", "-f", "ISO-8859-1", str(directory / "fr_FR.iso88591")]
        subprocess.run(made, check=True, capture_output=True)
        found["iso8859-1"] = {"LOCPATH": str(directory), "LC_ALL": "fr_FR.iso88591"}
    return found


@pytest.fixture(params=["ascii", "iso8859-1"])
def elsewhere(request: pytest.FixtureRequest, locales: dict[str, dict[str, str]], beamtime: Beamtime) -> dict[str, str]:
    """The environment of a locale that is not UTF-8, with the settings for the beam time."""
    if request.param not in locales:
        pytest.skip("localedef is not installed")
    return {**os.environ, **beamtime.environment, **locales[request.param]}

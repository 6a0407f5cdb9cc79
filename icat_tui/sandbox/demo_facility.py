"""Running of the sandbox: a facility on disk with an ICAT+, a broker and an ingester, and the settings to work with it.

A facility is made once a day and used by every demo of that day. It is complete from the moment it has its final name,
and removed only when it is not in use; both are decided under one lock. What must stay true: messages sent in one run
of the sandbox are unknown in all others, since catalogue, journal and cache start anew with each run.
"""

import fcntl
import hashlib
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import msgspec
from msgspec import Struct
from platformdirs import user_cache_path

from icat_tui._version import __version__
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.formats import AUTO
from icat_tui.sandbox import fake_broker, fake_icatplus
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY, CatalogueState
from icat_tui.sandbox.fake_ingester import DELAY, DeadLetter, ingesting
from icat_tui.sandbox.raw_data_tree import SITE, SandboxFacility, catalogue_state, describe_facility, make_facility
from icat_tui.sandbox.sample_journal import write_journal
from icat_tui.sandbox.scenario import SCENARIO

LIFETIME = timedelta(days=1)
LOCK = ".lock"
UNFINISHED_PREFIX = "making-"
FACILITY_PREFIX = "facility-"
MARKER = "made.json"
STATE = "state"
RUN_PREFIX = "opening-"
CONFIG = "config.toml"
CONFIG_TEXT = f"""\
# Everything here is a sandbox: what is registered goes nowhere else.
allow_register = true
read_only = false

# Nobody is asked and nothing is sent while no demo runs: one that does says where.
icatplus = ""
queue = []
# No secret, but the sandbox does not answer without it.
api_key = "{SANDBOX_KEY}"

# As they are in the sandbox, whatever they are at your site:
[facility]
time_zone = "{SITE.time_zone}"
mount_marker = "{SITE.mount_marker}"
dataset_queue = "{SITE.dataset_queue}"
files_queue = "{SITE.files_queue}"
broker_login = ""

[facility.formats]
{"".join(f'"{beamline}" = "{name}"{chr(10)}' for beamline, name in SITE.formats.items())}"""
"""The settings file: settings that the environment can't hold, and those that a site may have set differently.

The scripts of the overview name it: one that is run after the demo must not send sandbox data to the site's catalogue.
"""
EDITION = hashlib.sha256(f"{__version__} {SCENARIO!r} {CONFIG_TEXT}".encode()).hexdigest()[:16]
"""Hash of everything that a facility is made from: a facility with another one is not used."""


class RunningSandbox(Struct, frozen=True):
    """Sandbox whose servers are running."""

    facility: SandboxFacility
    state: CatalogueState
    """Content of its ICAT+; more may be added."""
    icatplus: str
    """Base URL of its ICAT+."""
    queue: BrokerAddress
    """Its broker; messages sent there go to its ingester only."""
    dead_letters: list[DeadLetter]
    """Messages that could not be ingested, as they occur."""
    own: Path
    """Directory of this run, removed at its end."""

    @property
    def settings(self) -> dict[str, object]:
        """Settings to work with it, by their keys (interface.md, "Settings")."""
        directory = self.facility.directory
        return {
            "data_root": [self.facility.data_root],
            "format": AUTO,
            "icatplus": self.icatplus,
            "api_key": SANDBOX_KEY,
            "queue": [str(self.queue)],
            "cache_dir": str(self.own / "cache"),
            "save_dir": str(directory / "overview"),
            "state_dir": str(self.own / STATE),
            "facility": {"formats": dict(SITE.formats)},
        }

    def shell_exports(self) -> str:
        """Return shell lines that set the variables to work with it; the table `facility` is in a file."""
        environment = {"CONFIG": str(self.facility.directory / CONFIG)}
        for key, value in self.settings.items():
            match value:
                case str():
                    environment[key.upper()] = value
                case list():
                    environment[key.upper()] = ",".join(value)
        return "\n".join(f"export ICAT_TUI_{name}={shlex.quote(value)}" for name, value in environment.items())


@contextmanager
def run_sandbox(
    directory: Path | None = None,
    now: datetime | None = None,
    *,
    port: int = 0,
    latency: float = 0.0,
    ingest_delay: float = DELAY,
) -> Iterator[RunningSandbox]:
    """Run the sandbox of a directory, by default below the user's cache directory, while the context lasts.

    `now` has an offset; `port` is that of ICAT+, `latency` and `ingest_delay` are in seconds for each answer and each
    message. Raises OSError where the directory can't be written.
    """
    directory = directory or user_cache_path("icat-tui") / "sandbox"
    with _facility(directory.absolute(), now or datetime.now(UTC)) as facility:
        state = catalogue_state(facility)
        with (
            # Where a process is killed, it is removed with the facility.
            TemporaryDirectory(prefix=RUN_PREFIX, dir=facility.directory, ignore_cleanup_errors=True) as own,
            fake_icatplus.serve(state, port, latency=latency) as url,
            ingesting(state, facility, ingest_delay) as ingester,
            fake_broker.serve(ingester.enqueue) as queue,
        ):
            write_journal(Path(own, STATE), facility, state)
            yield RunningSandbox(facility, state, url, queue, ingester.dead_letters, Path(own))


class FacilityMarker(Struct, frozen=True):
    """Content of the marker file of a facility."""

    made_at: datetime
    edition: str


@contextmanager
def _facility(directory: Path, now: datetime) -> Iterator[SandboxFacility]:
    """Yield a facility of today, made if there is none, and keep it locked: no other run removes it meanwhile."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with (directory / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            facility = _reusable_facility(directory, now) or _make(directory, now)
            in_use = held.enter_context((facility.directory / MARKER).open("rb"))
            fcntl.flock(in_use, fcntl.LOCK_SH)
            _remove_others(directory, facility.directory)
        yield facility


def _reusable_facility(directory: Path, now: datetime) -> SandboxFacility | None:
    """Return a facility of this edition that is not older than a day."""
    for marker in directory.glob(f"{FACILITY_PREFIX}*/{MARKER}"):
        try:
            made = msgspec.json.decode(marker.read_bytes(), type=FacilityMarker)
        except msgspec.DecodeError:
            continue  # written incompletely by a machine that went down
        if made.edition == EDITION and timedelta(0) <= now - made.made_at < LIFETIME:
            return describe_facility(marker.parent, made.made_at)
    return None


def _make(directory: Path, now: datetime) -> SandboxFacility:
    """Make a facility under a temporary name, its marker last, then rename it."""
    now = now.replace(microsecond=0)
    making = Path(mkdtemp(prefix=UNFINISHED_PREFIX, dir=directory))
    make_facility(making, now)
    (making / CONFIG).write_text(CONFIG_TEXT)
    (making / MARKER).write_bytes(msgspec.json.encode(FacilityMarker(now, EDITION)))
    made = making.with_name(making.name.replace(UNFINISHED_PREFIX, FACILITY_PREFIX))
    making.rename(made)
    return describe_facility(made, now)


def _remove_others(directory: Path, used: Path) -> None:
    """Remove unfinished facilities, and those of other days that are not in use; nothing under other names."""
    for path in (*directory.glob(f"{UNFINISHED_PREFIX}*"), *directory.glob(f"{FACILITY_PREFIX}*")):
        if path != used and not _in_use(path):
            # Files that can't be removed now (held open on NFS) are tried again the next time.
            shutil.rmtree(path, ignore_errors=True)


def _in_use(facility: Path) -> bool:
    try:
        with (facility / MARKER).open("rb") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False

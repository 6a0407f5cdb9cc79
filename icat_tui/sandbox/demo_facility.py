"""Opening the box: a facility that is there, an ICAT+, a broker and an ingester, and the settings to work with it.

A facility is made once a day and used by every demo of that day. It is complete from the moment it has its name, and is
only removed when nobody uses it any more; both are decided under one lock. What must stay true: what was sent in one
opening is known to nobody in another, as the catalogue starts anew with each; so journal and cache do too.
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
from icat_tui.sandbox.scenario import STORY

GOOD_FOR = timedelta(days=1)
LOCK = ".lock"
MAKING = "making-"
FACILITY = "facility-"
MARKER = "made.json"
STATE, JOURNAL = "state", "journal.jsonl"
OPENING = "opening-"
CONFIG = "config.toml"
CONFIG_TEXT = f"""\
# Everything here is a sandbox: what is registered goes nowhere else.
allow_register = true
read_only = false

# Nobody is asked and nothing is sent while no demo runs: one that does says where.
icatplus = ""
queue = []

# As they are in the sandbox, whatever they are at your site:
[facility]
time_zone = "{SITE.time_zone}"
mount_marker = "{SITE.mount_marker}"
dataset_queue = "{SITE.dataset_queue}"
files_queue = "{SITE.files_queue}"
broker_login = ""

[facility.formats]
{"".join(f'"{beamline}" = "{name}"{chr(10)}' for beamline, name in SITE.formats.items())}"""
"""The settings file: what the environment can't say, and what a site may say otherwise.

The scripts of the overview name it: one that is run after the demo must not tell the site's catalogue what is not real.
"""
EDITION = hashlib.sha256(f"{__version__} {STORY!r} {CONFIG_TEXT}".encode()).hexdigest()[:16]
"""What a facility is made from: one of another edition is not used."""


class OpenBox(Struct, frozen=True):
    """A facility at work."""

    facility: SandboxFacility
    state: CatalogueState
    """What its ICAT+ holds; may be added to."""
    icatplus: str
    """The base URL."""
    queue: BrokerAddress
    """The broker: what is sent there is ingested, and nowhere else."""
    dead_letters: list[DeadLetter]
    """What was sent and could not be ingested, as it happens."""
    own: Path
    """A directory of this opening, gone when it ends."""

    @property
    def settings(self) -> dict[str, object]:
        """The settings to work with it, by their keys (interface.md, "Options")."""
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

    def settings_to_use(self) -> str:
        """Return lines for a shell that make `icat-tui` work with it; the table `facility` is in a file."""
        environment = {"CONFIG": str(self.facility.directory / CONFIG)}
        for key, value in self.settings.items():
            match value:
                case str():
                    environment[key.upper()] = value
                case list():
                    environment[key.upper()] = ",".join(value)
        return "\n".join(f"export ICAT_TUI_{name}={shlex.quote(value)}" for name, value in environment.items())


@contextmanager
def start(
    directory: Path | None = None,
    now: datetime | None = None,
    *,
    port: int = 0,
    latency: float = 0.0,
    ingest_delay: float = DELAY,
) -> Iterator[OpenBox]:
    """Open the box that lies in a directory, by default below the user's cache directory; close it at the end.

    `now` has an offset; `port` is that of ICAT+, `latency` and `ingest_delay` are in seconds for each answer and each
    message. Raises OSError where the directory can't be written.
    """
    directory = directory or user_cache_path("icat-tui") / "sandbox"
    with _facility(directory.absolute(), now or datetime.now(UTC)) as facility:
        state = catalogue_state(facility)
        with (
            # Left behind by a process that is killed, it goes with the facility.
            TemporaryDirectory(prefix=OPENING, dir=facility.directory, ignore_cleanup_errors=True) as own,
            fake_icatplus.serve(state, port, latency=latency) as url,
            ingesting(state, facility, ingest_delay) as ingester,
            fake_broker.serve(ingester.take) as queue,
        ):
            write_journal(Path(own, STATE, JOURNAL), facility, state)
            yield OpenBox(facility, state, url, queue, ingester.dead_letters, Path(own))


class Made(Struct, frozen=True):
    """What the marker says."""

    made_at: datetime
    edition: str


@contextmanager
def _facility(directory: Path, now: datetime) -> Iterator[SandboxFacility]:
    """Yield a facility of today, made if need be, and hold on to it: nobody removes it meanwhile."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with (directory / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            facility = _made_already(directory, now) or _make(directory, now)
            in_use = held.enter_context((facility.directory / MARKER).open("rb"))
            fcntl.flock(in_use, fcntl.LOCK_SH)
            _remove_others(directory, facility.directory)
        yield facility


def _made_already(directory: Path, now: datetime) -> SandboxFacility | None:
    """Return a facility of this edition that is not older than a day."""
    for marker in directory.glob(f"{FACILITY}*/{MARKER}"):
        try:
            made = msgspec.json.decode(marker.read_bytes(), type=Made)
        except msgspec.DecodeError:
            continue  # torn by a machine that went down: as good as none
        if made.edition == EDITION and timedelta(0) <= now - made.made_at < GOOD_FOR:
            return describe_facility(marker.parent, made.made_at)
    return None


def _make(directory: Path, now: datetime) -> SandboxFacility:
    """Make a facility under a name that nobody looks for, its marker last, then give it its own."""
    now = now.replace(microsecond=0)
    making = Path(mkdtemp(prefix=MAKING, dir=directory))
    make_facility(making, now)
    (making / CONFIG).write_text(CONFIG_TEXT)
    (making / MARKER).write_bytes(msgspec.json.encode(Made(now, EDITION)))
    made = making.with_name(making.name.replace(MAKING, FACILITY))
    making.rename(made)
    return describe_facility(made, now)


def _remove_others(directory: Path, used: Path) -> None:
    """Remove what was left unfinished, and facilities of other days that nobody uses; only what we have named."""
    for path in (*directory.glob(f"{MAKING}*"), *directory.glob(f"{FACILITY}*")):
        if path != used and not _in_use(path):
            # What can't be removed now (a file held open on NFS) is tried again the next time.
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

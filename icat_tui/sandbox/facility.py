"""Opening the box: a facility that is there, an ICAT+ that answers, and the settings to work with it.

A facility is made once a day and used by every demo of that day. It is complete from the moment it has its name, and is
only removed when nobody uses it any more; both are decided under one lock.
"""

import fcntl
import hashlib
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from platformdirs import user_cache_path

from icat_tui import __version__
from icat_tui.domain.formats import AUTO
from icat_tui.sandbox.icatplus import SANDBOX_KEY, CatalogueState, serve
from icat_tui.sandbox.story import STORY
from icat_tui.sandbox.tree import SITE, SandboxFacility, catalogue_state, describe_facility, make_facility

GOOD_FOR = timedelta(days=1)
LOCK = ".lock"
MAKING = "making-"
FACILITY = "facility-"
MARKER = "made.json"
CONFIG = "config.toml"
EDITION = hashlib.sha256(f"{__version__} {STORY!r}".encode()).hexdigest()[:16]
"""What a facility is made from: one of another edition is not used."""


class OpenBox(Struct, frozen=True):
    """A facility at work."""

    facility: SandboxFacility
    state: CatalogueState
    """What its ICAT+ holds; may be added to."""
    icatplus: str
    """The base URL."""

    @property
    def settings(self) -> dict[str, object]:
        """The settings to work with it, by their keys (interface.md, "Options")."""
        directory = self.facility.directory
        return {
            "data_root": [self.facility.data_root],
            "format": AUTO,
            "icatplus": self.icatplus,
            "api_key": SANDBOX_KEY,
            "cache_dir": str(directory / "cache"),
            "save_dir": str(directory / "overview"),
            "state_dir": str(directory / "state"),
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
    directory: Path | None = None, now: datetime | None = None, *, port: int = 0, latency: float = 0.0
) -> Iterator[OpenBox]:
    """Open the box that lies in a directory, by default below the user's cache directory; close it at the end.

    `now` has an offset. Raises OSError where the directory can't be written.
    """
    directory = directory or user_cache_path("icat-tui") / "sandbox"
    with _facility(directory.absolute(), now or datetime.now(UTC)) as facility:
        state = catalogue_state(facility)
        with serve(state, port, latency=latency) as icatplus:
            yield OpenBox(facility, state, icatplus)


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
    making = Path(tempfile.mkdtemp(prefix=MAKING, dir=directory))
    make_facility(making, now)
    formats = "".join(f'"{beamline}" = "{name}"\n' for beamline, name in SITE.formats.items())
    (making / CONFIG).write_text(f"[facility.formats]\n{formats}")
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

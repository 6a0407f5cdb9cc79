"""Schema of the settings: names, descriptions, types and defaults; and directories of files.

Source: interface.md, "Settings". All settings are in `KEYS`, their types and defaults in `Settings` and `Facility`.
Packages below this one get values and never read settings. What must stay true: the API key and the passcode are in no
text made here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from platformdirs import PlatformDirs

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.settings import values
from icat_tui.text import visible

ENVIRONMENT_PREFIX = "ICAT_TUI_"
DEFAULT = "default"
"""Origin of a value that no source has set."""
JOURNAL = "journal.jsonl"


# -- the keys --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """Settings in force. `KEYS` describes each of them; None means "not set"; the repr masks secrets."""

    data_root: tuple[str, ...] = ("/data/visitor",)
    format: str | None = None
    cache_dir: str | None = None
    save_dir: str | None = None
    max_age: timedelta | None = None
    jobs: int = 8
    rate: float = 10.0
    queue: tuple[BrokerAddress, ...] = ()
    icatplus: str | None = None
    api_key: str | None = None
    """The key itself, from any source: an `api_key_file` has been read."""
    api_key_file: str | None = None
    config: str | None = None
    log_file: str | None = None
    state_dir: str | None = None
    pending_timeout: timedelta = timedelta(hours=24)
    verify_wait: timedelta = timedelta(seconds=30)
    recheck_age: timedelta = timedelta(seconds=10)
    wait: timedelta = timedelta()
    settle_time: timedelta = timedelta(hours=1)
    fingerprint_age: timedelta = timedelta(hours=24)
    refresh: timedelta = timedelta(minutes=5)
    allow_register: bool = False
    read_only: bool = False
    broker_login: str | None = None
    broker_passcode: str | None = None
    login_for: tuple[BrokerAddress, ...] = ()
    """Brokers that get login and passcode: those that the source names that holds these."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys of the terminal UI that differ from the defaults of `settings.keymap`, by binding id."""
    facility: Facility = field(default_factory=Facility)

    origin: Mapping[str, str] = field(default_factory=dict)
    """Source of each value by key (`jobs`, `facility.time_zone`); a key that is not in it has its default."""
    warnings: tuple[str, ...] = ()
    """Warnings for a person, to be shown on stderr once."""

    def __repr__(self) -> str:
        """Return all values, secrets masked."""
        return f"Settings({', '.join(f'{key}={shown}' for key, shown, _ in describe(self))})"


@dataclass(frozen=True)
class Key:
    """Definition of a setting: how it is read and shown, and its description."""

    read: Callable[[object], object]
    """Raises `ValueError`."""
    description: str
    """One line for a person."""
    split: Callable[[Any], object] = str
    """Conversion of a text from the environment before it is read."""
    show: Callable[[object], str] = values.show
    none: str = ""
    """Text for "not set"."""
    secret: bool = False
    not_in: Mapping[str, str] = field(default_factory=dict)
    """Kinds of sources that must not have this setting, with the reason."""


_ALLOWED_IN_FILES = "only a settings file can allow to register; --register does so for one run"

KEYS: dict[str, Key] = {
    "data_root": Key(
        values.paths, "Directories that hold the proposals; in-house and test roots too.", values.split_list
    ),
    "format": Key(values.raw_format, "auto, esrfv1, esrfv2, esrfv3, id16bspec or mx; empty: each command's own."),
    "cache_dir": Key(values.path, "Directory of the cache, one file a session."),
    "save_dir": Key(values.path, "Directory that the overview is written to."),
    "max_age": Key(
        values.duration_or_never,
        "Ask ICAT again about settled sessions last asked longer ago (12h, 7d).",
        none=values.NEVER,
    ),
    "jobs": Key(values.jobs, "Requests and directories at once, 64 at most."),
    "rate": Key(values.rate, "Messages a second; 0: no limit."),
    "queue": Key(
        values.brokers, "Brokers in the order of trying: HOST:PORT or stomp+ssl://HOST:PORT.", values.split_list
    ),
    "icatplus": Key(values.text, "URL of ICAT+.", show=values.without_login),
    "api_key": Key(values.api_key, "Data acquisition key of ICAT+; better in a file of its own.", secret=True),
    "api_key_file": Key(values.path, "File with that key and nothing else, mode 0600 or 0640."),
    "config": Key(
        values.path,
        "Takes the place of the user's config.toml.",
        not_in={"file": "it names the file itself; use --config or ICAT_TUI_CONFIG"},
    ),
    "log_file": Key(values.path, "File that the log is written to."),
    "state_dir": Key(values.path, "Directory of the journal of what was sent, shared by all who register."),
    "pending_timeout": Key(values.duration, "What was sent and ICAT does not list is pending for so long."),
    "verify_wait": Key(values.duration, "How long to wait for ICAT to list what was sent."),
    "recheck_age": Key(values.duration, "Disk, ICAT and journal are looked at again after so long while sending."),
    "wait": Key(values.duration, "How long to wait for a session that somebody else is registering."),
    "settle_time": Key(values.duration, "A dataset that changed less long ago may still be in progress."),
    "fingerprint_age": Key(values.duration, "Directories that changed less long ago are read again on each run."),
    "refresh": Key(values.duration, "The terminal UI looks for new sessions again after so long; 0: never."),
    "allow_register": Key(
        values.flag,
        "The terminal UI may register.",
        not_in={"environment": _ALLOWED_IN_FILES, "argument": _ALLOWED_IN_FILES},
    ),
    "read_only": Key(values.flag, "Nothing can be sent, whatever else is said."),
    "facility.time_zone": Key(values.time_zone, "Zone of times without an offset and of session dates."),
    "facility.mount_marker": Key(
        values.marker, "ICAT is told a path from the first directory of this name on; empty: as it is."
    ),
    "facility.ignore": Key(
        values.globs, "Directories above and beside the sessions that are passed over, with globs.", values.split_list
    ),
    "facility.portal_url": Key(values.web_address, "The data portal that people look at."),
    "facility.dataset_queue": Key(values.queue, "Queue for datasets."),
    "facility.files_queue": Key(values.queue, "Queue for files to be added to datasets."),
    "facility.broker_login": Key(values.login, "Login at the brokers."),
    "facility.broker_passcode": Key(values.passcode, "Passcode at the brokers.", secret=True),
    "facility.beamline_directories": Key(
        values.beamline_directories, "Directory by beamline, where it is not the beamline's name.", values.split_table
    ),
    "facility.formats": Key(
        values.beamline_formats, 'Raw data format by beamline, for auto: id16b = "id16bspec".', values.split_table
    ),
    "keys": Key(
        values.keys, 'Keys of the terminal UI by id, as ? lists them: "tree.next" = "ctrl+n".', values.split_table
    ),
}
"""All settings by their full names, as in `config.toml`; tables come last, as TOML requires."""
OF_FACILITY = {f"facility.{each}" for each in Facility.__struct_fields__}


def value_of(settings: Settings, key: str) -> object:
    """Return the value of a setting by its full name."""
    return getattr(settings.facility if key in OF_FACILITY else settings, last_part(key))


def last_part(key: str) -> str:
    """Return the name of a setting within its table."""
    return key.rpartition(".")[2]


def environment_name(key: str) -> str:
    """Return the environment variable of a setting: `facility.time_zone` → `ICAT_TUI_FACILITY_TIME_ZONE`."""
    return ENVIRONMENT_PREFIX + key.replace(".", "_").upper()


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Return (key, value, origin) of every setting as printable texts, with secrets masked."""
    return [(key, _shown(settings, key), settings.origin.get(key, DEFAULT)) for key in KEYS]


def _shown(settings: Settings, key: str) -> str:
    value = value_of(settings, key)
    if value is None:
        return KEYS[key].none or "not set"
    if KEYS[key].secret:
        return f"set (from {settings.origin.get(key, DEFAULT)})"
    return visible(KEYS[key].show(value)) or "none"


# -- directories -----------------------------------------------------------------------------------------------------


class HomeUnknownError(UsageError):
    """Error: there is no home directory, and so no directory of the user's own."""


def own_directory(kind: Literal["cache", "config", "state"]) -> Path:
    """Return the user's own directory for files of a kind. Raises HomeUnknownError."""
    directories = platform_directories()
    try:
        match kind:
            case "cache":
                return directories.user_cache_path
            case "config":
                return directories.user_config_path
            case "state":
                return directories.user_state_path
    except RuntimeError as error:  # what platformdirs raises
        variable = f"XDG_{kind.upper()}_HOME"
        raise HomeUnknownError(f"this user has no home directory that is known: set HOME or {variable}") from error


def platform_directories() -> PlatformDirs:
    """Return the directories of this program's files on this platform."""
    return PlatformDirs("icat-tui", appauthor=False, multipath=True)

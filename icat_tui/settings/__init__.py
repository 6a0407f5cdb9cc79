"""What can be set, where each value came from, and which of two wins (interface.md, "Settings").

Later ones win: defaults, Beacon, the site's and the user's `config.toml`, `ICAT_TUI_*`, arguments. What can be set is
in `KEYS`, its types and defaults are in `Settings` and `Facility`. The rooms below get values and never read settings.
The API key and the passcode are in no text made here.
"""

import difflib
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import PlatformDirs

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.settings import values as values
from icat_tui.settings.beacon import BeaconFailure, IcatServers, parse_beacon_host, read_icat_servers
from icat_tui.settings.files import read_config, read_key_file, write_new
from icat_tui.text import visible

FILE_NAME = "config.toml"
ENVIRONMENT_PREFIX = "ICAT_TUI_"
DEFAULT = "default"
"""The origin of a value that nobody set."""
JOURNAL = "journal.jsonl"
BEACON_TIMEOUT = 3.0
"""Seconds for the Beacon that `BEACON_HOST` names (icat-facts.md §9)."""
BEACON_DEFAULT_TIMEOUT = 1.0
"""Seconds for one that nobody named."""

BeaconReader = Callable[[str, int, float], IcatServers | BeaconFailure]
"""Like `beacon.read_icat_servers`: host, port, seconds."""


# -- the keys --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """The settings in force. What each one does is said in `KEYS`; None is "not set"; its text masks secrets."""

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
    """The key itself, wherever it came from: an `api_key_file` has been read."""
    api_key_file: str | None = None
    config: str | None = None
    log_file: str | None = None
    state_dir: str | None = None
    pending_timeout: timedelta = timedelta(hours=24)
    verify_wait: timedelta = timedelta(seconds=30)
    settle_time: timedelta = timedelta(hours=1)
    fingerprint_age: timedelta = timedelta(hours=24)
    allow_register: bool = False
    read_only: bool = False
    broker_login: str | None = None
    broker_passcode: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys of the terminal UI that are not as `domain.keys` has them, by id."""
    facility: Facility = field(default_factory=Facility)

    origin: Mapping[str, str] = field(default_factory=dict)
    """Where a value came from, by key (`jobs`, `facility.time_zone`); a key that is not in it has its default."""
    warnings: tuple[str, ...] = ()
    """What a person should be told on stderr, once."""

    def __repr__(self) -> str:
        """Return all values, secrets masked."""
        return f"Settings({', '.join(f'{key}={shown}' for key, shown, _ in describe(self))})"


@dataclass(frozen=True)
class Key:
    """How a setting is read, and what it does."""

    read: Callable[[object], object]
    """Raises `ValueError`."""
    says: str
    """One line for a person."""
    split: Callable[[Any], object] = str
    """What a text of the environment is made into before it is read."""
    show: Callable[[object], str] = values.show
    none: str = ""
    """How "not set" is written."""
    secret: bool = False
    not_in: Mapping[str, str] = field(default_factory=dict)
    """Kinds of sources that can't say this, and why."""


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
    "jobs": Key(values.whole_number, "Requests and directories at once."),
    "rate": Key(values.rate, "Messages a second; 0: no limit."),
    "queue": Key(
        values.brokers, "Brokers in the order of trying: HOST:PORT or stomp+ssl://HOST:PORT.", values.split_list
    ),
    "icatplus": Key(values.text, "URL of ICAT+.", show=values.without_login),
    "api_key": Key(values.api_key, "Data acquisition key of ICAT+; better in a file of its own.", secret=True),
    "api_key_file": Key(values.path, "File with that key and nothing else, mode 0600."),
    "config": Key(
        values.path,
        "Takes the place of the user's config.toml.",
        not_in={"file": "it names the file itself; use --config or ICAT_TUI_CONFIG"},
    ),
    "log_file": Key(values.path, "File that the log is written to."),
    "state_dir": Key(values.path, "Directory of the journal of what was sent, shared by all who register."),
    "pending_timeout": Key(values.duration, "What was sent and ICAT does not list is pending for so long."),
    "verify_wait": Key(values.duration, "How long to wait for ICAT to list what was sent."),
    "settle_time": Key(values.duration, "A dataset that changed less long ago may still be in progress."),
    "fingerprint_age": Key(values.duration, "Directories that changed less long ago are read again on each run."),
    "allow_register": Key(
        values.flag,
        "The terminal UI may register.",
        not_in={"environment": _ALLOWED_IN_FILES, "argument": _ALLOWED_IN_FILES},
    ),
    "read_only": Key(values.flag, "Nothing can be sent, whatever else is said."),
    "facility.time_zone": Key(values.time_zone, "Zone of times without an offset and of session dates."),
    "facility.mount_marker": Key(
        values.any_text, "ICAT is told a path from the first directory of this name on; empty: as it is."
    ),
    "facility.portal_url": Key(values.web_address, "The data portal that people look at."),
    "facility.dataset_queue": Key(values.name, "Queue for datasets."),
    "facility.files_queue": Key(values.name, "Queue for files to be added to datasets."),
    "facility.broker_login": Key(values.text, "Login at the brokers."),
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
"""Every setting by its full name, as it stands in `config.toml`; tables come last, as TOML wants it."""
_OF_FACILITY = {f"facility.{each}" for each in Facility.__struct_fields__}


def value_of(settings: Settings, key: str) -> object:
    """Return the value of a setting by its full name."""
    return getattr(settings.facility if key in _OF_FACILITY else settings, _last(key))


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def environment_name(key: str) -> str:
    """Return the variable that sets a key: `facility.time_zone` → `ICAT_TUI_FACILITY_TIME_ZONE`."""
    return ENVIRONMENT_PREFIX + key.replace(".", "_").upper()


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Return (key, value, origin) of every setting, printable anywhere, with what is secret masked."""
    return [(key, _shown(settings, key), settings.origin.get(key, DEFAULT)) for key in KEYS]


def _shown(settings: Settings, key: str) -> str:
    value = value_of(settings, key)
    if value is None:
        return KEYS[key].none or "not set"
    if KEYS[key].secret:
        return f"set (from {settings.origin.get(key, DEFAULT)})"
    return visible(KEYS[key].show(value)) or "none"


# -- what follows from them ------------------------------------------------------------------------------------------


def state_directory(settings: Settings) -> Path:
    """Return the directory of the journal and the locks (interface.md, "Journal").

    That is `state_dir`; else one beside the cache, `<cache-dir>-state`, so that all who share a cache share a journal
    and nobody deletes it with the cache; else the user's own.
    """
    if settings.state_dir:
        return Path(settings.state_dir)
    if settings.cache_dir:
        return Path(f"{os.path.abspath(settings.cache_dir)}-state")
    return _directories().user_state_path


def journal_path(settings: Settings) -> Path:
    """Return where the journal is, or will be."""
    return state_directory(settings) / JOURNAL


# -- the file to start from ------------------------------------------------------------------------------------------

_TEMPLATE_HEAD = f"""\
# Settings of icat-tui. Every line below that starts with "#" and no blank shows a default: take the "#" away to
# change it, and that of the [table] above it. An empty text means "not set".
#
# Later ones win:
# - these defaults
# - Beacon, asked only when queue, icatplus or the API key stand nowhere below; an empty text or list counts as standing
# - the site's config.toml, then the user's
# - environment variables: {environment_name("cache_dir")} for cache_dir, {environment_name("facility.time_zone")} for
#   time_zone in [facility]; lists by commas, tables as NAME=VALUE,NAME=VALUE
# - options of the command line: --cache-dir for cache_dir
# A list or a table takes the place of the one before it.
#
# Durations: "30s", "12h", "7d", "1h30m", or a number of seconds. Paths are absolute or start with "~".
"""


def template() -> str:
    """Return the `config.toml` of `icat-tui config --init`: every setting with its default, commented out.

    A line that starts with `#` and no blank is a setting; taking all those marks away changes nothing.
    """
    defaults = Settings()
    scalars = [key for key in KEYS if "file" not in KEYS[key].not_in and not isinstance(value_of(defaults, key), dict)]
    parts = [_TEMPLATE_HEAD]
    for table, keys in groupby(scalars, key=lambda key: key.rpartition(".")[0]):
        parts += [f"\n#[{table}]\n"] if table else []
        parts += [f"\n# {KEYS[key].says}\n#{_last(key)} = {_toml(defaults, key)}\n" for key in keys]
    for key, declared in KEYS.items():
        if isinstance(entries := value_of(defaults, key), dict):
            lines = "".join(f"#{json.dumps(name)} = {json.dumps(entry)}\n" for name, entry in entries.items())
            parts.append(f"\n# {declared.says}\n#[{key}]\n{lines}")
    return "".join(parts)


def write_template(path: Path) -> None:
    """Write the template where no file is; raises `UsageError` when there is one, `SaveError` when it can't be."""
    write_new(path, template())


def _toml(settings: Settings, key: str) -> str:
    value = value_of(settings, key)
    if value is None:
        return json.dumps(KEYS[key].none)
    if isinstance(value, tuple):
        return json.dumps([values.show(each) for each in value])
    return json.dumps(values.show(value) if isinstance(value, timedelta) else value)


# -- which of two wins -----------------------------------------------------------------------------------------------


class Given(NamedTuple):
    """A value that a source gave, read, and the source."""

    value: Any
    origin: str


Layer = dict[str, Given]
"""What one source gives, by full name."""


def user_file() -> Path:
    """Return the path of the user's `config.toml`."""
    return _directories().user_config_path / FILE_NAME


def site_files() -> tuple[Path, ...]:
    """Return the paths of the site's `config.toml`, the strongest last: desktops put a directory before /etc/xdg."""
    found = _directories().site_config_dir.split(os.pathsep)
    return tuple(Path(directory) / FILE_NAME for directory in reversed(found))


def _directories() -> PlatformDirs:
    return PlatformDirs("icat-tui", appauthor=False, multipath=True)


def load(  # noqa: PLR0913 - all that is looked at, and each can be replaced
    arguments: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    site: Sequence[Path] | None = None,
    user: Path | None = None,
    beacon: BeaconReader = read_icat_servers,
    beacon_default: str | None = None,
) -> Settings:
    """Return the settings in force; raises `UsageError` naming the key, where it stands and what would be right.

    `arguments` holds values by key as the command line has them: None, False and an empty list are "not given", and
    what is no key (a selection) is passed over. `site` and `user` are config files, by default the platform's;
    `--config` takes the place of the user's. Beacon is asked last and only when nothing else says one of `queue`,
    `icatplus` and the API key: at `BEACON_HOST`, else at `beacon_default`, which may be absent without a word.
    """
    stated = _merge([_from_environment(environ), _from_arguments(arguments)])
    named = stated["config"].value if "config" in stated else None
    layers = [_from_file(each) for each in (site_files() if site is None else site)]
    layers.append(_from_file(Path(named), required=True) if named else _from_file(user or user_file()))
    given = _merge([*layers, stated])
    if "api_key_file" in given and (key_file := given["api_key_file"].value):
        given["api_key"] = Given(read_key_file(Path(key_file)), visible(key_file))
    from_beacon, warnings = _from_beacon(given.keys(), environ, beacon, beacon_default)
    return _settings(from_beacon | given, warnings)


def _merge(layers: Iterable[Layer]) -> Layer:
    """Return what holds when the later one wins; the API key and a file with it are one thing said in two ways."""
    merged: Layer = {}
    for layer in layers:
        said = [key for key in ("api_key", "api_key_file") if key in layer and layer[key].value]
        if len(said) > 1:
            where = " and ".join(dict.fromkeys(layer[key].origin for key in said))
            raise UsageError(f"{where}: api_key and api_key_file are both given; leave one of them out")
        for key in said:
            merged.pop("api_key_file" if key == "api_key" else "api_key", None)
        merged |= layer
    return merged


def _settings(given: Layer, warnings: tuple[str, ...]) -> Settings:
    origin = {key: each.origin for key, each in given.items()}
    facility = {_last(key): each.value for key, each in given.items() if key in _OF_FACILITY}
    own = {_last(key): each.value for key, each in given.items() if key not in _OF_FACILITY}
    return Settings(**own, facility=Facility(**facility), origin=origin, warnings=warnings)


# -- the sources -----------------------------------------------------------------------------------------------------


def _from_file(file: Path, *, required: bool = False) -> Layer:
    origin = visible(str(file))
    content = read_config(file, required=required)
    table = content.pop("facility", {})
    if not isinstance(table, dict):
        raise UsageError(f"{origin}: facility must be a table; start it with a line [facility]")
    content |= {f"facility.{key}": value for key, value in table.items()}
    layer: Layer = {}
    for key, value in content.items():
        if key not in KEYS:
            closest = _in_words(_closest(key, KEYS))
            raise UsageError(f"{origin}: there is no setting {visible(_in_words(key))}; the closest is {closest}")
        place = f"{origin}: {_in_words(key)}"
        if KEYS[key].read in (values.path, values.paths) and any(map(values.is_relative, _elements(value))):
            raise UsageError(f"{place}: a path in a file must be absolute, or below ~")
        layer[key] = Given(_read(key, value, "file", place), origin)
    return layer


def _from_environment(environ: Mapping[str, str]) -> Layer:
    keys = {environment_name(key): key for key in KEYS}
    layer: Layer = {}
    for variable in sorted(each for each in environ if each.startswith(ENVIRONMENT_PREFIX)):
        if variable not in keys:
            closest = _closest(variable, keys)
            raise UsageError(f"there is no setting for the variable {visible(variable)}; the closest is {closest}")
        value = _read(keys[variable], environ[variable], "environment", variable)
        layer[keys[variable]] = Given(value, variable)
    return layer


def _from_arguments(arguments: Mapping[str, object]) -> Layer:
    layer: Layer = {}
    for key, value in arguments.items():
        if key not in KEYS or value is None or value is False or value in ([], ()):
            continue
        option = f"--{key.replace('_', '-')}"
        layer[key] = Given(_read(key, value, "argument", option), option)
    return layer


def _from_beacon(
    known: Collection[str], environ: Mapping[str, str], beacon: BeaconReader, default: str | None
) -> tuple[Layer, tuple[str, ...]]:
    """Return what Beacon says of the keys that nothing else says, and what a person should be told about it."""
    named = environ.get("BEACON_HOST", "")
    missing = [key for key in ("queue", "icatplus", "api_key") if key not in known]
    if not missing or not (named or default):
        return {}, ()
    try:
        host, port = parse_beacon_host(named or default or "")
    except ValueError as error:
        return {}, (f"BEACON_HOST is {named or default!r}: {error}. Beacon is not asked",)
    origin = visible(f"Beacon {host}:{port}")
    answer = beacon(host, port, BEACON_TIMEOUT if named else BEACON_DEFAULT_TIMEOUT)
    if isinstance(answer, BeaconFailure):
        silent = not named and not answer.answered
        return {}, () if silent else (f"{origin} told nothing: {visible(answer.reason)}. Going on without it",)
    said = {"queue": answer.metadata_urls, "icatplus": answer.elogbook_url, "api_key": answer.elogbook_token}
    layer: Layer = {}
    warnings: list[str] = []
    for key in missing:
        try:
            if said[key]:
                layer[key] = Given(_read(key, said[key], "beacon", origin), origin)
        except UsageError as error:  # not the mistake of whoever runs this
            warnings.append(f"{error}. Going on without it")
    return layer, tuple(warnings)


def _read(key: str, value: object, kind: str, place: str) -> object:
    declared = KEYS[key]
    if kind in declared.not_in:
        raise UsageError(f"{place}: {declared.not_in[kind]}")
    try:
        return declared.read(declared.split(value) if kind == "environment" else value)
    except ValueError as error:
        raise UsageError(f"{place}: {error}") from error


def _elements(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _in_words(key: str) -> str:
    table, _, last = key.rpartition(".")
    return f"{last} in [{table}]" if table else last


def _closest(key: str, known: Iterable[str]) -> str:
    return difflib.get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0)[0]

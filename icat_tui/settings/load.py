"""Loading of settings from files, the environment, arguments and Beacon (interface.md, "Settings").

What must stay true: later sources win, in the order defaults, Beacon, the site's and the user's `config.toml`,
`ICAT_TUI_*`, arguments.
"""

import difflib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.settings import values
from icat_tui.settings.beacon import BeaconFailure, IcatServers, parse_beacon_host, read_icat_servers
from icat_tui.settings.files import read_config, read_key_file
from icat_tui.settings.schema import (
    ENVIRONMENT_PREFIX,
    KEYS,
    OF_FACILITY,
    HomeUnknownError,
    Settings,
    environment_name,
    last_part,
    own_directory,
    platform_directories,
)
from icat_tui.text import visible

FILE_NAME = "config.toml"
LOGIN = ("facility.broker_login", "facility.broker_passcode")
BEACON_TIMEOUT = 3.0
"""Seconds for the Beacon that `BEACON_HOST` names (icat.md, "Beacon")."""
BEACON_DEFAULT_TIMEOUT = 1.0
"""Seconds for the default Beacon."""

BeaconReader = Callable[[str, int, float], IcatServers | BeaconFailure]
"""Function with the arguments of `beacon.read_icat_servers`: host, port, seconds."""


class Given(NamedTuple):
    """Value of a setting as it was read, with its source."""

    value: Any
    origin: str
    warning: str = ""
    """What is wrong with it, for a person, where it counts all the same."""


Layer = dict[str, Given]
"""Values of one source by the full names of the settings."""


def user_file() -> Path:
    """Return the path of the user's `config.toml`. Raises HomeUnknownError."""
    return own_directory("config") / FILE_NAME


def site_files() -> tuple[Path, ...]:
    """Return the paths of the site's `config.toml`, the winning one last: desktops put a directory before /etc/xdg."""
    found = platform_directories().site_config_dir.split(os.pathsep)
    return tuple(Path(directory) / FILE_NAME for directory in reversed(found))


def load(  # noqa: PLR0913 - all sources, each of which can be replaced
    arguments: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    site: Sequence[Path] | None = None,
    user: Path | None = None,
    beacon: BeaconReader = read_icat_servers,
    beacon_default: str | None = None,
) -> Settings:
    """Return the settings in force.

    Raises `UsageError` that names the key, its source and a correct value. `arguments` holds values by key as the
    command line has them: None, False and an empty list are "not given", and names that are no settings (a selection)
    are ignored. `site` and `user` are config files, by default the platform's; `--config` replaces the user's. Beacon
    is asked last and only where `queue`, `icatplus` or the API key is in no other source: at `BEACON_HOST`, else at
    `beacon_default`, which may be absent without a warning.
    """
    environment, named_here = _from_environment(environ), _from_arguments(arguments)
    stated = _merge([environment, named_here])
    named = stated["config"].value if "config" in stated else None
    layers = [_from_file(each) for each in (site_files() if site is None else site)]
    layers.append(_from_file(Path(named), required=True) if named else _from_user_file(user))
    given = _merge([*layers, stated])
    login_for = _login_for([*layers, environment, named_here])
    if "api_key_file" in given and (key_file := given["api_key_file"].value):
        given["api_key"] = Given(read_key_file(Path(key_file)), visible(key_file))
    from_beacon, warnings = _from_beacon(given.keys(), environ, beacon, beacon_default)
    given = from_beacon | given
    odd = [each.warning for each in given.values() if each.warning]
    return _settings(given, login_for, (*warnings, *odd, *_without_login(given, login_for)))


def _login_for(sources: Sequence[Layer]) -> tuple[BrokerAddress, ...]:
    """Return the brokers that get login and passcode: those that are named where these stand, in one file most often.

    Another address, from the command line or from Beacon, may be anybody's.
    """
    holders: list[Layer] = [next((layer for layer in reversed(sources) if key in layer), {}) for key in LOGIN]
    named = [layer["queue"].value if "queue" in layer else () for layer in holders if layer]
    return tuple(address for address in (named[0] if named else ()) if all(address in each for each in named))


def _without_login(given: Layer, login_for: Sequence[BrokerAddress]) -> Iterator[str]:
    """Yield a warning about brokers that don't get the login that the settings have."""
    login, queue = (given[key].value if key in given else None for key in ("facility.broker_login", "queue"))
    others = [str(address) for address in queue or () if address not in login_for]
    if login and others:
        yield (
            f"{', '.join(others)} ({given['queue'].origin}) gets no login: broker_login is for the brokers that queue "
            f"names in {given['facility.broker_login'].origin}"
        )


def _merge(layers: Iterable[Layer]) -> Layer:
    """Return all layers in one, later ones winning.

    `api_key` and `api_key_file` are two forms of one setting: the one in a later layer replaces the other. Raises
    `UsageError` where one layer has both.
    """
    merged: Layer = {}
    for layer in layers:
        forms = [key for key in ("api_key", "api_key_file") if key in layer and layer[key].value]
        if len(forms) > 1:
            where = " and ".join(dict.fromkeys(layer[key].origin for key in forms))
            raise UsageError(f"{where}: api_key and api_key_file are both given; leave one of them out")
        for key in forms:
            merged.pop("api_key_file" if key == "api_key" else "api_key", None)
        merged |= layer
    return merged


def _settings(given: Layer, login_for: tuple[BrokerAddress, ...], warnings: tuple[str, ...]) -> Settings:
    origin = {key: each.origin for key, each in given.items()}
    facility = {last_part(key): each.value for key, each in given.items() if key in OF_FACILITY}
    own = {last_part(key): each.value for key, each in given.items() if key not in OF_FACILITY}
    return Settings(**own, facility=Facility(**facility), login_for=login_for, origin=origin, warnings=warnings)


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
        if KEYS[key].read is values.flag and not isinstance(value, bool):
            raise UsageError(f"{place}: {value!r} is not true or false, without quotes")
        layer[key] = Given(_read(key, value, "file", place), origin, _warning(key, value, place))
    return layer


def _warning(key: str, value: object, place: str) -> str:
    """Return what a person should change in a value of a file that was read well; empty: nothing."""
    if KEYS[key].read in (values.duration, values.duration_or_never) and values.in_seconds(value):
        return f'{place}: a duration needs its unit, as in "{value}s": later versions refuse it'
    if KEYS[key].read is values.keys and (old := values.old_key_ids(value)):
        return f"{place}: {', '.join(f'{before} is called {now} now' for before, now in old.items())}"
    return ""


def _from_user_file(file: Path | None) -> Layer:
    try:
        return _from_file(file or user_file())
    except HomeUnknownError:
        return {}


def _from_environment(environ: Mapping[str, str]) -> Layer:
    keys = {environment_name(key): key for key in KEYS}
    layer: Layer = {}
    for variable in sorted(each for each in environ if each.startswith(ENVIRONMENT_PREFIX)):
        if variable not in keys:
            closest = _closest(variable, keys)
            raise UsageError(f"there is no setting for the variable {visible(variable)}; the closest is {closest}")
        key, value = keys[variable], environ[variable]
        known = _read(key, value, "environment", variable)
        table = values.split_table(value) if KEYS[key].read is values.keys else value
        layer[key] = Given(known, variable, "" if table is value else _warning(key, table, variable))
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
    """Return Beacon's values for settings that no other source has, and warnings for a person."""
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
    found = {"queue": answer.metadata_urls, "icatplus": answer.elogbook_url, "api_key": answer.elogbook_token}
    layer: Layer = {}
    warnings: list[str] = []
    for key in missing:
        try:
            if found[key]:
                layer[key] = Given(_read(key, found[key], "beacon", origin), origin)
        except UsageError as error:  # not a mistake of the person who runs this
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

"""Settings as a command line repeats them: those that no settings file holds, as options and as variables.

What must stay true: no key, login or passcode is in what is made here.
"""

from collections.abc import Collection, Iterator

from icat_tui.settings.schema import ENVIRONMENT_PREFIX, KEYS, Settings, environment_name, value_of
from icat_tui.settings.values import without_login

GIVEN = ("--", ENVIRONMENT_PREFIX)
"""Beginnings of the origins of what a person gave, on the command line or in the environment."""
BEACON = "Beacon "
"""Beginning of the origin of what Beacon told."""
WITHOUT_OPTION = (
    "state_dir",
    "api_key_file",
    "pending_timeout",
    "verify_wait",
    "recheck_age",
    "settle_time",
    *(key for key in KEYS if key.startswith("facility.") and not key.startswith("facility.broker_")),
)
"""Settings that no command has an option for, and that change what is sent or how it is judged."""


def is_given(settings: Settings, key: str, *, beacon: bool = False) -> bool:
    """Return whether a setting comes from the command line or the environment, or, if told so, from Beacon."""
    return settings.origin.get(key, "").startswith((*GIVEN, BEACON) if beacon else GIVEN)


def options(settings: Settings, keys: Collection[str], *, beacon: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the options for those of these settings that are given, once for each of several values."""
    for key in keys:
        if is_given(settings, key, beacon=beacon):
            value = value_of(settings, key)
            for one in value if isinstance(value, tuple) else (value,):
                yield f"--{key.replace('_', '-')}", without_login(one).replace("***@", "")


def variables(settings: Settings, keys: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the variables for those of these settings that are given.

    A list with a comma in it, which would be read back as something else, is left out.
    """
    for key in keys:
        if is_given(settings, key):
            value = value_of(settings, key)
            if not (isinstance(value, tuple) and any("," in str(one) for one in value)):
                yield environment_name(key), "" if value is None else KEYS[key].show(value)

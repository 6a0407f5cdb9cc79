"""Template of `config.toml`: every setting with its default, commented out (interface.md, "Settings")."""

import json
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from icat_tui.settings import values
from icat_tui.settings.files import write_new
from icat_tui.settings.schema import KEYS, Settings, environment_name, last_part, value_of

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
        parts += [f"\n# {KEYS[key].description}\n#{last_part(key)} = {_toml(defaults, key)}\n" for key in keys]
    for key, declared in KEYS.items():
        if isinstance(entries := value_of(defaults, key), dict):
            lines = "".join(f"#{json.dumps(name)} = {json.dumps(entry)}\n" for name, entry in entries.items())
            parts.append(f"\n# {declared.description}\n#[{key}]\n{lines}")
    return "".join(parts)


def write_template(path: Path) -> None:
    """Write the template to a new file.

    Raises `UsageError` when the file exists, `SaveError` when it can't be written.
    """
    write_new(path, template())


def _toml(settings: Settings, key: str) -> str:
    value = value_of(settings, key)
    if value is None:
        return json.dumps(KEYS[key].none)
    if isinstance(value, tuple):
        return json.dumps([values.show(each) for each in value])
    return json.dumps(values.show(value) if isinstance(value, timedelta) else value)

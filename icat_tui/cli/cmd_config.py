"""`icat-tui config`: prints the settings in force and where each one comes from.

What must stay true: no secret is shown.
"""

import os
from argparse import Namespace
from pathlib import Path

from icat_tui.cli.console import write, write_lines
from icat_tui.cli.context import Run
from icat_tui.domain.errors import ExitCode, UsageError
from icat_tui.report.jsonl import json_line
from icat_tui.report.lines import Line
from icat_tui.settings import values
from icat_tui.settings.load import user_file
from icat_tui.settings.schema import DEFAULT, describe, environment_name
from icat_tui.settings.template import write_template

VALUE_WIDTH = 40
"""Columns for a value; a longer one pushes its origin to the right."""


def config(run: Run) -> ExitCode:
    """Print every setting with its value and origin."""
    described = describe(run.settings)
    if run.arguments.json:
        for key, value, origin in described:
            write(json_line({"type": "setting", "key": key, "value": value, "origin": origin}) + "\n")
        return ExitCode.DONE
    width = max(len(key) for key, _, _ in described)
    write_lines(
        Line(f"{key:{width}}  {value:{VALUE_WIDTH}}  {origin}", "grey" if origin == DEFAULT else "")
        for key, value, origin in described
    )
    return ExitCode.DONE


def write_config(arguments: Namespace) -> ExitCode:
    """Write a commented settings file at the path of `--config`, else the user's; no settings file is read.

    Raises UsageError where that file is there already, SaveError where it can't be written.
    """
    named = arguments.config or os.environ.get(environment_name("config"))
    path = _path(named) if named else user_file()
    write_template(path)
    if not (arguments.quiet or arguments.json):
        write_lines([Line(f"wrote {path}: every setting is in it, commented out")])
    return ExitCode.DONE


def _path(named: str) -> Path:
    try:
        return Path(values.path(named) or named)
    except ValueError as error:
        raise UsageError(f"--config: {error}") from error

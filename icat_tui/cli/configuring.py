"""`icat-tui config`: the settings in force and where each one comes from."""

import sys
from argparse import Namespace
from pathlib import Path

from icat_tui.cli.output import write_lines
from icat_tui.domain.errors import ExitCode
from icat_tui.settings import Settings, describe, user_file, write_template
from icat_tui.sync.cancel import Cancellation
from icat_tui.sync.records import json_line
from icat_tui.sync.report import Line


def config(settings: Settings, asked: Namespace, cancellation: Cancellation) -> ExitCode:
    """Print every setting with its value and origin, or write a commented file with `--init`.

    Raises UsageError where that file is there already.
    """
    if asked.init:
        path = Path(settings.config) if settings.config else user_file()
        write_template(path)
        if not asked.quiet:
            write_lines([Line(f"wrote {path}: every key is there, commented out")])
        return ExitCode.DONE
    described = describe(settings)
    if asked.json:
        for key, value, origin in described:
            sys.stdout.write(json_line({"type": "setting", "key": key, "value": value, "origin": origin}) + "\n")
        return ExitCode.DONE
    widths = [max(len(row[column]) for row in described) for column in (0, 1)]
    write_lines(
        Line(f"{key:{widths[0]}}  {value:{widths[1]}}  {origin}".rstrip(), "" if origin != "default" else "grey")
        for key, value, origin in described
    )
    return ExitCode.DONE

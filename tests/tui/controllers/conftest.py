"""Programs that the commands of the log call."""

from pathlib import Path

import pytest

from icat_tui.report.shell_command import CommandCall


@pytest.fixture
def noting(tmp_path: Path) -> CommandCall:
    """A call of a program that prints its arguments, and a variable."""
    program = tmp_path / "icat $tui"
    program.write_text('#!/bin/bash\nprintf \'%s\\0\' "$ICAT_TUI_STATE_DIR" "$@"\n')
    program.chmod(0o755)
    options = (("--config", "/a b/it's.toml"), ("--queue", "a:1"), ("--queue", "b:2"))
    variables = (("ICAT_TUI_STATE_DIR", "/$(reboot) \udcff"),)
    return CommandCall(program=(str(program),), common=options, roots=("/data/a b",), variables=variables)

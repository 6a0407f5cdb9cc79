"""The program run as people run it, and what it said."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fieldkit.facility import TrueSession

PATIENCE = 30.0
"""Seconds that a test waits for what must happen at once: the machine may be busy."""


@dataclass
class Ran:
    """A program that has ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The record that comes last, and only there."""
        *before, last = self.records
        assert last["type"] == "summary"
        assert last["exit_code"] == (self.code if self.code >= 0 else 128 - self.code)
        assert "summary" not in {record["type"] for record in before}
        return last

    @property
    def errors(self) -> list[str]:
        return [record["message"] for record in self.records if record["type"] == "error"]

    @property
    def sessions(self) -> dict[str, TrueSession]:
        """The sessions as the truth has them; datasets that are missing on disk are not in it."""
        return {
            record["path"]: TrueSession(
                category=record["category"],
                datasets={dataset["path"]: dataset["status"] for dataset in record["datasets"]},
            )
            for record in self.records
            if record["type"] == "session"
        }


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment, which is clean, with settings."""
    return os.environ | {f"ICAT_TUI_{key.upper()}": value for key, value in settings.items()}


def run_program(*words: str, env: Mapping[str, str] | None = None, **options: Any) -> Ran:
    """Run `icat-tui` as a program, far from any terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "icat_tui", *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


Runner = Callable[..., Ran]


Registrar = Callable[..., Ran]

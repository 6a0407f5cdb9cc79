"""Standard input that a test types."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from icat_tui.cli.prompts import Questions

Asker = Callable[[str], Questions]


@contextmanager
def stdin_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[bytes]]:
    """Give what is read on stdin, to be written."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "wb", buffering=0) as typed:
        monkeypatch.setattr("sys.stdin", stdin)
        yield typed

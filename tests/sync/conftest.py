"""A data root for scans, and ways to hold them up."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty data root."""
    path = tmp_path / "data" / "visitor"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What hangs waits for this; at the end of the test all of it goes on, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hanging_disk(held: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], threading.Event]:
    """Return a function that makes listings below a path hang; it returns what is set once one does."""

    def hang(path: str) -> threading.Event:
        scandir, hangs = os.scandir, threading.Event()

        def hanging(place: str) -> object:
            if str(place).startswith(path):
                hangs.set()
                held.wait()
            return scandir(place)

        monkeypatch.setattr(os, "scandir", hanging)
        return hangs

    return hang

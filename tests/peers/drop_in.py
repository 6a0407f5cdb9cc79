"""Plugin of pytest that puts our client and programs in the place of pyicat-plus' in the tests of pyicat-plus 3.1.

    python -m pytest -p tests.peers.drop_in -p no:cacheprovider --pyargs pyicat_plus.tests.test_icat_datasets

`software` names the program that sent a message: ours is expected. What `IcatClient` leaves out (icat.md, "Python
client"), and tests only need for their preparation, is done by the client of pyicat-plus.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyicat_plus.apps import add_files, store_from_file, store_processed, store_raw
from pyicat_plus.client._internal.metadata import IcatMetadataClient
from pyicat_plus.concurrency import flush_queue
from pyicat_plus_pytest_plugin import pytest_plugin

import icat_tui
from icat_tui.catalogue.parse import parse_investigation
from icat_tui.cli import main
from icat_tui.domain import timeslot

DIRECTORIES = ("dataset/_", "dataset1/_", "dataset2/_", "processed", "relative/path/dataset")
"""Directories that the tests name below the home directory; ours must be there."""


class Client(icat_tui.IcatClient):
    """Our client, with a preparation that it leaves out."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._brokers_for_preparation = given["metadata_urls"]

    def start_investigation(self, **given: Any) -> None:
        client = IcatMetadataClient(queue_urls=self._brokers_for_preparation)
        client.start_investigation(**{"end_datetime": None, **given})
        client.disconnect()


class MetadataClient(Client):
    """Our client under the names of the part of pyicat-plus that sends datasets."""

    def __init__(self, queue_urls: list[str], monitor_port: int | None = None) -> None:
        super().__init__(metadata_urls=queue_urls)

    def check_health(self) -> None:
        """Do nothing: a broker that does not answer shows when something is sent."""

    def send_metadata(self, **given: Any) -> None:
        self.store_dataset(**given)

    def store_metadata(self, filename: str, **given: Any) -> None:
        self.store_dataset(**given, store_filename=filename)

    def send_metadata_from_file(self, filename: str) -> None:
        self.store_dataset_from_file(filename)


class FilesClient(icat_tui.IcatClient):
    """Our client in the place of the part of pyicat-plus that asks for files to be added."""

    def __init__(self, queue_urls: list[str], monitor_port: int | None = None) -> None:
        super().__init__(add_files_urls=queue_urls)

    def check_health(self) -> None:
        """Do nothing, as above."""


def program(name: str) -> Callable[[list[str]], None]:
    """Return one of our programs, called as those of pyicat-plus are."""

    def run(argv: list[str]) -> None:
        if code := getattr(main, name)(argv[1:]):
            sys.exit(code)

    return run


def select_investigation(rows: list[Any], date: Any = None, *, allow_open_ended: bool = True) -> Any:
    """Return the investigation that ours chooses among theirs."""
    zone = ZoneInfo("Europe/Paris")
    ours = [
        parse_investigation(
            {"id": row.id, "name": row.name, "startDate": row.start_date, "endDate": row.end_date}, zone
        )
        for row in rows
    ]
    fit = timeslot.choose(ours, date, zone, now=datetime.now(UTC), allow_open_ended=allow_open_ended)
    return next((row for row in rows if fit and row.id == fit.id), None)


def pytest_configure() -> None:
    """Put ours in the place of theirs."""
    pytest_plugin.IcatClient = Client
    pytest_plugin.IcatMetadataClient = MetadataClient
    pytest_plugin.IcatAddFilesClient = FilesClient
    for module in (add_files, store_from_file, store_processed, store_raw):
        module.main = program(module.__name__.rpartition(".")[2])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests choose with our rules, and expect our name in `software`."""
    from pyicat_plus.tests.utils import compare  # noqa: PLC0415 - late: pytest rewrites its assertions

    given = compare._set_expected_value
    ours = f"icat-tui_v{icat_tui.__version__}"

    def expect(expected: Any, value: Any, *keys: str) -> None:
        given(expected, ours if keys[-1] == "software" else value, *keys)

    compare._set_expected_value = expect
    modules: set[ModuleType] = {item.module for item in items if isinstance(item, pytest.Function)}
    for module in modules:
        if hasattr(module, "_select_investigation"):
            vars(module)["_select_investigation"] = select_investigation


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Give each test a journal of its own, as many send the same dataset, and the directories that it names."""
    for name in [name for name in os.environ if name.startswith("ICAT_TUI_") or name == "BEACON_HOST"]:
        del os.environ[name]
    for name in ("STATE", "CONFIG", "CACHE", "DATA"):
        os.environ[f"XDG_{name}_HOME"] = tempfile.mkdtemp()
    for directory in DIRECTORIES:
        (Path.home() / directory).mkdir(parents=True, exist_ok=True)
    os.chdir(Path.home())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Take away the messages that a test before left."""
    for name, value in getattr(item, "funcargs", {}).items():
        if name in ("icat_metadata_client", "icat_main_client"):
            list(flush_queue(value[1]))

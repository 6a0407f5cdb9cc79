"""The tests of pyicat-plus 3.1 for what `IcatClient` claims, with ours in its place (icat.md, "Python client").

Runs them with `drop_in`. What fails does so by intention, and nothing else may.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [pytest.mark.peers, pytest.mark.slow]

TESTS = ("test_icat_datasets", "test_icat_add_files", "test_cli", "test_icat_investigations")
LEFT_OUT = "not start_investigation and not start_bad and not reschedule"
"""Tests of what `IcatClient` leaves out."""
FAILING = {
    # The directory must be there: a typing mistake is not registered.
    "test_send_metadata_normpath[False]",
    "test_send_metadata_normpath[True]",
    # A relative path is made absolute; pyicat-plus sends it as it is, with a warning.
    "test_send_metadata_relative_path_warning[False]",
    "test_send_metadata_relative_path_warning[True]",
    # Doubts are logged, where pyicat-plus uses `warnings`; with `strict` they are a UsageError.
    "test_send_metadata_input_datasets_relative_path_warning[False]",
    "test_send_metadata_input_datasets_relative_path_warning[True]",
    "test_send_metadata_definition_warning[False]",
    "test_send_metadata_definition_warning[True]",
    # The same errors in other words: fields by the names that dictionaries have, the sample as what can't be read.
    "test_send_missing_data[True]",
    "test_send_missing_metadata",
    # The commands don't take times as now for a directory that is in no session.
    "test_store_raw",
    "test_store_raw_metadatafile",
    # The words of argparse.
    "test_add_files_needs_a_dataset_id",
    "test_add_files_rejects_a_dataset_id_that_is_not_a_number",
}
PASSING = 35


def test_all_but_what_differs_by_intention_pass(tmp_path: Path) -> None:
    if find_spec("pyicat_plus_pytest_plugin") is None:
        pytest.skip("pyicat-plus[test] is not installed: the extra `peers` brings it")
    ours = str(Path(__file__).parents[2])
    known = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "Europe/Paris", "PYTHONPATH": ours}
    known["TMPDIR"] = str(tmp_path)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-rfE", "-c", os.devnull, "--rootdir", str(tmp_path)),
        *("-p", "tests.peers.drop_in", "-p", "no:cacheprovider", "-p", "no:randomly", "-k", LEFT_OUT),
        *("--basetemp", str(tmp_path / "tmp"), "--pyargs", *(f"pyicat_plus.tests.{name}" for name in TESTS)),
    ]
    ran = subprocess.run(command, cwd=tmp_path, env=known, capture_output=True, text=True, timeout=120, check=False)
    failed = set(re.findall(r"^(?:FAILED|ERROR) \S*::(\S+)", ran.stdout, re.MULTILINE))
    assert failed == FAILING, ran.stdout[-4000:]
    assert f" {PASSING} passed" in ran.stdout

"""Tests of the list of hostile names."""

import os
from pathlib import Path

import pytest

from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS


def test_every_hostile_name_can_be_a_directory_with_a_file_named_after_it(tmp_path: Path) -> None:
    for name in HOSTILE_NAMES:
        dataset = tmp_path / name / f"{name}_0001"
        dataset.mkdir(parents=True)
        (dataset / f"{name}_0001.h5").touch()
    assert sorted(os.listdir(tmp_path)) == sorted(HOSTILE_NAMES)


@pytest.mark.parametrize("names", [HOSTILE_NAMES, HOSTILE_TEXTS])
def test_no_hostile_name_is_listed_twice(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)

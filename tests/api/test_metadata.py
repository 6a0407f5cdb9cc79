"""Metadata as scripts for pyicat-plus have it become plain values (icat.md, "Python client")."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from icat_tui.api.metadata import plain_metadata, required
from icat_tui.domain.errors import MessageError


class Model:
    """Stands for a model of icat-esrf-definitions."""

    def to_icat_dict(self) -> dict[str, str]:
        return {"Sample_name": "sA"}


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (np.array([1, 2]), [1, 2]),
        (np.array([[1.5, 2.0], [3.0, 4.0]]), [[1.5, 2.0], [3.0, 4.0]]),
        (np.array(7), 7),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.bool_(True), True),
        (np.array([], dtype=float), []),
        (np.datetime64("2026-01-31T08:00:00.5", "ns"), datetime(2026, 1, 31, 8, 0, 0, 500000)),  # noqa: DTZ001
        ((np.array([1]), [np.bool_(False)]), [[1], [False]]),
        ("text", "text"),
        (None, None),
    ],
    ids=repr,
)
def test_values_of_numpy_are_values_of_python(given: Any, plain: Any) -> None:
    metadata = {"FIELD": given}
    assert plain_metadata(metadata) == {"FIELD": plain}
    assert type(plain_metadata(metadata)["FIELD"]) is type(plain)
    assert metadata["FIELD"] is given


def test_numbers_of_numpy_are_written_as_they_are() -> None:
    assert str(plain_metadata({"FIELD": np.float32(0.1)})["FIELD"]) == "0.1"


def test_models_and_nothing_are_metadata_too() -> None:
    assert plain_metadata(Model()) == {"Sample_name": "sA"}
    assert plain_metadata(None) == {}
    with pytest.raises(MessageError, match="of type list"):
        plain_metadata([1])
    with pytest.raises(MessageError, match="field 1"):
        plain_metadata({1: 2})


def test_what_is_required_is_an_argument_or_a_field() -> None:
    assert required("path", "/a", "location", {"location": "/b"}) == "/a"
    assert required("path", None, "location", {"location": "/b"}) == "/b"
    for absent in ({}, {"location": ""}, {"location": None}):
        with pytest.raises(AssertionError, match="ICAT metadata field 'location' is missing"):
            required("path", "", "location", absent)

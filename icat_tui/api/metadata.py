"""Metadata of a dataset as scripts have it: a dictionary or a model of pyicat-plus, with values of numpy.

What must stay true: numpy and pydantic are never imported here, and what the caller gave is not changed.
"""

from collections.abc import Mapping
from numbers import Number
from typing import Any

from icat_tui.api.errors import MissingValueError
from icat_tui.domain.errors import MessageError


def plain_metadata(metadata: object) -> dict[str, Any]:
    """Return metadata as a dictionary of ICAT's fields with values of Python; empty for None.

    Takes a mapping, or an `IcatDatasetParameters` of icat-esrf-definitions. Raises MessageError for anything else.
    """
    if metadata is None:
        return {}
    as_fields = getattr(metadata, "to_icat_dict", None)
    if callable(as_fields):
        metadata = as_fields()
    if not isinstance(metadata, Mapping):
        raise MessageError(
            f"the metadata are of type {type(metadata).__name__}: give a dictionary of ICAT's fields, or an "
            "IcatDatasetParameters"
        )
    odd = next((name for name in metadata if not isinstance(name, str)), None)
    if odd is not None:
        raise MessageError(f"the metadata have a field {odd!r}: give the names of fields as text")
    return {name: _plain(value) for name, value in metadata.items()}


def _plain(value: object) -> object:
    """Return a value with what is of numpy in it as values of Python; all others are unchanged."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if not _is_of_numpy(value) or isinstance(value, Number | str):
        return value  # numpy's numbers are written as Python's are
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M":  # nanoseconds would become a whole number
        value = value.astype("datetime64[us]")  # type: ignore[attr-defined]  # an array or a moment of numpy
    return value.tolist()  # type: ignore[attr-defined]


def _is_of_numpy(value: object) -> bool:
    return any(each.__module__.partition(".")[0] == "numpy" for each in type(value).__mro__)


def required(argument: str, given: object, field: str, metadata: Mapping[str, Any]) -> str:
    """Return an argument as text; where it is not given, the field of the metadata that stands for it.

    Raises MissingValueError where there is neither.
    """
    value = given if given is not None and given != "" else metadata.get(field)
    if value is None or value == "":
        raise MissingValueError(f"ICAT metadata field '{field}' is missing: give {argument}, or {field} in metadata")
    return str(value)

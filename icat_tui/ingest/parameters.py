"""Conversion of a dataset's parameters to text, and their validation by the ICAT definitions.

With the extra `definitions` (icat-esrf-definitions) values are validated, converted and put in the order of the
definitions; without it they are converted only, in the order given (icat.md, "Value formats"). What must stay true: a
value that has no text is refused with the name of its field, never left out.
"""

import importlib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from numbers import Number
from typing import Any

from icat_tui.domain.errors import MessageError

DEEPEST_LIST = 2


@cache
def definitions() -> Any:
    """Return the model of ICAT's dataset parameters, or None where the extra `definitions` is not installed.

    It takes a second to import, so it is imported here, at the first message, and nowhere else.
    """
    if find_spec("icat_esrf_definitions") is None:
        return None
    return importlib.import_module("icat_esrf_definitions.models").IcatDatasetParameters


def parameter_texts(parameters: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """Return the parameters as text by name, and the problems that the definitions find, a line each.

    Raises MessageError for a value that has no text: a mapping, a list nested deeper than two, mixed types.
    """
    model = definitions()
    known: Mapping[str, object] = parameters
    unknown: Iterable[str] = ()
    issues: list[str] = []
    if model is not None:
        known, unknown, issues = _validated(model, parameters)
    values = dict(known) | {name: parameters[name] for name in unknown}
    texts = {
        name: _text(name, value, validated=model is not None) for name, value in values.items() if value is not None
    }
    return texts, issues


def _validated(model: Any, parameters: Mapping[str, object]) -> tuple[Mapping[str, object], list[str], list[str]]:
    """Return the known parameters in the order of the definitions, the names of the unknown ones, and the issues.

    Invalid values are kept as they were given and come after the valid ones; where the definitions need an invalid one
    (a required date that can't be read), all parameters stay as they were given.
    """
    problems: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            dataset, unknown = model.from_icat_dict_known_keys(dict(parameters))
            known = dataset.to_icat_dict()
        except (ValueError, TypeError) as error:
            known, unknown, problems = _partly_validated(model, parameters, error)
    issues = [str(warning.message) for warning in caught]
    issues += problems
    issues += [f"{name} is not a field that ICAT knows" for name in unknown]
    return known, unknown, issues


def _partly_validated(
    model: Any, parameters: Mapping[str, object], error: Exception
) -> tuple[Mapping[str, object], list[str], list[str]]:
    validation_error = importlib.import_module("pydantic").ValidationError
    if not isinstance(error, validation_error):
        return parameters, [], [str(error)]
    invalid = set(model.icat_field_names_with_validation_error(error))
    problems = [f"ICAT: {line.strip()}" for line in model.format_validation_error(error).splitlines()[1:]]
    try:
        dataset, unknown = model.from_icat_dict_known_keys(
            {name: value for name, value in parameters.items() if name not in invalid}
        )
        return (
            dataset.to_icat_dict() | {name: parameters[name] for name in parameters if name in invalid},
            unknown,
            problems,
        )
    except (ValueError, TypeError):
        # The issue that counts is the first one: a required field is among the invalid.
        return parameters, [], problems


def _text(name: str, value: object, depth: int = 0, *, validated: bool) -> str:
    """Return one value as text (icat.md, "Value formats"); `validated` says whether the definitions converted it."""
    match value:
        case str():
            return value
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise MessageError(f"{name} holds bytes that are not UTF-8: give it as text") from error
        case bool():
            return "true" if value else "false"
        case Number():
            return str(value)
        case datetime():
            return xml_time(value)
        case Sequence() if depth < DEEPEST_LIST:
            return _list_text(name, value, depth, validated=validated)
        case Sequence():
            raise MessageError(f"{name} is a list nested more than {DEEPEST_LIST} deep: flatten it")
    raise MessageError(
        f"{name} is of type {type(value).__name__}, which has no text in ICAT: give text, numbers or lists"
    )


def _list_text(name: str, values: Sequence[object], depth: int, *, validated: bool) -> str:
    items = [value for value in values if value is not None]
    if len({type(item) if validated or type(item) is not int else float for item in items}) > 1:
        raise MessageError(f"{name} is a list of mixed types: make them all text or all numbers")
    separator = "," if all(isinstance(item, str | bytes | Number) for item in items) else " "
    if depth == 0 and not validated:
        items, separator = _as_defined(name, items, separator)
    return separator.join(_text(name, item, depth + 1, validated=validated) for item in items)


ARRAYS_OF_WORDS = re.compile(
    r"(Sample|Instrument)\w*(Positioners|Sensors|Variables|InsertionDevice_gap|InsertionDevice_taper)_\w+"
    r"|InstrumentSlits_name"
)
ARRAYS_OF_NUMBERS = re.compile(
    r"Instrument(Slits|SlitPrimary|SlitSecondary)_(blade|vertical|horizontal)_\w+"
    r"|InstrumentBeam_incident_(energy|wavelength\w*)|FLUO_pixelSize|MXMRLigandFitting_ligand_XYZ"
)
LISTS_BY_SEMICOLON = frozenset({"DOI_keywords", "DOI_referenceURLs"})
"""Fields that the definitions know as arrays, and how these are written: without them messages are to be the same."""


def _as_defined(name: str, items: list[object], separator: str) -> tuple[list[object], str]:
    """Return the items of a list, and what stands between them, as the definitions would have them."""
    if name in LISTS_BY_SEMICOLON:
        return items, ";"
    if ARRAYS_OF_WORDS.fullmatch(name):
        return items, " "
    if ARRAYS_OF_NUMBERS.fullmatch(name) and all(isinstance(item, int | float) for item in items):
        return [float(item) for item in items if isinstance(item, int | float)], " "
    return items, separator


def xml_time(time: datetime) -> str:
    """Return a time as xs:dateTime: `Z` for UTC, 3 or 6 fractional digits where there are any, naive stays naive."""
    fraction = f".{time.microsecond:06d}".removesuffix("000") if time.microsecond else ""
    offset = time.utcoffset()
    if offset is None:
        zone = ""
    elif minutes := int(offset.total_seconds() // 60):
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    else:
        zone = "Z"
    return f"{time.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}{zone}"

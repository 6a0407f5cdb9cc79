"""Lists in messages without ICAT's definitions, which are written as with them."""

from datetime import UTC, datetime

import pytest

from icat_tui.ingest import parameters
from icat_tui.ingest.parameters import ARRAYS_OF_NUMBERS, definitions, parameter_texts

IDENTITY = {
    "Sample_name": "sA",
    "beamlineID": "id99",
    "datasetName": "0001",
    "proposal": "hg333",
    "location": "/data",
    "startDate": datetime(2023, 10, 19, 8, tzinfo=UTC),
    "endDate": datetime(2023, 10, 19, 9, tzinfo=UTC),
    "machine": "lid99",
    "software": "test",
    "complete": True,
}
FIELDS = (
    "SamplePositioners_name",
    "InstrumentPositioners_value",
    "InstrumentVariables_value",
    "InstrumentAttenuator07Positioners_value",
    "InstrumentDetector03Positioners_name",
    "InstrumentInsertionDevice_gap_value",
    "InstrumentEnvironmentSensors_value",
    "SampleEnvironmentSensors_name",
    "InstrumentBeam_incident_energy",
    "InstrumentBeam_incident_wavelength_weights",
    "InstrumentSlitPrimary_vertical_gap",
    "InstrumentSlits_blade_up",
    "InstrumentSlits_name",
    "FLUO_pixelSize",
    "MXMRLigandFitting_ligand_XYZ",
    "DOI_keywords",
    "input_datasets",
    "scanType",
    "nobody_knows_it",
)


@pytest.mark.skipif(definitions() is None, reason="the extra `definitions` is not installed")
@pytest.mark.parametrize("value", [[1, 2], [1.5, 2.5], ["a", "b"], [1e-9, 3.0]])
def test_lists_are_the_same_with_and_without_the_definitions(
    value: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [name for name in FIELDS if value != ["a", "b"] or not ARRAYS_OF_NUMBERS.fullmatch(name)]
    given = IDENTITY | dict.fromkeys(fields, value)
    with_them, _ = parameter_texts(given)
    monkeypatch.setattr(parameters, "definitions", lambda: None)
    without, _ = parameter_texts(given)
    assert {name: without[name] for name in fields} == {name: with_them[name] for name in fields}


@pytest.mark.usefixtures("no_definitions")
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("InstrumentSlits_blade_up", [1, 2.5], "1.0 2.5"),
        ("InstrumentSlits_blade_up", ["a"], "a"),
        ("InstrumentPositioners_value", [1, 2], "1 2"),
        ("InstrumentPositioners_name", ["sx", "sy"], "sx sy"),
        ("DOI_keywords", ["x", "y"], "x;y"),
        ("any", [1, 2, 3], "1,2,3"),
        ("any", [], ""),
        ("any", [True, False], "true,false"),
        ("any", [[1, 2], [3]], "1,2 3"),
        ("any", [None, 1, None, 2.5], "1,2.5"),
    ],
)
def test_fields_that_are_arrays_are_known_by_their_names(name: str, value: object, text: str) -> None:
    assert parameter_texts({name: value}) == ({name: text}, [])

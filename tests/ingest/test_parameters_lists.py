"""Lists in messages without ICAT's definitions, which are written as with them."""

import pytest

from icat_tui.ingest.parameters import parameter_texts


@pytest.mark.usefixtures("no_definitions")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2, 3], "1 2 3"),
        ([1.5, 2], "1.5 2"),
        ((1e-9,), "1e-09"),
        ([], ""),
        (["a", "b"], "a,b"),
        ([True, False], "true,false"),
        ([[1, 2], [3]], "1,2 3"),
        ([None, 1, None, 2], "1 2"),
    ],
)
def test_numbers_are_parted_by_blanks_and_texts_by_commas(value: object, text: str) -> None:
    assert parameter_texts({"any": value}) == ({"any": text}, [])

"""A facility on loopback where things can be registered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.place import Place
from tests.cli.place import serving as serving_icatplus
from tests.cli.sending import Circle, Ingester
from tests.ingest.conftest import FakeBroker, serving


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serving_icatplus() as icatplus:
        place = Place(tmp_path / "facility", icatplus)
        ingester = Ingester(place)
        with serving(FakeBroker(script=ingester)) as broker:
            yield Circle(place, broker, ingester, tmp_path / "state")

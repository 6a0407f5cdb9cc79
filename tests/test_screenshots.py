"""The pictures in `screenshots/` show the program as it is."""

import re
from pathlib import Path

import pytest

from tests.screenshots import BOX, PICTURES, SCREENSHOTS, draw_all

README = (SCREENSHOTS.parent / "README.md").read_text()


@pytest.mark.slow
def test_the_screenshots_are_as_they_would_be_drawn_now(tmp_path: Path) -> None:
    drawn = draw_all(tmp_path / "screenshots")
    stale = [path.name for path in drawn if path.read_text() != (SCREENSHOTS / path.name).read_text()]
    assert not stale, "draw them anew, and look at them: python -m tests.screenshots"
    assert not BOX.exists()


def test_there_is_no_screenshot_that_nobody_draws() -> None:
    assert {path.name for path in SCREENSHOTS.iterdir()} == {f"{name}.svg" for name in PICTURES}


def test_the_screenshots_show_no_other_directory_than_that_of_their_facility() -> None:
    for path in SCREENSHOTS.iterdir():
        shown = set(re.findall(r"/(?:tmp|home|root|usr|work)/[\w.-]*", path.read_text()))
        assert shown <= {str(BOX)}, path.name


def test_the_readme_shows_the_main_one() -> None:
    named = re.findall(r"!\[[^]]+\]\((screenshots/[^)]+)\)", README)
    assert named
    assert all((SCREENSHOTS.parent / path).is_file() for path in named)

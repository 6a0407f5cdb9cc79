"""Encoding of the names of files."""

import pytest

from icat_tui.encoding import names_are_utf8


@pytest.mark.parametrize(
    ("encoding", "utf8"), [("utf-8", True), ("UTF8", True), ("ascii", False), ("iso8859-1", False), ("utf-16", False)]
)
def test_names_are_utf8_whatever_that_is_called(monkeypatch: pytest.MonkeyPatch, encoding: str, utf8: bool) -> None:
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: encoding)
    assert names_are_utf8() is utf8

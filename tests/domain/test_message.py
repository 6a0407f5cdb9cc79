"""Tests of a message to ICAT as a value."""

import pytest

from icat_tui.domain.errors import MessageError
from icat_tui.domain.message import Action, Message


@pytest.mark.parametrize("body", [b"", b"a\0b"])
def test_a_body_that_stomp_would_cut_short_is_refused(body: bytes) -> None:
    with pytest.raises(MessageError, match="/x"):
        Message(action=Action.REGISTER, destination="icatIngest", body=body, dataset="/x")

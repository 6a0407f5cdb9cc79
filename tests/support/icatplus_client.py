"""Clients of ICAT+ for tests: their key and limits, and calls in threads of their own."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from tests.support.scripted_http_server import PATIENCE

PARIS = ZoneInfo("Europe/Paris")


KEY = "elogbook-0000aaaa-12+é/ %"
"""An API key with everything in it that is spelled differently in a URL."""


QUICK = Limits(connect=2.0, read=2.0, answer=5.0, backoff=0.001, longest_pause=0.05)


class Asking:
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._answers: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(call()), daemon=True)
        self._thread.start()

    def answer(self) -> Any:
        """Return the answer, once it is there."""
        self._thread.join(PATIENCE)
        assert self._answers, "the call never ended"
        return self._answers[0]


def seconds_to_close(client: IcatPlus, calls: Sequence[Asking]) -> float:
    """Close the client and return how long its calls outlived that; each must say that it was cancelled."""
    begin = time.monotonic()
    client.close()
    answers = [call.answer() for call in calls]
    elapsed = time.monotonic() - begin
    assert {answer.reason for answer in answers} == {"cancelled"}
    return elapsed

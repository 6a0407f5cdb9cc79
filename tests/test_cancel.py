"""A cancellation calls each of its callbacks once, whichever thread is first."""

import threading
from functools import partial

import pytest

from icat_tui.cancel import Cancellation, Cancelled


def test_whoever_waits_is_woken_once() -> None:
    cancellation, woken = Cancellation(), []
    cancellation.on_cancel(lambda: woken.append("before"))
    assert not cancellation
    cancellation.check()
    cancellation.cancel()
    cancellation.cancel()
    cancellation.on_cancel(lambda: woken.append("after"))
    assert woken == ["before", "after"]
    assert cancellation
    with pytest.raises(Cancelled):
        cancellation.check()


def test_calling_off_may_call_itself_off() -> None:
    cancellation, woken = Cancellation(), []
    cancellation.on_cancel(cancellation.cancel)
    cancellation.on_cancel(lambda: cancellation.on_cancel(lambda: woken.append(True)))
    cancellation.cancel()
    assert woken == [True]


def test_the_work_is_cancelled_before_a_callback_that_waits_has_returned() -> None:
    cancellation, may_return, returned = Cancellation(), threading.Event(), threading.Event()

    def wait() -> None:
        may_return.wait()
        returned.set()

    cancellation.on_cancel(wait)
    cancellation.cancel_unwaited()
    assert cancellation
    assert not returned.is_set()
    may_return.set()
    assert returned.wait(10)


@pytest.mark.parametrize("_attempt", range(20))
def test_everybody_is_woken_once_by_whichever_thread_is_first(_attempt: int) -> None:
    cancellation, start, woken = Cancellation(), threading.Barrier(3), list[int]()

    def register() -> None:
        start.wait()
        for number in range(20):
            cancellation.on_cancel(partial(woken.append, number))

    def call_off() -> None:
        start.wait()
        cancellation.cancel()

    threads = [threading.Thread(target=work) for work in (register, call_off, call_off)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(woken) == list(range(20))

"""Work on a thread of its own: who is told, what comes of it, and that it ends."""

import threading
import time

import numpy as np
import pytest

from nst_core import Cancelled, Settings, Stop, stylize
from nst_core.beside import beside
from tests.core.drawing import drawn


def steps(on_work, count=2000):
    """How many steps were made of so many, told after each."""
    for made in range(1, count + 1):
        time.sleep(0.001)
        if on_work(made / count):
            return made
    return count


def test_shares_are_told_in_order_on_the_thread_that_waits():
    told = []
    with beside(lambda on_work: steps(on_work, 50)) as working:
        assert working.outcome(lambda share: told.append((share, threading.get_ident()))) == 50
    assert [share for share, _ in told] == sorted({share for share, _ in told})
    assert told[-1][0] == working.so_far == 1
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_the_work_goes_on_before_anybody_comes_for_it():
    told = []
    with beside(lambda on_work: steps(on_work, 20)) as working:
        while working.so_far < 1:
            time.sleep(0.001)
        assert working.outcome(told.append) == 20
    assert told in ([1.0], [])  # the latest alone, where it was not done when they came


def test_the_one_who_is_told_can_end_it():
    with beside(steps) as working:
        assert 1 <= working.outcome(lambda share: share >= 0.01) < 1500


@pytest.mark.parametrize("where", ["before", "told"])
def test_what_is_raised_ends_it(where):
    made = []

    def work(on_work):
        made.append(steps(lambda share: made.append(share) or on_work(share)))

    def refuse(_):
        raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled), beside(work) as working:
        if where == "before":
            raise Cancelled
        working.outcome(refuse)
    assert threading.active_count() == before and len(made) < 1500


def test_what_the_work_raises_is_raised_to_who_comes_for_it():
    def work(on_work):
        on_work(0.5)
        raise MemoryError("none left")

    with pytest.raises(MemoryError, match="none left"), beside(work) as working:
        working.outcome(lambda _: False)


@pytest.mark.parametrize("answer", [Stop.CANCEL, Stop.FINISH])
def test_a_run_that_ends_while_it_fits_leaves_no_thread(answer):
    before, told, on = threading.active_count(), [], set()

    def report(progress):
        told.append(progress.stage)
        on.add(threading.get_ident())
        return answer if len(told) == 3 else None

    pictures = drawn(300, 400, seed=1), drawn(260, 330, seed=2)
    try:
        painted = stylize(*pictures, Settings(features="built-in", device="cpu", quality="draft"), report)
        assert answer is Stop.FINISH and np.abs(painted - pictures[0]).mean() > 0.02
    except Cancelled:
        assert answer is Stop.CANCEL
    assert set(told[:3]) == {"fitting"} and on == {threading.get_ident()}
    assert threading.active_count() == before

"""What a caller is told of a run that does not go as planned."""

import pytest
import torch

from nst_core.clock import Clock
from nst_core.progress import Cancelled, Stop
from nst_core.pyramid import Scale

SCALES = [Scale(60, 80, 8), Scale(120, 160, 6)]
PICTURE = torch.zeros(1, 3, 60, 80)


def clock(report, scales=SCALES):
    return Clock(scales, "built-in", torch.device("cpu"), 1e5, 120 * 160, report)


@pytest.mark.parametrize("first", [1, 5])
def test_the_first_loss_may_come_late(first):
    """Where all of the first scale's numbers leave their range, nothing is told of it; what is left then is."""
    told = []
    one = clock(told.append)
    one.begin()
    for step in range(first, 7):
        one.at(1)(step, 1.0, PICTURE)
    one.all_painted(1, 6, 1.0)
    assert told[-1].fraction == told[-2].fraction < 1 and told[-1].seconds_left > 0
    one.finished(1, 6, 1.0)
    assert told[-1].fraction == 1 and told[-1].seconds_left is None
    assert all(progress.seconds_left is None or progress.seconds_left >= 0 for progress in told)


def test_a_scale_that_begins_anew_does_not_move_the_bar_back():
    told = []
    one = clock(told.append)
    for step in (1, 2, 3, 1, 2, 3, 4):
        one.at(0)(step, 1.0, PICTURE)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions) and fractions[0] < fractions[-1] < 1


def test_answers_end_the_run():
    with pytest.raises(Cancelled):
        clock(lambda _: Stop.CANCEL).begin()
    one = clock(lambda progress: Stop.FINISH if progress.stage == "laying out" else None)
    one.fitted(1.0)
    assert one.laid_out(0.5) and one.at(0)(1, 1.0, PICTURE) is Stop.FINISH

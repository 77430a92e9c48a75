"""Looks into a run of the engine without changing it: its fit, its searches, what an evaluation computes.

The engine's one callback tells the loss, not the whole picture or the objective. So two of its functions are wrapped
while a run is watched; the wrapped ones are the engine's own, so that what is measured is what an artist gets.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from nst_core import painting, weights
from nst_core.objective import Objective
from nst_core.optimize import Minimum, Search
from nst_core.progress import Stop
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully

OnEvaluation = Callable[["Scale", int, float, torch.Tensor], "Stop | None"]


@dataclass(frozen=True)
class Scale:
    """One scale that the engine searches: its number from 0, what it minimises, from where, and how."""

    number: int
    objective: Objective
    start: torch.Tensor
    search: Search


@dataclass
class Fit:
    """When the features were at hand, in seconds of :func:`time.monotonic`, and how long it took to get them."""

    seconds: float = math.nan
    done: float = math.nan


@contextmanager
def watched(on_scale: Callable[[Scale], None], on_evaluation: OnEvaluation | None = None) -> Iterator[Fit]:
    """While this lasts, every run tells ``on_scale`` each scale before its search, and ``on_evaluation`` each picture.

    What ``on_evaluation`` returns goes before what the run's own callback does.
    """
    fit, sizes = Fit(), []
    real_network, real_minimise = weights.network, painting.minimise

    def network(*args, **kwargs):
        began = time.monotonic()
        made = real_network(*args, **kwargs)
        fit.done = time.monotonic()
        fit.seconds = fit.done - began
        return made

    def minimise(objective, start, search, own_callback):
        if sizes[-1:] != [start.shape]:  # the first scale may be searched twice
            sizes.append(start.shape)
        scale = Scale(len(sizes) - 1, objective, start, search)
        on_scale(scale)
        if on_evaluation is None:
            return real_minimise(objective, start, search, own_callback)

        def callback(count, loss, picture):
            own = own_callback(count, loss, picture)
            return on_evaluation(scale, count, loss, picture) or own

        return real_minimise(objective, start, search, callback)

    with patch.object(weights, "network", network), patch.object(painting, "minimise", minimise):
        yield fit


def finest_scale(content: np.ndarray, style: np.ndarray, settings: Settings) -> Scale:
    """The finest scale of the engine's run on these pictures, as set up, with nothing searched at any scale.

    Its start is therefore the prepared content, not what coarser scales would have made of it.
    """
    found = []

    def minimise(objective, start, search, _):
        found.append(Scale(len(found), objective, start, search))
        return Minimum(start, math.inf, 0, True)

    with patch.object(painting, "minimise", minimise):
        stylize_fully(content, style, settings)
    return found[-1]


def flops_of_an_evaluation(objective: Objective) -> int:
    """Floating-point operations of one evaluation's convolutions and matrix products, forward and backward.

    They are counted by PyTorch from the shapes that really go through it: all taps, all tiles with their margins.
    """
    picture = torch.rand(1, 3, objective.height, objective.width, device=objective.content.device)
    with FlopCounterMode(display=False) as counter:
        objective.evaluate(picture)
    return counter.get_total_flops()

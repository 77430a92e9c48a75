"""What a run tells its caller while it works, and what the caller may answer. The one callback of the project."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


class Stop(enum.Enum):
    """What a progress callback may return to end the run early; None lets it go on."""

    CANCEL = "cancel"  # give nothing: the run raises Cancelled
    FINISH = "finish"  # give the best picture so far: until there is an evaluation, what was found of the strokes


class Cancelled(Exception):
    """The progress callback asked to cancel; there is no picture."""


class DeviceError(Exception):
    """The device asked for is not there; the message says what to do. Here, so that no torch is needed to know it."""


@dataclass(frozen=True)
class Progress:
    """One report of a running stylisation.

    Attributes:
        stage: ``"fitting"`` the features, ``"laying out"`` the strokes, ``"painting"`` or ``"finishing"``, in this
            order; the second, which begins beside the first, only where the start has strokes.
        fraction: of the whole run's work that is done, 0 to 1; never falls.
        scale, scales: the number of the current scale, from 1, and how many there are.
        size: height and width of the current scale in pixels.
        step, steps: evaluations done and planned at this scale; before painting, none is done.
        loss: the current loss; None while there is none.
        seconds_left: estimate of the seconds until the result; None until there is one.
        features: ``"imagenet"``, ``"imagenet-v1"`` or ``"built-in"``: what the run uses.
        preview: makes a small float32 H×W×3 picture in [0, 1] of the state; None while there is none.
    """

    stage: str
    fraction: float
    scale: int
    scales: int
    size: tuple[int, int]
    step: int
    steps: int
    loss: float | None
    seconds_left: float | None
    features: str
    preview: Callable[[], np.ndarray] | None = None


ProgressCallback = Callable[[Progress], "Stop | None"]

"""Two searches of the same loss, recorded: plain single-scale L-BFGS, and the engine's own way through its scales.

The clock of a recording stands still while a picture is scored, so that looking costs nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from benchmarks.scores import Judge, Scores
from benchmarks.watch import Fit, Scale, watched
from nst_core import weights
from nst_core.contrast import sample
from nst_core.ink import ink_of
from nst_core.likeness import flatness
from nst_core.painting import Pictures, in_full
from nst_core.progress import Stop
from nst_core.pyramid import extent, resized
from nst_core.recipe import recipe
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully

PLAIN_EVERY, OURS_EVERY = 10, 3  # evaluations between two pictures that are scored
HISTORY = 100  # of plain L-BFGS: PyTorch's default


@dataclass(frozen=True)
class Point:
    """One evaluation: when, how many there were up to it, its scale from 0, the best loss at this scale so far, and
    the best picture's scores where it was scored."""

    seconds: float
    evaluations: int
    scale: int
    loss: float
    scores: Scores | None = None


@dataclass
class Trace:
    """The recording of one search; only points at the finest scale have the loss that searches are compared by.

    ``planned`` is how many evaluations the search wanted at its finest scale; ``fit`` what came before the clock's 0.
    """

    planned: int
    points: list[Point] = field(default_factory=list)
    finest: int = 0
    fit: Fit = field(default_factory=Fit)
    picture: np.ndarray | None = None

    def at_finest(self) -> list[Point]:
        return [point for point in self.points if point.scale == self.finest]

    @property
    def last(self) -> Point:
        return self.points[-1]


class _Recorder:
    """Writes a trace, with a clock that can be held. ``as_given`` makes of a searched picture the one to be had."""

    def __init__(self, judge: Judge, every: int, as_given: Callable[[torch.Tensor], np.ndarray]):
        self.judge, self.every, self.as_given = judge, every, as_given
        self.points: list[Point] = []
        self.best: torch.Tensor | None = None
        self._loss, self._scale, self._held, self._began = math.inf, None, 0.0, time.monotonic()

    def start_clock(self, since: float | None = None):
        """Seconds count from ``since``, a :func:`time.monotonic`, or from now."""
        self._began, self._held = since or time.monotonic(), 0.0

    def add(self, scale: int, step: int, loss: float, picture: torch.Tensor, scored: bool):
        now = time.monotonic()
        if scale != self._scale:
            self._scale, self._loss = scale, math.inf
        if loss < self._loss:
            self._loss, self.best = loss, picture.detach().clone()
        point = Point(now - self._began - self._held, len(self.points) + 1, scale, self._loss)
        # the first picture of a scale is where it starts from, and the next ones change the most
        if scored and (step % self.every == 0 or step == 1):
            point = self.scored(point)
        self.points.append(point)
        self._held += time.monotonic() - now

    def scored(self, point: Point) -> Point:
        scores = self.judge.scores(self.as_given(self.best))
        return Point(point.seconds, point.evaluations, point.scale, point.loss, scores)

    def finished(self, trace: Trace) -> Trace:
        """The trace with all points, the last of them scored."""
        self.points[-1] = self.scored(self.points[-1])
        trace.points, trace.finest, trace.picture = self.points, self.points[-1].scale, self.as_given(self.best)
        return trace


class _Enough(Exception):
    """Ends plain L-BFGS from inside its step."""


def plain(scale: Scale, content: np.ndarray, judge: Judge, evaluations: int) -> Trace:
    """L-BFGS with strong Wolfe line search on the engine's final loss, at its finest scale alone.

    It starts from the content itself; recolouring the start is the engine's idea. The targets are the same. Where its
    line search finds no lower loss any more, as gradients of low precision point nowhere, it begins anew from its best
    picture, as the engine's does, until all ``evaluations`` are made.
    """
    objective, recorder = scale.objective, _Recorder(judge, PLAIN_EVERY, as_array)
    start = torch.from_numpy(content).permute(2, 0, 1)[None]
    start = resized(start, objective.height, objective.width).clamp(0, 1).contiguous().to(scale.start.device)
    variable, count = torch.nn.Parameter(start), 0

    def closure():
        nonlocal count
        if count >= evaluations:
            raise _Enough
        loss, variable.grad = objective.evaluate(variable.detach())
        count += 1
        recorder.add(0, count, loss, variable, scored=True)
        return loss

    recorder.start_clock()
    with contextlib.suppress(_Enough):
        while True:
            optimizer = torch.optim.LBFGS(
                [variable],
                max_iter=evaluations,
                max_eval=evaluations + 1,
                tolerance_grad=0,
                tolerance_change=0,
                history_size=HISTORY,
                line_search_fn="strong_wolfe",
            )
            optimizer.step(closure)
            variable.data.copy_(recorder.best)
    return recorder.finished(Trace(planned=evaluations))


def ours(
    finest: Scale,
    content: np.ndarray,
    style: np.ndarray,
    settings: Settings,
    judge: Judge,
    wanted: float,
    evaluations: int,
) -> Trace:
    """The engine's run with ``settings``; its clock begins when the features are there, as the plain search's does.

    Where the quality's evaluations are used up and the loss is not yet ``wanted``, it goes on at the finest scale until
    it is, or all ``evaluations`` are used. ``finest`` is its finest scale. Scored is the picture that an artist would
    get of the searched one: with the style's contrast, with a little of the content showing through.
    """
    size, planned = (finest.objective.height, finest.objective.width), min(finest.search.evaluations, evaluations)
    c, s = (torch.from_numpy(x).permute(2, 0, 1)[None].contiguous() for x in (content, style))
    ink = ink_of(s, None, settings.brush_size / 100)
    steps = recipe(settings, weights.chosen(settings.features), flatness(s), bool(ink))
    pictures = Pictures(c, s, sample=sample(s, None, extent(*content.shape[:2])), ink=ink)
    recorder = _Recorder(judge, OURS_EVERY, lambda picture: as_array(in_full(picture.cpu(), pictures, steps)))

    def on_scale(scale):
        if scale.number == 0:
            recorder.start_clock(since=fit.done)  # the scales' own preparation counts

    def on_evaluation(scale, step, loss, picture):
        at_finest = (scale.objective.height, scale.objective.width) == size
        recorder.add(scale.number, step, loss, picture, scored=at_finest)
        reached = step >= planned and recorder.points[-1].loss <= wanted
        return Stop.FINISH if at_finest and (reached or len(recorder.points) >= evaluations) else None

    with watched(on_scale, on_evaluation) as fit:
        stylize_fully(content, style, dataclasses.replace(settings, evaluations=evaluations))
    trace = recorder.finished(Trace(planned))
    trace.fit = fit
    return trace


def as_array(picture: torch.Tensor) -> np.ndarray:
    """A tensor (1, 3, H, W) as the array H×W×3 in [0, 1]."""
    return picture[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()

"""The loop over one scale: L-BFGS or Adam, the best evaluated picture kept, divergence survived."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from nst_core.lbfgs import descend
from nst_core.objective import Objective
from nst_core.preconditioner import Preconditioner
from nst_core.progress import Cancelled, Stop

OnEvaluation = Callable[[int, float, torch.Tensor], "Stop | None"]

MEAN_KEPT, SQUARE_KEPT, NO_DIVISION_BY_0 = 0.9, 0.99, 1e-8  # β₁, β₂ and ε of Adam
FEWEST_EVALUATIONS_OF_A_PLATEAU = 12
MOST_RESTARTS_IN_VAIN = 6
# of L-BFGS, in units of the picture's range, on average over the pixels: from afar, and where a coarser scale's picture
# is gone on from, whose broad shapes are right and whose fine detail bears no more
FIRST_STEP, SHORT_FIRST_STEP = 0.003, 0.0005
# of Adam's first steps, in units of the picture's range, falling to a tenth of it: from noise, from strokes, and at
# finer scales from strokes on, where its few steps, as large for every pixel, would tint what is dark
RATE, STROKES_RATE, SHORT_RATE = 0.03, 0.015, 0.006


@dataclass(frozen=True)
class Search:
    """How to look for the minimum.

    Attributes:
        method: ``"l-bfgs"`` or ``"adam"``.
        evaluations: of the loss and gradient, at most.
        history: pairs of vectors that L-BFGS keeps; each costs two pictures of memory.
        preconditioner: what L-BFGS sees the picture through; None moves all pixels alike.
        plateau: stop where the last dozen evaluations gained less than this share of the loss; 0 never stops.
        first_step: of L-BFGS, in units of the picture's range, on average over the pixels.
        rate: of Adam's first steps, in units of the picture's range.
    """

    method: str
    evaluations: int
    history: int = 20
    preconditioner: Preconditioner | None = None
    plateau: float = 0.0
    first_step: float = FIRST_STEP
    rate: float = RATE


@dataclass(frozen=True)
class Minimum:
    """The best picture (1, 3, H, W) that was evaluated, its loss, how many evaluations it took, and whether the
    caller let the search end by itself."""

    picture: torch.Tensor
    loss: float
    evaluations: int
    finished: bool


class _Enough(Exception):
    """Ends an optimizer's step from inside: the evaluations are used up, or the caller said so."""


class _Diverged(Exception):
    """The loss or its gradient left the range of numbers."""


def minimise(objective: Objective, start: torch.Tensor, search: Search, on_evaluation: OnEvaluation) -> Minimum:
    """Minimises ``objective`` from the picture ``start``.

    ``on_evaluation`` gets the count of evaluations, the loss and the evaluated picture. Where a step leaves the range
    of numbers, the search goes on from the best picture with steps a quarter as long. Raises Cancelled.
    """
    run = _Run(objective, search, on_evaluation, start.detach().clone(memory_format=torch.contiguous_format))
    steps = _lbfgs if search.method == "l-bfgs" else _adam
    rate, in_vain = 1.0, 0
    while in_vain < MOST_RESTARTS_IN_VAIN:
        before, best = run.count, run.best_loss
        try:
            steps(run, rate)
        except _Enough:
            break
        except _Diverged:
            rate /= 4
        if run.count == before:
            break
        in_vain = 0 if run.best_loss < best else in_vain + 1
        run.picture = run.best.clone()
    return Minimum(run.best, run.best_loss, run.count, run.finished)


class _Run:
    """What changes during one search."""

    def __init__(self, objective, search, on_evaluation, picture):
        self.objective, self.search, self.on_evaluation = objective, search, on_evaluation
        self.picture = picture
        self.best, self.best_loss = picture.clone(), math.inf
        self.count, self.finished = 0, True
        self.losses: list[float] = []

    def evaluate(self, picture) -> tuple[float, torch.Tensor]:
        if self.count >= self.search.evaluations or self._on_plateau():
            raise _Enough
        loss, gradient = self.objective.evaluate(picture)
        self.count += 1
        if not (math.isfinite(loss) and bool(torch.isfinite(gradient).all())):
            raise _Diverged
        if loss < self.best_loss:
            self.best_loss = loss
            self.best.copy_(picture)
        self.losses.append(self.best_loss)
        answer = self.on_evaluation(self.count, loss, picture)
        if answer is Stop.CANCEL:
            raise Cancelled
        if answer is Stop.FINISH:
            self.finished = False
            raise _Enough
        return loss, gradient

    def _on_plateau(self):
        span = FEWEST_EVALUATIONS_OF_A_PLATEAU
        if not self.search.plateau or len(self.losses) <= span:
            return False
        return self.losses[-1 - span] - self.losses[-1] < self.search.plateau * abs(self.losses[-1])


def _lbfgs(run, rate):
    origin, seen = run.picture, run.search.preconditioner or (lambda picture: picture)

    def evaluate(moved):
        loss, gradient = run.evaluate(origin + seen(moved.view_as(origin)))
        return loss, seen(gradient).reshape(-1)

    descend(evaluate, torch.zeros_like(origin).view(-1), run.search.history, run.search.first_step, rate)


def _adam(run, rate):
    """Kingma and Ba 2015, algorithm 1. PyTorch's imports its compiler, to tell it to leave the steps alone: 2 s and
    80 MB, where it is memory that is short."""
    picture = run.picture
    mean, square = torch.zeros_like(picture), torch.zeros_like(picture)
    left = max(1, run.search.evaluations - run.count)
    for step in itertools.count(1):
        _, gradient = run.evaluate(picture)
        mean.lerp_(gradient, 1 - MEAN_KEPT)
        square.mul_(SQUARE_KEPT).addcmul_(gradient, gradient, value=1 - SQUARE_KEPT)
        torch.div(square, 1 - SQUARE_KEPT**step, out=gradient)
        length = run.search.rate * rate * (1 - 0.9 * min(1.0, (step - 1) / left)) / (1 - MEAN_KEPT**step)
        picture.addcdiv_(mean, gradient.sqrt_().add_(NO_DIVISION_BY_0), value=-length)
        del gradient  # of 12 megapixels it takes 144 MB

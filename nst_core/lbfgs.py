"""L-BFGS whose steps come from two products of matrices, however many pairs of vectors it remembers.

PyTorch's goes through its pairs twice, one after the other, with four passes over the memory for each: with a hundred
pairs they take as long as half an evaluation. Here everything that the two loops ask for are the products of all these
vectors with one another, of which an iteration changes three rows; the loops themselves work with numbers alone, and
give the next direction as a weighted sum of the vectors (Chen, Wang and Zhou, "Large-scale L-BFGS using MapReduce",
2014, after Nocedal and Wright, "Numerical Optimization", algorithm 7.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

Evaluate = Callable[[torch.Tensor], "tuple[float, torch.Tensor]"]

LOWER, FLATTER = 1e-4, 0.9  # Wolfe's two constants: how much lower and flatter the end of a step has to be
MOST_TRIALS = 12  # of one step's length
FALL = 0.7  # of a loss above 0 that the first step may promise by its slope at most
LONGER = 2.0  # times as long as the longest step so far a step is tried at first, at most
FURTHER = 4.0  # times as long a step is tried next where it is as steep at its end as at its start
INNER = 0.1  # of the stretch between two trials, from each end: no further trial is nearer to them
STEP, CHANGE, GRADIENT, OLDER = 0, 1, 2, 3  # rows of the remembered vectors: the newest pair, the gradient, all others


@dataclass(frozen=True)
class Point:
    """Where a step led that is ``length`` times the direction: the loss, its slope along the direction, and the whole
    gradient where the search may go on from there."""

    length: float
    loss: float
    slope: float
    gradient: torch.Tensor | None = None


def descend(evaluate: Evaluate, start: torch.Tensor, history: int, first: float, rate: float = 1.0) -> None:
    """Goes down from ``start``, a vector, until ``evaluate`` raises or no step along the last direction is lower.

    ``evaluate`` gives the loss and the gradient of a vector, and sees all that is tried. ``history`` is how many pairs
    of vectors are remembered, at least 1. The first step moves each number by ``first`` on average, or less where the
    loss falls so steeply that it would soon be below 0; ``rate`` is how long steps are tried at, 1 being the length
    at which L-BFGS expects the minimum. None is first tried at more than :data:`LONGER` times the longest before it.
    """
    position, pairs, longest = start, Pairs(history, start), 0.0
    loss, gradient = evaluate(position)
    while True:
        direction = pairs.direction(gradient)
        slope = float(gradient.dot(direction))
        if not slope < 0:
            return
        size = float(direction.norm())
        if pairs.count:
            # pairs may tell of next to no curvature where it is only the first step that was short
            length = min(rate, LONGER * longest / size)
        else:
            to_fall = FALL * loss / -slope if loss > 0 else math.inf
            length = rate * min(first * gradient.numel() / float(gradient.abs().sum()), to_fall)
        after = along(evaluate, position, direction, Point(0.0, loss, slope), length)
        if after is None:
            return
        longest = max(longest, after.length * size)
        position = torch.add(position, direction, alpha=after.length)
        if after.slope >= FLATTER * slope:  # else the pair tells of no curvature
            pairs.remember(direction.mul_(after.length), after.gradient - gradient)
        loss, gradient = after.loss, after.gradient
        del direction, after  # of 12 megapixels each vector takes 144 MB


class Pairs:
    """The last ``most`` pairs of a step and the change of the gradient along it, vectors like ``like``."""

    def __init__(self, most: int, like: torch.Tensor):
        self.most, self.count = most, 0
        self._vectors = like.new_empty(2 * most + 1, like.numel())
        self._products = np.zeros((2 * most + 1, 2 * most + 1))
        self._oldest = 0  # of those in the ring from row OLDER on

    def remember(self, step: torch.Tensor, change: torch.Tensor) -> None:
        """Takes a pair in, for the oldest if there are ``most``."""
        if self.count and self.most > 1:
            older = self.count - 1
            row = OLDER + 2 * (older if older < self.most - 1 else self._oldest)
            if older == self.most - 1:
                self._oldest = (self._oldest + 1) % older
            self._vectors[row : row + 2] = self._vectors[:GRADIENT]
            self._products[row : row + 2] = self._products[:GRADIENT]
            self._products[:, row : row + 2] = self._products[:, :GRADIENT]
        self._vectors[STEP], self._vectors[CHANGE] = step, change
        self.count = min(self.count + 1, self.most)

    def direction(self, gradient: torch.Tensor) -> torch.Tensor:
        """Minus the inverse curvature that the pairs tell, times ``gradient``."""
        if not self.count:
            return -gradient
        self._vectors[GRADIENT] = gradient
        vectors = self._vectors[: 2 * self.count + 1]
        changed = (vectors[:OLDER] @ vectors.T).cpu().double().numpy()
        self._products[:OLDER, : len(vectors)] = changed
        self._products[: len(vectors), :OLDER] = changed.T
        shares = two_loops(self._products[: len(vectors), : len(vectors)], self._newest_first())
        return torch.from_numpy(shares).to(vectors.dtype).to(vectors.device) @ vectors

    def _newest_first(self):
        older = self.count - 1
        return [STEP] + [OLDER + 2 * ((self._oldest + i) % older) for i in reversed(range(older))]


def two_loops(products: np.ndarray, newest_first: list[int]) -> np.ndarray:
    """How much of each vector the direction has, by the products of all of them with one another.

    ``newest_first`` are the rows of the steps; the change of the gradient is the row after its step's.
    """
    shares, falls = np.zeros(len(products)), {}
    shares[GRADIENT] = -1.0
    for row in newest_first:
        falls[row] = shares @ products[row] / products[row, row + 1]
        shares[row + 1] -= falls[row]
    newest = newest_first[0]
    shares *= products[newest, newest + 1] / products[newest + 1, newest + 1]
    for row in reversed(newest_first):
        shares[row] += falls[row] - shares @ products[row + 1] / products[row, row + 1]
    return shares


def along(
    evaluate: Evaluate, position: torch.Tensor, direction: torch.Tensor, start: Point, length: float
) -> Point | None:
    """The first :class:`Point` along ``direction`` that meets Wolfe's conditions, of ``length`` first.

    Where none does, the lowest; None if no point is lower than the start. (Nocedal and Wright, section 3.5.)
    """
    low, high = start, None
    for _ in range(MOST_TRIALS):
        loss, gradient = evaluate(torch.add(position, direction, alpha=length))
        slope = float(gradient.dot(direction))
        if loss > start.loss + LOWER * length * start.slope:
            high = Point(length, loss, slope)
        else:
            low = Point(length, loss, slope, gradient)
            if slope >= FLATTER * start.slope:
                return low
        del gradient
        length = _next_length(low, high)
    return low if low.loss < start.loss else None


def _next_length(low, high):
    """The minimum of the cubic through both points, or further on where nothing was too far yet."""
    if high is None:
        return FURTHER * low.length
    between = high.length - low.length
    nearest, furthest = low.length + INNER * between, high.length - INNER * between
    mean = low.slope + high.slope - 3 * (high.loss - low.loss) / between
    root = math.sqrt(max(mean * mean - low.slope * high.slope, 0.0))
    spread = high.slope - low.slope + 2 * root
    if not spread:
        return (nearest + furthest) / 2
    return min(max(high.length - between * (high.slope + root - mean) / spread, nearest), furthest)

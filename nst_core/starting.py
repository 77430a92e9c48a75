"""The picture that painting starts from: the content, more or less of it."""

from __future__ import annotations

import math

import torch

from nst_core import colour
from nst_core.recipe import Recipe

PIECES = 6  # of the quilt along the picture's longest side: fewer show the style's composition, not its strokes
TRACE = 0.02  # of noise, in units of the picture's range: flat areas need a direction to go, and the seed varies it


def with_quilt(content: torch.Tensor, style: torch.Tensor, seed: int, amount: float) -> torch.Tensor:
    """``content``, (1, 3, H, W), with ``amount`` of it, 0 to 1, replaced by a quilt of the style.

    ``style`` is at the size that its strokes shall have in this picture. Two pictures laid over each other have less
    contrast than either; it is given back, as the style loss would have to find it otherwise.
    """
    random = torch.Generator().manual_seed(seed)
    mean = content.mean((2, 3), keepdim=True)
    mixed = (1 - amount) * (content - mean) + amount * (quilt(style, *content.shape[2:], random) - mean)
    return (mean + mixed / math.hypot(1 - amount, amount)).clamp(0, 1)


def roughened(picture: torch.Tensor, style: torch.Tensor, seed: int, recipe: Recipe) -> torch.Tensor:
    """The coarsest scale's start: ``picture``, (1, 3, H, W), with the recipe's noise, which leaves strokes room."""
    random = torch.Generator().manual_seed(seed)
    speckle = torch.randn(picture.shape, generator=random)
    if recipe.one_scale:
        return 0.5 + 0.1 * speckle
    noise = colour.matched(0.5 + 0.1 * speckle, style)
    return picture + recipe.noise * (noise - picture) + TRACE * speckle


def quilt(style: torch.Tensor, height: int, width: int, random: torch.Generator) -> torch.Tensor:
    """Pieces of ``style`` (1, 3, H', W'), each from anywhere in it, faded into each other: (1, 3, height, width).

    It has the style's statistics nearly from the beginning, which noise has not, and not its composition. Where pieces
    fade into each other, their difference from the mean is kept as large as it was (Heitz and Neyret, 2018).
    """
    step = max(1, min(-(-max(height, width) // PIECES), min(style.shape[2:]) // 2))
    fade = 1 - (torch.arange(2 * step) + 0.5 - step).abs() / step  # two neighbours' fades add up to one
    window = fade[:, None] * fade[None, :]
    rows, columns = -(-height // step) + 1, -(-width // step) + 1
    canvas = style.new_zeros(1, 3, (rows + 1) * step, (columns + 1) * step)
    squares, mean = canvas[:, :1].clone(), style.mean((2, 3), keepdim=True)
    for row in range(rows):
        for column in range(columns):
            y, x = (int(torch.randint(0, n - 2 * step + 1, (), generator=random)) for n in style.shape[2:])
            piece = style[..., y : y + 2 * step, x : x + 2 * step]
            top, left = row * step, column * step
            canvas[..., top : top + 2 * step, left : left + 2 * step] += (piece - mean) * window
            squares[..., top : top + 2 * step, left : left + 2 * step] += window.square()
    within = (..., slice(step, step + height), slice(step, step + width))
    return (mean + canvas[within] / squares[within].sqrt()).clamp(0, 1)

"""The picture that the coarsest scale starts from: the content, more or less of it."""

from __future__ import annotations

import torch

from nst_core import colour
from nst_core.recipe import Recipe

PIECES = 3  # of the quilt along the picture's longest side
TRACE = 0.02  # of noise, in units of the picture's range: flat areas need a direction to go, and the seed varies it


def start(content: torch.Tensor, style: torch.Tensor, seed: int, recipe: Recipe) -> torch.Tensor:
    """A start for ``content``, (1, 3, H, W), with what the recipe mixes in; ``style`` is at its size for this scale."""
    random = torch.Generator().manual_seed(seed)
    speckle = torch.randn(content.shape, generator=random)
    if recipe.one_scale:
        return 0.5 + 0.1 * speckle
    mixed = content
    if recipe.noise:
        mixed = mixed + recipe.noise * (colour.matched(0.5 + 0.1 * speckle, style) - mixed)
    if recipe.quilt:
        mixed = mixed + recipe.quilt * (quilt(style, *content.shape[2:], random) - mixed)
    return mixed + TRACE * speckle


def quilt(style: torch.Tensor, height: int, width: int, random: torch.Generator) -> torch.Tensor:
    """Pieces of ``style`` (1, 3, H', W'), each from anywhere in it, side by side as a picture (1, 3, height, width).

    It has the style's statistics from the beginning, which noise has not, and not its composition; the seams heal.
    """
    side = min(-(-max(height, width) // PIECES), *style.shape[2:])
    pieces = style.new_empty(1, 3, height, width)
    for top in range(0, height, side):
        for left in range(0, width, side):
            rows, columns = min(side, height - top), min(side, width - left)
            y = int(torch.randint(0, style.shape[2] - rows + 1, (), generator=random))
            x = int(torch.randint(0, style.shape[3] - columns + 1, (), generator=random))
            pieces[..., top : top + rows, left : left + columns] = style[..., y : y + rows, x : x + columns]
    return pieces

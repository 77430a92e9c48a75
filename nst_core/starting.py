"""The picture that painting starts from: the content in the style's strokes."""

from __future__ import annotations

import torch

from nst_core import colour
from nst_core.lost import lost
from nst_core.pyramid import broad
from nst_core.recipe import Recipe

FINE = 1 / 64  # of the longest side: what is finer is drawing, what is broader is shapes and light
TRACE = 0.02  # of noise, in units of the picture's range: flat areas need a direction to go, and the seed varies it


def with_strokes(content: torch.Tensor, strokes: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """``content`` in the style's ``strokes`` (:mod:`nst_core.synthesis`), both (1, 3, H, W), as far as the recipe says.

    The content gives of its broad shapes and its drawing, each in its share, and more of that where it is :func:`lost`.
    """
    # in place, as of 12 megapixels each picture takes 144 MB
    start = torch.add(strokes, content, alpha=recipe.drawing)
    start.add_(broad(content, FINE), alpha=recipe.broad - recipe.drawing)
    if recipe.broad:
        start.sub_(broad(strokes, FINE), alpha=recipe.broad)
    if recipe.regained:
        amount = lost(content, strokes).mul_(recipe.regained)
        for one in (slice(n, n + 1) for n in range(3)):  # all at once they take two more pictures
            start[:, one] = with_drawing(start[:, one], content[:, one], amount)
    return torch.lerp(content, start, recipe.strokes, out=start).clamp_(0, 1)


def with_drawing(picture: torch.Tensor, content: torch.Tensor, amount: float | torch.Tensor) -> torch.Tensor:
    """``picture`` (1, 3, H, W) with ``amount``, 0 to 1, of the drawing of ``content``, its shapes and light left alone.

    ``amount`` may be another one at each place, (1, 1, H, W).

    Mixed as a whole, flat colours of a content would turn the style's flat colours into mud.
    """
    off = content - picture
    off.sub_(broad(off, FINE))
    return off.mul_(amount).add_(picture)


def roughened(picture: torch.Tensor, style: torch.Tensor, seed: int, recipe: Recipe) -> torch.Tensor:
    """The coarsest scale's start: ``picture``, (1, 3, H, W), with the recipe's noise, which leaves strokes room."""
    random = torch.Generator().manual_seed(seed)
    speckle = torch.randn(picture.shape, generator=random)
    if recipe.one_scale:
        return 0.5 + 0.1 * speckle
    if not recipe.noise:
        return picture
    noise = colour.matched(0.5 + 0.1 * speckle, style)
    return picture + recipe.noise * (noise - picture) + TRACE * speckle

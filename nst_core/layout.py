"""A layout of a content that uses all of a style alike: each part of the one gets a part of the other, the most alike.

Left alone, texture synthesis drifts to what is easiest to continue: bare paper, over and over. Far from the content
there is nothing to hold it back, and the style's statistics, which want all of the style, are met with a relief in the
paper. Drawn to such a layout at first, it goes on from there with everything that the style has.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

CELLS = 48  # parts of each picture; fewer are larger, and have seams that are seen
LEAST_GAIN = 1e-6  # of a swap, in squared units of the range: less is rounding, and could go on for ever


def parts(content: torch.Tensor, style: torch.Tensor, visible: torch.Tensor | None = None) -> torch.Tensor:
    """Which part of ``style`` each part of ``content`` gets, both (1, 3, H, W) cut into a grid of R × C parts.

    ``visible`` is the style's alpha (1, 1, H, W), or None. Parts that it hides are not given, the others as often as
    one another. Returns an (R, C) tensor of the style's parts, counted along rows. No swap would bring the squared
    difference of mean colours down by more than :data:`LEAST_GAIN`.
    """
    grid = _grid(*content.shape[2:])
    of_content, of_style = (F.adaptive_avg_pool2d(x, grid)[0].flatten(1).T for x in (content, style))
    there = _seen(visible, grid)
    costs = torch.cdist(of_content, of_style[there]).square()
    given = torch.arange(len(costs))
    while True:
        now = costs[:, given]  # of each part of the content with what each has now
        gains = now.diagonal()[:, None] + now.diagonal()[None] - now - now.T
        first, second = divmod(int(gains.argmax()), len(costs))
        if not float(gains[first, second]) > LEAST_GAIN:  # NaN ends it, too
            return there[given].view(grid)
        given[[first, second]] = given[[second, first]]


def middles(of: torch.Tensor, size: tuple[int, int], style_size: tuple[int, int]) -> torch.Tensor:
    """Where each pixel of a content of ``size`` comes from in a style of ``style_size``, (2, H, W), by a layout.

    Rows, then columns, in pixels of the style. What lies around the middle of a part of the content lies alike around
    the middle of the style's.
    """
    places = []
    for axis, (here, there) in enumerate(zip(size, style_size, strict=True)):
        count = of.shape[axis]
        exact = torch.arange(here) + 0.5
        part = (exact * count / here).long().clamp(max=count - 1)
        places.append((part, exact - (part + 0.5) * here / count, there / count))
    (down, below, tall), (right, beside, wide) = places
    given = of[down][:, right]
    rows = (given // of.shape[1] + 0.5) * tall + below[:, None]
    columns = (given % of.shape[1] + 0.5) * wide + beside[None]
    return torch.stack([rows.clamp(0, style_size[0]), columns.clamp(0, style_size[1])])


def _seen(visible, grid):
    """The parts that can be given, as many as the grid has: those that are visible, again and again."""
    count = grid[0] * grid[1]
    if visible is None:
        return torch.arange(count)
    alpha = F.adaptive_avg_pool2d(visible, grid).flatten()
    found = (alpha >= min(0.5, float(alpha.max()))).nonzero().flatten()
    return found.repeat(-(-count // len(found)))[:count]


def _grid(height, width):
    rows = max(1, round((CELLS * height / width) ** 0.5))
    return rows, max(1, round(CELLS / rows))

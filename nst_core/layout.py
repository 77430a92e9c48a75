"""A layout of a content that uses all of a style alike: each part of the one gets a part of the other, the most alike.

Left alone, texture synthesis drifts to what is easiest to continue: bare paper, over and over. Far from the content
there is nothing to hold it back, and the style's statistics, which want all of the style, are met with a relief in the
paper. Drawn to such a layout at first, it goes on from there with everything that the style has.

Parts that would go on in one another are kept together where that costs little likeness: a swirl stays a swirl. Flat
colours have straight edges, which nothing but such parts can keep: there that counts more, and cuts are straight.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

CELLS = 48  # parts of each picture as a rule; fewer keep more of the style together, and less of the content
SEAM = 0.3  # how much a seam counts, against likeness; at 1, most of the style comes as it is
STRAIGHT_SEAM = 2.0  # how much it does where it is cut straight
FINER = 4  # colours along the side of a part that are compared at a seam
WAVE, BENDS = 0.35, 3  # how far the parts' borders wave at most, in parts, and how often along one
LEAST_GAIN = 1e-6  # of a swap, in squared units of the range: less is rounding, and could go on for ever


def parts(
    content: torch.Tensor,
    style: torch.Tensor,
    visible: torch.Tensor | None = None,
    straight: float = 0.0,
    cells: int = CELLS,
) -> torch.Tensor:
    """Which part of ``style`` each part of ``content`` gets, both (1, 3, H, W) cut into a grid of R × C parts.

    There are about as many as ``cells``. ``visible`` is the style's alpha (1, 1, H, W), or None. Parts that it hides
    are not given, the others as often as one another. ``straight``, 0 to 1, is how straight they are going to be cut.
    Returns an (R, C) tensor of the style's parts, counted along rows. No swap would bring the squared difference of
    mean colours, and of what meets at seams, down by more than :data:`LEAST_GAIN`.
    """
    grid = _grid(*content.shape[2:], cells)
    of_content, of_style = (F.adaptive_avg_pool2d(x, grid)[0].flatten(1).T for x in (content, style))
    there = _seen(visible, grid)
    unlike = torch.cdist(of_content, of_style[there]).square()
    counts = SEAM + (STRAIGHT_SEAM - SEAM) * straight
    beside, below = (counts * seam[there][:, there] for seam in seams(style, grid))
    given = torch.arange(len(unlike))
    # the most alike first, or it would stay near the style as it is
    for seam in ((0 * beside, 0 * below), (beside, below)):
        given = _swapped(given, unlike, *seam, grid)
    return there[given].view(grid)


def seams(style: torch.Tensor, grid: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """What a seam between two parts of ``style`` (1, 3, H, W) costs, the second to the right of, or below, the first.

    Two (R·C, R·C) tensors: the mean squared difference between what either shows at the seam and what the other has
    next to it. It is 0 for parts that are neighbours in the style.
    """
    fine = F.adaptive_avg_pool2d(style, tuple(FINER * n for n in grid))[0]
    upright = _facing(fine.transpose(1, 2), grid[::-1])
    order = torch.arange(grid[0] * grid[1]).view(grid[::-1]).T.flatten()  # its parts are counted along columns
    return _facing(fine, grid), upright[order][:, order]


def _facing(fine, grid):
    """:func:`seams` to the right, from the colours (3, FINER·R, FINER·C)."""
    wide = F.pad(fine, (1, 1, 0, 0), mode="replicate")
    starts = (0, 1, FINER, FINER + 1)  # the columns before a part, its first, its last, and after it
    columns = (wide[:, :, start::FINER][:, :, : grid[1]] for start in starts)
    before, first, last, after = (
        x.reshape(3, grid[0], FINER, grid[1]).permute(1, 3, 0, 2).reshape(grid[0] * grid[1], -1) for x in columns
    )
    return (torch.cdist(last, before).square() + torch.cdist(after, first).square()) / (2 * FINER)


def _swapped(given, unlike, beside, below, grid):
    """``given``, (R·C,), after the best swaps of two, one after the other, until none is left that gains."""
    first, second = torch.combinations(torch.arange(len(given))).T.view(2, -1)
    number = torch.arange(len(first))
    now = float(_costs(given[None], unlike, beside, below, grid))
    while len(number):
        swaps = given.repeat(len(number), 1)
        swaps[number, first], swaps[number, second] = given[second], given[first]
        costs = _costs(swaps, unlike, beside, below, grid)
        best = int(costs.argmin())
        if not float(costs[best]) < now - LEAST_GAIN:  # NaN ends it, too
            break
        given, now = swaps[best], float(costs[best])
    return given


def _costs(given, unlike, beside, below, grid):
    """Of layouts (N, R·C), (N,)."""
    laid = given.view(-1, *grid)
    return (
        unlike[torch.arange(given.shape[1]), given].sum(1)
        + beside[laid[:, :, :-1], laid[:, :, 1:]].sum((1, 2))
        + below[laid[:, :-1], laid[:, 1:]].sum((1, 2))
    )


def middles(
    of: torch.Tensor, size: tuple[int, int], style_size: tuple[int, int], straight: float = 0.0
) -> torch.Tensor:
    """Where each pixel of a content of ``size`` comes from in a style of ``style_size``, (2, H, W), by a layout.

    Rows, then columns, in pixels of the style. What lies around the middle of a part of the content lies alike around
    the middle of the style's. Where parts meet they do so in waves, the same at any size: a straight cut would be seen,
    but where it is ``straight``, 1, as the style's own lines are.
    """
    waves = (1 - straight) * _waves(of.shape, size)
    exact = torch.meshgrid(*(torch.arange(n) + 0.5 for n in size), indexing="ij")
    parts, off = [], []
    for count, here, place, wave in zip(of.shape, size, exact, waves, strict=True):
        parts.append((place * count / here + wave).long().clamp(0, count - 1))
        off.append(place - (parts[-1] + 0.5) * here / count)
    given = of[tuple(parts)]
    numbers = given // of.shape[1], given % of.shape[1]
    counted = zip(numbers, off, of.shape, style_size, strict=True)
    return torch.stack([((n + 0.5) * there / count + aside).clamp(0, there) for n, aside, count, there in counted])


def _waves(grid, size):
    """How far the borders of parts are moved at each pixel, down and right, in parts: (2, H, W)."""
    coarse = torch.rand(1, 2, *(BENDS * n for n in grid), generator=torch.Generator().manual_seed(0)) * 2 - 1
    return WAVE * F.interpolate(coarse, size, mode="bilinear", align_corners=True)[0]


def _seen(visible, grid):
    """The parts that can be given, as many as the grid has: those that are visible, again and again."""
    count = grid[0] * grid[1]
    if visible is None:
        return torch.arange(count)
    alpha = F.adaptive_avg_pool2d(visible, grid).flatten()
    found = (alpha >= min(0.5, float(alpha.max()))).nonzero().flatten()
    return found.repeat(-(-count // len(found)))[:count]


def _grid(height, width, cells):
    rows = max(1, round((cells * height / width) ** 0.5))
    return rows, max(1, round(cells / rows))

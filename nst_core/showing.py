"""Where in a style each place of a content comes from, and the picture that this shows, at any size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst_core.pyramid import extent, resized

PATCH = 7  # side of a patch in pixels of each scale's copy
REACH = (0.3, 0.6)  # of a place into its neighbours, a standard deviation in places, where it is two pixels, and four
BAND = 256  # rows that are shown at a time: a place takes some 200 bytes on the way


@dataclass(frozen=True)
class Field:
    """Where each place of a content comes from in a style, at one scale.

    Attributes:
        rows, columns: (H, W) each, the middle of the place's patch in the style, in pixels of the style's copy.
        style_size: height and width of that copy.
        used: (1, 1, h, w) over the style, how much of it is used, 1 on average.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    style_size: tuple[int, int]
    used: torch.Tensor


def shown(of: Field, style: torch.Tensor, height: int, width: int, brush_size: float = 100.0) -> torch.Tensor:
    """The picture (1, 3, height, width) that the field shows of ``style`` (1, 3, H, W), of any size."""
    side = extent(height, width) * brush_size / 100
    mode = "bilinear"
    if side <= extent(*style.shape[2:]):
        darkest, lightest = style.amin((2, 3), keepdim=True), style.amax((2, 3), keepdim=True)
        # a reduced picture overshoots at edges, with colours that the style does not have
        style = torch.minimum(torch.maximum(copy(style, side), darkest), lightest)
        mode = "nearest"  # pixel for pixel: any mean of them would be dull
    # a smaller style is sampled as it is: enlarged it would show no more
    sizes = zip(of.style_size, style.shape[2:], of.rows.shape, (height, width), strict=True)
    # pixels of the style for one of its copy, and for one of the picture; pixels of the picture for a place
    scales = [(there / copy, there / copy * places / here, here / places) for copy, there, places, here in sizes]
    reach = REACH[0] * min(max(1.0, max(height, width) / max(of.rows.shape) / 2), REACH[1] / REACH[0])
    picture = style.new_empty(1, style.shape[1], height, width)
    for top in range(0, height, BAND):
        rows = range(top, min(top + BAND, height))
        picture[:, :, top : rows.stop] = _mean_of_neighbours(of, style, mode, scales, reach, rows, width)
    return picture


def _mean_of_neighbours(of, style, mode, scales, reach, rows, width):
    """Some rows of what the field shows: at each pixel the mean of what the places around it would show there."""
    exact = [(torch.arange(n.start, n.stop) + 0.5) / s[2] for n, s in zip((rows, range(width)), scales, strict=True)]
    nearest = [e.long().clamp(max=n - 1) for e, n in zip(exact, of.rows.shape, strict=True)]
    total, weights = 0.0, 0.0
    for down, right in itertools.product((-1, 0, 1), repeat=2):
        places = [(n + d).clamp(0, m - 1) for n, d, m in zip(nearest, (down, right), of.rows.shape, strict=True)]
        aside = [e - (p + 0.5) for e, p in zip(exact, places, strict=True)]
        weight = torch.exp(-(aside[0][:, None] ** 2 + aside[1][None] ** 2) / (2 * reach**2))
        y = of.rows[places[0]][:, places[1]] * scales[0][0] + (aside[0] * scales[0][2] * scales[0][1])[:, None]
        x = of.columns[places[0]][:, places[1]] * scales[1][0] + (aside[1] * scales[1][2] * scales[1][1])[None]
        total = total + weight * _sampled(style, mode, y, x)
        weights = weights + weight
    return (total / weights)[None]


def _sampled(style, mode, y, x):
    """The style's colours (3, H, W) at places given in pixels from its upper left corner."""
    height, width = style.shape[2:]
    grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], -1)[None]
    return F.grid_sample(style, grid, mode=mode, padding_mode="border", align_corners=False)[0]


def copy(picture: torch.Tensor, side: float) -> torch.Tensor:
    """``picture``, (1, C, H, W) in [0, 1], with that longest side in pixels, and room for a patch."""
    factor = side / extent(*picture.shape[2:])
    height, width = (max(PATCH + 1, round(n * factor)) for n in picture.shape[2:])
    return resized(picture, height, width).clamp(0, 1)

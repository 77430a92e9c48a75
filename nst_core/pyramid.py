"""The coarse-to-fine schedule, and how a picture goes from one scale to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

BASE = 320
"""Longest side in pixels (see :func:`extent`) of the coarsest scale. The same for every picture, so that a look does
not depend on its size: what is decided here, finer scales only refine. Coarser ones paint over the start's strokes."""

LARGEST_STEP = 2.3
"""How much longer than the scale before it a scale may be."""

LARGEST = {"draft": 288, "normal": 768, "fine": 100_000}
"""Longest side in pixels of the finest computed scale, by quality; beyond it, the change is enlarged."""

LEAST = {"draft": 0, "normal": 768, "fine": 768}
"""Longest side in pixels that smaller pictures are computed at, by quality, and then reduced from: the mean of several
pixels is calmer and nearer to the style than single ones, and small pictures look like large ones."""

MOST_ENLARGED = 2
"""How many times larger than itself a small picture is computed, at most."""

EVALUATIONS = {"draft": (8, 8), "normal": (8, 8), "fine": (8, 8)}
"""Evaluations at the coarsest scale and at 512 px, by quality; larger scales get fewer, as their steps cost more."""


@dataclass(frozen=True)
class Scale:
    """One scale of the schedule: its height and width in pixels, and the evaluations to spend there at most."""

    height: int
    width: int
    evaluations: int


def schedule(
    height: int,
    width: int,
    quality: str,
    largest: int = 0,
    finest_evaluations: int = 0,
    effort: float = 1.0,
) -> list[Scale]:
    """The scales, coarsest first, for a picture of ``height`` × ``width`` pixels.

    The quality's evaluations are made ``effort`` times. ``largest``, the longest side in pixels that is computed, and
    ``finest_evaluations`` override the quality's where they are not 0.
    """
    longest = extent(height, width)
    limit = largest * longest / max(height, width) if largest else LARGEST[quality]
    finest = min(max(longest, min(LEAST[quality], MOST_ENLARGED * longest)), limit)
    steps = max(0, math.ceil(math.log(finest / BASE, LARGEST_STEP))) if finest > BASE else 0
    sides = [finest * (BASE / finest) ** (1 - i / steps) if steps else finest for i in range(steps + 1)]
    first, later = EVALUATIONS[quality]
    scales = []
    for i, side in enumerate(sides):
        count = round(effort * first) if i == 0 else max(6, round(effort * later * min(1.5, (512 / side) ** 0.7)))
        if i == steps and finest_evaluations:
            count = finest_evaluations
        scales.append(Scale(_side(height * side / longest), _side(width * side / longest), count))
    return scales


def extent(height: int, width: int) -> float:
    """What counts as a picture's longest side, in pixels, wherever strokes and scales are measured by it.

    Up to twice as long as it is wide, its longest side; beyond, that of a picture 2 : 1 with the same area. Else a
    banner would be computed a few pixels high, with strokes of which only a strip is seen.
    """
    return min(max(height, width), math.sqrt(2 * height * width))


def resized(picture: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A picture (1, C, H, W) at another size, without aliases; values may leave [0, 1] slightly."""
    if picture.shape[2:] == (height, width):
        return picture
    return F.interpolate(picture, (height, width), mode="bicubic", antialias=True, align_corners=False)


def shrunk(picture: torch.Tensor, longest: int) -> torch.Tensor:
    """A picture (1, C, H, W) in [0, 1] with a longest side of at most ``longest`` pixels, and 16 at least."""
    height, width = picture.shape[2:]
    factor = min(1.0, longest / extent(height, width))
    return resized(picture, max(16, round(height * factor)), max(16, round(width * factor))).clamp(0, 1)


def lanczos(picture: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A picture (1, C, H, W) on the CPU at another size, as sharp as it can be without aliases: Lanczos' filter.

    What is enlarged and then reduced with it is what it was; bicubic filters leave it softer. Values may leave [0, 1].
    """
    if picture.shape[2:] == (height, width):
        return picture
    planes = [Image.fromarray(plane.numpy()).resize((width, height), Image.Resampling.LANCZOS) for plane in picture[0]]
    return torch.stack([torch.from_numpy(np.array(plane)) for plane in planes])[None]


def blurred(picture: torch.Tensor, deviation: float) -> torch.Tensor:
    """A Gaussian blur of a picture (1, C, H, W), with its standard deviation in pixels; borders are continued."""
    reach, channels = math.ceil(2.5 * deviation), picture.shape[1]
    taps = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * deviation**2))
    taps = (taps / taps.sum()).to(picture)
    for shape, padding in (((1, 1, 1, -1), (reach, reach, 0, 0)), ((1, 1, -1, 1), (0, 0, reach, reach))):
        kernel = taps.view(shape).expand(channels, 1, -1, -1)
        picture = F.conv2d(F.pad(picture, padding, mode="replicate"), kernel, groups=channels)
    return picture


def broad(picture: torch.Tensor, finest: float) -> torch.Tensor:
    """A picture (1, C, H, W) without what is finer than ``finest``, a share of its longest side.

    For broad shapes this is several times as fast as :func:`blurred`. Values may leave [0, 1].
    """
    height, width = picture.shape[2:]
    factor = 1 / max(1.0, 2 * finest * extent(height, width))
    small = max(2, round(height * factor)), max(2, round(width * factor))
    return F.interpolate(
        F.interpolate(picture, small, mode="bilinear", antialias=True), (height, width), mode="bicubic"
    )


def carried_up(painted: torch.Tensor, coarse: torch.Tensor, fine: torch.Tensor, detail: float = 1.0) -> torch.Tensor:
    """``painted``, which came of the picture ``coarse``, at the size of ``fine``, the same picture at a finer scale.

    ``detail`` says how much of what ``fine`` shows beyond ``coarse`` is put in: at 1 only the change is enlarged, and
    the content stays as sharp as it was; at 0 the painted picture is enlarged.
    """
    # resizing is linear: one picture is enlarged, not two, and of 12 megapixels each takes 144 MB
    return resized(painted - detail * coarse, *fine.shape[2:]).add_(fine, alpha=detail)


def _side(length):
    return max(16, round(length))

"""The coarse-to-fine schedule, and how a picture goes from one scale to the next."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

BASE = 256
"""Longest side in pixels of the coarsest scale. The same for every picture, so that a look does not depend on its size:
what is decided here, finer scales only refine. Coarser than this, the content is lost."""

LARGEST = {"draft": 256, "normal": 768, "fine": 100_000}
"""Longest side in pixels of the finest computed scale, by quality; beyond it, the change is enlarged."""

EVALUATIONS = {"draft": (30, 10), "normal": (60, 15), "fine": (60, 15)}
"""Evaluations at the coarsest scale and at 512 px, by quality; finer scales get fewer, as their steps cost more."""


@dataclass(frozen=True)
class Scale:
    """One scale of the schedule: its height and width in pixels, and the evaluations to spend there at most."""

    height: int
    width: int
    evaluations: int

    @property
    def work(self) -> int:
        """In evaluated pixels."""
        return self.height * self.width * self.evaluations


def schedule(height: int, width: int, quality: str, largest: int = 0, finest_evaluations: int = 0) -> list[Scale]:
    """The scales, coarsest first, for a picture of ``height`` × ``width`` pixels.

    ``largest`` and ``finest_evaluations`` override the quality's where they are not 0.
    """
    longest = max(height, width)
    finest = min(longest, largest or LARGEST[quality])
    sides = [finest]
    while sides[0] > BASE:
        # halves, but never a step that is not worth its own scale
        sides.insert(0, BASE if sides[0] < 2.5 * BASE else sides[0] / 2)
    first, later = EVALUATIONS[quality]
    scales = []
    for i, side in enumerate(sides):
        count = first if i == 0 else max(6, round(later * (2 * BASE / side) ** 0.5))
        if i == len(sides) - 1:
            count = finest_evaluations or count
        scales.append(Scale(_side(height * side / longest), _side(width * side / longest), count))
    return scales


def resized(picture: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A picture (1, C, H, W) at another size, without aliases; values may leave [0, 1] slightly."""
    if picture.shape[2:] == (height, width):
        return picture
    return F.interpolate(picture, (height, width), mode="bicubic", antialias=True, align_corners=False)


def carried_up(change_of: torch.Tensor, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """``change_of``, which came of the picture ``coarse``, at the size of ``fine``, the same picture at a finer scale.

    Only the change is enlarged; the detail that ``fine`` has over ``coarse`` stays sharp.
    """
    return fine + resized(change_of - coarse, *fine.shape[2:])


def _side(length):
    return max(16, round(length))

"""Strokes as crisp as the style's: what the mean of patches, the search and resizing leave soft.

Patches overlap, and the variation of neighbouring pixels costs; so the finest detail that the eye sees in a whole
picture comes out with less contrast than the style has there. It is measured in both, and given back in part.
"""

from __future__ import annotations

import math

import torch

from nst_core.colour import luminance
from nst_core.pyramid import blurred, extent, lanczos, resized

FINEST = 1 / 640  # of the longest side: the deviation of the blur that leaves out what is meant
SEEN = 800  # longest side in pixels at which it is measured and made, at most: beyond, it is grain
AS_CRISP = 1.1  # times a picture's contrast is as crisp: below, edges of mosaics would be drawn over
MOST = 0.3  # of the finest detail is added at most


def crispness(picture: torch.Tensor, visible: torch.Tensor | None, length: float, times: float = 1.0) -> float:
    """The contrast of the finest detail of ``picture``, shown ``times`` as long as a picture of that longest side.

    The root of the mean square of its luminance, where it is ``visible``, of (1, 3, H, W) and (1, 1, H, W) in [0, 1].
    """
    squares = luminance(_detail(picture, length, times)).square()
    if visible is None:
        return math.sqrt(float(squares.mean()))
    weights = resized(visible, *squares.shape[2:]).clamp(0, 1)
    return math.sqrt(float((squares * weights).sum() / weights.sum().clamp_min(1e-6)))


def lacking(picture: torch.Tensor, wanted: float, visible: torch.Tensor | None) -> float:
    """How much of its finest detail ``picture`` lacks for a :func:`crispness` that is ``wanted``, 0 to :data:`MOST`."""
    has = crispness(picture, visible, extent(*picture.shape[2:]))
    return min(max(wanted / max(has, 1e-6) - AS_CRISP, 0.0), MOST)


def sharpened(picture: torch.Tensor, amount: float, times: float = 1.0) -> torch.Tensor:
    """``picture`` (1, 3, H, W) with ``amount`` more of its finest detail; values may leave [0, 1].

    It is shown ``times`` as long as what it is shown in, whose longest side decides what is finest.
    """
    if amount <= 0:
        return picture
    detail = _detail(picture, extent(*picture.shape[2:]) / times, times)
    return resized(detail, *picture.shape[2:]).mul_(amount).add_(picture)


def _detail(picture, length, times=1.0):
    """The finest detail of a picture shown ``times`` as long as one of that longest side, :data:`SEEN` at most."""
    height, width = picture.shape[2:]
    factor = times * min(length, SEEN) / extent(height, width)
    small = lanczos(picture, max(1, round(height * factor)), max(1, round(width * factor)))
    return small - blurred(small, FINEST * min(length, SEEN))

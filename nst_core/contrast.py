"""The style's contrast, from fine detail to broad strokes: what a painted picture lacks of it, and giving it back.

The mean of patches that overlap, the search and resizing leave some scales softer than the style is, others harder. A
picture is told apart into bands of detail, and each is made stronger or weaker until the patches of the whole are as
much like the style's as they can be.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch

from nst_core.likeness import LARGEST, distance_of_sums
from nst_core.pyramid import blurred, extent, lanczos, resized

FINEST = 1 / 640  # of the longest side: the deviation of the blur that leaves out the finest detail
BANDS = tuple(FINEST * 4**n for n in range(3))  # likewise, of the bands' lower ends
SEEN = 800  # longest side in pixels at which bands are made, at most: beyond, it is grain
AMOUNTS = ((-0.1, 0.4), (-0.1, 0.3), (-0.1, 0.3))  # of each band that are added at least and at most
NEARBY = 0.1  # around the first amount of each, when it is sought again
TOGETHER = (-0.1, 0.3)  # of all of them, which comes first: else one would make up for another


@dataclass(frozen=True)
class Sample:
    """A style as it came, (1, 3, H, W), and its alpha or None, as small as it is compared."""

    style: torch.Tensor
    visible: torch.Tensor | None


def sample(style: torch.Tensor, visible: torch.Tensor | None, length: float, times: float = 1.0) -> Sample:
    """The :class:`Sample` for pictures of that longest side in pixels, in which the style is ``times`` as long.

    Of the style itself: what is enlarged for the scales is softer.
    """
    factor = times * min(length, LARGEST) / extent(*style.shape[2:])
    size = tuple(max(1, round(n * factor)) for n in style.shape[2:])
    small = (x if x is None else lanczos(x, *size).clamp_(0, 1) for x in (style, visible))
    return Sample(*small)


def lacking(picture: torch.Tensor, of: Sample, visible: torch.Tensor | None = None) -> tuple[float, ...]:
    """How much of each band is to be added to ``picture`` (1, 3, H, W) for patches like the style's; see AMOUNTS.

    ``visible`` is its alpha (1, 1, H, W), or None. All bands are changed together first, then each, the finest first,
    and again, to where a parabola through three measurements is lowest.
    """
    factor = min(1.0, LARGEST / extent(*picture.shape[2:]))
    size = tuple(max(1, round(n * factor)) for n in picture.shape[2:])
    small, *bands = (lanczos(part, *size) for part in (picture, *_bands(picture)))
    visible = None if visible is None else resized(visible, *size).clamp(0, 1)
    unlike = distance_of_sums(of.style, of.visible, small, bands, visible)
    found = [_lowest(TOGETHER, lambda amount: unlike([amount] * len(BANDS)))] * len(BANDS)
    for nearby in (math.inf, NEARBY):
        for number, (least, most) in enumerate(AMOUNTS):
            ends = max(least, found[number] - nearby), min(most, found[number] + nearby)
            found[number] = _lowest(ends, lambda amount, n=number: unlike([*found[:n], amount, *found[n + 1 :]]))
    return tuple(found)


def with_contrast(picture: torch.Tensor, amounts: tuple[float, ...], out: torch.Tensor | None = None) -> torch.Tensor:
    """``picture`` (1, 3, H, W) with as much more of its bands, the finest first; values may leave [0, 1].

    It is written to ``out``, which may be the picture itself, one colour at a time: of 12 megapixels each takes 48 MB.
    """
    if not any(amounts):
        return picture
    change = sum(amount * band for amount, band in zip(amounts, _bands(picture), strict=True))
    out = torch.empty_like(picture) if out is None else out
    for one in (slice(n, n + 1) for n in range(3)):
        out[:, one] = resized(change[:, one], *picture.shape[2:]).add_(picture[:, one])
    return out


def sharpened(picture: torch.Tensor, amount: float, times: float = 1.0) -> torch.Tensor:
    """``picture`` (1, 3, H, W) with ``amount`` more of its finest detail; values may leave [0, 1].

    It is shown ``times`` as long as what it is shown in, whose longest side decides what is finest.
    """
    if amount <= 0:
        return picture
    detail = _bands(picture, times, (FINEST,))[0]
    return resized(detail, *picture.shape[2:]).mul_(amount).add_(picture)


def _bands(picture, times=1.0, lower_ends=BANDS):
    """The bands of detail of a picture, at its size or at :data:`SEEN`."""
    height, width = picture.shape[2:]
    length = min(extent(height, width) / times, SEEN)
    factor = times * length / extent(height, width)
    copies = [lanczos(picture, max(1, round(height * factor)), max(1, round(width * factor)))]
    copies += [blurred(copies[0], band * length) for band in lower_ends]
    return [finer - broader for finer, broader in itertools.pairwise(copies)]


def _lowest(ends, value):
    """Where between the ends a parabola through ``value`` at both and in the middle is lowest; 0 where it is level."""
    middle, half = sum(ends) / 2, (ends[1] - ends[0]) / 2
    below, here, above = (value(middle + half * n) for n in (-1, 0, 1))
    slope, bend = (above - below) / 2, above - 2 * here + below
    if bend <= 0:
        return 0.0 if slope == 0 else ends[0] if slope > 0 else ends[1]
    return min(max(middle - half * slope / bend, ends[0]), ends[1])

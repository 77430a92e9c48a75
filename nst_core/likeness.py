"""What patches tell: how unlike a style a picture is, which of two has more of its look, and how flat a style is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F

from nst_core.pyramid import extent, resized

PATCH = 7  # side of a patch in pixels
LARGEST, LEVELS = 320, 3  # longest side in pixels that is compared at most, and how often it is halved, itself included
COUNT = 8000  # patches of either picture at most, at each level
DIRECTIONS, RANKS = 128, 101  # in which they are compared, and at how many quantiles
LEAST = 1e-3  # of the mean variance of the style's patches, beneath which a direction counts no more: it is grain
ONE_COLOUR = 0.05  # of the style's standard deviation, up to which a patch is of one colour


def distance(
    picture: torch.Tensor,
    style: torch.Tensor,
    visible: torch.Tensor | None = None,
    visible_in_style: torch.Tensor | None = None,
) -> float:
    """The sliced Wasserstein distance of the patches of two pictures, (1, 3, H, W) and (1, 3, h, w) in [0, 1].

    It is taken on several scales, along random directions, as is usual for textures (Rabin et al., 2011; Heitz et al.,
    2021). Directions are of patches whitened by the style's covariance, as in the Mahalanobis distance, so that fine
    structure counts as much as light and shade. 0 for equal statistics; in standard deviations of the style.

    ``visible`` and ``visible_in_style`` are alphas, (1, 1, H, W) and (1, 1, h, w), or None: patches that show something
    hidden are left out.
    """
    return distance_to(style, visible_in_style, extent(*picture.shape[2:]))(picture, visible)


def distance_to(
    style: torch.Tensor, visible_in_style: torch.Tensor | None, longest: float
) -> Callable[[torch.Tensor, torch.Tensor | None], float]:
    """The :func:`distance` of pictures with that longest side, and their alphas, to a style: half the work for each."""
    factor = min(1.0, LARGEST / max(longest, extent(*style.shape[2:])))
    levels = [_Level(*level, number) for number, level in enumerate(_levels(style, visible_in_style, factor))]

    def of(picture, visible=None):
        both = zip(levels, _levels(picture, visible, factor), strict=False)  # to the scale that both have room on
        distances = [there.distance(*here) for there, here in both]
        return sum(distances) / len(distances) if distances else 0.0

    return of


def distance_of_sums(
    style: torch.Tensor,
    visible_in_style: torch.Tensor | None,
    picture: torch.Tensor,
    changes: Sequence[torch.Tensor],
    visible: torch.Tensor | None = None,
) -> Callable[[Sequence[float]], float]:
    """The :func:`distance` to a style of ``picture`` and so much of each of the ``changes``, all (1, 3, H, W).

    Patches are seen as they are, nothing is reduced: what they show is the sum of what they show of each, which makes
    a third of the work. Values are not clipped to [0, 1].
    """
    levels = [_Level(*level, number) for number, level in enumerate(_levels(style, visible_in_style, 1.0))]
    seen = []
    for there, *parts in zip(levels, *(_levels(part, visible, 1.0) for part in (picture, *changes)), strict=False):
        along = torch.stack([there.along_directions(*part) for part in parts])
        along[0] -= there.directions.T @ there.mean[:, None]
        seen.append((there, along))

    def of(amounts):
        factors = torch.tensor([1.0, *amounts])
        distances = [there.unlike(torch.tensordot(factors, along, 1)) for there, along in seen]
        return sum(distances) / len(distances) if distances else 0.0

    return of


def flatness(style: torch.Tensor, visible: torch.Tensor | None = None) -> float:
    """The share of a style's patches that are of one colour, 0 to 1: some 0.7 of a poster, none of a painting.

    ``style`` is (1, 3, H, W) in [0, 1], and ``visible`` its alpha, (1, 1, H, W), or None.
    """
    factor = min(1.0, LARGEST / extent(*style.shape[2:]))
    style, visible = _times(style, factor), _times(visible, factor)
    if min(style.shape[2:]) < PATCH:
        return 0.0
    pixels = _patches(style, visible, torch.Generator().manual_seed(0)).unflatten(1, (PATCH**2, 3))
    deviations = pixels.var(1, correction=0).sum(1).sqrt()
    return float((deviations <= ONE_COLOUR * pixels.flatten(0, 1).var(0, correction=0).sum().sqrt()).float().mean())


def _levels(picture, visible, factor):
    """A picture and its alpha on all scales that have room for patches, finest first."""
    picture, visible = _times(picture, factor), _times(visible, factor)
    for _ in range(LEVELS):
        if min(picture.shape[2:]) < 2 * PATCH:
            return
        yield picture, visible
        picture, visible = _halved(picture), _halved(visible)


class _Level:
    """The patches of a style on one scale."""

    def __init__(self, style, visible, number):
        self.random = torch.Generator().manual_seed(number)
        patches = _patches(style, visible, self.random)
        self.mean = patches.mean(0)
        centred = patches - self.mean
        variances, vectors = torch.linalg.eigh((centred.T @ centred).double() / len(centred))
        whitening = (vectors / (variances + LEAST * variances.mean()).clamp_min(1e-12).sqrt()).float()
        self.directions = whitening @ F.normalize(torch.randn(len(self.mean), DIRECTIONS, generator=self.random), dim=0)
        self.quantiles = _quantiles(self.directions.T @ (patches - self.mean).T)
        self.state = self.random.get_state()

    def distance(self, picture, visible):
        return self.unlike(self.directions.T @ (self._sampled(picture, visible) - self.mean).T)

    def along_directions(self, picture, visible):
        """What a picture's patches are along each direction, (DIRECTIONS, N)."""
        return self.directions.T @ self._sampled(picture, visible).T

    def unlike(self, along):
        """The distance of what patches are along each direction; it is sorted in place."""
        return float((_quantiles(along) - self.quantiles).abs().mean())

    def _sampled(self, picture, visible):
        self.random.set_state(self.state)  # the same for every picture
        return _patches(picture, visible, self.random)


def _quantiles(along):
    """Along each direction, (DIRECTIONS, RANKS), as torch.quantile has them in twice the time; sorts it in place."""
    _sort(along.numpy())
    ranks = torch.linspace(0, 1, RANKS) * (along.shape[1] - 1)
    below = ranks.long()
    return torch.lerp(along.index_select(1, below), along.index_select(1, ranks.ceil().long()), ranks - below)


def _sort(rows):
    """Sorts each row in place, on as many threads as torch has: alone it was half of the time."""
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda some: some.sort(1), np.array_split(rows, threads)))


def _patches(picture, visible, random):
    """Up to :data:`COUNT` patches of (1, 3, H, W) as rows of numbers, from places left to chance."""
    height, width = (n - PATCH + 1 for n in picture.shape[2:])
    places = torch.arange(height * width)
    if visible is not None:
        seen = -F.max_pool2d(-visible, PATCH, 1).flatten()  # of each patch, its pixel that is hidden most
        places = places[seen >= min(0.5, float(seen.max()))]
    places = places[torch.randperm(len(places), generator=random)[:COUNT]]
    first = places // width * picture.shape[3] + places % width  # of a patch's pixels, in a row of all
    aside = [i * picture.shape[3] + j for i, j in itertools.product(range(PATCH), repeat=2)]
    pixels = picture[0].flatten(1).T.contiguous()
    return pixels[(first[:, None] + torch.tensor(aside)).flatten()].view(len(first), -1)


def _times(picture, factor):
    if picture is None or factor == 1:
        return picture  # as it is: a change of a picture has values below 0
    return resized(picture, *(max(1, round(n * factor)) for n in picture.shape[2:])).clamp(0, 1)


def _halved(picture):
    return None if picture is None else F.avg_pool2d(picture, 2)

"""Two scores of a stylised picture that need no trained network, and the size of its strokes.

Numbers are no eye: look at the pictures too, at 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from nst_core.colour import luminance

LONGEST, SHORTEST = 320, 48  # sides in pixels that pictures are scored at, so that scores don't depend on the size
LEVELS = 3
PATCH, PATCHES, DIRECTIONS = 7, 20_000, 256
QUANTILES = 199  # of a projection's distribution, without its ends
RIDGE = 1e-3  # of the mean variance of patches, under which a direction of theirs counts as noise
WINDOW = 5  # positions, of local luminance
TINY = 1e-9  # variance of the patches of a flat picture
FAINT = 1e-4  # variance of luminance under which a window holds no structure


@dataclass(frozen=True)
class Scores:
    """How much of the style's texture and of the content's structure a picture has.

    Attributes:
        style: 1 - d(result, style) / d(content, style), d a sliced Wasserstein distance between whitened patches. 1:
            the style's patches; 0: no nearer than the content was; below 0: further away, as noise is.
        content: |correlation| of local luminance with the content, weighted by its contrast. 1: all structure is there.
    """

    style: float
    content: float

    def __str__(self) -> str:
        return f"style {self.style:.2f} · content {self.content:.2f}"


class Judge:
    """Scores pictures that were made of one content and one style, float arrays H×W×3 in [0, 1].

    Where content and style have the same patches, the style score has nothing to measure and says nothing.
    """

    def __init__(self, content: np.ndarray, style: np.ndarray):
        self._content = content
        levels = zip(_pyramid(_scored(style), LEVELS), _pyramid(_scored(content), LEVELS), strict=True)
        self._slices = [_Slices(s, c, seed) for seed, (s, c) in enumerate(levels)]
        self._from_content = max(self._style_distance(_scored(content)), TINY)

    def scores(self, result: np.ndarray) -> Scores:
        """The scores of ``result``, H×W×3 in [0, 1], of any size."""
        distance = self._style_distance(_scored(result))
        return Scores(1 - distance / self._from_content, content_score(result, self._content))

    def _style_distance(self, picture):
        levels = _pyramid(picture, LEVELS)
        return sum(s.distance(level) for s, level in zip(self._slices, levels, strict=True)) / LEVELS


class _Slices:
    """The style's patches at one level, seen along random directions of the space in which they are white."""

    def __init__(self, style, content, seed):
        # both pictures' patches are drawn from one generator, then the directions: with draws of their own, scores
        # would differ by what 20,000 patches of 80,000 tell, some 0.01
        self._seed, random = seed, torch.Generator().manual_seed(seed)
        _patches(content, random)
        patches = _patches(style, random)
        self._mean = patches.mean(0)
        centred = patches - self._mean
        variances, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
        white = axes / (variances + RIDGE * variances.mean() + TINY).clamp_min(TINY).sqrt()
        self._directions = white @ F.normalize(torch.randn(len(variances), DIRECTIONS, generator=random), dim=0)
        self._quantiles = self._seen(patches)

    def distance(self, picture) -> float:
        """Mean distance of the quantiles of the picture's and the style's patches."""
        patches = _patches(picture, torch.Generator().manual_seed(self._seed))
        return float((self._seen(patches) - self._quantiles).abs().mean())

    def _seen(self, patches):
        at = torch.linspace(0, 1, QUANTILES + 2)[1:-1]
        return torch.quantile((patches - self._mean) @ self._directions, at, dim=0)


def content_score(result: np.ndarray, content: np.ndarray) -> float:
    """:attr:`Scores.content` of ``result`` against ``content``, H×W×3 in [0, 1] both, of any sizes."""
    of_result, of_content = luminance(_scored(result)), luminance(_scored(content))
    if of_result.shape != of_content.shape:
        of_result = F.interpolate(of_result, of_content.shape[2:], mode="area")
    levels = zip(_pyramid(of_result, LEVELS + 1)[1:], _pyramid(of_content, LEVELS + 1)[1:], strict=True)
    return sum(_correlation(r, c) for r, c in levels) / LEVELS


def stroke_size(result: np.ndarray, content: np.ndarray) -> float:
    """The size of the strokes laid over ``content``, H×W×3 both, as a wavelength in per cent of the longest side.

    The middle of the spectrum of the change of luminance, on a logarithmic axis. In every picture amplitudes fall with
    frequency; they are weighted by it, so that broad shifts of brightness don't count as strokes.
    """
    weights = np.array([0.299, 0.587, 0.114])
    change = (np.asarray(result, np.float64) - content) @ weights
    height, width = change.shape
    change = (change - change.mean()) * np.outer(np.hanning(height), np.hanning(width))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij"))
    share = np.abs(np.fft.fft2(change)) ** 2 * frequency
    if share.sum() <= 0:
        return 0.0
    share, frequency = share[frequency > 0], frequency[frequency > 0]
    return float(100 / max(height, width) * np.exp(-(share * np.log(frequency)).sum() / share.sum()))


def _scored(picture):
    """A picture as the tensor (1, 3, H, W) that is scored: of 8 bits, its longest side :data:`LONGEST`."""
    image = Image.fromarray(np.rint(np.clip(picture[..., :3], 0, 1) * 255).astype(np.uint8))
    factor = LONGEST / max(image.size)
    size = tuple(max(SHORTEST, round(side * factor)) for side in image.size)
    small = np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32) / 255
    return torch.from_numpy(small).permute(2, 0, 1)[None].contiguous()


def _pyramid(picture, levels):
    """The picture and its halves, ``levels`` in all."""
    found = [picture]
    while len(found) < levels:
        found.append(F.avg_pool2d(found[-1], 2))
    return found


def _patches(picture, random):
    """At most :data:`PATCHES` random patches of a picture (1, C, H, W), as rows."""
    rows = F.unfold(picture, PATCH)[0].T
    return rows[torch.randperm(len(rows), generator=random)[:PATCHES]]


def _correlation(result, content):
    """|correlation| in windows of two maps (1, 1, H, W), the mean weighted by the content's deviation there."""
    mean_r, mean_c = _windowed(result), _windowed(content)
    variance_r = (_windowed(result.square()) - mean_r.square()).clamp_min(0)
    variance_c = (_windowed(content.square()) - mean_c.square()).clamp_min(0)
    together = (_windowed(result * content) - mean_r * mean_c).abs()
    weight = variance_c.sqrt()
    alike = together / ((variance_r * variance_c).sqrt() + FAINT)
    return float((alike * weight).sum() / weight.sum().clamp_min(1e-12))


def _windowed(maps):
    return F.avg_pool2d(maps, WINDOW, 1)

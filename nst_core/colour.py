"""Colours: matching distributions, keeping luminance (Gatys et al., 2017), filling what transparency hides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

LUMA = (0.299, 0.587, 0.114)  # of R'G'B', as in Y'CbCr
PIXELS = 1 << 20  # that are in float64 at a time
TONES = 1024  # that distributions of luma are told in


def luminance(picture: torch.Tensor) -> torch.Tensor:
    """The luma (1, 1, H, W) of a picture (1, 3, H, W)."""
    return (picture * picture.new_tensor(LUMA)[None, :, None, None]).sum(1, keepdim=True)


def with_luminance(picture: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """``picture``'s luma with the colours of ``colours``, both (1, 3, H, W) (Gatys et al., 2017, section 3.2).

    Where that leaves [0, 1], chroma is lowered, at the same luma and hue, until it fits.
    """
    luma, chroma = luminance(picture).clamp(0, 1), colours - luminance(colours)
    room = torch.where(chroma > 0, 1 - luma, luma) / chroma.abs().clamp_min(1e-6)
    return luma + chroma * room.amin(1, keepdim=True).clamp(0, 1)


def matched(picture: torch.Tensor, like: torch.Tensor, weights=None, weights_like=None) -> torch.Tensor:
    """``picture`` with the mean and covariance of ``like``'s colours, pictures (1, 3, H, W), clamped to [0, 1].

    The linear map between two Gaussians that moves colours least (Monge–Kantorovich; Pitié and Kokaram, 2007), as used
    for palettes by Gatys et al., 2017, section 3.1. Where ``like`` is grey the result is exactly grey. ``weights`` are
    maps (1, 1, H, W) that say how much each pixel counts.
    """
    mean_p, cov_p = _colour_moments(picture, weights)
    mean_l, cov_l = _colour_moments(like, weights_like)
    # colours of a picture that has none along some direction can't be stretched into any: keep the map bounded
    floor = 1e-4 * torch.eye(3, dtype=cov_p.dtype)
    root, inverse = _power(cov_p + floor, 0.5), _power(cov_p + floor, -0.5)
    transport = inverse @ _power(root @ cov_l @ root, 0.5) @ inverse
    flat = picture.flatten(2)[0]
    # in one product, as of 12 megapixels each picture takes 144 MB
    moved = torch.addmm((mean_l - transport @ mean_p).to(flat), transport.to(flat), flat)
    if is_grey(like):
        moved = moved.mean(0, keepdim=True).repeat(len(moved), 1)  # rid of what rounding leaves
    return moved.view(picture.shape).clamp_(0, 1)


def toned(luma: torch.Tensor, like: torch.Tensor, weights=None) -> torch.Tensor:
    """``luma`` with the tones of ``like``, both (1, 1, H, W) in [0, 1], as far as its contrasts bear it.

    Halfway between the line that gives it ``like``'s mean and deviation (Gatys et al., 2017, section 3.2) and the curve
    that gives it all of ``like``'s distribution. The line alone cuts off what becomes brighter than white, the curve
    alone flattens all strokes in a sky that is of one tone. ``weights`` is a map of their size, which both have then,
    that says how much each pixel counts, in either.
    """
    tones, tones_like = _tones(luma, weights), _tones(like, weights)
    levels = np.linspace(0, 1, TONES)
    line = (levels - tones.mean) * (tones_like.deviation / max(tones.deviation, 1e-3)) + tones_like.mean
    curve = np.interp(levels, tones.levels, np.interp(tones.shares, tones_like.shares, tones_like.levels))
    table = torch.from_numpy(((line + curve) / 2).clip(0, 1)).to(luma.dtype)
    place = luma.clamp(0, 1) * (TONES - 1)
    lower = place.floor().clamp_max(TONES - 2)
    found = table[lower.long()]
    return found.add_((table[lower.long() + 1] - found).mul_(place - lower))


def is_grey(picture: torch.Tensor) -> bool:
    """Whether a picture (1, 3, H, W) has no colours, up to half a step of 8 bits."""
    return bool((picture.amax(1) - picture.amin(1)).max() < 0.5 / 255 + 1e-6)


def tinted(picture: torch.Tensor, amount: float) -> torch.Tensor:
    """``picture`` (1, 3, H, W) with red darkened and blue lightened in its midtones, by a power of ``amount``; below 1
    the other way round."""
    return picture ** picture.new_tensor([amount, 1.0, 1 / amount])[None, :, None, None]


def filled(picture: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """``picture`` (1, 3, H, W) with colours from around it where ``alpha`` (1, 1, H, W) is small.

    What GIMP keeps under transparent pixels is no part of the picture, and an edge there would be painted. Averages of
    what is visible, at ever coarser scales, go in instead.
    """
    visible, weight = picture * alpha, alpha
    levels = []
    while min(visible.shape[2:]) > 1:
        levels.append((visible, weight))
        visible, weight = (F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (visible, weight))
    fill = (visible.sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-6))[:, :, None, None].expand_as(visible)
    for visible, weight in reversed(levels):
        fill = F.interpolate(fill, visible.shape[2:], mode="bilinear", align_corners=False)
        fill = visible + fill * (1 - weight)
    return fill


def _colour_moments(picture, weights):
    """Mean (3, 1) and covariance (3, 3) in float64, some pixels at a time: all of 12 megapixels would take 1 GB."""
    colours = picture.flatten(2)[0].cpu().split(PIXELS, 1)
    weights = picture.new_ones(1, picture[0, 0].numel()) if weights is None else weights.flatten(2)[0]
    weights = weights.cpu().split(PIXELS, 1)
    total = sum(w.double().sum() for w in weights).clamp_min(1e-9)
    mean = sum(c.double() @ w.double().T for c, w in zip(colours, weights, strict=True)) / total
    covariance = 0.0
    for c, w in zip(colours, weights, strict=True):
        off = c.double() - mean
        covariance = covariance + (off * w) @ off.T / total
    return mean, covariance


@dataclass(frozen=True)
class _Tones:
    """The distribution of a luma: the levels that there are, the share of pixels up to the middle of each, and the
    moments."""

    levels: np.ndarray
    shares: np.ndarray
    mean: float
    deviation: float


def _tones(luma, weights):
    place = luma.clamp(0, 1).mul(TONES - 1).round_().long().flatten()
    counts = torch.bincount(place, None if weights is None else weights.flatten().double(), TONES).double().numpy()
    there = counts.nonzero()[0]
    levels, shares = np.linspace(0, 1, TONES)[there], counts[there] / counts.sum()
    mean = float(shares @ levels)
    return _Tones(levels, shares.cumsum() - shares / 2, mean, float(shares @ (levels - mean) ** 2) ** 0.5)


def _power(matrix, exponent):
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    values = values.clamp_min(0) if exponent > 0 else values.clamp_min(1e-12)
    return vectors @ torch.diag(values**exponent) @ vectors.T

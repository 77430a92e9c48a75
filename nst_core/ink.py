"""A content drawn in lines, for a style of nothing else: ink on paper, chalk on a board.

Such a style has no tones for light and shade. Laid out by them, all that is light is bare paper, and all that is dark a
crowd of lines. What lines tell are edges: so the content is drawn as that hand would draw it, by the difference of two
Gaussians as wide as its lines (Winnemöller et al., 2012), and laid out by that drawing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from nst_core import colour
from nst_core.pyramid import blurred, extent, resized, shrunk

LOOKED_AT = 640  # longest side in pixels of the copy that tells what a style is: thin lines are there, and grain is not
SHADES = 16  # of each colour that are told apart, to find the paper's
OF_PAPER = 0.08  # distance of colours up to which it is paper, in units of the range: grain of scans, not of stone
PAPER = 0.6  # share of a style that is paper at least; where hatching shades, there is less
CONTRAST = 0.3  # between ink and paper, at least: distance of colours, likewise
DARKEST = 0.3  # share of what is not paper, that is furthest from it, whose mean is the ink's colour
TWO_COLOURS = 0.08  # share of variance around the paper that is no mixture of the two, at most
WIDEST = 0.008  # of the longest side: wider than this are shapes, or the joints of bricks, not lines
FINE, BROAD = 0.43, 4.0  # deviation of the finer Gaussian in widths of a line, and of the broader in that of the finer
AROUND = 3.0  # deviation, in that of the broader, of the window in which edges are as strong as one another
FAINT = 0.04  # what is fainter there than this share of the range is drawn less
BARE, SURE = 0.2, 0.5  # strength of an edge, of those around it, up to which there is none, and from which on there is
PIXELS = 3.0  # that a line is wide where edges are looked for, at most
LENGTH = 1.4  # widths of a line: deviation of the blur along edges
LIGHTER = 0.25  # of the way to the paper's luma, where lines lie on a content: dark ink is to be seen on dark coats
RANKS = 1025  # quantiles that tell how much of the style is covered
SOME = 1 << 20  # pixels that tell so of a content
LEVELS = 1 << 15  # of edges that are told apart


@dataclass(frozen=True)
class Ink:
    """The colours of ``paper`` and ``ink``, (3,) each, the ``width`` of lines as a share of the longest side, and how
    far ink covers a style's pixels: quantiles, from bare to covered, in [0, 1]."""

    paper: torch.Tensor
    ink: torch.Tensor
    width: float
    coverage: np.ndarray


def ink_of(style: torch.Tensor, visible: torch.Tensor | None = None, times: float = 1.0) -> Ink | None:
    """The :class:`Ink` of a style (1, 3, H, W) in [0, 1] that is of lines on paper; None where it is anything else.

    ``visible`` is its alpha (1, 1, H, W), or None. Lines will be shown ``times`` as wide.
    """
    style = shrunk(style, LOOKED_AT)
    there = torch.ones_like(style[:, :1]) if visible is None else resized(visible, *style.shape[2:])
    there = there[0, 0] >= min(0.5, float(there.max()))
    pixels = style[0][:, there].T
    paper = _most_common(pixels)
    off = pixels - paper
    far = off.square().sum(1).sqrt()
    drawn = far > OF_PAPER
    if not bool(drawn.any()) or float(drawn.float().mean()) > 1 - PAPER:
        return None
    ink = pixels[far >= torch.quantile(far[drawn], 1 - DARKEST)].mean(0)
    axis = ink - paper
    if float(axis.norm()) < CONTRAST:
        return None
    covered = _coverage(style, paper, ink)[0, 0]
    share = covered[there]
    if float((off - share[:, None] * axis).square().sum()) > TWO_COLOURS * float(off.square().sum()):
        return None
    width = _width(covered.clamp(0, 1), there) / extent(*style.shape[2:])
    if width > WIDEST:
        return None
    quantiles = np.quantile(share.clamp(0, 1).numpy(), np.linspace(0, 1, RANKS))
    return Ink(paper, ink, times * width, quantiles)


def on_paper(colours: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor | None:
    """A style of nothing but lines, (1, 3, H, W), of which ``alpha`` (1, 1, H, W) hides the rest, on paper.

    That is white, or black where the lines are light. None where what is visible is anything else.
    """
    small = shrunk(colours, LOOKED_AT), shrunk(alpha, LOOKED_AT)
    for paper in (1.0, 0.0):
        found = ink_of(_laid(*small, paper))
        if found and float((found.paper - paper).abs().max()) < OF_PAPER:
            return _laid(colours, alpha, paper)
    return None


def over(painted: torch.Tensor, content: torch.Tensor, ink: Ink, tones: float) -> torch.Tensor:
    """The luma (1, 1, H, W) of ``painted`` lines, (1, 3, H, W), on ``tones``, 0 to 1, of those of the ``content``.

    ``content`` is its luma, (1, 1, H, W). What is not left of its tones is their mean.
    """
    of_paper, of_ink = (float(colour.luminance(x.view(1, 3, 1, 1))) for x in (ink.paper, ink.ink))
    between = torch.lerp(content.mean(), content, tones)
    between = torch.lerp(between, torch.full_like(between, of_paper), LIGHTER)
    return _coverage(painted, ink.paper, ink.ink).clamp_(0, 1).mul_(of_ink - between).add_(between)


def in_lines(content: torch.Tensor, ink: Ink) -> torch.Tensor:
    """``content`` (1, 3, H, W) in [0, 1] drawn in ``ink``, on its paper, with as much of it as the style has.

    Lines lie on the side of edges that is nearer to the ink: dark ink draws shadows' borders, chalk those of light.
    """
    edges = resized(_edges(content, ink), *content.shape[2:])
    step = -(-edges.numel() // SOME)
    ranks = np.quantile(edges.flatten()[::step].numpy(), np.linspace(0, 1, RANKS))
    levels = np.linspace(ranks[0], ranks[-1], LEVELS)
    covered = np.interp(levels, ranks, ink.coverage) * ((levels - BARE) / (SURE - BARE)).clip(0, 1)
    place = edges.sub_(ranks[0]).mul_((LEVELS - 1) / max(1e-9, ranks[-1] - ranks[0])).clamp_(0, LEVELS - 1)
    covered = torch.from_numpy(covered).float().index_select(0, place.int().flatten()).view_as(edges)
    paper, axis = ink.paper.view(1, 3, 1, 1), (ink.ink - ink.paper).view(1, 3, 1, 1)
    return covered.mul(axis).add_(paper).clamp_(0, 1)


def _edges(content, ink):
    """How strong edges are on the side where a line is to be, (1, 1, h, w); 1 is as strong as those around it.

    At a size at which lines have a few pixels: what is cut at a level is as sharp at any.
    """
    luma = colour.luminance(content)
    factor = min(1.0, PIXELS / (ink.width * extent(*luma.shape[2:])))
    luma = resized(luma, *(max(2, round(n * factor)) for n in luma.shape[2:]))
    width = ink.width * extent(*luma.shape[2:])
    fine = max(0.5, FINE * width)
    broad = BROAD * fine
    smooth = blurred(luma, fine)
    edges = smooth - _blurred(luma, broad)
    if float(colour.luminance((ink.ink - ink.paper).view(1, 3, 1, 1))) < 0:
        edges.neg_()
    edges.div_(_blurred(edges.abs(), AROUND * broad).add_(FAINT))
    return _along(edges, smooth, max(1.0, LENGTH * width))


def _along(edges, luma, deviation):
    """``edges`` blurred along those of ``luma``, both (1, 1, h, w), which makes lines of dashes (Kang et al., 2007)."""
    height, width = luma.shape[2:]
    padded = F.pad(luma, (1, 1, 1, 1), mode="replicate")
    right, down = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2], padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    rr, rd, dd = _blurred(torch.cat([right * right, right * down, down * down], 1), deviation)[0]
    angle = 0.5 * torch.atan2(2 * rd, rr - dd) + math.pi / 2  # of the direction in which there is the least change
    tangents = torch.stack([torch.cos(angle), torch.sin(angle)])
    here = torch.stack(torch.meshgrid(torch.arange(width) + 0.5, torch.arange(height) + 0.5, indexing="xy"))
    total, weights = edges.clone(), 1.0
    for sign in (1, -1):
        place, towards = here, sign * tangents
        for step in range(1, math.ceil(2 * deviation) + 1):
            place = place + towards
            columns, rows = (x.long().clamp(0, n - 1) for x, n in zip(place, (width, height), strict=True))
            there = tangents[:, rows, columns]
            towards = torch.where((there * towards).sum(0) < 0, -there, there)
            grid = torch.stack([2 * place[0] / width - 1, 2 * place[1] / height - 1], -1)[None]
            weight = math.exp(-(step**2) / (2 * deviation**2))
            seen = F.grid_sample(edges, grid, mode="bilinear", padding_mode="border", align_corners=False)
            total.add_(seen, alpha=weight)
            weights += weight
    return total.div_(weights)


def _laid(colours, alpha, paper):
    return torch.lerp(torch.full_like(colours, paper), colours, alpha)


def _coverage(picture, paper, ink):
    """How far ink covers each pixel of (1, 3, H, W), (1, 1, H, W): 0 for the paper's colour, 1 for the ink's."""
    axis = ink - paper
    axis = axis / axis.square().sum()
    return (picture * axis.view(1, 3, 1, 1)).sum(1, keepdim=True) - float(paper @ axis)


def _most_common(pixels):
    """The mean (3,) of the pixels (N, 3) that share the most common colour, in so many shades."""
    shades = (pixels * (SHADES - 1)).round().long()
    number = (shades * torch.tensor([SHADES**2, SHADES, 1])).sum(1)
    return pixels[number == torch.bincount(number).argmax()].mean(0)


def _width(coverage, there):
    """The mean width in pixels of lines: twice their area by the length of their borders, which is what coverage varies
    in all (the coarea formula)."""
    down, right = (coverage.diff(dim=dim) for dim in (0, 1))
    varies = (down[:, :-1].square() + right[:-1].square()).sqrt()
    there = there[:-1, :-1]
    return 2 * float(coverage[:-1, :-1][there].sum()) / max(1e-6, float(varies[there].sum()))


def _blurred(picture, deviation):
    """:func:`nst_core.pyramid.blurred`, by way of a smaller copy where it is broad."""
    factor = max(1.0, deviation / 4)
    small = tuple(max(2, round(n / factor)) for n in picture.shape[2:])
    return resized(blurred(resized(picture, *small), deviation / factor), *picture.shape[2:])

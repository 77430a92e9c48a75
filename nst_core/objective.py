"""The loss over a picture and its exact gradient, whole or in tiles, for one scale.

The Gram matrices do not decompose over tiles, but their gradient does: a first pass adds up every layer's moments; the
style loss and its derivatives by these moments follow; a second pass takes each tile's gradient through its own
features alone. Both passes see the same features as the whole picture would, so the result is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst_core import losses, vgg
from nst_core.losses import Moments
from nst_core.tiles import Box, Tile, tiles


@dataclass(frozen=True, order=True)
class Tap:
    """Where features are taken: a VGG16 ``layer`` of the picture scaled down by the whole number ``shrink``."""

    shrink: int
    layer: str

    @property
    def stride(self) -> int:
        return self.shrink * vgg.stride(self.layer)


@dataclass(frozen=True)
class Weights:
    """What counts how much. ``style`` gives each tap its w_l; ``content_tap``'s loss is weighted by ``content``.

    ``plain`` losses are exactly Gatys'; otherwise every term is relative to the size of what it compares with, so
    that weights mean the same for all features and picture sizes. ``variation`` and ``range`` (the penalty for values
    outside [0, 1]) are per pixel. Where the content is calm, variation costs up to 1 + ``calm`` times as much: there is
    nothing to keep a style from hatching it, whose statistics do not tell where. ``usual`` is how far from the style's
    mean, in its mean squared deviations, a position counts in full in the style loss; 0: all do. Further ones are of
    brightnesses or contrasts that the style has nowhere. Strong as they are, they would have most of the gradient, and
    the cheapest way to lower their part in the statistics is a mesh over them. Then the outermost positions do
    not count either. Layers at the picture's full size count all: limited, an equal loss takes a quarter longer.
    """

    style: dict[Tap, float]
    content_tap: Tap
    content: float = 1.0
    variation: float = 0.0
    calm: float = 0.0
    usual: float = 0.0
    range: float = 0.0
    plain: bool = False

    @property
    def taps(self) -> list[Tap]:
        return sorted({*self.style, self.content_tap})


class Objective:
    """α·L_content + β·L_style + … of a picture (1, 3, H, W) at one scale.

    Args:
        network: the features.
        weights: of the terms.
        content: picture (1, 3, H, W) to keep the content of.
        style: picture (1, 3, H', W') to take the style of.
        visible, visible_in_style: how much each pixel counts, (1, 1, H, W) and (1, 1, H', W'); None: all alike.
        tile: side in pixels of the tiles to compute in; None: the whole at once.
    """

    def __init__(self, network, weights: Weights, content, style, visible=None, visible_in_style=None, tile=None):
        self.network, self.weights = network, weights
        self.height, self.width = content.shape[2:]
        self.grid = max(tap.stride for tap in weights.taps)
        self.margin = max(tap.shrink * vgg.reach(tap.layer) for tap in weights.taps)
        whole = Box(0, self.height, 0, self.width)
        self.tiles = (
            [Tile(whole, whole)] if tile is None else tiles(self.height, self.width, tile, self.margin, self.grid)
        )
        self.visible = _pooled(visible, weights.taps)
        self.costs = None  # of variation, at each pixel
        if weights.calm:
            # on the processor: MPS has means of equal parts alone
            self.costs = losses.calmness(content.cpu()).mul_(weights.calm).add_(1).to(content.device)
        with torch.no_grad():
            self.style = self._moments_of_style(style, _pooled(visible_in_style, weights.taps), tile)
            self.content, self.counts = self._of_content(content)
            self.content_scale = self._scale_of_content()

    def evaluate(self, picture: torch.Tensor) -> tuple[float, torch.Tensor]:
        """The loss of ``picture`` and its gradient, (1, 3, H, W). NaN where the numbers left their range."""
        if len(self.tiles) == 1:
            leaf = picture.detach().requires_grad_(True)
            features = self._features(leaf)
            loss = self._style_loss(self._moments(self.tiles[0], features)) + self._content_loss(
                self.tiles[0], features
            )
            loss.backward()
            gradient, total = leaf.grad, float(loss.detach())
        else:
            total, gradient = self._evaluate_tiles(picture.detach())
        return total + self._add_pixel_terms(picture.detach(), gradient), gradient

    def style_distance(self, picture: torch.Tensor) -> float:
        """The style loss alone, unweighted by β only in so far as the weights of the taps are, of what counts in it."""
        with torch.no_grad():
            return float(self._style_loss(self._all_moments(picture)))

    def _evaluate_tiles(self, picture):
        with torch.no_grad():
            sums = self._all_moments(picture)
        leaves = {
            tap: Moments(m.second.requires_grad_(True), m.first.requires_grad_(True), m.weight)
            for tap, m in sums.items()
        }
        style_loss = self._style_loss(leaves)
        style_loss.backward()
        total, gradient = float(style_loss.detach()), torch.zeros_like(picture)
        for tile in self.tiles:
            outer = (..., tile.outer.rows, tile.outer.columns)
            leaf = picture[outer].clone().requires_grad_(True)
            features = self._features(leaf)
            content_loss = self._content_loss(tile, features)
            surrogate = content_loss
            for tap, m in self._moments(tile, features).items():
                surrogate = surrogate + (leaves[tap].second.grad * m.second).sum()
                if leaves[tap].first.grad is not None:
                    surrogate = surrogate + (leaves[tap].first.grad * m.first).sum()
            surrogate.backward()
            total += float(content_loss.detach())
            gradient[outer] += leaf.grad
        return total, gradient

    def _features(self, picture):
        found = {}
        for shrink in sorted({tap.shrink for tap in self.weights.taps}):
            layers = [tap.layer for tap in self.weights.taps if tap.shrink == shrink]
            small = F.avg_pool2d(picture, shrink) if shrink > 1 else picture
            for layer, maps in self.network.features(small, layers).items():
                found[Tap(shrink, layer)] = maps.squeeze(0)
        return found

    def _moments(self, tile, features):
        found = {}
        for tap in self.weights.style:
            there, here = tile.on_grid(tap.stride, *features[tap].shape[1:])
            weights = None if self.counts is None else self.counts.get(tap)
            weights = None if weights is None else weights[there.rows, there.columns]
            found[tap] = losses.moments(_cropped(features[tap], here), weights)
        return found

    def _all_moments(self, picture):
        sums = {}
        for tile in self.tiles:
            features = self._features(picture[..., tile.outer.rows, tile.outer.columns])
            for tap, m in self._moments(tile, features).items():
                sums[tap] = sums[tap] + m if tap in sums else m
        return sums

    def _moments_of_style(self, style, visible, tile):
        height, width = style.shape[2:]
        sums = {}
        # in tiles of its own: the style may be far larger than the picture, at a large brush size
        for part in tiles(height, width, tile or STYLE_TILE, self.margin, self.grid):
            features = self._features(style[..., part.outer.rows, part.outer.columns])
            for tap in self.weights.taps:
                there, here = part.on_grid(tap.stride, *features[tap].shape[1:])
                w = None if visible is None else visible[tap][there.rows, there.columns]
                m = losses.moments(_cropped(features[tap], here), w)
                sums[tap] = sums[tap] + m if tap in sums else m
        return sums

    def _style_loss(self, moments):
        total = 0.0
        for tap, weight in self.weights.style.items():
            if self.weights.plain:
                term = losses.gram_loss(moments[tap].gram, self.style[tap].gram)
            else:
                term = losses.moments_loss(moments[tap], self.style[tap])
            total = total + weight * term
        return total

    def _of_content(self, content):
        """The content's features at its tap, and how much each position counts in the style loss, {tap: (H/stride,
        W/stride)} or None where all do alike."""
        tap, kept, counts = self.weights.content_tap, None, {}
        for tile in self.tiles:
            features = self._features(content[..., tile.outer.rows, tile.outer.columns])
            found = losses.precise(features[tap])
            if len(self.tiles) == 1:
                kept = found  # it lies in memory as what it is compared with
            else:
                there, here = tile.on_grid(tap.stride, *found.shape[1:])
                kept = found.new_empty(len(found), *self._map_size(tap)) if kept is None else kept
                kept[:, there.rows, there.columns] = _cropped(found, here)
            if self.weights.usual:
                self._add_counts(counts, tile, features)
        if not self.weights.usual:
            return kept, self.visible
        unlimited = {} if self.visible is None else self.visible
        return kept, {**unlimited, **{tap: self._without_edges(tap, counts[tap]) for tap in counts}}

    def _add_counts(self, counts, tile, features):
        for tap in self.weights.style:
            if tap.stride == 1:
                continue  # see Weights
            there, here = tile.on_grid(tap.stride, *features[tap].shape[1:])
            usualness = losses.usualness(_cropped(features[tap], here), self.style[tap], self.weights.usual)
            counts.setdefault(tap, usualness.new_empty(self._map_size(tap)))[there.rows, there.columns] = usualness

    def _without_edges(self, tap, counts):
        """What counts, but for the outermost positions: padding repeats them, and a line there would do for many."""
        inner = torch.zeros_like(counts)
        down, right = (min(EDGE, n // LEAST_INNER) for n in counts.shape)
        inside = slice(down, counts.shape[0] - down), slice(right, counts.shape[1] - right)
        inner[inside] = counts[inside]
        if self.visible is not None:
            counts, inner = (x * self.visible[tap] for x in (counts, inner))
        # something at an edge is all that is visible at times
        return inner if float(inner.sum()) > float(counts.sum()) / 4 else counts

    def _map_size(self, tap):
        return [n // tap.shrink // vgg.stride(tap.layer) for n in (self.height, self.width)]

    def _content_loss(self, tile, features):
        tap = self.weights.content_tap
        there, here = tile.on_grid(tap.stride, *features[tap].shape[1:])
        kept, generated = _cropped(self.content, there), _cropped(features[tap], here)
        if self.visible is not None:
            root = self.visible[tap][there.rows, there.columns].sqrt()
            kept, generated = kept * root, generated * root
        return self.weights.content * self.content_scale * losses.content_loss(generated, kept)

    def _scale_of_content(self):
        """What makes the content loss relative: one over its features' variance, positions and channels."""
        if self.weights.plain:
            return 1.0
        spread = (self.content - self.content.mean((1, 2), keepdim=True)).square().mean()
        # a flat content has next to none, and its least change would cost more than all style
        least = LEAST_VARIANCE * self.style[self.weights.content_tap].covariance.diagonal().mean()
        return 1.0 / (float(torch.maximum(spread, least)) * self.content.numel() + 1e-9)

    def _add_pixel_terms(self, picture, gradient):
        """The loss of the terms that need no features; their gradient is added to ``gradient``."""
        # some rows at a time: of 12 megapixels each of what they are worked out in would take 144 MB
        rows, total = max(1, BAND // self.width), 0.0
        for top in range(0, self.height, rows):
            if self.weights.variation:
                total += self._add_variation(picture, gradient, top, rows)
            if self.weights.range:
                factor = self.weights.range / picture.numel()
                band = picture[..., top : top + rows, :]
                outside = band - band.clamp(0, 1)
                total += factor * float(outside.square().sum())
                gradient[..., top : top + rows, :].add_(outside, alpha=2 * factor)
        return total

    def _add_variation(self, picture, gradient, top, rows):
        factor, total = self.weights.variation / picture.numel(), 0.0
        for dim, further in ((2, 1), (3, 0)):  # the step down from the last row is the next band's first row away
            band = (..., slice(top, top + rows + further), slice(None))
            here, there = picture[band], gradient[band]
            step, length = here.diff(dim=dim), here.shape[dim] - 1
            costs = 1.0 if self.costs is None else self.costs[band].narrow(dim, 1, length)
            root = losses.variation_root(step)
            total += factor * float(((root.sum(1, keepdim=True) - root.shape[1] * losses.FAINT_STEP) * costs).sum())
            slope = step.div_(root).mul_(costs)
            there.narrow(dim, 1, length).add_(slope, alpha=factor)
            there.narrow(dim, 0, length).sub_(slope, alpha=factor)
        return total


BAND = 1 << 19  # pixels that terms of pixels are worked out for at a time
STYLE_TILE = 1024
EDGE = 2  # positions at each edge of a map that do not count, fewer of small maps:
LEAST_INNER = 8  # positions that a map has for each of these, at least
LEAST_VARIANCE = 0.1  # of the content's features, as a share of the style's


def _cropped(maps, box):
    """``maps`` (N, H, W) in ``box``; as they are where that is all: the gradient of a slice costs a copy."""
    if (box.top, box.left, box.bottom, box.right) == (0, 0, *maps.shape[1:]):
        return maps
    return maps[:, box.rows, box.columns]


def _pooled(visible, taps):
    """How much each position of every tap's map counts, {tap: (H/stride, W/stride)}; None where all pixels do alike."""
    if visible is None:
        return None
    pooled = {}
    for tap in taps:
        small = visible
        if tap.shrink > 1:
            small = F.avg_pool2d(small, tap.shrink)
        for _ in range(vgg.block(tap.layer) - 1):
            small = F.avg_pool2d(small, 2)
        # something thin at an edge may lie where the poolings see nothing; its colours are all around it, filled in
        pooled[tap] = small[0, 0] if float(small.sum()) > 1e-6 else torch.ones_like(small[0, 0])
    return pooled

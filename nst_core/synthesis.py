"""The content laid out with the style's own strokes: what painting starts from.

Texture synthesis by optimisation (Kwatra et al., 2005), guided by the content as in Image Analogies (Hertzmann et al.,
2001): every patch of the picture in the making is to be one of the style's, in look, and to be like the content at its
place, in colour and broad shape. In turn, the best patch is sought for each place (:mod:`nst_core.patchmatch`), and the
picture is made the mean of the patches that overlap. From coarse to fine, so that swirls are taken whole where nothing
of the content forbids it, and lines of the content come out in strokes that follow them.

The outcome is a :class:`Field`: where in the style each place comes from. It is found on copies of one size, whatever
the pictures' size, and shown at any size: small and large pictures, drafts and fine ones have the same strokes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F

from nst_core import layout
from nst_core.likeness import distance
from nst_core.lost import LOST_AT, lost
from nst_core.patchmatch import Dearer, density, improved, offered, wanted
from nst_core.plan import JUDGING, finest, plan
from nst_core.pyramid import blurred, broad, extent, resized
from nst_core.showing import PATCH, Field, copy, shown

DIRECTIONS = 24  # principal components of the style's patches that tell how they look: some 95 % of the variance
GUIDE = 0.018  # how much the likeness to the content counts, against the look, where the content is flat
SALIENCE = 14.0  # how many times more it counts where the content has something on it
SHAPES = 3.0  # how much more the content's shapes count than its colours
BLUR = (2.0, 1.0)  # standard deviations in pixels: of colours, and of shapes, which are what the first leaves out
REUSE = 0.2  # see :class:`nst_core.patchmatch.Dearer`; at 1, all leave for what was free and meet there
SMEAR = 0.5  # likewise, for a style that is not of flat colours; those are made of stripes
# of the variance of a style's patches, for what goes on in none of its neighbours, in a style of flat colours: less
# bends its straight edges, more cuts round ones to steps
TEAR = 0.03
CHANCE = 0.15  # by how much the first choices are changed at random, so that another seed gives another picture
PULL = 80.0  # towards an even layout: of the style's variance, for a place that is the style's longest side away
OTHER = 2**31  # is added to a seed for other choices: none of the settings' is as large, and the generator sees 32 bits
HIDDEN = 1e3  # what it costs to take what is transparent in the style
BEFORE, BETWEEN = 30, 14  # searches through all places that it takes as long as to begin a scale, and a turn
LOCAL = 1 / 24  # of the longest side: contrasts are local within it
LARGER = 1.4  # times as large are the parts of a layout of larger ones
FRAYED = 180  # longest side in pixels from which on a style's straight edges would fray along each edge of the content:
LESS_GUIDED = 0.2  # of the guidance is left to these scales for such a style


def field(
    content: torch.Tensor,
    style: torch.Tensor,
    seed: int,
    brush_size: float = 100.0,
    guidance: float = 1.0,
    reuse: float = REUSE,
    even: float = 0.0,
    straight: float = 0.0,
    cells: int = layout.CELLS,
    insistence: float = 0.0,
    emphasis: float = 0.0,
    visible: torch.Tensor | None = None,
    detailed: bool = True,
    on_work: Callable[[float], bool] = lambda done: False,
) -> Field:
    """Which part of ``style`` to show at each place of ``content``; both (1, 3, H, W) in [0, 1], in the same colours.

    Args:
        content, style: of any size; the style is taken to be as long as the content at a ``brush_size`` of 100.
        seed: of all that is left to chance.
        brush_size: in per cent.
        guidance: how much the likeness to the content counts; 1 is usual.
        reuse: how much dearer what is used gets; see :class:`nst_core.patchmatch.Dearer`.
        even: how much places are drawn to a layout that uses all of the style alike (:mod:`nst_core.layout`), 0 to 1.
        straight: how straightly the parts of that layout are cut, 0 to 1.
        cells: how many parts it has.
        insistence: how many times more the likeness to the content counts where a scale's strokes have lost what is
            drawn there (:mod:`nst_core.lost`), at the next one.
        emphasis: how much more of its local contrast the content has for the choice.
        visible: the style's alpha (1, 1, H, W), or None.
        detailed: whether a large picture's places are made up to twice as fine, which takes half a gigabyte.
        on_work: called often with the share of the work that is done. Where it answers True, the search ends with what
            it has, which is broader and rougher; it may also raise.
    """
    planned = plan(extent(*content.shape[2:]), brush_size, even, straight, detailed)
    coarsest = (*planned.tried, *planned.others)[0].side
    search = _Search(
        content,
        style,
        visible,
        brush_size / 100,
        guidance,
        insistence,
        emphasis,
        reuse,
        even,
        straight,
        cells,
        coarsest,
    )
    begun, told = [], _Told(on_work, planned.work)

    def unlike(one):
        told.begin(JUDGING)
        return search.unlike(one[0])

    for way in planned.ways:
        random = torch.Generator().manual_seed(seed + way.other * OTHER)
        begun.append((search.refined(None, planned.tried, way, random, told), way, random))
        if told.ended:  # in the middle of the last of them
            begun = begun[:-1] or begun
            break
    found, way, random = begun[0] if len(begun) == 1 else min(begun, key=unlike)
    return search.refined(found, planned.others, way, random, told)


class _Told:
    """Tells how far the search is, a piece of work after the other, and remembers whether it is to end."""

    def __init__(self, on_work, whole):
        self.on_work, self.whole, self.before, self.piece, self.ended = on_work, whole, 0.0, 0.0, False

    def begin(self, piece):
        self.before, self.piece = self.before + self.piece, piece
        return self.share(0)

    def share(self, of_piece):
        self.ended = bool(self.on_work((self.before + of_piece * self.piece) / self.whole)) or self.ended
        return self.ended


@dataclass(frozen=True)
class _Search:
    """What is sought, see :func:`field`: for a content, in a style ``factor`` times as long."""

    content: torch.Tensor
    style: torch.Tensor
    visible: torch.Tensor | None
    factor: float
    guidance: float
    insistence: float
    emphasis: float
    reuse: float
    even: float
    straight: float
    cells: int
    coarsest: int

    def refined(self, found, scales, way, random, told):
        """``found``, a field or None, after a search at these scales; there is one, even where told to end."""
        for scale in scales:
            if told.begin(scale.work) and found is not None:
                break
            content, style, visible = self._copies(scale.side)
            force = self.even * way.pull * PULL * scale.pulled
            pull = _Pull(self._parts[way.parts] if force else None, force, self.straight)
            frayed = self.straight if scale.side > FRAYED else 0.0
            guidance = self.guidance * LESS_GUIDED**frayed
            insistence = self.insistence * (1 - frayed)
            if found is not None and insistence:
                guidance = guidance * (1 + insistence * self._lost(found, *content.shape[2:]))
            dearer = Dearer(self.reuse, SMEAR * (1 - self.straight), TEAR * self.straight)
            given = content, style, visible, found, guidance, dearer, pull, scale, random, told.share
            found = _at_scale(*given)
        return found

    def unlike(self, found):
        """How unlike the style it is what ``found`` shows."""
        side = finest(self.factor)
        _, style, visible = self._copies(side)
        height, width = (max(1, round(n * side / extent(*self.content.shape[2:]))) for n in self.content.shape[2:])
        return distance(shown(found, self.style, height, width, 100 * self.factor), style, None, visible)

    def _lost(self, found, height, width):
        """What of the content is lost in what ``found`` shows, at that size."""
        small = copy(self.content, min(LOST_AT, extent(height, width)))
        there = lost(small, shown(found, self.style, *small.shape[2:], 100 * self.factor))
        return resized(there, height, width)[0, 0].clamp(0, 1)

    @cached_property
    def _parts(self):
        """The even layouts, by their parts."""
        pictures = self._copies(self.coarsest)
        cells = {"usual": self.cells, "larger": round(self.cells / LARGER), "smaller": max(self.cells, layout.CELLS)}
        return {name: layout.parts(*pictures, self.straight, count) for name, count in cells.items()}

    def _copies(self, side):
        """The content, the style, and what is visible of it, for a scale."""
        style = copy(self.style, max(PATCH + 1, round(side * self.factor)))
        visible = None if self.visible is None else resized(self.visible, *style.shape[2:]).clamp(0, 1)
        return self._emphasised(copy(self.content, side)), style, visible

    def _emphasised(self, content):
        if not self.emphasis:
            return content
        return torch.lerp(broad(content, LOCAL), content, 1 + self.emphasis).clamp_(0, 1)


def _at_scale(content, style, visible, coarser, guidance, dearer, pull, scale, random, on_share):
    size = height, width = content.shape[2:]
    a_turn = BETWEEN + scale.effort.offers

    def told(made):
        return on_share(made / (BEFORE + scale.turns * a_turn))

    principal, guide = _Principal(style, random), _guide(content)
    told(BEFORE / 3)
    look = principal(style)
    told(BEFORE / 3 * 2)
    dearer = replace(dearer, tear=dearer.tear * float(look.var((2, 3)).sum()))
    places, from_where = pull(look, size, style.shape[2:])
    there = offered(torch.cat([look, places], 1), _guide(style)[..., _INNER, _INNER], _penalty(visible))
    weight = guidance * GUIDE * PATCH**2 * (1 + SALIENCE * _salience(content))
    if coarser is None:
        index = _first(guide, weight, from_where, there, random)
    else:
        index = _finer(coarser, there, style, height, width)
    for turn in range(scale.turns):
        begun = BEFORE + turn * a_turn

        def on_offer(share, begun=begun + BETWEEN):
            return told(begun + share * scale.effort.offers)

        if told(begun):
            break
        picture = _mean_of_patches(index, there, style, height, width)
        if told(begun + BETWEEN / 2):
            break
        look = principal(F.pad(picture, (_HALF,) * 4, mode="replicate"))
        here = wanted(torch.cat([look, from_where], 1), guide, weight)
        index = improved(index, here, there, dearer, scale.effort, random, on_offer)
    rows, columns = _middles(index, there, height, width)
    used = F.pad(density(index, there), (_HALF,) * 4, mode="replicate")
    return Field(rows, columns, tuple(style.shape[2:]), used / used.mean())


_HALF = PATCH // 2
_INNER = slice(_HALF, -_HALF)  # the positions that are the middle of a whole patch


@dataclass(frozen=True)
class _Pull:
    """Draws places to an even layout, with a force in units of the variance of what patches show."""

    parts: torch.Tensor | None
    force: float
    straight: float

    def __call__(self, look, size, style_size):
        """What tells where the style's patches lie, and where the content's are to come from, beside how they look:
        (1, 2, h, w) both, so that squared differences are what it costs to be elsewhere; without a force (1, 0, h, w).
        """
        if not self.force:
            return look[:, :0], look.new_zeros(1, 0, *size)
        unit = math.sqrt(self.force * float(look.var((2, 3)).sum())) / max(style_size)
        rows, columns = (torch.arange(n) + PATCH / 2 for n in look.shape[2:])
        return (
            unit * torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None],
            unit * layout.middles(self.parts, size, style_size, self.straight)[None],
        )


class _Principal:
    """The principal components of a style's patches: what (1, 3, H, W) shows, as (1, N, H − 6, W − 6)."""

    def __init__(self, style, random):
        patches = F.unfold(style, PATCH)[0].T if style[0, 0].numel() < 1 << 16 else _some_patches(style, random)
        self.mean = patches.mean(0)
        centred = patches - self.mean
        _, vectors = torch.linalg.eigh((centred.T @ centred).double() / len(centred))
        # a convolution with them is the same product, and needs no copy of all patches
        self.filters = vectors.flip(1)[:, :DIRECTIONS].T.float().reshape(-1, 3, PATCH, PATCH).contiguous()
        self.offset = self.filters.flatten(1) @ self.mean

    def __call__(self, picture):
        return F.conv2d(picture, self.filters, -self.offset)


def _some_patches(style, random, count=20_000):
    height, width = (n - PATCH + 1 for n in style.shape[2:])
    rows, columns = (torch.randint(0, n, (count,), generator=random) for n in (height, width))
    parts = [style[0, :, rows + i, columns + j] for i, j in itertools.product(range(PATCH), repeat=2)]
    return torch.stack(parts, 1).permute(2, 0, 1).flatten(1)


def _guide(picture):
    """What a patch is to be like: its colours, and the shapes that are finer than these."""
    broad, fine = (blurred(picture, deviation) for deviation in BLUR)
    return torch.cat([broad, math.sqrt(SHAPES) * (fine - broad)], 1)


def _salience(content):
    """Where the content has something on it, (H, W): its local contrast, in units of the mean."""
    grey = content.mean(1, keepdim=True)
    contrast = blurred((grey - blurred(grey, 3.0)).abs(), 1.5)[0, 0]
    return (contrast / contrast.mean().clamp_min(0.01)).clamp(max=4)


def _penalty(visible):
    if visible is None:
        return None
    return (HIDDEN * (1 - F.avg_pool2d(visible, PATCH, 1))).clamp_min(0).flatten()


def _first(guide, weight, from_where, there, random):
    """The patches that are most like the content and where they are to be; some chance among equals."""
    ends = there.points.shape[1] - 2  # the sums of squares, before which the guide lies, and before that the places
    begins = ends - guide.shape[1]
    # in place: a large brush has 25,000 patches to choose from, and each of these takes 180 MB
    costs = torch.cdist(_points(guide), there.points[:, begins:ends]).square_().mul_(weight.view(-1, 1))
    if from_where.shape[1]:
        places = there.points[:, begins - from_where.shape[1] : begins]
        costs += torch.cdist(_points(from_where), places).square_()
    costs += torch.rand(costs.shape, generator=random).mul_(CHANCE * costs.mean())
    costs += there.penalty
    return costs.argmin(1)


def _points(maps):
    return maps[0].flatten(1).T


def _finer(coarser, there, style, height, width):
    """The field of a coarser scale at the next: each place shows the part of the style that it showed there."""
    found = []
    for middles, old, new, size, axis in zip(
        (coarser.rows, coarser.columns), coarser.style_size, style.shape[2:], (height, width), (0, 1), strict=True
    ):
        places = middles.shape[axis]
        exact = (torch.arange(size) + 0.5) * places / size
        aside = (exact - exact.floor() - 0.5) * size / places
        middles = _taken(middles, height, width) * new / old
        found.append(middles + (aside[:, None] if axis == 0 else aside[None]))
    rows, columns = ((x - PATCH / 2).round().long() for x in found)
    return (rows.clamp(0, there.rows - 1) * there.columns + columns.clamp(0, there.columns - 1)).flatten()


def _taken(values, height, width):
    """``values`` (H, W) at another size, the nearest each."""
    rows, columns = (
        ((torch.arange(n) + 0.5) * m / n).long().clamp(max=m - 1)
        for n, m in zip((height, width), values.shape, strict=True)
    )
    return values[rows][:, columns]


def _middles(index, there, height, width):
    index = index.view(height, width)
    return index // there.columns + PATCH / 2, index % there.columns + PATCH / 2


def _mean_of_patches(index, there, style, height, width):
    """The picture (1, 3, height, width) in which the chosen patches overlap, each counting most in its middle."""
    index = index.view(height, width)
    first = index // there.columns * style.shape[3] + index % there.columns  # of a patch's pixels, in a row of all
    first = first.int()
    # each with its three colours side by side, which halves the time
    pixels, total = _points(style).contiguous(), style.new_zeros(height, width, 3)
    weights = style.new_zeros(height, width, 1)
    for down, right in itertools.product(range(-_HALF, _HALF + 1), repeat=2):
        weight = math.exp(-(down**2 + right**2) / 8)
        here = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
        patches = first[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
        there_pixels = patches + ((_HALF + down) * style.shape[3] + _HALF + right)
        total[here].add_(pixels.index_select(0, there_pixels.flatten()).view(*patches.shape, 3), alpha=weight)
        weights[here] += weight
    return total.div_(weights).permute(2, 0, 1)[None].contiguous()

"""The losses of neural style, as pure functions of feature maps (Gatys, Ecker and Bethge, 2016, equations 1 to 7).

Feature maps are tensors (N, H, W): N channels at M = H·W positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst_core.pyramid import extent

FAINT_STEP = 0.03  # between two neighbours, in units of the range: less than it counts as grain
AROUND = 1 / 48  # of the longest side: so far around a pixel it is looked for calm
STIR = 0.4  # of the average difference between neighbours: so much around a pixel is not calm any more
LEAST_STEP = 1e-4  # of the range: less on average is nothing
MOST_ON_MPS = 16_384  # positions in one product
LEAST_STRUCTURE = 1e-4  # |Σ|² as a share of the Gram matrix's, far below any picture with something on it


def precise(values: torch.Tensor) -> torch.Tensor:
    """``values`` in float32, or as they are where that is no less: sums of squares need more digits than features."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def gram_matrix(features: torch.Tensor) -> torch.Tensor:
    """A = F·Fᵀ (equation 3), an (N, N) tensor; the sum over positions, not divided by anything."""
    return _product(features.flatten(1))


def _product(flat):
    return in_pieces(flat, MOST_ON_MPS) if flat.device.type == "mps" else flat @ flat.T


def in_pieces(flat: torch.Tensor, most: int) -> torch.Tensor:
    """F·Fᵀ of F (N, M), as a sum over pieces of ``most`` columns: some releases of PyTorch read beyond the ends of long
    rows on MPS."""
    return sum(piece @ piece.T for piece in flat.split(most, 1))


def content_loss(generated: torch.Tensor, content: torch.Tensor) -> torch.Tensor:
    """Σ (F(G) − F(C))²: equation 1 without its ½."""
    return (precise(generated) - precise(content)).square().sum()


def gram_loss(generated: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """E = 1/(4N²) Σ (A_G − A_S)² for Gram matrices (N, N) that are already divided by their numbers of positions."""
    return (generated - style).square().sum() / (4 * style.shape[0] ** 2)


def style_loss(generated: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """E_l = 1/(4N²) Σ (A_G/M_G − A_S/M_S)² for feature maps whose H and W may differ.

    Equal to equation 4, 1/(4N²M²) Σ (A_G − A_S)², where both have M positions.
    """
    return gram_loss(
        gram_matrix(generated) / generated[0].numel(),
        gram_matrix(style) / style[0].numel(),
    )


def total_variation(picture: torch.Tensor) -> torch.Tensor:
    """Σ (√(d² + ε²) − ε) over the differences d between neighbours in a picture (…, H, W).

    Total variation (Rudin, Osher and Fatemi, 1992), smooth where d is small. Squares of differences, which are often
    used in its place, cost edges of strokes much and a faint grain next to nothing; these cost both by their height.
    """
    return variation(picture.diff(dim=-1)) + variation(picture.diff(dim=-2))


def variation(steps: torch.Tensor) -> torch.Tensor:
    """Σ (√(d² + ε²) − ε) of differences d; its derivative by one is d / :func:`variation_root`."""
    return (variation_root(steps) - FAINT_STEP).sum()


def variation_root(steps: torch.Tensor) -> torch.Tensor:
    """√(d² + ε²), with :data:`FAINT_STEP` for ε."""
    return steps.square().add_(FAINT_STEP**2).sqrt_()


def calmness(picture: torch.Tensor) -> torch.Tensor:
    """How calm a picture (1, C, H, W) is around each pixel, (1, 1, H, W): 1 where there is nothing, 0 where there is
    :data:`STIR` of the average or more. It is relative, so that a picture with the same everywhere is calm nowhere."""
    height, width = picture.shape[2:]
    down, right = picture.diff(dim=2).abs_(), picture.diff(dim=3).abs_()
    steps = F.pad(down.mean(1, keepdim=True), (0, 0, 0, 1)) + F.pad(right.mean(1, keepdim=True), (0, 1, 0, 0))
    around = max(1.0, extent(height, width) * AROUND)
    coarse = F.adaptive_avg_pool2d(steps, (max(1, round(height / around)), max(1, round(width / around))))
    coarse = F.avg_pool2d(F.pad(coarse, (1, 1, 1, 1), mode="replicate"), 3, 1)
    calm = (1 - (coarse + LEAST_STEP) / (STIR * coarse.mean() + LEAST_STEP)).clamp_min(0)
    return F.interpolate(calm, (height, width), mode="bilinear", align_corners=False)


def usualness(features: torch.Tensor, style: Moments, usual: float) -> torch.Tensor:
    """How much each position of a feature map (N, H, W) is to count, (H, W) in (0, 1], for what ``style`` knows of.

    One up to ``usual`` times the style's mean squared deviation from its mean, beyond that in inverse proportion: none
    counts for more than so much (a Huber-like weight, as in robust estimates of covariance).
    """
    off = (precise(features) - style.mean[:, None, None]).square_().sum(0)
    # where the style is the same everywhere nothing is usual, and all is to count alike
    spread = torch.maximum(style.covariance.diagonal().sum(), LEAST_STRUCTURE * style.gram.diagonal().sum()) + 1e-12
    return (usual * spread / off.clamp_min(1e-12)).clamp_max(1)


@dataclass(frozen=True)
class Moments:
    """What a style loss needs to know of a feature map: weighted sums over its positions.

    Sums of tiles add up to the sums of the whole, which is what makes exact tiling possible.

    Attributes:
        second: Σ w·f·fᵀ, shape (N, N): the Gram matrix where every weight is one.
        first: Σ w·f, shape (N,).
        weight: Σ w, a scalar tensor: the number of positions M where every weight is one.
    """

    second: torch.Tensor
    first: torch.Tensor
    weight: torch.Tensor

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.second + other.second, self.first + other.first, self.weight + other.weight)

    @property
    def gram(self) -> torch.Tensor:
        """The Gram matrix divided by the number of positions, (N, N)."""
        return self.second / self.weight

    @property
    def mean(self) -> torch.Tensor:
        """The channels' mean, (N,)."""
        return self.first / self.weight

    @property
    def covariance(self) -> torch.Tensor:
        """The channels' covariance, (N, N)."""
        return self.gram - torch.outer(self.mean, self.mean)


def moments(features: torch.Tensor, weights: torch.Tensor | None = None) -> Moments:
    """The :class:`Moments` of a feature map (N, H, W), with weights (H, W), 0 or more, for its positions (all one where
    None)."""
    flat = features.flatten(1)
    w = None if weights is None else weights.flatten()
    second, first = _Sums.apply(flat, w)
    return Moments(second, first, second.new_full((), flat.shape[1]) if w is None else w.sum())


class _Sums(torch.autograd.Function):
    """F·diag(w)·Fᵀ and F·w with their gradient in one product, ((∂₂ + ∂₂ᵀ)·F + ∂₁)·diag(w), where autograd makes two
    and adds them up, which is a tenth of a whole evaluation's time. It lies in memory as F does, for the same reason.

    Sums are of at least single precision, whatever F is in.
    """

    @staticmethod
    def forward(ctx, flat, w):
        ctx.save_for_backward(flat, w)
        given, flat = flat, precise(flat)
        if w is None:
            return _product(flat), flat.sum(1)
        root = w.sqrt()  # on both sides: one copy of the map instead of two
        flat = flat * root if flat is given else flat.mul_(root)
        return _product(flat), flat @ root

    @staticmethod
    def backward(ctx, of_second, of_first):
        flat, w = ctx.saved_tensors
        both, of_first = (of_second + of_second.T).to(flat.dtype), of_first.to(flat.dtype)
        if flat.is_contiguous():
            gradient = torch.addmm(of_first[:, None], both, flat)
        else:
            gradient = torch.addmm(of_first, flat.T, both).T
        # in one type, as a product of two takes twenty times as long: a sixth of a whole evaluation's time
        return gradient if w is None else gradient.mul_(w.to(gradient.dtype)), None


def moments_loss(generated: Moments, style: Moments) -> torch.Tensor:
    """Relative error of covariance and mean, so that every layer of every network weighs alike.

    The Gram matrix is covariance plus the mean's outer product; taken apart, a bright feature's mean can't drown how
    features go together.  ``|Σ_G − Σ_S|²/|Σ_S|² + |μ_G − μ_S|²/|μ_S|²``, a scalar that is 0 for equal statistics and
    near 2 for a picture without structure.
    """
    tiny = 1e-12
    # a style with next to no structure at this layer must not drown all else: it is measured by its level then
    spread = torch.maximum(style.covariance.square().sum(), LEAST_STRUCTURE * style.gram.square().sum()) + tiny
    level = style.mean.square().sum() + tiny
    return (generated.covariance - style.covariance).square().sum() / spread + (
        generated.mean - style.mean
    ).square().sum() / level

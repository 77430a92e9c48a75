"""What the search sees the picture through, so that all that it can move is about as steep.

At a minimum of the loss, curvatures differ by more than a hundred times: broad shapes in the colours that the first
layer hardly tells apart are flattest, broad shapes in its most telling colour are steepest, fine detail lies between,
held by the variation. L-BFGS takes half as many evaluations where each is moved by one over the root of its curvature.
The first layer's answers tell which colours these are; how steep they are is more than it tells, as further layers make
more of what it tells apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

TENT = (1 / 9, 2 / 9, 3 / 9, 2 / 9, 1 / 9)  # broad is what this blur leaves
AMPLIFIED = 0.9  # the power of a colour's answer, squared, that it is steep by; 0.5 for the first layer alone
LEAST_STEEP = 0.1  # of a colour, as a share of the steepest: other terms see it, too


@dataclass(frozen=True)
class Preconditioner:
    """A linear map of pictures, its own adjoint: A·x = fine·x + (broad − fine)·blur(x).

    With A for it, the gradient by z of a loss of A·z is A times the one by the picture.

    Attributes:
        broad: (3, 3), symmetric: how far broad shapes are moved, along which colours.
        fine: how far fine detail is moved, in all colours.
    """

    broad: torch.Tensor
    fine: float

    def to(self, device: torch.device) -> Preconditioner:
        """The same on another device, where it need not be sent to at every call."""
        return replace(self, broad=self.broad.to(device))

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """A·``picture``, (1, 3, H, W)."""
        height, width = picture.shape[2:]
        difference = self.broad.to(picture) - self.fine * torch.eye(3, dtype=picture.dtype, device=picture.device)
        around = _mirrored(picture, 2)
        rows = _weighted_sum([around[..., i : i + height, :] for i in range(len(TENT))])
        del around  # of 12 megapixels each of these takes 144 MB
        around = _mirrored(rows, 3)
        del rows
        blurred = _weighted_sum([around[..., i : i + width] for i in range(len(TENT))])
        del around
        flat = picture.reshape(3, -1)
        return torch.addmm(flat, difference, blurred.view(3, -1), beta=self.fine).view_as(picture)


def preconditioner(filters: torch.Tensor, broad: float, fine: float) -> Preconditioner:
    """The preconditioner for a network whose first convolution has ``filters`` (N, 3, 3, 3).

    ``broad`` and ``fine`` say how far broad shapes, in the flattest colour, and fine detail are moved.
    """
    size = filters.shape[0] * 3
    tent = torch.outer(*[filters.new_tensor(TENT)] * 2)[None, None]
    answers = F.conv2d(filters.reshape(size, 1, 3, 3), tent, padding=len(TENT) - 1).view(-1, 3, 7 * 7)
    # |answer|² to a blurred noise of colour c is cᵀ·G·c
    answer = torch.einsum("nip,njp->ij", answers, answers).cpu().double()  # MPS has no float64
    values, colours = torch.linalg.eigh(answer)
    steep = ((values.clamp_min(0) + 1e-30) / (values[-1] + 1e-30)).pow(AMPLIFIED).clamp_min(LEAST_STEEP)
    moved = broad * steep[0] / steep
    return Preconditioner(((colours * moved) @ colours.T).float(), fine)


def _mirrored(picture, dim):
    """``picture`` with two more rows or columns at each end, as in a mirror: the blur stays its own adjoint, and leaves
    one colour as it is, up to the edge. Otherwise the colours that must move least would move further there."""
    length = picture.shape[dim]
    ends = picture.narrow(dim, 0, 2), picture.narrow(dim, length - 2, 2)
    return torch.cat([ends[0].flip(dim), picture, ends[1].flip(dim)], dim)


def _weighted_sum(parts):
    total = parts[0] * TENT[0]
    for part, share in zip(parts[1:], TENT[1:], strict=True):
        total.add_(part, alpha=share)
    return total

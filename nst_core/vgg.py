"""VGG16's convolutional part (Simonyan and Zisserman, 2015): named layers, pooling, padding, cut after the deepest.

The network is a frozen value: weights and what their input looks like. :func:`Vgg16.features` is its one operation.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

CONVOLUTIONS_PER_BLOCK = (2, 2, 3, 3, 3)
"""How many 3×3 convolutions stand before each of VGG16's five poolings."""

LAYERS: tuple[str, ...] = tuple(
    f"relu{block}_{i}" for block, count in enumerate(CONVOLUTIONS_PER_BLOCK, 1) for i in range(1, count + 1)
)
"""The names of the layers whose output can be asked for, from ``relu1_1`` to ``relu5_3``: features after the ReLU."""


def block(layer: str) -> int:
    """The block of a layer, from 1: ``relu3_2`` is in block 3, at a quarter of the picture's height and width."""
    return int(layer[4])


def stride(layer: str) -> int:
    """How many pixels apart two neighbouring positions of a layer's feature map are."""
    return 2 ** (block(layer) - 1)


def reach(layer: str) -> int:
    """How many pixels beyond a position's own pixels can change a layer's features there: a tile's margin.

    Each 3×3 convolution adds one position of its own stride; 2×2 poolings on the grid add nothing.
    """
    return sum(map(stride, LAYERS[: LAYERS.index(layer) + 1]))


def pool(maps: torch.Tensor, pooling: str) -> torch.Tensor:
    """2×2 pooling with stride 2, ``"average"`` or ``"max"``."""
    return _AveragePool.apply(maps) if pooling == "average" else F.max_pool2d(maps, 2)


class _AveragePool(torch.autograd.Function):
    """2×2 means, with a gradient that is spread to the four: PyTorch's own is the same, and takes two to three times as
    long in bfloat16, and on a graphics card."""

    @staticmethod
    def forward(ctx, maps):
        ctx.odd = maps.shape[3] % 2, maps.shape[2] % 2
        return F.avg_pool2d(maps, 2)

    @staticmethod
    def backward(ctx, gradient):
        spread = F.interpolate(gradient * 0.25, scale_factor=2, mode="nearest")
        right, down = ctx.odd
        return F.pad(spread, (0, right, 0, down)) if right or down else spread


def convolve(maps: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, padding: str) -> torch.Tensor:
    """3×3 convolution that keeps the size; ``padding`` is ``"zeros"`` (VGG16's own) or ``"replicate"``."""
    if padding == "zeros":
        return F.conv2d(maps, weight, bias, padding=1)
    return F.conv2d(F.pad(maps, (1, 1, 1, 1), mode=padding), weight, bias)


class _ConvolutionReLU(torch.autograd.Function):
    """ReLU(:func:`convolve`) with its gradient by the maps alone.

    Of what autograd would keep, the padded input is not needed, which halves the memory of an evaluation. The gradient
    is a convolution with the turned filters, which runs as fast as the forward one; PyTorch's own is slower by a third.
    """

    @staticmethod
    def forward(ctx, maps, weight, bias, padding):
        out = convolve(maps, weight, bias, padding).relu_()
        ctx.save_for_backward(out, weight)
        ctx.padding = padding
        return out

    @staticmethod
    def backward(ctx, gradient):
        out, weight = ctx.saved_tensors
        passed = torch.ops.aten.threshold_backward(gradient, out, 0)
        turned = weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        if ctx.padding == "zeros":
            return F.conv2d(passed, turned, padding=1), None, None, None
        wide = F.conv2d(passed, turned, padding=2)
        # what the border's copies got goes to the pixels that they are copies of
        wide[..., 1, :] += wide[..., 0, :]
        wide[..., -2, :] += wide[..., -1, :]
        wide[..., 1] += wide[..., 0]
        wide[..., -2] += wide[..., -1]
        return wide[..., 1:-1, 1:-1], None, None, None


@functools.lru_cache(maxsize=8)
def _planes(values, dtype, device):
    # kept, as a graphics card would wait for numbers that are sent to it at every evaluation
    with torch.inference_mode(False):  # a caller's must not last beyond it
        return torch.tensor(values, dtype=dtype, device=device)[None, :, None, None]


@dataclass(frozen=True)
class Vgg16:
    """VGG16's convolutions up to some layer.

    Attributes:
        name: where the weights come from: ``"imagenet"``, ``"imagenet-v1"`` or ``"built-in"``.
        weights: a pair of weight (out, in, 3, 3) and bias (out,) for each convolution, in order.
        mean, std: of the input: the first convolution sees ``(x - mean) / std`` for x in [0, 1], sRGB, RGB order.
        pooling: ``"average"`` or ``"max"``.
        padding: ``"zeros"`` or ``"replicate"``.
    """

    name: str
    weights: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    pooling: str = "average"
    padding: str = "zeros"

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.weights[0][0].device

    def normalised(self, picture: torch.Tensor) -> torch.Tensor:
        """The network's input for a picture (1, 3, H, W) in [0, 1]."""
        mean, std = (_planes(values, picture.dtype, picture.device) for values in (self.mean, self.std))
        return (picture - mean) / std

    def features(self, picture: torch.Tensor, layers: Iterable[str]) -> dict[str, torch.Tensor]:
        """Feature maps of a picture (1, 3, H, W) in [0, 1] at ``layers``, each (1, N, H / stride, W / stride).

        Nothing after the deepest of ``layers`` is computed. Raises ValueError for a layer the network does not have,
        and where the picture is too small for it.
        """
        wanted = set(layers)
        if unknown := wanted - set(LAYERS[: len(self.weights)]):
            raise ValueError(f"the network has no layer {min(unknown)!r}")
        found: dict[str, torch.Tensor] = {}
        if not wanted:
            return found
        if min(picture.shape[2:]) < max(map(stride, wanted)):
            raise ValueError(f"a picture of {tuple(picture.shape[2:])} pixels is too small for {max(wanted)}")
        # channels last: convolutions take four fifths of the time, poolings a fifth
        maps = self.normalised(picture).contiguous(memory_format=torch.channels_last)
        for (weight, bias), name in zip(self.weights, LAYERS, strict=False):
            if name != "relu1_1" and name.endswith("_1"):
                maps = pool(maps, self.pooling)
            maps = _ConvolutionReLU.apply(maps.to(weight.dtype), weight, bias, self.padding)
            if name in wanted:
                found[name] = maps
                if len(found) == len(wanted):
                    break
        return found

    def in_bfloat16(self) -> Vgg16:
        """The same network with all but the first convolution, which must tell the least differences of pixels, in
        bfloat16; features are then of this type, too."""
        rest = tuple((weight.bfloat16(), bias.bfloat16()) for weight, bias in self.weights[1:])
        return dataclasses.replace(self, weights=self.weights[:1] + rest)

    def to(self, *args, **kwargs) -> Vgg16:
        """The same network with its tensors on another device or of another type, as :meth:`torch.Tensor.to`."""
        weights = tuple((weight.to(*args, **kwargs), bias.to(*args, **kwargs)) for weight, bias in self.weights)
        return dataclasses.replace(self, weights=weights)

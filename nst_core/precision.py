"""In which precision features are computed: bfloat16 where the device multiplies it, and a small trial's loss stays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from nst_core import device
from nst_core.objective import Objective, Weights
from nst_core.pyramid import shrunk
from nst_core.vgg import Vgg16

TRIED_AT = 128  # longest side in pixels of a trial: it is to be over in a tenth of a second
SAME_LOSS = 0.01  # share of a loss by which it may differ
SAME_GRADIENT = 0.02  # and of a gradient


def in_precision(network: Vgg16, wanted: str, weights: Weights, content: torch.Tensor, style: torch.Tensor) -> Vgg16:
    """``network`` in the precision ``wanted``: ``"float32"``, ``"bfloat16"``, or ``"auto"``, which tries.

    Args:
        network: in float32, on the device that it will run on.
        weights: of the loss that is tried.
        content, style: small pictures (1, 3, H, W) in [0, 1] to try it with, on any device.
    """
    if wanted == "float32" or (wanted == "auto" and not device.multiplies_bfloat16(network.device)):
        return network
    quick = network.in_bfloat16()
    if wanted == "bfloat16":
        return quick
    try:
        return quick if same_loss(network, quick, weights, content, style) else network
    except RuntimeError:  # no memory for a trial, or a product that the device does not have after all
        return network


@contextlib.contextmanager
def products(wanted: str, on: torch.device) -> Iterator[None]:
    """While this lasts, a CUDA card gives the same numbers every time, and float32 is what it says: in products of
    matrices, which L-BFGS makes its steps of, and where it is ``wanted`` by name, everywhere. Else PyTorch lets
    convolutions of float32 take TF32's ten bits of a factor, unless its settings say otherwise: the loss stays within
    0.0002.
    """
    if on.type != "cuda":
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    try:
        cudnn.deterministic, matmul.allow_tf32 = True, False
        if wanted == "float32":
            cudnn.allow_tf32 = False
        yield
    finally:
        cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before


def agrees(network: Vgg16, on: torch.device, weights: Weights, content: torch.Tensor, style: torch.Tensor) -> bool:
    """Whether ``on`` gives the loss and the gradient of a small trial that ``network``'s device gives, in float32.

    Raises what the device does: RuntimeError or TypeError where it lacks memory, code or a type.
    """
    with products("float32", on):
        (first, gradient), (second, others) = (_trial(n, weights, content, style) for n in (network, network.to(on)))
    off = float((others.cpu() - gradient).norm())
    return abs(first - second) <= SAME_LOSS * abs(first) and off <= SAME_GRADIENT * float(gradient.norm())


def same_loss(one: Vgg16, other: Vgg16, weights: Weights, content: torch.Tensor, style: torch.Tensor) -> bool:
    """Whether a picture's loss by the two networks, each on its device, differs by at most :data:`SAME_LOSS` of it."""
    first, second = (_trial(network, weights, content, style)[0] for network in (one, other))
    return abs(first - second) <= SAME_LOSS * abs(first)  # NaN is no such thing


def _trial(network, weights, content, style):
    content, style = (shrunk(picture, TRIED_AT).to(network.device) for picture in (content, style))
    mirrored = content.flip(3)  # far from both pictures, in shapes that are the content's
    return Objective(network, weights, content, style).evaluate(mirrored)

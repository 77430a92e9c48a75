"""What the tests of the maths share: pictures in which every place is different, and small networks of VGG16's form."""

from __future__ import annotations

import numpy as np
import torch

from nst_core.vgg import LAYERS, Vgg16, block
from nst_core.weights import fitted

QUICK_FIT = {"WIDTH": 0.125, "SAMPLES": 1500, "LLOYD_STEPS": 2}  # constants of nst_core.weights.fitted
ARTISTS_FIT = {name: getattr(fitted, name) for name in QUICK_FIT}  # before any test sets them
MEAN, STD = (0.48, 0.45, 0.4), (0.23, 0.22, 0.24)


def drawn(height, width, channels=3, seed=0, contrast=0.7):
    """A float32 picture H×W×C of waves and speckle; with 2 or 4 channels the last is a soft-edged alpha."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(3):
        a, b, c, phase = random.uniform(0.1, 0.9, 4)
        wave = np.sin(a * x + b * y + 6 * phase) * np.cos(c * y - a * b * x) + 0.3 * random.standard_normal(x.shape)
        planes.append(0.5 + contrast * wave / 2)
    alpha = 0.5 + 1.5 * np.sin(3 * x / width + random.uniform(0, 1)) * np.cos(4 * y / height)
    order = {1: planes[:1], 2: [planes[0], alpha], 3: planes, 4: [*planes, alpha]}[channels]
    return np.stack(order, -1).clip(0, 1).astype(np.float32)


def tensor(picture, dtype=torch.float32):
    """A picture H×W×C as (1, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].to(dtype).contiguous()


def small_network(deepest="relu5_3", pooling="average", padding="zeros", dtype=torch.float64, channels=(4, 5, 6, 7, 8)):
    """A network of VGG16's layers with few channels and random weights that keep the signal's size."""
    random = torch.Generator().manual_seed(len(deepest) + sum(channels))
    weights, into = [], 3
    for layer in LAYERS[: LAYERS.index(deepest) + 1]:
        out = channels[block(layer) - 1]
        weight = torch.randn(out, into, 3, 3, generator=random, dtype=dtype) * (2 / (9 * into)) ** 0.5
        weights.append((weight, 0.1 * torch.randn(out, generator=random, dtype=dtype)))
        into = out
    return Vgg16("small", tuple(weights), MEAN, STD, pooling, padding)


def directional_error(value, gradient, at, step=1e-6, directions=4):
    """The largest relative error of ``gradient`` at ``at`` against central differences of ``value`` in float64.

    Relative to the length of the gradient, along random directions.
    """
    random = torch.Generator().manual_seed(1)
    errors = []
    for _ in range(directions):
        direction = torch.randn(at.shape, generator=random, dtype=torch.float64)
        direction /= direction.norm()
        measured = (float(value(at + step * direction)) - float(value(at - step * direction))) / (2 * step)
        errors.append(abs(measured - float((gradient * direction).sum())))
    return max(errors) / float(gradient.norm()) * at.numel() ** 0.5


def luma(picture):
    """Of an array H×W×C with colours, H×W."""
    return picture[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)

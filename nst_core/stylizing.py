"""The main job, top to bottom: two pictures in, the stylised picture out."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from nst_core.picture import PictureError
from nst_core.progress import Cancelled, Progress, ProgressCallback, Stop
from nst_core.settings import Settings

__all__ = ["Cancelled", "PictureError", "Progress", "Result", "Settings", "Stop", "stylize", "stylize_fully"]

SMALLEST_SIDE = 16


@dataclass(frozen=True)
class Result:
    """A stylised picture and how it came about.

    Attributes:
        picture: float32, shape and channel count of the content, values in [0, 1]; alpha as it was.
        features: the features used: ``"imagenet"``, ``"imagenet-v1"`` or ``"built-in"``.
        device: the device used, for example ``"cpu"``.
        evaluations: how many evaluations of the loss and gradient were made, all scales together.
        loss: the best loss at the finest scale; None where nothing was optimised.
        seconds: how long the run took.
        finished: False where the callback asked to finish early.
    """

    picture: np.ndarray
    features: str
    device: str
    evaluations: int
    loss: float | None
    seconds: float
    finished: bool


def stylize(content: np.ndarray, style: np.ndarray, settings: Settings | None = None, on_progress: ProgressCallback | None = None) -> np.ndarray:
    """``content`` painted in the style of ``style``.

    Args:
        content: float array H×W×C in [0, 1], sRGB; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA).
        style: likewise; its size and channel count may differ.
        settings: see :class:`Settings`; the defaults where None.
        on_progress: called after every evaluation; may return a :class:`Stop`.

    Returns:
        float32 array of the content's shape; alpha as it was.

    Raises:
        PictureError: a picture of a wrong type or shape, or with a side under 16 pixels.
        Cancelled: ``on_progress`` returned ``Stop.CANCEL``.
    """
    return stylize_fully(content, style, settings, on_progress).picture


def stylize_fully(content, style, settings=None, on_progress=None) -> Result:
    """:func:`stylize`, with a :class:`Result` that also tells what was used."""
    settings = settings or Settings()
    started = time.monotonic()
    content, style = _checked(content, "content"), _checked(style, "style")
    torch.manual_seed(settings.seed)
    rgb = _rgb(content)
    c = torch.from_numpy(rgb).permute(2, 0, 1)[None].contiguous()
    s = torch.from_numpy(_rgb(style)).permute(2, 0, 1)[None].contiguous()
    torch.manual_seed(settings.seed)
    nets = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    net = nn.Sequential(*nets).requires_grad_(False)

    def gram(x):
        f = net(x).flatten(2)[0]
        return f @ f.T / f.shape[1]

    with torch.no_grad():
        want = gram(s)
    x = c.clone().requires_grad_(True)
    opt = torch.optim.Adam([x], lr=0.02)
    finished, steps = True, 20
    for step in range(steps):
        opt.zero_grad()
        loss = ((gram(x) - want) ** 2).sum() * settings.strength + ((x - c) ** 2).mean()
        loss.backward()
        opt.step()
        if on_progress:
            left = (time.monotonic() - started) / (step + 1) * (steps - step - 1)
            answer = on_progress(Progress("painting", (step + 1) / steps, 1, 1, tuple(c.shape[2:]), step + 1, steps, float(loss.detach()), left, "built-in",
                                          lambda: x.detach().clamp(0, 1)[0].permute(1, 2, 0).numpy()))
            if answer is Stop.CANCEL:
                raise Cancelled()
            if answer is Stop.FINISH:
                finished = False
                break
    out = x.detach().clamp(0, 1)[0].permute(1, 2, 0).numpy()
    picture = content.copy()
    colours = 3 if content.shape[2] >= 3 else 1
    picture[..., :colours] = out if colours == 3 else out.mean(2, keepdims=True)
    return Result(picture, "built-in", "cpu", steps, float(loss.detach()), time.monotonic() - started, finished)


def _checked(picture, name):
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] not in (1, 2, 3, 4):
        raise PictureError(f"The {name} has the shape {picture.shape}; a picture is H×W×C with 1 to 4 channels.")
    if not np.issubdtype(picture.dtype, np.floating):
        raise PictureError(f"The {name} is of type {picture.dtype}; it must be float, with values from 0 to 1.")
    if min(picture.shape[:2]) < SMALLEST_SIDE:
        raise PictureError(f"The {name} is {picture.shape[1]}×{picture.shape[0]} pixels; it must be at least {SMALLEST_SIDE}×{SMALLEST_SIDE}: choose a larger one.")
    return np.ascontiguousarray(picture, dtype=np.float32)


def _rgb(picture):
    return np.repeat(picture[..., :1], 3, 2) if picture.shape[2] < 3 else np.ascontiguousarray(picture[..., :3])

"""The main job, top to bottom: two pictures in, the stylised picture out."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch

from nst_core import colour, device, process, weights
from nst_core.contrast import Sample, sample
from nst_core.ink import ink_of, on_paper, over
from nst_core.likeness import flatness
from nst_core.painting import SMALLEST_STYLE, Pictures, paint
from nst_core.picture import PictureError
from nst_core.progress import Cancelled, Progress, ProgressCallback, Stop
from nst_core.pyramid import LEAST, MOST_ENLARGED, extent, lanczos
from nst_core.recipe import recipe
from nst_core.settings import Settings

__all__ = ["Cancelled", "PictureError", "Progress", "Result", "Settings", "Stop", "stylize", "stylize_fully"]

SMALLEST_SIDE = 16
TWICE = 2  # as long as the content shows a style, it is kept at most: 24 megapixels would only fill the memory
LEAST_STYLE = 1024  # longest side in pixels that it may have anyhow
FEW_STROKES = 32  # pixels of a style's shorter side, under which strokes come out as blurry blobs
STEPS = 15 * 65_535  # of samples from 0 to 1: whole for each value of 8 and of 16 bits, half-way between two for none
BEYOND = (-1.0, 2.0)  # what filters overshoot to, and more; beyond it values are not meant to be from 0 to 1
FLAT = 1.5 / 255  # range of values that nobody sees as more than one colour


@dataclass(frozen=True)
class Result:
    """A stylised picture and how it came about.

    Attributes:
        picture: float32, shape and channel count of the content, values in [0, 1]; alpha as it was.
        features: the features used: ``"imagenet"``, ``"imagenet-v1"`` or ``"built-in"``.
        device: the device used, for example ``"cpu"``.
        evaluations: how many evaluations of the loss and gradient were made, all scales together.
        loss: the best loss at the finest scale; None where nothing was optimised,
            or no evaluation stayed in the range of numbers.
        seconds: how long the run took.
        finished: False where the callback asked to finish early.
        note: a sentence for the artist where memory ran short and the run went on in tiles or on the CPU, where a card
            failed and the CPU took over, where the memory limit is too low for the picture, or where the style is very
            small; else empty.
    """

    picture: np.ndarray
    features: str
    device: str
    evaluations: int
    loss: float | None
    seconds: float
    finished: bool
    note: str = ""


def stylize(
    content: np.ndarray,
    style: np.ndarray,
    settings: Settings | None = None,
    on_progress: ProgressCallback | None = None,
) -> np.ndarray:
    """``content`` painted in the style of ``style``.

    Args:
        content: float array H×W×C in [0, 1], sRGB; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA). Values
            a little outside are cut off; with any below −1 or above 2 it is refused, as it must be of another range.
        style: likewise; its size and channel count may differ.
        settings: see :class:`Settings`; the defaults where None.
        on_progress: called after every evaluation, and often before the first; may return a :class:`Stop`.

    Returns:
        float32 array of the content's shape; alpha as it was.

    Raises:
        TypeError: settings of another type than :class:`Settings`.
        PictureError: a picture of a wrong type, shape or range, or with a side under 16 pixels; a style of one flat
            colour.
        Cancelled: ``on_progress`` returned ``Stop.CANCEL``.
        weights.imagenet.WeightsError: features that are not installed, or damaged.
        device.DeviceError: a device that is not there.
    """
    return stylize_fully(content, style, settings, on_progress).picture


def stylize_fully(
    content: np.ndarray,
    style: np.ndarray,
    settings: Settings | None = None,
    on_progress: ProgressCallback | None = None,
) -> Result:
    """:func:`stylize`, with a :class:`Result` that also tells what was used."""
    settings = Settings() if settings is None else settings
    if not isinstance(settings, Settings):
        raise TypeError(f"The settings are a {type(settings).__name__}; they must be Settings: Settings(strength=75).")
    began = time.monotonic()
    content, style = _checked(content, "content"), _checked(style, "style")
    features, on = weights.chosen(settings.features), device.choose(settings.device)
    if settings.preset != "gatys" and settings.strength == 0:
        return Result(content.copy(), features, on.type, 0, None, time.monotonic() - began, True)
    process.keep_freed(not settings.memory_limit)  # a limit is kept rather than time
    pictures, little = _prepared(content, style, settings), _little_to_learn(style)
    del style
    steps = recipe(settings, features, flatness(pictures.style, pictures.visible_in_style), bool(pictures.ink))
    painting = paint(pictures, steps, features, settings, on, on_progress or (lambda _: None))
    device.give_back_memory()  # with the features gone, what they took of a card
    rgb = _finished(painting.picture, pictures, content, settings, steps)
    seconds = time.monotonic() - began
    loss = painting.loss if math.isfinite(painting.loss) else None
    place = painting.place
    note = " ".join(filter(None, (little, place.note)))
    return Result(rgb, features, place.on.type, painting.evaluations, loss, seconds, painting.finished, note)


def _little_to_learn(style):
    """A sentence where a style is so small that its strokes come out as blurry blobs; else none."""
    height, width = style.shape[:2]
    if min(height, width) >= FEW_STROKES:
        return ""
    return f"The style is only {width}×{height} pixels, with few strokes to learn from; a larger one does better."


def _checked(picture, name):
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] not in (1, 2, 3, 4):
        raise PictureError(f"The {name} has the shape {picture.shape}; a picture is H×W×C with 1 to 4 channels.")
    if not np.issubdtype(picture.dtype, np.floating):
        raise PictureError(f"The {name} is of type {picture.dtype}; it must be float, with values from 0 to 1.")
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise PictureError(
            f"The {name} is {width}×{height} pixels; it must be at least {SMALLEST_SIDE}×{SMALLEST_SIDE}: "
            f"choose a larger one."
        )
    picture = np.array(picture, dtype=np.float32)
    if not np.isfinite(picture).all():
        raise PictureError(f"The {name} has pixels that are no numbers; flatten or convert the picture and try again.")
    # a host's float layers may hold more light than white: the engine's process cuts that off before it comes here
    if picture.min() < BEYOND[0] or picture.max() > BEYOND[1]:
        raise PictureError(
            f"The {name} has values from {picture.min():.4g} to {picture.max():.4g}; they must be from 0 to 1: divide "
            "8-bit samples by 255, and clip what is brighter than white."
        )
    return picture.clip(0, 1, out=picture)


def _prepared(content, style, settings):
    """The pictures as the scales want them: RGB, colours under transparency, and the colours that are wished for.

    Where luminance alone is to change, the published method sees nothing else. An artist's run is painted in the
    style's colours all the same, whose strokes tell more places apart, and gives its luminance in the end.
    """
    (c, visible), (s, visible_in_style) = _split(content, "content"), _split(style, "style")
    if visible_in_style is not None and (laid := on_paper(s, visible_in_style)) is not None:
        s, visible_in_style = laid, None
    length = extent(*content.shape[:2])
    size, came = _size_of_style(*style.shape[:2], length, settings), None
    if settings.preset != "gatys":
        came = sample(s, visible_in_style, length, settings.brush_size / 100)
    s, visible_in_style = (x if x is None else lanczos(x, *size).clamp_(0, 1) for x in (s, visible_in_style))
    published = settings.preset == "gatys"
    if published and (settings.keep_colours == "luminance" or content.shape[2] < 3):
        s = colour.luminance(s).expand(-1, 3, -1, -1)
        c = colour.luminance(c).expand(-1, 3, -1, -1)
    if float((s.amax((2, 3)) - s.amin((2, 3))).max()) < FLAT:
        raise PictureError(
            "The style is one flat colour, so there are no strokes to learn from it; choose a picture or a layer with "
            "something painted on it."
        )
    if settings.keep_colours == "palette" or (published and settings.keep_colours == "luminance"):
        s = colour.matched(s, c, visible_in_style, visible)
        if came:
            came = Sample(colour.matched(came.style, c, came.visible, visible), came.visible)
    ink = None if published else ink_of(s, visible_in_style, settings.brush_size / 100)
    return Pictures(c.contiguous(), s.contiguous(), visible, visible_in_style, came, ink)


def _size_of_style(height, width, content, settings):
    """The size that a style is brought to for a content of that extent.

    Small contents are computed larger (:mod:`nst_core.pyramid`), and a style that would be enlarged on the way with
    softer filters is enlarged before.
    """
    brush = settings.brush_size / 100
    most, least = max(LEAST_STYLE, TWICE * brush * content), 0.0
    if settings.preset != "gatys":
        computed = min(MOST_ENLARGED * content, LEAST[settings.quality], settings.max_size or math.inf)
        least = min(LEAST_STYLE, brush * max(content, computed))
    factor = max(least / extent(height, width), min(1.0, most / extent(height, width)))
    factor = max(factor, min(1.0, TWICE * SMALLEST_STYLE / min(height, width)))
    return round(height * factor), round(width * factor)


def _split(picture, name):
    """(1, 3, H, W) colours and (1, 1, H, W) alpha, which is None where all is opaque."""
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None]
    has_alpha = planes.shape[1] in (2, 4)
    colours = _steady(_copy(planes[:, : planes.shape[1] - has_alpha].expand(-1, 3, -1, -1)))
    if not has_alpha or bool((planes[:, -1] >= 1).all()):
        return colours, None
    alpha = _steady(_copy(planes[:, -1:]))
    if float(alpha.max()) <= 0:
        raise PictureError(f"The {name} is fully transparent; choose one with something visible on it.")
    return colour.filled(colours, alpha), alpha


def _finished(painted, pictures, content, settings, steps):
    """The result as an array of the content's shape, with the colours that are kept."""
    painted, of_content = painted.clamp_(0, 1), pictures.content
    keeps = settings.keep_colours == "luminance"
    grey = content.shape[2] < 3 or (
        colour.is_grey(pictures.style) and (steps.recolour == 1 or colour.is_grey(of_content))
    )
    if keeps or grey:
        luma = colour.luminance(painted)
        if keeps and pictures.ink:
            luma = over(painted, colour.luminance(of_content), pictures.ink, steps.tones)
        elif keeps and settings.preset != "gatys":
            luma = colour.toned(luma, colour.luminance(of_content), pictures.visible)
        painted = luma.expand(-1, 3, -1, -1)
    if keeps and content.shape[2] >= 3:
        painted = colour.with_luminance(painted, _steady(torch.tensor(content[..., :3]).permute(2, 0, 1)[None]))
    result = content.copy()
    colours = 3 if content.shape[2] >= 3 else 1
    result[..., :colours] = _steady(painted[0, :colours].permute(1, 2, 0).clamp(0, 1)).numpy()
    return result


def _copy(planes):
    return planes.clone(memory_format=torch.contiguous_format)


def _steady(samples):
    """``samples`` from 0 to 1, rounded in place to :data:`STEPS`.

    Programs make of the same 8 or 16 bits floats that differ in the last digit, GIMP from process to process, and the
    optimisation would make another picture of them; as the last digit of a result would decide how it is rounded.
    """
    return samples.mul_(STEPS).round_().div_(STEPS)

"""Contents and styles drawn by program, each hard in its own way; same size and seed, same pixels.

Beside the samples' scene and painting they show what a schedule does to lines, flat areas, mist, dots, cloth and reds.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from nst_core.samples import scene
from nst_core.samples.drawing import OVERSAMPLING, Pen, mix, noise, picture_of, reduced, units

INK, PAPER = (34, 30, 36), (244, 240, 230)
SEA_COLOURS = (22, 62, 104), (46, 118, 150), (238, 196, 92), (222, 106, 70), (240, 232, 210), (40, 82, 70)
YARNS = (150, 40, 46), (226, 190, 120), (38, 72, 88), (232, 222, 200), (60, 48, 44)
REDS = (112, 14, 22), (176, 28, 30), (214, 62, 36), (232, 118, 48), (70, 8, 26), (240, 168, 92)


def line_art(height: int = 384, width: int = 512) -> np.ndarray:
    """A street in ink on paper, outlines only: float32 height×width×3 in [0, 1], sRGB."""
    picture, pen = _canvas(height, width, PAPER)
    wide, x, rng = width / height, 0.04, np.random.default_rng(11)
    while x < wide - 0.12:
        broad, top = rng.uniform(0.17, 0.27), rng.uniform(0.26, 0.44)
        _outline(pen, [(x, 0.80), (x, top), (x + broad, top), (x + broad, 0.80)], 0.006)
        _outline(
            pen, [(x - 0.015, top), (x + broad / 2, top - rng.uniform(0.08, 0.18)), (x + broad + 0.015, top)], 0.006
        )
        for row in np.arange(top + 0.05, 0.66, 0.115):
            for u in (0.14, 0.58):
                _window(pen, x + u * broad, row, 0.28 * broad, 0.075)
        x += broad + rng.uniform(0.0, 0.04)
    pen.line([(0, 0.80), (wide, 0.80)], INK, 0.007)
    for u in (0.30 * wide, 0.30 * wide + 0.22):  # a bicycle
        _circle(pen, u, 0.86, 0.075)
    frame = [(0, 0), (0.08, -0.13), (0.18, -0.13), (0.22, 0), (0.11, 0.005), (0.08, -0.13)]
    pen.line([(0.30 * wide + u, 0.86 + v) for u, v in frame], INK, 0.005)
    pen.line([(0.30 * wide + 0.11, 0.865), (0.30 * wide + 0.18, 0.73), (0.30 * wide + 0.22, 0.86)], INK, 0.005)
    for k in range(14):  # a bare tree
        lean = (k - 6.5) / 14
        pen.line([(0.86 * wide, 0.95), (0.86 * wide + lean * 0.1, 0.66), (0.86 * wide + lean * 0.4, 0.5)], INK, 0.003)
    return reduced(picture, height, width)


def flat_areas(height: int = 384, width: int = 512) -> np.ndarray:
    """A poster of a sailing boat: few colours, flat, with hard edges: float32 height×width×3 in [0, 1], sRGB."""
    deep, water, sun, roof, sail, woods = SEA_COLOURS
    picture, pen = _canvas(height, width, (246, 214, 158))
    wide = width / height
    pen.disc(0.72 * wide, 0.34, 0.17, 0.17, sun)
    pen.polygon([(0, 0.56), (0.22 * wide, 0.24), (0.36 * wide, 0.42), (0.5 * wide, 0.30), (0.74 * wide, 0.56)], woods)
    pen.polygon([(0.42 * wide, 0.56), (0.82 * wide, 0.40), (wide, 0.47), (wide, 0.56)], (96, 128, 92))
    pen.box(0, 0.56, wide, 1, water)
    for row, shift in ((0.70, 0.02), (0.81, 0.09), (0.92, 0.0)):
        waves = [(u, row + 0.014 * math.sin(14 * u + 40 * shift)) for u in np.linspace(0, wide, 60)]
        pen.polygon([*waves, (wide, row + 0.045), (0, row + 0.045)], deep)
    pen.polygon([(0.30 * wide, 0.72), (0.62 * wide, 0.72), (0.57 * wide, 0.81), (0.34 * wide, 0.81)], roof)
    pen.polygon([(0.46 * wide, 0.16), (0.46 * wide, 0.69), (0.66 * wide, 0.66)], sail)
    pen.polygon([(0.44 * wide, 0.22), (0.44 * wide, 0.69), (0.31 * wide, 0.66)], (226, 206, 170))
    return reduced(picture, height, width)


def low_contrast(height: int = 384, width: int = 512) -> np.ndarray:
    """The samples' scene in mist, a fifth of its contrast left: float32 height×width×3 in [0, 1], sRGB."""
    seen = scene(height, width, seed=5).astype(np.float64)
    y, _ = units(height, width)
    veil = mix(np.array((0.60, 0.62, 0.65)), np.array((0.50, 0.52, 0.53)), y)
    return np.float32(np.clip(mix(veil, seen, 0.12 + 0.14 * y), 0, 1))


def dots(height: int = 384, width: int = 512, seed: int = 21) -> np.ndarray:
    """Round dabs of pure colours, side by side, as pointillists set them: float32 height×width×3 in [0, 1], sRGB."""
    rng = np.random.default_rng(seed)
    picture, pen = _canvas(height, width, (232, 222, 196))
    wide = width / height
    field = noise(height, width, (0.5, 0.25), rng)
    palette = np.array([(44, 66, 150), (70, 150, 190), (96, 160, 84), (236, 206, 88), (232, 132, 66), (198, 62, 92)])
    for y in np.arange(0, 1, 0.021):
        for x in np.arange(0, wide, 0.021):
            u, v = x + rng.uniform(-0.008, 0.008), y + rng.uniform(-0.008, 0.008)
            value = field[min(int(y * height), height - 1), min(int(x * height), width - 1)]
            index = np.clip(2.5 + 2.5 * value + rng.normal(0, 0.9), 0, len(palette) - 1)
            colour = np.clip(palette[round(float(index))] + rng.normal(0, 12, 3), 0, 255).astype(int)
            r = rng.uniform(0.008, 0.0125)
            pen.disc(u, v, r, r, tuple(colour.tolist()))
    return reduced(picture, height, width)


def weave(height: int = 384, width: int = 512, seed: int = 22) -> np.ndarray:
    """Coarse cloth, striped yarns going over and under each other: float32 height×width×3 in [0, 1], sRGB."""
    rng = np.random.default_rng(seed)
    h, w = height * OVERSAMPLING, width * OVERSAMPLING
    y, x = units(h, w)
    wobble = 0.004 * noise(h, w, (0.2,), rng)
    yarn = 0.022
    row, column = (y + wobble) / yarn + 1, (x - 0.5 * wobble) / yarn + 1
    r, c = row.astype(int), column.astype(int)
    palette = np.array(YARNS, np.float64)
    across = palette[rng.integers(0, 5, math.ceil(1 / yarn) + 3) // 2]
    along = palette[rng.integers(0, 5, math.ceil(width / height / yarn) + 3)]
    over = (r + c) % 2 == 0
    # round yarns: light on their backs, dark where they dip under the next
    back = np.where(over, np.sin(np.pi * (row % 1)), np.sin(np.pi * (column % 1)))
    dip = np.where(over, np.sin(np.pi * (column % 1)), np.sin(np.pi * (row % 1)))
    light = 0.35 + 0.45 * back**0.6 + 0.2 * dip**0.5 + 0.06 * noise(h, w, (0.006,), rng, stretch=3)
    colours = np.where(over[..., None], across[r], along[c]) * light[..., None]
    return reduced(picture_of(colours), height, width)


def red_painting(height: int = 384, width: int = 512, seed: int = 23) -> np.ndarray:
    """Broad, short strokes in reds, dark under light: float32 height×width×3 in [0, 1], sRGB."""
    rng = np.random.default_rng(seed)
    picture, pen = _canvas(height, width, (92, 14, 22))
    wide = width / height
    field, turn = noise(height, width, (0.6, 0.3), rng), noise(height, width, (0.5,), rng)
    for thickness, length, count in ((0.045, 0.20, 420), (0.028, 0.13, 700), (0.016, 0.08, 900)):
        for _ in range(round(count * wide / 1.333)):
            x, y = rng.uniform(0, wide), rng.uniform(0, 1)
            row, column = min(int(y * height), height - 1), min(int(x * height), width - 1)
            angle = 1.1 + 2.0 * turn[row, column] + rng.normal(0, 0.15)
            index = np.clip(2 + 2.4 * field[row, column] + rng.normal(0, 0.8), 0, len(REDS) - 1)
            colour = np.array(REDS[round(float(index))]) * rng.uniform(0.8, 1.15)
            _bristles(pen, x, y, angle, length * rng.uniform(0.6, 1.2), thickness, colour, rng)
    return reduced(picture, height, width)


def _canvas(height, width, colour):
    picture = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING), colour)
    return picture, Pen(picture)


def _outline(pen, points, width):
    pen.line([*points, points[0]], INK, width)


def _window(pen, x, y, broad, tall):
    _outline(pen, [(x, y), (x + broad, y), (x + broad, y + tall), (x, y + tall)], 0.004)
    pen.line([(x + broad / 2, y), (x + broad / 2, y + tall)], INK, 0.003)


def _circle(pen, x, y, radius):
    around = np.linspace(0, 2 * math.pi, 48)
    pen.line([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in around], INK, 0.005)


def _bristles(pen, x, y, angle, length, thickness, colour, rng):
    """One stroke: parallel hairs, each with its own load of paint."""
    along = np.array((math.cos(angle), math.sin(angle)))
    across = np.array((-along[1], along[0]))
    for side in np.linspace(-0.5, 0.5, 6):
        middle = np.array((x, y)) + across * side * thickness
        reach = along * length / 2 * rng.uniform(0.8, 1.05)
        shade = np.clip(colour * rng.normal(1, 0.10), 0, 255).astype(int)
        pen.line([tuple(middle - reach), tuple(middle + reach)], tuple(shade.tolist()), thickness / 5)

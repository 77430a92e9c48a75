"""A landscape drawn by program."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from nst_core.samples.drawing import OVERSAMPLING, Pen, lay, mix, noise, picture_of, reduced, units


def scene(height: int = 384, width: int = 512, seed: int = 1) -> np.ndarray:
    """A house by a river under hills, mountains and a low sun: float32 height×width×3 in [0, 1], sRGB."""
    rng = np.random.default_rng(seed)
    picture = picture_of(_sky(height * OVERSAMPLING, width * OVERSAMPLING, rng))
    _mountains(picture, 0.47, 0.16, (124, 138, 170), rng)
    _mountains(picture, 0.52, 0.11, (96, 120, 148), rng)
    _hill(picture, _far, (122, 150, 92), (84, 122, 72), rng)
    _trees_afar(picture, rng)
    _hill(picture, _middle, (150, 168, 84), (96, 132, 60), rng)
    _wheat(picture, rng)
    _hill(picture, _near, (122, 154, 64), (58, 92, 40), rng)
    _river(picture, rng)
    _tree(picture, 1.29, _near(1.29) + 0.06, 0.26, rng)
    _tree(picture, 0.11, _near(0.11) + 0.05, 0.30, rng)
    _house(picture, x=0.40, y=0.80, size=0.30)
    _tree(picture, 1.13, _near(1.13) + 0.17, 0.50, rng)
    _fence(picture, start=0.0, end=0.60)
    _meadow(picture, rng)
    return reduced(picture, height, width)


def _far(x):
    return 0.535 - 0.03 * np.sin(2.1 * x + 0.3)


def _middle(x):
    return 0.625 - 0.055 * np.sin(2.6 * x + 3.4)


def _near(x):
    return 0.70 + 0.045 * np.sin(2.3 * x + 0.6)


def _sky(h, w, rng):
    y, x = units(h, w)
    t = y / 0.55
    sky = mix((62, 118, 186), (156, 196, 220), t**0.8)
    sky = mix(sky, (252, 214, 156), np.maximum(t - 0.45, 0) ** 1.3 * 1.9)
    clouds = 0.60 * noise(h, w, (0.07, 0.30), rng)
    clouds += 0.28 * noise(h, w, (0.02, 0.07), rng) + 0.12 * noise(h, w, (0.008, 0.02), rng)
    light = 0.62 - 1.5 * (np.roll(clouds, -int(0.02 * h), 0) - clouds)
    cover = (clouds - 0.10 - 0.5 * np.abs(y - 0.2)) * 2.6
    sky = mix(sky, mix((178, 172, 190), (255, 246, 230), light), np.clip(cover, 0, 1) * 0.92)
    far = np.hypot(x - 0.93, y - 0.27)
    sky = mix(sky, (255, 226, 150), np.exp(-((far / 0.16) ** 1.3)) * 0.85)
    return mix(sky, (255, 250, 222), (0.058 - far) / 0.006)


def _mountains(picture, base, roughness, colour, rng):
    h, w = picture.height, picture.width
    ridge = _ridge(w, rng)
    below = units(h, w)[0] - (base - roughness * ridge)
    depth = np.clip(below / 0.22, 0, 1)
    sides = noise(h, w, (0.12, 0.05), rng) + 0.5 * noise(h, w, (0.025, 0.012), rng)
    folds = sides - np.roll(sides, (-int(0.008 * h), -int(0.016 * h)), (0, 1))  # lit from the sun's side
    light = 0.5 + 1.5 * folds
    rock = mix(np.array(colour) * 0.72, np.array(colour) * 1.18, light)
    snow = np.clip((0.34 + 0.30 * sides - depth * 3.0) * 6, 0, 1) * np.clip(ridge * 4 - 2, 0, 1)
    rock = mix(rock, mix((168, 180, 210), (250, 244, 238), light), snow)
    lay(picture, mix(rock, (226, 206, 186), depth * 0.62), np.clip(below * h, 0, 1))


def _ridge(w, rng):
    """The outline of a mountain range: w heights from about 0 to 1, by midpoint displacement."""
    heights, spread = np.array([0.3, 0.9, 0.35, 0.75, 0.45]) + rng.normal(0, 0.08, 5), 0.16
    for _ in range(9):  # a set number of times: the same mountains at every size
        middle = (heights[1:] + heights[:-1]) / 2 + rng.normal(0, spread, len(heights) - 1)
        heights, spread = np.insert(heights, np.arange(1, len(heights)), middle), spread * 0.52
    return np.interp(np.linspace(0, len(heights) - 1, w), np.arange(len(heights)), heights)


def _hill(picture, top, sunny, shady, rng):
    h, w = picture.height, picture.width
    y, x = units(h, w)
    below = y - top(x)
    texture = 0.30 * noise(h, w, (0.004, 0.014), rng, stretch=0.35) + 0.35 * noise(h, w, (0.03, 0.12), rng, stretch=0.4)
    light = 0.86 - np.clip(below / 0.25, 0, 1) * 0.75 + texture
    lay(picture, mix(shady, sunny, light), np.clip(below * h, 0, 1))


def _wheat(picture, rng):
    """A ripe field on the middle hill, its furrows running towards us."""
    h, w = picture.height, picture.width
    y, x = units(h, w)
    furrows = 0.5 + 0.5 * np.sin((x - 0.75) / np.maximum(0.055 + 0.33 * (y - 0.52), 0.02) * 9)
    field = np.clip((x - 0.55) * 12, 0, 1) * np.clip((1.25 - x) * 12, 0, 1)
    field *= np.clip((y - _middle(x) - 0.012) * 80, 0, 1)
    ears = noise(h, w, (0.004, 0.012), rng, stretch=0.5)
    lay(picture, mix((184, 150, 66), (236, 206, 116), furrows * 0.8 + 0.2 + 0.25 * ears), field * 0.9)


def _trees_afar(picture, rng):
    pen = Pen(picture)
    for x in np.sort(rng.uniform(0, picture.width / picture.height, 90)):
        r, shade, lower = rng.uniform(0.008, 0.017), rng.uniform(0.75, 1.1), rng.uniform(0.0, 0.012)
        if math.sin(7.3 * x) + 0.6 * math.sin(17 * x) < 0.15:  # in groups
            continue
        y = _far(x) + lower
        pen.disc(x, y - r * 0.6, r, r * 1.15, _shaded((58, 92, 62), shade))
        pen.disc(x + r * 0.25, y - r * 0.9, r * 0.55, r * 0.6, _shaded((96, 128, 70), shade))


def _river(picture, rng):
    h, w = picture.height, picture.width
    y, x = units(h, w)
    t = np.clip((y - 0.665) / 0.335, 0, 1)
    middle = 0.88 - 0.10 * np.sin(5.2 * t**0.7) + 0.02 * t
    half = 0.010 + 0.165 * t**1.6
    inside = (half - np.abs(x - middle)) * (y > 0.665)
    waves = noise(h, w, (0.004, 0.012), rng, stretch=0.16) * (0.4 + 0.6 * t)
    glitter = np.exp(-(((x - middle + 0.02) / (0.25 * half)) ** 2)) * np.clip(waves * 2.4 - 0.2, 0, 1)
    water = mix((236, 208, 166), (84, 136, 178), t**0.55) * (1 + 0.22 * waves[..., None])
    sand = np.array((142, 120, 78)) * (1 + 0.2 * waves[..., None])
    lay(picture, sand, np.clip((inside + (0.012 + 0.01 * t) * (y > 0.665)) * h / 4, 0, 0.9))
    lay(picture, mix(water, (255, 240, 196), glitter * 0.9), np.clip(inside * h / 3, 0, 1))


def _house(picture, x, y, size):
    """A house seen from a corner: ``x``, ``y`` the foot of the corner nearest to us."""
    pen = Pen(picture)

    def at(point):
        return x + point[0] * size, y + point[1] * size

    def face(colour, *points):
        pen.polygon([at(p) for p in points], colour)

    def stroke(colour, width, *points):
        pen.line([at(p) for p in points], colour, width)

    face((66, 88, 44), (-0.62, 0.02), (0, 0.07), (1.05, 0.01), (1.5, 0.13), (-0.2, 0.16))  # its shadow on the grass
    face((226, 196, 152), (-0.55, -0.04), (0, 0), (0, -0.52), (-0.275, -0.84), (-0.55, -0.54))  # gable
    face((246, 226, 186), (0, 0), (0.95, -0.05), (0.95, -0.53), (0, -0.52))  # long wall, in the sun
    for row in range(9):  # boards
        v = -0.055 * row - 0.02
        stroke((222, 198, 156), 0.002, (0, v), (0.95, v - 0.045 + 0.004 * row))
    face((132, 74, 60), (0.62, -1.05), (0.74, -1.05), (0.74, -0.76), (0.62, -0.76))  # chimney
    face((104, 58, 50), (0.60, -1.08), (0.76, -1.08), (0.76, -1.03), (0.60, -1.03))
    face((178, 70, 48), (-0.06, -0.49), (1.03, -0.50), (0.72, -0.86), (-0.275, -0.90))  # roof
    face((124, 46, 38), (-0.62, -0.50), (-0.55, -0.47), (-0.24, -0.83), (-0.275, -0.90))
    face((206, 98, 66), (-0.06, -0.49), (0.02, -0.49), (-0.215, -0.90), (-0.275, -0.90))
    for row in range(1, 8):  # tiles
        f = row / 8
        left, right = np.array((-0.06 - 0.215 * f, -0.49 - 0.41 * f)), np.array((1.03 - 0.31 * f, -0.50 - 0.36 * f))
        stroke((146, 52, 38), 0.003, left, right)
        for k in range(18):
            joint = left + (right - left) * (k + 0.5 * (row % 2)) / 18
            stroke((150, 56, 42), 0.002, joint, joint - (0.012, 0.045))
    for u, low, high in ((0.10, -0.18, -0.40), (0.38, -0.018, -0.37), (0.70, -0.18, -0.40)):
        frame = (250, 244, 230)
        face(frame, (u - 0.02, low + 0.01), (u + 0.20, low), (u + 0.20, high - 0.02), (u - 0.02, high - 0.01))
        pane = (u, low), (u + 0.18, low - 0.005), (u + 0.18, high), (u, high)
        if low > -0.1:  # the door
            face((92, 62, 44), *pane)
            continue
        face((70, 92, 116), *pane)
        face((150, 176, 190), (u, low), (u + 0.09, low), (u + 0.13, high), (u, high))
        stroke(frame, 0.0045, (u + 0.09, low), (u + 0.09, high))
        stroke(frame, 0.0045, (u, (low + high) / 2), (u + 0.18, (low + high) / 2))
    face((236, 222, 196), (-0.36, -0.24), (-0.20, -0.225), (-0.20, -0.45), (-0.36, -0.45))
    face((60, 76, 96), (-0.34, -0.255), (-0.22, -0.245), (-0.22, -0.43), (-0.34, -0.43))


def _tree(picture, x, foot, size, rng):
    """A broad tree, ``size`` high, its trunk's foot at ``x``, ``foot``."""
    shadow = Image.new("L", picture.size, 0)
    Pen(shadow).disc(x - 0.10 * size, foot + 0.01, 0.42 * size, 0.05 * size, 150)
    picture.paste((44, 66, 34), mask=shadow.filter(ImageFilter.GaussianBlur(0.012 * picture.height)))
    pen, trunk, top = Pen(picture), 0.035 * size, foot - 0.45 * size
    for left_foot, left_top, colour in ((-1.5, -0.8, (74, 54, 42)), (-0.94, -0.38, (124, 92, 66))):
        corners = (left_foot, foot), (left_top, top), (0.8, top), (1.5, foot)
        pen.polygon([(x + trunk * u, v) for u, v in corners], colour)
    for reach, rise in ((-0.24, 0.62), (0.22, 0.66), (0.05, 0.75)):
        tip = x + reach * size, foot - rise * size
        pen.line([(x, foot - 0.36 * size), tip], (84, 62, 46), trunk * 0.8)
    clumps = [(rng.normal(0, 0.19), 0.68 + rng.normal(0, 0.125), rng.uniform(0.09, 0.15)) for _ in range(26)]
    for layer in range(5):  # leaves from the shade at the back to the sunlit tips
        for u, v, r in clumps:
            count, side = 95 - 13 * layer, 0.22 * r * layer
            a, d = rng.uniform(0, 2 * math.pi, count), r * np.sqrt(rng.uniform(0, 1, count)) * (1 - 0.13 * layer)
            leaves, light = rng.uniform(0.010, 0.020, count) * size, layer / 4 * rng.uniform(0.75, 1.15, count)
            lefts, tops = x + (u + d * np.cos(a) - side) * size, foot - (v + d * np.sin(a) + side) * size
            for k in range(count):
                colour = tuple(int(c) for c in mix((34, 62, 36), (158, 176, 74), light[k]))
                pen.disc(lefts[k], tops[k], leaves[k], leaves[k] * 0.7, colour)


def _fence(picture, start, end):
    pen = Pen(picture)

    def foot(x):
        return 0.925 - 0.03 * math.sin(1.7 * x)

    for rail in (0.030, 0.055):
        pen.line([(x, foot(x) - rail) for x in np.linspace(start, end, 40)], (206, 186, 152), 0.008)
    for x in np.arange(start + 0.02, end, 0.062):
        pen.box(x - 0.006, foot(x) - 0.078, x + 0.006, foot(x) + 0.012, (232, 214, 182))
        pen.box(x - 0.006, foot(x) - 0.078, x - 0.002, foot(x) + 0.012, (164, 140, 110))


def _meadow(picture, rng):
    """Grass and flowers in the foreground, larger the nearer."""
    pen, h, w = Pen(picture), picture.height, picture.width
    ground = np.asarray(picture).astype(int)
    count = int(3900 * w / h)
    lefts, tops = rng.uniform(0, w / h, count), np.sort(0.80 + 0.22 * rng.uniform(0, 1, count) ** 0.8)
    for x, y in zip(lefts, tops, strict=True):
        size = (y - 0.74) * 0.085
        lean, shade, flower, kind = rng.normal(0, 0.45) * size, rng.uniform(0.6, 1.35), rng.uniform(), rng.integers(4)
        red, green, blue = ground[min(int(y * h), h - 1), min(int(x * h), w - 1)]
        if green <= max(red, blue) + 8:  # not on the water, the sand or the fence
            continue
        pen.line([(x, y), (x + lean, y - size)], _shaded((104, 140, 58), shade), 0.0022)
        if flower < 0.085:
            colour = ((226, 62, 48), (248, 214, 84), (246, 240, 236), (176, 110, 186))[kind]
            pen.disc(x + lean, y - size, size * 0.23, size * 0.2, colour)


def _shaded(colour, shade):
    return tuple(min(255, int(c * shade)) for c in colour)

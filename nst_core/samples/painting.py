"""A night in thick, swirling brush strokes, drawn by program."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from nst_core.samples.drawing import OVERSAMPLING, Pen, mix, noise, picture_of, reduced, units

# a brush in units of the height: how long its strokes are, how thick, and how far apart
BRUSHES = (0.15, 0.022, 0.020), (0.09, 0.014, 0.0125), (0.055, 0.010, 0.0105)
BRISTLES = 7

# places in units of the width and the height, sizes of the height
WHIRLS = (0.36, 0.37, 0.19, 1), (0.585, 0.46, 0.125, -1)  # and which way they turn
STARS = (0.08, 0.13, 0.050), (0.24, 0.16, 0.038), (0.47, 0.11, 0.046), (0.645, 0.20, 0.040), (0.10, 0.47, 0.036)
STARS += ((0.76, 0.40, 0.032),)
MOON = (0.87, 0.18, 0.088)


def painting(height: int = 384, width: int = 512, seed: int = 4) -> np.ndarray:
    """A night over a village in thick swirling strokes: float32 height×width×3 in [0, 1], sRGB."""
    h, w = height * OVERSAMPLING, width * OVERSAMPLING
    rng = np.random.default_rng(seed)
    colours, angles = _night(h, w, rng)
    canvas = picture_of(colours * 0.55)
    relief = Image.new("L", (w, h), 90)
    for brush in BRUSHES:  # long strokes first: what is under shows between what is over
        _paint(canvas, relief, colours, angles, brush, rng)
    return reduced(_lit(canvas, relief), height, width)


def _night(h, w, rng):
    """What the painter sees, as colours h×w×3, and which way the brush goes, as angles h×w in radians."""
    y, x = units(h, w)
    land = _horizon(x)
    flow = np.stack([np.ones_like(x), 0.30 * np.sin(4.2 * x + 5 * y) + 0.10 * np.sin(9 * x - 3 * y)])
    colours, flow = _sky(y, x, land, flow, rng)
    colours, flow = _hills(y, x, land, colours, flow)
    village = picture_of(colours)
    _village(village, rng)
    colours, flow = _cypress(y, x, np.asarray(village), flow)
    return colours, np.arctan2(flow[1], flow[0])


def _horizon(x):
    return 0.735 + 0.05 * np.sin(3.4 * x + 0.5) + 0.025 * np.sin(7.1 * x + 2)


def _sky(y, x, land, flow, rng):
    h, w = y.shape
    wide = w / h
    bands = 0.5 + 0.5 * np.sin(9 * (y + 0.12 * np.sin(4.2 * x)) + 3 * noise(h, w, (0.05, 0.25), rng))
    sky = mix((22, 38, 92), (64, 118, 188), 0.15 + 0.55 * bands + 0.45 * y)
    sky = mix(sky, (126, 184, 196), np.clip(bands - 0.72, 0, 1) * 2.2)
    sky = mix(sky, (206, 206, 150), np.exp(-(((y - land) / 0.10) ** 2)) * 0.55)
    for u, v, r, way in WHIRLS:  # wind: a bright spiral on the blue
        far, across = _polar(y - v, x - u * wide)
        flow = flow + way * np.exp(-((far / (r * 1.25)) ** 2)) * 6 * across
        spiral = 0.5 + 0.5 * np.sin(2 * np.arctan2(y - v, x - u * wide) * way - far / r * 9)
        sky = mix(sky, (190, 214, 208), np.exp(-((far / r) ** 4)) * spiral * 0.85)
    for u, v, r in (*STARS, MOON):  # a bright core and rings of light
        far, across = _polar(y - v, x - u * wide)
        flow = flow + np.exp(-((far / (r * 2.3)) ** 2)) * 6 * across
        rings = np.exp(-((far / (r * 2.0)) ** 2)) * (0.55 + 0.45 * np.cos(far / r * 4.2))
        sky = mix(sky, (236, 200, 88), rings * 1.15)
        sky = mix(sky, (255, 238, 160), (r * 0.62 - far) / (r * 0.2))
    crescent = np.hypot(x - MOON[0] * wide - 0.03, y - MOON[1] + 0.015)
    return mix(sky, (222, 166, 62), np.clip((0.060 - crescent) / 0.01, 0, 1) * 0.8), flow


def _polar(dy, dx):
    """How far each pixel is from a centre, h×w, and the direction around it, 2×h×w."""
    far = np.hypot(dx, dy) + 1e-6
    return far, np.stack([-dy, dx]) / far


def _hills(y, x, land, colours, flow):
    hills = (
        (0.0, (34, 58, 96), (70, 112, 138)),
        (0.085, (30, 56, 58), (84, 116, 82)),
        (0.17, (20, 40, 40), (58, 86, 60)),
    )
    for depth, dark, light in hills:
        below = y - (land + depth + 0.03 * np.sin(5 * x + 20 * depth))
        under = np.clip(below * len(y) / 3, 0, 1)
        rows = 0.5 + 0.5 * np.sin(below * 85 + 2 * np.sin(6 * x))
        colours = mix(colours, mix(dark, light, rows), under)
        slope = 0.15 * np.cos(5 * x + 20 * depth) + 0.17 * np.cos(3.4 * x + 0.5)
        flow = mix(flow, np.stack([np.ones_like(x), slope]), under[None])
    return colours, flow


def _village(picture, rng):
    pen, wide = Pen(picture), picture.width / picture.height
    for x in np.linspace(0.34 * wide, 0.95 * wide, 11) + rng.uniform(-0.02, 0.02, 11):
        y, size = _horizon(x) + rng.uniform(0.10, 0.15), rng.uniform(0.050, 0.072)
        walls = ((112, 132, 160), (46, 54, 96)) if rng.uniform() < 0.6 else ((150, 142, 124), (140, 66, 48))
        pen.box(x - size, y - size, x + size, y + size * 0.3, walls[0])
        pen.polygon([(x - 1.25 * size, y - size), (x + 1.25 * size, y - size), (x, y - 2 * size)], walls[1])
        for u in (-0.45, 0.4):
            pen.box(x + (u - 0.2) * size, y - 0.65 * size, x + (u + 0.2) * size, y - 0.15 * size, (250, 206, 92))
    x = 0.70 * wide
    y = _horizon(x) + 0.12
    pen.box(x - 0.030, y - 0.17, x + 0.030, y, (136, 150, 172))
    pen.polygon([(x - 0.040, y - 0.16), (x + 0.040, y - 0.16), (x, y - 0.38)], (30, 36, 74))


def _cypress(y, x, colours, flow):
    """The dark tree in front: strokes that go up like flames."""
    trunk = 0.155 * x.shape[1] / x.shape[0] + 0.018 * np.sin(13 * y)
    tall = np.clip((y - 0.20) / 0.8, 0, 1)
    half = 0.088 * np.sin(np.pi * np.clip(tall * 0.93, 0, 1) ** 0.75) * (1 + 0.25 * np.sin(30 * y + 3 * np.sin(9 * y)))
    tree = np.clip((half * (tall > 0) - np.abs(x - trunk)) * len(y) / 3, 0, 1)
    grain = 0.5 + 0.5 * np.sin((x - trunk) * 140 + 6 * np.sin(9 * y))
    upwards = np.stack([0.55 * np.sin(12 * y + 16 * (x - trunk)), np.full_like(x, -1.0)])
    return mix(colours, mix((12, 28, 30), (66, 82, 42), grain**2), tree), mix(flow, upwards, tree[None])


def _paint(canvas, relief, colours, angles, brush, rng):
    """Covers the canvas with strokes along the angles, each of many bristles; the relief keeps how thick they are."""
    h, w = angles.shape
    length, thickness, spacing = (size * h for size in brush)
    rows, columns = np.mgrid[0:h:spacing, 0 : w : spacing * 1.6]
    starts = np.stack([rows.ravel(), columns.ravel()], 1) + rng.uniform(-0.6, 0.6, (rows.size, 2)) * spacing
    starts = rng.permutation(starts)
    step = thickness * 0.7
    steps = np.maximum(3, length * rng.uniform(0.6, 1.2, len(starts)) / step).astype(int)
    paths, lengths, loads = _traced(starts, steps, step, colours, angles)
    loads = loads * rng.normal(1, 0.09, (len(starts), 1)) + rng.normal(0, 7, (len(starts), 3))
    shades = np.clip(loads[:, None] * rng.normal(1, 0.085, (len(starts), BRISTLES, 1)), 0, 255).astype(int)
    sides = (np.arange(BRISTLES) - (BRISTLES - 1) / 2) / BRISTLES
    heights = 150 + 70 * np.cos(sides * math.pi) + rng.normal(0, 26, (len(starts), BRISTLES))
    paint, thick, width = ImageDraw.Draw(canvas), ImageDraw.Draw(relief), max(2, round(thickness / BRISTLES * 1.5))
    for path, count, stroke, rise in zip(paths, lengths, shades, np.clip(heights, 0, 255).astype(int), strict=True):
        points = path[:count]
        along = np.gradient(points, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)
        across *= thickness * np.sin(np.linspace(0.35, math.pi - 0.12, count))[:, None] ** 0.5  # it tapers off
        for side, shade, level in zip(sides, stroke.tolist(), rise.tolist(), strict=True):
            bristle = (points + across * side).ravel().tolist()
            paint.line(bristle, fill=tuple(shade), width=width)
            thick.line(bristle, fill=level, width=width)


def _traced(starts, steps, step, colours, angles):
    """Follows the angles from each start (row, column): paths n×longest×2 of (x, y), lengths, colours at the starts."""
    h, w = angles.shape
    at, own = starts.copy(), None
    paths, going, lengths = np.zeros((len(at), steps.max(), 2)), np.ones(len(at), bool), np.full(len(at), 3)
    for k in range(steps.max()):
        r, c = np.clip(at[:, 0], 0, h - 1).astype(int), np.clip(at[:, 1], 0, w - 1).astype(int)
        own = colours[r, c] if own is None else own
        # the brush lifts where the colour changes
        going &= (k < steps) & (np.abs(colours[r, c] - own).max(1) <= 56)
        lengths[going] = np.maximum(lengths[going], k + 1)
        paths[:, k] = at[:, ::-1]
        at += step * np.stack([np.sin(angles[r, c]), np.cos(angles[r, c])], 1)
    return paths, lengths, own


def _lit(canvas, relief):
    """The paint under a lamp at the upper left: ridges of the relief shine, their other sides lie in shade."""
    thickness = np.asarray(relief.filter(ImageFilter.GaussianBlur(relief.height / 420)), np.float32) / 255
    down, right = np.gradient(thickness)
    light = np.clip(1 + (-down - right) * relief.height / 210, 0.62, 1.45)[..., None]
    return picture_of(np.asarray(canvas) * light)

"""What both samples are drawn with. Lengths and places are in units of the picture's height, colours 0 to 255."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

OVERSAMPLING = 3  # drawn so many times as large, then reduced: smooth edges, and a look that no size changes


class Pen:
    """Draws on a Pillow picture in units of its height."""

    def __init__(self, picture: Image.Image):
        self.draw, self.h = ImageDraw.Draw(picture), picture.height

    def _scaled(self, points):
        return [(x * self.h, y * self.h) for x, y in points]

    def polygon(self, points, colour):
        self.draw.polygon(self._scaled(points), fill=colour)

    def line(self, points, colour, width):
        self.draw.line(self._scaled(points), fill=colour, width=max(1, round(width * self.h)))

    def box(self, left, top, right, bottom, colour):
        self.draw.rectangle(self._scaled([(left, top), (right, bottom)]), fill=colour)

    def disc(self, x, y, rx, ry, colour):
        self.draw.ellipse(self._scaled([(x - rx, y - ry), (x + rx, y + ry)]), fill=colour)


def units(h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every pixel, each h×w, in units of the height."""
    y, x = np.mgrid[0:h, 0:w]
    return y / h, x / h


def mix(a, b, t) -> np.ndarray:
    """``a`` where t is 0, ``b`` where it is 1; a t of h×w beside colours gets their channel axis."""
    a, b, t = np.asarray(a, np.float64), np.asarray(b, np.float64), np.clip(t, 0, 1)
    if np.ndim(t) == 2 and (a.shape[-1:] == (3,) or b.shape[-1:] == (3,)):
        t = t[..., None]
    return a + (b - a) * t


def picture_of(colours) -> Image.Image:
    """Pillow picture of an array h×w or h×w×3 of values from 0 to 255."""
    return Image.fromarray(np.clip(np.rint(colours), 0, 255).astype(np.uint8))


def lay(picture: Image.Image, colours, cover) -> None:
    """Lays colours h×w×3 over the picture where cover, h×w in [0, 1], says so."""
    picture.paste(picture_of(colours), mask=picture_of(cover * 255))


def noise(h, w, sizes, rng, stretch=1.0) -> np.ndarray:
    """Smooth noise h×w of about -1 to 1, of blobs of all the ``sizes``; a ``stretch`` above 1 makes them tall."""
    total = np.zeros((h, w), np.float32)
    for size in sizes:
        rows, columns = max(2, round(1 / (size * stretch))), max(2, round(w / h / size))
        grid = Image.fromarray(rng.uniform(-1, 1, (rows + 2, columns + 2)).astype(np.float32))
        total += np.asarray(grid.resize((w, h), Image.Resampling.BICUBIC)) / len(sizes)
    return total * 1.3


def reduced(picture: Image.Image, height: int, width: int) -> np.ndarray:
    """The finished sample: float32 height×width×3 in [0, 1]."""
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float32) / 255

"""Overlapping tiles of a picture, on the grid of the poolings, so that a loss over tiles is exactly the whole's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A part of a picture: rows ``top`` up to but without ``bottom``, columns ``left`` up to ``right``, in pixels."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)


@dataclass(frozen=True)
class Tile:
    """A box and the larger one around it that has to be computed for the features inside to be exact.

    The inner boxes of a picture's tiles cover it without overlap.
    """

    inner: Box
    outer: Box

    def on_grid(self, stride: int, rows: int, columns: int) -> tuple[Box, Box]:
        """The inner box in positions of a feature map with ``stride``: of the picture's map, and of this tile's own.

        ``rows`` and ``columns`` are the tile's own map's size. At the picture's lower and right edge the poolings
        leave pixels out; the tile's map ends where the picture's does, and so does its inner box.
        """
        top, left = (self.inner.top - self.outer.top) // stride, (self.inner.left - self.outer.left) // stride
        height = (
            rows - top if self.inner.bottom == self.outer.bottom else (self.inner.bottom - self.inner.top) // stride
        )
        width = (
            columns - left if self.inner.right == self.outer.right else (self.inner.right - self.inner.left) // stride
        )
        y, x = self.inner.top // stride, self.inner.left // stride
        return Box(y, y + height, x, x + width), Box(top, top + height, left, left + width)


def tiles(height: int, width: int, size: int, margin: int, grid: int) -> list[Tile]:
    """Tiles that cover a picture.

    Args:
        height, width: of the picture in pixels.
        size: of a whole tile with its margins; what is left inside is at least one ``grid``.
        margin: pixels around an inner box that its features depend on; rounded up to the grid.
        grid: the largest stride of the features, which boxes are aligned to.
    """
    margin = -(-margin // grid) * grid
    step = max(grid, (size - 2 * margin) // grid * grid)
    return [
        Tile(
            Box(top, bottom, left, right),
            Box(max(0, top - margin), min(height, bottom + margin), max(0, left - margin), min(width, right + margin)),
        )
        for top, bottom in _spans(height, step, grid)
        for left, right in _spans(width, step, grid)
    ]


def _spans(length, step, grid):
    starts = list(range(0, length, step))
    if len(starts) > 1 and length - starts[-1] < grid:
        starts.pop()  # a rest smaller than a grid cell has no feature of its own: it belongs to its neighbour
    return list(zip(starts, [*starts[1:], length], strict=True))

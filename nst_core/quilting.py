"""A quilt: one picture laid out anew with pieces of another, so that it shows the one in the strokes of the other.

Image quilting (Efros and Freeman, 2001, section 3, on texture transfer): piece by piece, from the upper left, the best
of some thousands is taken: like the content at its place, and going on where its neighbours end. Where smaller pieces
meet the content much better, they are laid over the larger ones. Pieces that were taken become dearer, so that all of
the style is seen and no piece repeats.

What is laid where is planned on copies of one size, whatever the pictures' size, and carried out at any size: small and
large pictures, drafts and fine ones show the same strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst_core.pyramid import resized

WORKING_SIDE = 512  # longest side in pixels of the content's copy that is planned on
PIECES = 20  # along the content's longest side at brush size 100: fewer show larger swirls, and less of the content
PIECES_BY_BRUSH = 0.6  # the exponent by which pieces grow with the brush: with 1 nothing of the content were left
OVERLAP = 0.35  # of a piece's step, by which it reaches into the next
CANDIDATES = 6000  # pieces to choose from, at most, evenly spread over the style
GRID = 4  # a piece is compared with the content by GRID × GRID means of colour
STRIP = 16  # and with its neighbours by means along the seam, about so many
EDGES = 1.5  # how much more than a piece's mean colour counts what is drawn within
SEAM = 0.4  # how much the difference to the neighbours counts, in the overlap
REUSE = 0.5  # how much dearer a piece gets each time, in units of the usual difference
FINER = 0.5  # smaller pieces are laid where they leave no more than this of a large difference
CHANCE = 0.05  # by how much differences are changed at random, so that another seed gives other pieces
HIDDEN = 1e3  # what it costs to take what is transparent in the style


@dataclass(frozen=True)
class Piece:
    """A square of the style and where it goes, in pixels of the copies that were planned on.

    Attributes:
        top, left: of its place in the content.
        source_top, source_left: of the square in the style.
        size: of the square, with the overlap.
        fades: widths of the fade at its top, left, bottom and right.
    """

    top: int
    left: int
    source_top: int
    source_left: int
    size: int
    fades: tuple[int, int, int, int]


@dataclass(frozen=True)
class Plan:
    """Pieces in the order in which they are laid, for a content whose longest side counts ``side`` pixels."""

    pieces: list[Piece]
    side: int


def plan(
    content: torch.Tensor,
    style: torch.Tensor,
    seed: int,
    brush_size: float = 100.0,
    likeness: float = 1.0,
    visible: torch.Tensor | None = None,
) -> Plan:
    """What piece of ``style`` to lay where on ``content``; both (1, 3, H, W) in [0, 1], in the same colours.

    Args:
        content, style: of any size; the style is taken to be as long as the content at a ``brush_size`` of 100.
        seed: of the chance by which pieces are chosen among those that are alike.
        brush_size: in per cent.
        likeness: how much the likeness to the content counts, from 0 to 1.
        visible: the style's alpha (1, 1, H, W), or None.
    """
    random = torch.Generator().manual_seed(seed)
    content = _copy(content, WORKING_SIDE)
    style_side = round(WORKING_SIDE * brush_size / 100)
    style = _copy(style, style_side)
    visible = None if visible is None else resized(visible, *style.shape[2:])
    step = max(6, round(WORKING_SIDE / PIECES * (brush_size / 100) ** PIECES_BY_BRUSH))
    step = max(4, min(step, int(min(style.shape[2:]) / (2 + OVERLAP))))
    large, differences = _pass(content, style, visible, step, likeness, random, None)
    small, _ = _pass(content, style, visible, step // 2, likeness, random, differences)
    return Plan([*large, *small], WORKING_SIDE)


def laid(of: Plan, style: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The quilt (1, 3, height, width) of ``of``, from ``style`` (1, 3, H, W) at the size of its strokes in it."""
    factor = max(height, width) / of.side
    canvas = style.new_zeros(1, 3, height, width)
    for piece in of.pieces:
        top, left, bottom, right = (
            round(x * factor) for x in (piece.top, piece.left, piece.top + piece.size, piece.left + piece.size)
        )
        rows, columns = min(bottom, height) - top, min(right, width) - left
        if rows <= 0 or columns <= 0:
            continue
        y = min(round(piece.source_top * factor), max(0, style.shape[2] - rows))
        x = min(round(piece.source_left * factor), max(0, style.shape[3] - columns))
        source = style[..., y : y + rows, x : x + columns]
        rows, columns = source.shape[2:]
        # rounded down: what fades in must lie on what is there
        above, before, below, after = (int(fade * factor) for fade in piece.fades)
        window = _faded(bottom - top, above, below)[:rows, None] * _faded(right - left, before, after)[None, :columns]
        place = canvas[..., top : top + rows, left : left + columns]
        place += window.to(place) * (source - place)
    return canvas


def _pass(content, style, visible, step, likeness, random, coarser):
    """The pieces of one size, and the differences they leave, (rows, columns).

    ``coarser`` are the differences that larger pieces left; without, all places are covered.
    """
    overlap = max(2, round(step * OVERLAP))
    size = step + overlap
    there = _Candidates(style, visible, size, overlap)
    height, width = content.shape[2:]
    rows, columns = -(-height // step), -(-width // step)
    content = F.pad(content, (0, columns * step + overlap - width, 0, rows * step + overlap - height), mode="replicate")
    wanted = _described(content, torch.arange(rows) * step, torch.arange(columns) * step, size)
    canvas = torch.zeros_like(content)
    worn = torch.zeros(len(there.tops), len(there.lefts))
    left_over, pieces = torch.zeros(rows, columns), []
    usual = None
    for row in range(rows):
        differences = torch.cdist(wanted[row], there.described).square() / wanted.shape[-1]
        differences *= 1 + CHANCE * torch.rand(differences.shape, generator=random)
        usual = float(differences.min(1).values.mean()) + 1e-6 if usual is None else usual
        for column in range(columns):
            top, left = row * step, column * step
            cost = likeness * differences[column] + REUSE * usual * worn.flatten() + there.hidden
            if coarser is None:
                cost = cost + SEAM * there.seams(canvas, top, left)
            best = int(cost.argmin())
            left_over[row, column] = differences[column, best]
            if coarser is not None:
                before = coarser[min(row // 2, coarser.shape[0] - 1), min(column // 2, coarser.shape[1] - 1)]
                if before < coarser.mean() or differences[column, best] > FINER * before * likeness:
                    continue
            y, x = there.at(best)
            there.wear(worn, best)
            if coarser is None:
                canvas[..., top : top + size, left : left + size] = style[..., y : y + size, x : x + size]
                fades = (overlap if row else 0, overlap if column else 0, 0, 0)
            else:
                fades = (overlap,) * 4
            pieces.append(Piece(top, left, y, x, size, fades))
    return pieces, left_over


class _Candidates:
    """The pieces of a style that can be chosen, on an even grid."""

    def __init__(self, style, visible, size, overlap):
        height, width = style.shape[2:]
        stride = max(1, size // 8, -(-round((height * width) ** 0.5) // round(CANDIDATES**0.5)))
        self.tops, self.lefts = (torch.arange(0, n - size + 1, stride) for n in (height, width))
        self.around = max(1, size // stride)
        self.described = _described(style, self.tops, self.lefts, size).flatten(0, 1)
        self.size, self.overlap = size, overlap
        self.cell = max(1, min(size // STRIP, overlap))
        means = F.avg_pool2d(style, self.cell, 1)[0]
        self.strips = [self._strips(means, size, overlap), self._strips(means, overlap, size)]
        self.squares = [strip.square().sum(1) for strip in self.strips]
        self.hidden = 0.0
        if visible is not None:
            shown = F.avg_pool2d(visible, size, 1)[0, 0][self.tops[:, None], self.lefts[None]]
            self.hidden = HIDDEN * (1 - shown.flatten()).clamp_min(0)

    def at(self, index):
        return int(self.tops[index // len(self.lefts)]), int(self.lefts[index % len(self.lefts)])

    def wear(self, worn, index):
        row, column, n = index // len(self.lefts), index % len(self.lefts), self.around
        worn[max(0, row - n) : row + n + 1, max(0, column - n) : column + n + 1] += 1

    def seams(self, canvas, top, left):
        """How much each piece differs from what lies on ``canvas`` already, at its left and upper edge."""
        total = 0.0
        if left:
            total = total + self._seam(0, canvas[..., top : top + self.size, left : left + self.overlap])
        if top:
            total = total + self._seam(1, canvas[..., top : top + self.overlap, left : left + self.size])
        return total

    def _seam(self, which, there):
        there, strips = F.avg_pool2d(there, self.cell).flatten(), self.strips[which]
        return (self.squares[which] - 2 * strips @ there + there.square().sum()).clamp_min(0) / len(there)

    def _strips(self, means, rows, columns):
        ys, xs, cell = self.tops[:, None], self.lefts[None], self.cell
        parts = [means[:, ys + i * cell, xs + j * cell] for i in range(rows // cell) for j in range(columns // cell)]
        # (3, cells, tops, lefts) in the order of a flattened (1, 3, rows, columns)
        return torch.stack(parts, 1).permute(2, 3, 0, 1).flatten(2).flatten(0, 1).contiguous()


def _described(picture, tops, lefts, size):
    """The squares of ``picture`` at ``tops`` and ``lefts`` as numbers to compare, (tops, lefts, N)."""
    cell = max(1, size // GRID)
    means = F.avg_pool2d(picture, cell, 1)[0]
    rows, columns = tops[:, None], lefts[None]
    cells = torch.stack(
        [means[:, rows + i * cell, columns + j * cell] for i in range(GRID) for j in range(GRID)]
    )  # (cells, 3, tops, lefts)
    mean = cells.mean(0, keepdim=True)
    described = torch.cat([mean.expand_as(cells), EDGES * (cells - mean)], 1)
    return described.permute(2, 3, 0, 1).flatten(2)


def _copy(picture, side):
    factor = side / max(picture.shape[2:])
    height, width = (max(16, round(n * factor)) for n in picture.shape[2:])
    return resized(picture, height, width).clamp(0, 1)


def _faded(length, at_start, at_end):
    """Weights (length,) that rise from 0 over ``at_start`` and fall to 0 over ``at_end``."""
    there = torch.arange(length) + 0.5
    rising = (there / at_start).clamp(max=1) if at_start else torch.ones(length)
    falling = ((length - there) / at_end).clamp(max=1) if at_end else torch.ones(length)
    return torch.minimum(rising, falling)

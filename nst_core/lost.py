"""What of a content its strokes have lost: where nobody could tell any more what was there."""

from __future__ import annotations

import torch

from nst_core.pyramid import blurred, extent, resized

LOST_AT = 256  # longest side in pixels of the copies that tell what is lost; what follows is in pixels of these
DRAWN = (0.7, 6.0)  # standard deviations: drawing is finer than the second, grain and strokes' edges than the first
AROUND = 5.0  # standard deviation of the window that drawings are compared in: an eye, not a whole face
HERE = 2.5  # standard deviation of the window that tells whether there is something: beside an edge there is nothing
ALIKE = 0.9  # correlation from which on nothing is lost
SURE = 4.0  # times what is missing of it counts: half a face is none
FAINT = 0.01  # contrast up to which there is nothing on a picture, however calm all the rest of it is
SOFT = 2.0  # standard deviation of the edges of what is lost


def lost(content: torch.Tensor, strokes: torch.Tensor) -> torch.Tensor:
    """Where what is drawn in ``content`` cannot be told from its ``strokes``, both (1, 3, H, W): (1, 1, H, W), 0 to 1.

    A face's eyes and mouth have little contrast, and strokes laid across them have much. Lost is where the content has
    something on it, beside the rest of the picture, and the lightness of the two does not go up and down together.
    """
    height, width = content.shape[2:]
    factor = min(1.0, LOST_AT / extent(height, width))
    size = max(2, round(height * factor)), max(2, round(width * factor))
    drawn, painted = (_drawing(resized(x, *size).mean(1, keepdim=True)) for x in (content, strokes))
    power, of_strokes, both = (blurred(x, AROUND) for x in (drawn**2, painted**2, drawn * painted))
    alike = both / (power * of_strokes).clamp_min(FAINT**6).sqrt()
    here = blurred(drawn**2, HERE)
    usual = here.sqrt().mean().clamp_min(FAINT)
    there = here**2 / (here**2 + usual**4)
    missing = there * (1 - alike / ALIKE).clamp(0, 1)
    return resized(SURE * blurred(missing, SOFT), height, width).clamp_(0, 1)


def _drawing(grey):
    return blurred(grey, DRAWN[0]) - blurred(grey, DRAWN[1])

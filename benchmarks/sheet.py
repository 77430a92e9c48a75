"""Contact sheets: rows of labelled pictures, one below the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nst_core.samples.drawing import picture_of
from nst_core.samples.sheet import PAPER, side_by_side

Labelled = tuple[str, np.ndarray]  # what to write below a picture H×W×3 in [0, 1]


def image(picture: np.ndarray) -> Image.Image:
    """Pillow picture of a float array H×W×3 in [0, 1]."""
    return picture_of(np.asarray(picture[..., :3], np.float64) * 255)


def save(path: Path, picture: Image.Image) -> None:
    """Writes a PNG, whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    picture.save(beside, format="PNG")
    os.replace(beside, path)


def contact_sheet(path: Path, rows: Sequence[Sequence[Labelled]], height: int) -> None:
    """Writes a PNG of rows of pictures, each ``height`` pixels high and with its label below."""
    strips = [side_by_side([(label, image(picture)) for label, picture in row], height) for row in rows]
    width, gap = max(strip.width for strip in strips), max(8, height // 20)
    sheet = Image.new("RGB", (width, sum(strip.height for strip in strips) + gap), PAPER)
    top = gap
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    save(path, sheet)

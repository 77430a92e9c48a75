"""Pairs of content and style to measure on: drawn by the project, or out of a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from benchmarks import drawn
from nst_core import samples

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"}
Draw = Callable[[int], np.ndarray]  # from the longest side in pixels to H×W×3 float32 in [0, 1]


class PairsError(Exception):
    """There are no such pairs, or a picture of them can't be read; the message says which."""


@dataclass(frozen=True)
class Pair:
    """A content and a style, each a function of the longest side in pixels, and what the pair is called."""

    name: str
    content: Draw
    style: Draw


def _drawn(draw) -> Draw:
    return lambda longest: draw(round(longest * 3 / 4), longest)


_CONTENTS = {
    "scene": _drawn(samples.scene),
    "lines": _drawn(drawn.line_art),
    "flat": _drawn(drawn.flat_areas),
    "mist": _drawn(drawn.low_contrast),
}
_STYLES = {
    "painting": _drawn(samples.painting),
    "dots": _drawn(drawn.dots),
    "weave": _drawn(drawn.weave),
    "red": _drawn(drawn.red_painting),
    "lines": _drawn(drawn.line_art),
    "flat": _drawn(drawn.flat_areas),
}
# every content and every style at least once, and what is alike in neither
_DRAWN_PAIRS = (
    ("scene", "painting"),
    ("flat", "painting"),
    ("lines", "red"),
    ("mist", "painting"),
    ("scene", "dots"),
    ("flat", "dots"),
    ("mist", "weave"),
    ("scene", "red"),
    ("scene", "lines"),
    ("lines", "flat"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="pictures to pair: content-* with style-*, else each with each (drawn ones)",
    )
    parser.add_argument("--only", metavar="NAME", help="only pairs whose name holds this, such as scene+painting")


def chosen(options: argparse.Namespace) -> list[Pair]:
    """The pairs that the options ask for. Raises :class:`PairsError` where there are none."""
    pairs = drawn_pairs() if options.folder is None else in_folder(options.folder)
    found = [pair for pair in pairs if not options.only or options.only in pair.name]
    if not found:
        raise PairsError(f"No pair is called {options.only!r}; there are {', '.join(pair.name for pair in pairs)}.")
    return found


def drawn_pairs() -> list[Pair]:
    """The project's own pairs."""
    return [Pair(f"{c}+{s}", _CONTENTS[c], _STYLES[s]) for c, s in _DRAWN_PAIRS]


def in_folder(folder: Path) -> list[Pair]:
    """The pairs of the pictures in ``folder``: every content-* with every style-*, else every two, both ways round."""
    if not folder.is_dir():
        raise PairsError(f"{folder} is no folder; give one with pictures in it.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    contents = [path for path in files if path.stem.startswith("content")]
    styles = [path for path in files if path.stem.startswith("style")]
    if contents and styles:
        paired = [(c, s) for c in contents for s in styles]
    else:
        paired = [(c, s) for c in files for s in files if c != s]
    if not paired:
        raise PairsError(f"{folder} holds {len(files)} pictures; two are needed, of {', '.join(sorted(SUFFIXES))}.")
    return [Pair(f"{c.stem}+{s.stem}", _read(c), _read(s)) for c, s in paired]


def _read(path) -> Draw:
    """Reads the picture when it is asked for, and makes it no longer than that; none is enlarged."""

    def read(longest):
        try:
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file).convert("RGB")
        except (OSError, UnidentifiedImageError) as exc:
            raise PairsError(f"{path} can't be read as a picture; remove it or save it again.") from exc
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        return np.asarray(image, np.float32) / 255

    return read

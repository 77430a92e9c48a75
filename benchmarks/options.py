"""Types of the measurements' options: lists with commas in between."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from nst_core.settings import PARAMETERS, Settings, SettingsError

SMALLEST_SIZE = 64  # pixels: the style must have strokes left


def sizes(text: str) -> list[int]:
    """Longest sides in pixels, such as ``256,512``."""
    return [size(part) for part in text.split(",")]


def size(text: str) -> int:
    """A longest side in pixels."""
    if not text.strip().isdigit() or int(text) < SMALLEST_SIZE:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give whole pixels from {SMALLEST_SIZE} on")
    return int(text)


def count(text: str) -> int:
    """A number of evaluations, from 1."""
    if not text.strip().isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of evaluations; give a whole number from 1 on")
    return int(text)


def values_of(name: str) -> Callable[[str], list]:
    """The type of an option that is a list of values of the setting ``name``, each checked as the setting is."""
    parameter = next(p for p in PARAMETERS if p.name == name)

    def values(text: str) -> list:
        parts = text.split(",")
        try:
            checked = parts if parameter.choices else [float(part) for part in parts]
            return [getattr(Settings(**{name: value}), name) for value in checked]
        except (SettingsError, ValueError) as exc:
            raise argparse.ArgumentTypeError(str(exc)) from None

    return values

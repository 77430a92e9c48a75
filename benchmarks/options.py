"""Types of the measurements' options: sizes, counts, values of settings, and lists of them with commas in between."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from nst_core.settings import PARAMETERS

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
    value = value_of(name)
    return lambda text: [value(part) for part in text.split(",")]


def value_of(name: str) -> Callable[[str], Any]:
    """The type of an option that is a value of the setting ``name``, checked as the setting is."""
    parameter = next(p for p in PARAMETERS if p.name == name)

    def value(text: str) -> Any:
        try:
            return parameter.checked(text if parameter.choices else float(text))
        except ValueError as exc:  # a SettingsError is one too
            raise argparse.ArgumentTypeError(str(exc)) from None

    return value


QUALITIES = {
    "type": values_of("quality"),
    "default": ["draft", "normal", "fine"],
    "help": "draft, normal or fine, several with commas in between (all three)",
}
"""How ``--qualities`` is declared."""

"""The one table of parameters: :class:`Settings` and what describes each of its fields.

The command line, the protocol, ``parameters.json`` for the plug-in, both GIMP dialogs and the PDB arguments are made
from this table. To add a parameter, add one line to :class:`Settings`. Standard library only: ``install.py`` reads it
before anything is installed.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

ARTIST = "artist"  # shown in the dialogs, a PDB argument, and an option of the command line
ENGINEER = "engineer"  # an option of the command line and of the API only


@dataclass(frozen=True)
class Parameter:
    """What one field of :class:`Settings` is, for whoever has to show it or check it.

    Attributes:
        name: the field's name, the protocol's key; with dashes, the command line's option and the PDB argument.
        kind: ``"float"``, ``"int"`` or ``"choice"``.
        default: its default value.
        label: what a dialog calls it.
        help: one sentence for tooltips and ``--help``.
        minimum, maximum: the inclusive range of a number; None for a choice.
        unit: of a number: ``"%"``, ``"MB"`` or ``""``.
        choices: of a choice: ``{value: label}``, in the order to show them; else None.
        audience: :data:`ARTIST` or :data:`ENGINEER`.
        least: of a number whose 0 leaves the choice to the run: the smallest other one, where not every one will do.
    """

    name: str
    kind: str
    default: Any
    label: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    choices: dict[str, str] | None = None
    audience: str = ENGINEER
    least: float | None = None

    @property
    def span(self) -> str:
        """A number's range in words, with its unit."""
        low = f"{self.minimum:.10g}" if self.least is None else f"{self.minimum:.10g} or from {self.least:.10g}"
        return f"{low} to {self.maximum:.10g} {self.unit}".rstrip()

    def checked(self, value: Any) -> Any:
        """``value`` as this parameter's type; raises :class:`SettingsError` where it is of the wrong type or range."""
        if self.choices is not None:
            if not isinstance(value, str) or value not in self.choices:
                raise SettingsError(f"{self.name} is {_shown(value)}; it must be one of {', '.join(self.choices)}.")
            return value
        whole = self.kind == "int"
        if (
            isinstance(value, bool) or not isinstance(value, (int, float)) or value != value
        ):  # NaN is the one number unlike itself
            raise SettingsError(f"{self.name} is {_shown(value)}; it must be a number.")
        too_small = self.least is not None and self.minimum < value < self.least
        if too_small or not self.minimum <= value <= self.maximum:
            raise SettingsError(
                f"{self.name} is {_shown(value)}; it must be {'' if self.least else 'from '}{self.span}."
            )
        if whole and value != int(value):
            raise SettingsError(f"{self.name} is {_shown(value)}; it must be a whole number.")
        return int(value) if whole else float(value)


def _shown(value: Any) -> str:
    # A host's value may be of any size, and Python refuses to print integers of thousands of digits
    text = "too large a number" if isinstance(value, int) and abs(value) >= 10**20 else repr(value)
    text = text.removesuffix(".0") if isinstance(value, float) else text  # as it was typed
    return text if len(text) <= 60 else text[:60] + "…"


class SettingsError(ValueError):
    """A setting is of the wrong type or out of its range; the message says which, and what is expected."""


def _number(kind, default, low, high, unit, label, help, audience=ENGINEER, least=None):
    return field(default=default, metadata={"p": (kind, label, help, low, high, unit, None, audience, least)})


def _choice(default, choices, label, help, audience=ENGINEER):
    return field(default=default, metadata={"p": ("choice", label, help, None, None, "", choices, audience, None)})


# fmt: off
@dataclass(frozen=True)
class Settings:
    """All that decides a picture, beside content and style. Raises :class:`SettingsError` on bad values."""

    strength: float = _number("float", 50.0, 0, 100, "%", "Strength", "How much of the style: 0 keeps the picture as it is, 100 is the style's texture.", ARTIST)
    brush_size: float = _number("float", 100.0, 25, 400, "%", "Brush size", "Size of the strokes: at 100 the style is as long as the picture, larger is coarser.", ARTIST)
    quality: str = _choice("normal", {"draft": "Draft", "normal": "Normal", "fine": "Fine"}, "Quality", "Draft for a first look, normal to keep, fine to compute every pixel at full size.", ARTIST)
    keep_colours: str = _choice("off", {"off": "Colours of the style", "luminance": "Keep my colours", "palette": "Style in my palette"}, "Colours", "Take the style's colours, keep the picture's own, or give the style the picture's palette first.", ARTIST)
    seed: int = _number("int", 0, 0, 2**31 - 1, "", "Seed", "Another number gives another variation; the same number gives the same picture again.", ARTIST)

    preset: str = _choice("artist", {"artist": "Artist", "gatys": "Gatys et al. 2016"}, "Preset", "The artist's defaults, or exactly the published method: noise start, one scale, max pooling, L-BFGS.")
    features: str = _choice("auto", {"auto": "Automatic", "imagenet": "ImageNet (Caffe)", "imagenet-v1": "ImageNet (torchvision)", "built-in": "Built-in"}, "Features", "Where VGG16's filters come from: fetched ImageNet weights, or fitted to the two pictures; auto takes what is installed.")
    start: str = _choice("content", {"content": "The picture", "noise": "Noise"}, "Start", "What the optimisation starts from: the picture, laid out in the style's strokes, or noise.")
    optimizer: str = _choice("l-bfgs", {"l-bfgs": "L-BFGS", "adam": "Adam"}, "Optimizer", "The method of optimisation.")
    pooling: str = _choice("average", {"average": "Average", "max": "Max"}, "Pooling", "VGG16's pooling.")
    evaluations: int = _number("int", 0, 0, 100_000, "", "Evaluations", "Evaluations of the loss at the finest scale; 0 takes what the quality needs.")
    max_size: int = _number("int", 0, 0, 100_000, "px", "Largest scale", "Longest side that is computed; 0 takes what the quality needs.", least=16)
    device: str = _choice("auto", {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}, "Device", "What computes; auto takes a CUDA card where there is one.")
    precision: str = _choice("auto", {"auto": "Automatic", "float32": "Single precision", "bfloat16": "bfloat16"}, "Precision", "Of the features; auto takes bfloat16 where the device multiplies it and a small trial has the same loss within 1 %, and single precision for Gatys et al. 2016.")
    memory_limit: int = _number("int", 0, 0, 10_000_000, "MB", "Memory limit", "Memory that a run may use; 0 takes what is free. Larger pictures are computed in tiles, and under 2000 MB their strokes are laid out in larger places.", least=680)
# fmt: on

    def __post_init__(self):
        for parameter in PARAMETERS:
            object.__setattr__(self, parameter.name, parameter.checked(getattr(self, parameter.name)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Settings:
        """Settings from a JSON object; names it lacks keep their defaults, a name it should not have is an error."""
        unknown = sorted(set(values) - {p.name for p in PARAMETERS})
        if unknown:
            raise SettingsError(f"There is no setting called {_shown(unknown[0])}; the settings are {', '.join(p.name for p in PARAMETERS)}.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """All settings as a JSON object."""
        return dataclasses.asdict(self)


def _parameter(f: dataclasses.Field) -> Parameter:
    kind, label, text, low, high, unit, choices, audience, least = f.metadata["p"]
    return Parameter(f.name, kind, f.default, label, text, low, high, unit, choices, audience, least)


PARAMETERS: tuple[Parameter, ...] = tuple(_parameter(f) for f in dataclasses.fields(Settings))


def parameters_json() -> str:
    """The artist's part of the table as JSON text: a list of objects with :class:`Parameter`'s fields.

    A choice's ``choices`` is a list of ``[value, label]`` pairs, since Python 2.7 keeps no order in objects.
    """
    rows = []
    for p in PARAMETERS:
        if p.audience == ARTIST:
            row = dataclasses.asdict(p)
            row["choices"] = [[value, label] for value, label in p.choices.items()] if p.choices else None
            rows.append(row)
    return json.dumps(rows, indent=2) + "\n"

"""The artist's settings as each side of the plug-in has them, made from the table, where a new one is added."""

from __future__ import annotations

from nst_core.settings import ARTIST, PARAMETERS

ARTISTS = [parameter for parameter in PARAMETERS if parameter.audience == ARTIST]


def settings(**changed) -> dict:
    """What the engine is sent: all of them, those that are not ``changed`` with their defaults."""
    return _checked({p.name: p.default for p in ARTISTS}, changed)


def gimp_2_values(**changed) -> tuple:
    """The last arguments of GIMP 2.10's procedure, in its order; a choice is its number there."""
    defaults = {p.name: list(p.choices).index(p.default) if p.choices else p.default for p in ARTISTS}
    return tuple(_checked(defaults, changed).values())


def _checked(defaults: dict, changed: dict) -> dict:
    assert changed.keys() <= defaults.keys()
    return defaults | changed

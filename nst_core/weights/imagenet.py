"""torchvision's ImageNet weights for VGG16: find, fetch, verify, convert. Importing this does not import torch."""

from __future__ import annotations


class WeightsError(Exception):
    """Weights that are not there, damaged or can't be fetched; the message says which, and what to do."""


def available() -> list[str]:
    """The names of the installed weights, best first, of ``"imagenet"`` and ``"imagenet-v1"``."""
    return []

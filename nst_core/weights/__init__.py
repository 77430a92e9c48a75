"""Where VGG16's filters come from: fetched ImageNet weights, or filters fitted to the two pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nst_core.weights import imagenet

if TYPE_CHECKING:
    import torch

    from nst_core.vgg import Vgg16


def chosen(features: str) -> str:
    """The features for a setting: ``"auto"`` takes the best that are installed, else the built-in ones.

    Raises imagenet.WeightsError where weights that are asked for by name are not installed.
    """
    if features == "auto":
        return next(iter(imagenet.available()), "built-in")
    if features != "built-in":
        imagenet.require(features)
    return features


def network(
    features: str,
    deepest: str,
    pictures: list[torch.Tensor],
    pooling: str,
    seed: int,
    on_layer: Callable[[float], None] = lambda _: None,
) -> Vgg16:
    """VGG16 up to the layer ``deepest``; built-in features are fitted to ``pictures``, (1, 3, H, W) in [0, 1].

    ``on_layer`` is told the share that is fitted, after each layer. Raises what it raises, and imagenet.WeightsError
    for weights that are damaged.
    """
    from nst_core.vgg import LAYERS, Vgg16
    from nst_core.weights import fitted

    if features == "built-in":
        return fitted.fit(pictures, deepest, pooling, seed, on_layer)
    weights = tuple(imagenet.load(features))[: LAYERS.index(deepest) + 1]
    normalisation = imagenet.normalisation(features)
    return Vgg16(features, weights, normalisation.mean, normalisation.std, pooling)

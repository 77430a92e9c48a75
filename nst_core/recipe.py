"""What an artist's settings mean in numbers: layers, weights, colours. All of the method's tuning is in this file."""

from __future__ import annotations

from dataclasses import dataclass

from nst_core.objective import Tap, Weights
from nst_core.settings import Settings

GATYS_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
GATYS_CONTENT = "relu3_3"
GATYS_STYLE_WEIGHT = 1e3  # β/α: of Gatys et al., 2016, for inputs of 0 to 255; see gatys()

ARTIST_LAYERS = {
    "built-in": ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    "imagenet": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
    "imagenet-v1": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
}
ARTIST_CONTENT = {"built-in": "relu3_1", "imagenet": "relu3_3", "imagenet-v1": "relu3_3"}

STYLE_WEIGHT = 20.0  # at strength 50, of losses that are relative, summed over the layers
STYLE_WEIGHT_DECADES = 3.0  # from strength 0 to 100
VARIATION_WEIGHT = 0.1
RANGE_WEIGHT = 10.0


@dataclass(frozen=True)
class Recipe:
    """The numbers of one run.

    Attributes:
        weights: of the loss; its taps name the layers.
        recolour: how much of the way the content's colours go to the style's before anything else, 0 to 1.
        noise: how much noise the start is, 0 to 1.
        one_scale: whether the finest scale is the only one.
        plateau: share of the loss; see :class:`nst_core.optimize.Search`.
    """

    weights: Weights
    recolour: float
    noise: float
    one_scale: bool
    plateau: float

    @property
    def deepest(self) -> str:
        """The deepest layer in use."""
        return max(tap.layer for tap in self.weights.taps)


def recipe(settings: Settings, features: str) -> Recipe:
    """The recipe for ``settings`` with these ``features``."""
    noise = 1.0 if settings.start == "noise" else 0.0
    if settings.preset == "gatys":
        return Recipe(gatys(), 0.0, 1.0, True, 0.0)
    strength = settings.strength / 100
    layers = ARTIST_LAYERS[features]
    beta = STYLE_WEIGHT * 10 ** (STYLE_WEIGHT_DECADES * (strength - 0.5))
    weights = Weights(
        style={Tap(1, layer): beta / len(layers) for layer in layers},
        content_tap=Tap(1, ARTIST_CONTENT[features]),
        variation=VARIATION_WEIGHT,
        range=RANGE_WEIGHT,
    )
    return Recipe(weights, min(1.0, strength / 0.4), noise, False, 0.0)


def gatys() -> Weights:
    """Exactly the published method: plain sums, equal weights."""
    style = {Tap(1, layer): GATYS_STYLE_WEIGHT / len(GATYS_LAYERS) for layer in GATYS_LAYERS}
    return Weights(style=style, content_tap=Tap(1, GATYS_CONTENT), plain=True)

"""What an artist's settings mean in numbers: layers, weights, colours. All of the method's tuning is in this file."""

from __future__ import annotations

from dataclasses import dataclass

from nst_core.objective import Tap, Weights
from nst_core.settings import Settings

GATYS_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
GATYS_CONTENT = "relu3_3"
GATYS_STYLE_WEIGHT = {"imagenet": 1e3, "imagenet-v1": 1e7, "built-in": 1e7}
"""β/α by features: the paper's 10³ is for inputs of 0 to 255, whose features are about a hundred times as large as the
others'; the style loss grows with their fourth power and the content loss with their square."""
GATYS_EVALUATIONS = 300

ARTIST_LAYERS = {
    "built-in": ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    "imagenet": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
    "imagenet-v1": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
}
ARTIST_CONTENT = {"built-in": "relu3_1", "imagenet": "relu3_3", "imagenet-v1": "relu3_3"}

STYLE_WEIGHT = 30.0  # at strength 50, of losses that are relative, summed over the layers
STYLE_WEIGHT_DECADES = 1.5  # from strength 0 to 100
VARIATION_WEIGHT = 40.0  # at strength 50: less leaves a woven grain of single pixels, much more dulls the strokes
VARIATION_WEIGHT_DECADES = 1.6  # from strength 0 to 100
MOST_VARIATION_WEIGHT = 160.0
RANGE_WEIGHT = 10.0
RECOLOURED_AT = 0.5  # the strength, of 1, from which on the content starts in the style's colours
SHOWN_AT = 0.52  # the strength, of 1, from which on all of the change is shown
NOISE = 0.15  # of the start from strength 50 on, less below: what stands between the content and its photograph
MOST_QUILT = 0.95  # of the start at strength 100, where the content shall hardly be there; none up to 50
QUILT_EXPONENT = 0.7  # how soon it comes: so that the content goes evenly
DETAIL = (1.0, 0.5, 1.0)  # at strength 0, 50 and 100, where it is the quilt's
MOST_EFFORT = 2.0  # at strength 100, in evaluations; 1 up to 50
SHARPENING = (1.45, 3.6)  # at the coarsest scale, where broad shapes must move too, and at finer ones


@dataclass(frozen=True)
class Recipe:
    """The numbers of one run.

    Attributes:
        weights: of the loss; its taps name the layers.
        recolour: how much of the way the content's colours go to the style's before anything else, 0 to 1.
        noise: how much of the start is noise in the style's colours, 0 to 1.
        quilt: how much of the start, after that, is a quilt of pieces of the style, 0 to 1.
        detail: how much of the start's detail comes back in when going up a scale, 0 to 1.
        opacity: how much of the change is shown in the end, 0 to 1.
        effort: how many times the quality's evaluations to spend: far from the content there is a longer way to go.
        sharpening: of the search at the coarsest scale and at finer ones; see :class:`nst_core.optimize.Search`.
        one_scale: the evaluations to spend where the finest scale is the only one, from white noise; else 0.
        plateau: share of the loss; see :class:`nst_core.optimize.Search`.
    """

    weights: Weights
    recolour: float
    noise: float
    quilt: float
    detail: float
    opacity: float
    effort: float
    sharpening: tuple[float, float]
    one_scale: int
    plateau: float

    @property
    def deepest(self) -> str:
        """The deepest layer in use."""
        return max(tap.layer for tap in self.weights.taps)


def recipe(settings: Settings, features: str) -> Recipe:
    """The recipe for ``settings`` with these ``features``."""
    if settings.preset == "gatys":
        return Recipe(
            gatys(features),
            recolour=0.0,
            noise=1.0,
            quilt=0.0,
            detail=0.0,
            opacity=1.0,
            effort=1.0,
            sharpening=(0.0, 0.0),
            one_scale=GATYS_EVALUATIONS,
            plateau=0.0,
        )
    strength = settings.strength / 100
    layers = ARTIST_LAYERS[features]
    beta = STYLE_WEIGHT * 10 ** (STYLE_WEIGHT_DECADES * (strength - 0.5))
    variation = VARIATION_WEIGHT * 10 ** (VARIATION_WEIGHT_DECADES * (strength - 0.5))
    weights = Weights(
        style={Tap(1, layer): beta / len(layers) for layer in layers},
        content_tap=Tap(1, ARTIST_CONTENT[features]),
        variation=min(variation, MOST_VARIATION_WEIGHT),
        range=RANGE_WEIGHT,
    )
    below, above = min(1.0, 2 * strength), max(0.0, 2 * strength - 1)  # how far on the way up to 50, and from there on
    noise = 1.0 if settings.start == "noise" else NOISE * below
    quilt = 0.0 if settings.start == "noise" else MOST_QUILT * above**QUILT_EXPONENT
    photograph, painting, texture = DETAIL
    detail = photograph + below * (painting - photograph) + above * (texture - painting)
    return Recipe(
        weights,
        recolour=min(1.0, strength / RECOLOURED_AT),
        noise=noise,
        quilt=quilt,
        detail=detail,
        opacity=min(1.0, strength / SHOWN_AT) ** 0.5,
        effort=1 + above * (MOST_EFFORT - 1),
        sharpening=SHARPENING,
        one_scale=0,
        plateau=0.0,
    )


def gatys(features: str) -> Weights:
    """Exactly the published method: plain sums, equal weights."""
    style = {Tap(1, layer): GATYS_STYLE_WEIGHT[features] / len(GATYS_LAYERS) for layer in GATYS_LAYERS}
    return Weights(style=style, content_tap=Tap(1, GATYS_CONTENT), plain=True)

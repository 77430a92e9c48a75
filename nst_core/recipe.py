"""What an artist's settings mean in numbers: layers, weights, colours. All of the method's tuning is in this file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nst_core.layout import CELLS
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

STYLE_WEIGHT = 16.0  # at strength 50, of losses that are relative, summed over the layers
STYLE_WEIGHT_DECADES = 1.0  # from strength 0 to 100
# Up to strength 50 and at 100: less leaves a crust on flat areas, more dulls strokes, and a start that is all strokes
# is dulled more than mended.
VARIATION = (10.0, 2.0)
CALM = (10.0, 200.0)  # times more that it costs in calm places, up to strength 50 and at 100: less leaves a weave there
# see Weights: more leaves a mesh on what of the content is brighter or darker than all of the style; at 100, where
# little of the content is left, less makes contrasts too strong, as the style's own places all count in full
USUAL = (1.5, 4.0)
RANGE_WEIGHT = 10.0
RECOLOURED_AT = 0.5  # the strength, of 1, from which on the content starts in the style's colours
SHOWN = 0.96  # of the change at strength 50, all of it at 100: so that the style goes on rising
BROAD = 0.15  # of the content's broad shapes in the start at strength 50, falling to none at 100
# of the content's drawing takes the place of the strokes' own where they have lost it, at strength 50, falling to none
# at 100; flat colours do not bear a photograph's shading
REGAINED = 0.6
DRAWING = 0.2  # of the content's drawing in the start at strength 50, falling to none at 100
# by which likeness to the content counts less in the choice of strokes, from strength 50 to 100, little at first: the
# search finds the style at 75 anyhow, and roofs and towers stay
GUIDANCE_DECADES = 2.0
# times more that it counts, up to strength 50, falling to none at 100, where a coarser scale's strokes have lost what
# is there: else a cup is as pink as its table, and a face has no eyes
INSISTENCE = 5.0
INSISTENCE_OF_FLAT = 0.2  # of that for a flat style: more bends its straight edges, none loses waves and windows
# more of the content's local contrast for the choice of strokes, for a style of flat colours: each of them stands for
# all that is near it, and a pale face on a pale wall is one and the same; twice as much makes a nostril black
EMPHASIS = 1.0
FEWER_CELLS = 0.5  # of the parts at strength 100: the style rises; with a quarter it comes as it is, and no content
FLAT = (0.4, 0.8)  # shares of a style's patches that are of one colour, from which on it counts as flat, and wholly so
# of the guidance is left for a flat style: at 1, its colours are cut to pieces by every blade of grass; at half of it,
# houses fall to pieces
GUIDANCE_OF_FLAT = 0.55
GUIDED_LINES = 1.5  # times as much guidance for a style of lines: what guides has its form already
FLATTEST = 0.45  # that share, from which on a style is searched gently at once: to tell by likeness would keep fringes
BALANCE = 0.45  # how far the style counts as it is used by the start: less, and its waves are put into a calm sky
# times less that the style counts where the search spoils the start, for a style that is not flat, and one that is:
# more dulls the tiles of a mosaic, less leaves a mesh on flat colours, which no strength asks for
GENTLE = (4.0, 40.0)
# times as unlike the style is clearly nearer, up to strength 50 and at 100: finer scales bring the usual search nearer
# by as much, but where it begins with strokes alone, by little
NEARER = (0.85, 0.92)
DRAWN_GENTLY = 0.5  # of all drawing is left then, and no broad shapes: on flat colours they are relief and glow
# more of a style's finest detail for the search to match, up to strength 50, falling to none at 100: it leaves some of
# that out. More of it makes strokes glassy, and where all begins with the style's own strokes, they have it
KEENER = 0.2
CONTRAST = 0.85  # of what is lacking is given back at strength 50, all of it from 75 on: the style goes on rising then
CONTRAST_OF_FLAT = 0.5  # of that for a flat style: beside its flat colours, more of it is glow
KEPT = 0.6  # of the content's drawing in what the content loss keeps, at strength 50
EFFORT = 0.25  # more of evaluations at strength 100 than at 50: its start is near the style already
NOISE_EFFORT = 3.0  # from noise, at any strength
# how far the search moves broad shapes and fine detail, and where the style counts less, so that variation holds detail
MOVED, MOVED_GENTLY = (3.6, 3.0), (4.3, 1.8)


@dataclass(frozen=True)
class Recipe:
    """The numbers of one run.

    Attributes:
        weights: of the loss; its taps name the layers.
        nearer: times as unlike the style as the usual search leaves a picture is clearly nearer.
        gentle: how many times less the style counts in :meth:`gently`; 1 where it is the gentle one already.
        recolour: how much of the way the content's colours go to the style's before anything else, 0 to 1.
        noise: how much of the start is noise in the style's colours, 0 to 1.
        strokes: how much of the start is laid out in the style's strokes, 0 to 1.
        guidance: how much likeness to the content counts in the choice of strokes, 0 to 1.
        insistence: how many times more it does where that is lost, see :func:`nst_core.synthesis.field`.
        emphasis: how much more of its local contrast the content has for the choice of strokes.
        even: how far the strokes are drawn to use all of the style alike, 0 to 1.
        straight: how straightly the style is cut into the parts that they are drawn to then, 0 to 1.
        cells: how many parts these are.
        broad, drawing: how much of the content's broad shapes replace the strokes', and of its drawing is laid over.
        regained: how much of the content's drawing takes the place of the strokes' own where they have lost it, see
            :func:`nst_core.lost.lost`.
        balance: how far each part of the style counts as much as the start uses it, instead of all alike, 0 to 1.
        kept: how much of the content's drawing replaces the start's in what the content loss compares with, 0 to 1.
        detail: how much of the start's detail comes back in when going up a scale, 0 to 1.
        contrast: how much of the contrast that is lacking is given back in the end, 0 to 1, see
            :mod:`nst_core.contrast`.
        opacity: how much of the change is shown in the end, 0 to 1.
        tones: how much of the content's light and shade lies between lines, where its colours are kept, 0 to 1.
        keener: how much more of its finest detail the style has that the search is to match; None: a softer style, as
            strokes are that start it.
        effort: how many times the quality's evaluations to spend: far from the content there is a longer way to go.
        moved: how far the search moves broad shapes and fine detail, see :mod:`nst_core.preconditioner`; None: alike.
        one_scale: the evaluations to spend where the finest scale is the only one, from white noise; else 0.
        plateau: share of the loss; see :class:`nst_core.optimize.Search`.
    """

    weights: Weights
    nearer: float
    gentle: float
    recolour: float
    noise: float
    strokes: float
    guidance: float
    insistence: float
    emphasis: float
    even: float
    straight: float
    cells: int
    broad: float
    drawing: float
    regained: float
    balance: float
    kept: float
    detail: float
    contrast: float
    opacity: float
    tones: float
    keener: float | None
    effort: float
    moved: tuple[float, float] | None
    one_scale: int
    plateau: float

    @property
    def deepest(self) -> str:
        """The deepest layer in use."""
        return max(tap.layer for tap in self.weights.taps)

    def gently(self) -> Recipe:
        """For a style whose statistics the content has no place for: flat colours, tiles in a grid, letters.

        The way to meet them is halos and relief then, where the start has clean colours. So the style counts as the
        start uses it, which has little left to meet, and less; and the start has less of the content's shading. Where
        they are not of flat colours, a style that is sharper still spoils them.
        """
        drawn = {name: DRAWN_GENTLY * getattr(self, name) for name in ("drawing", "regained", "kept")}
        style = {tap: weight / self.gentle for tap, weight in self.weights.style.items()}
        weights = replace(self.weights, style=style)
        others = dict(gentle=1.0, broad=0.0, balance=1.0, keener=None, moved=self.moved and MOVED_GENTLY)
        return replace(self, weights=weights, **others, **drawn)


def recipe(settings: Settings, features: str, flatness: float = 0.0, of_lines: bool = False) -> Recipe:
    """The recipe for ``settings`` with these ``features``, and a style of which that share is of one colour.

    ``of_lines`` says that it is nothing but lines, and the content is drawn in such (:mod:`nst_core.ink`).
    """
    if settings.preset == "gatys":
        return Recipe(
            gatys(features),
            nearer=0.0,
            gentle=1.0,
            recolour=0.0,
            noise=1.0,
            strokes=0.0,
            guidance=0.0,
            insistence=0.0,
            emphasis=0.0,
            even=0.0,
            straight=0.0,
            cells=1,
            broad=0.0,
            drawing=0.0,
            regained=0.0,
            balance=0.0,
            kept=1.0,
            detail=0.0,
            contrast=0.0,
            opacity=1.0,
            tones=0.0,
            keener=0.0,
            effort=1.0,
            moved=None,
            one_scale=GATYS_EVALUATIONS,
            plateau=0.0,
        )
    strength = settings.strength / 100
    layers = ARTIST_LAYERS[features]
    flat = min(max((flatness - FLAT[0]) / (FLAT[1] - FLAT[0]), 0.0), 1.0)
    straight = 0.0 if of_lines else min(max((flatness - FLAT[0]) / (FLATTEST - FLAT[0]), 0.0), 1.0)
    below, above = min(1.0, 2 * strength), max(0.0, 2 * strength - 1)  # how far on the way up to 50, and from there on
    beta = STYLE_WEIGHT * 10 ** (STYLE_WEIGHT_DECADES * (strength - 0.5))
    weights = Weights(
        style={Tap(1, layer): beta / len(layers) for layer in layers},
        content_tap=Tap(1, ARTIST_CONTENT[features]),
        variation=_between(VARIATION, above**0.5),
        calm=_between(CALM, above**0.5),
        usual=_between(USUAL, above**2),
        range=RANGE_WEIGHT,
    )
    contrast = below * _between((CONTRAST, 1.0), min(1.0, 2 * above)) * CONTRAST_OF_FLAT**straight
    from_noise = settings.start == "noise"
    usual = Recipe(
        weights,
        nearer=_between(NEARER, above),
        gentle=_between((GENTLE[0], GENTLE[1] * max(1.0, beta / STYLE_WEIGHT)), flat),
        recolour=min(1.0, strength / RECOLOURED_AT),
        noise=1.0 if from_noise else 0.0,
        strokes=0.0 if from_noise else below,
        guidance=10 ** (-GUIDANCE_DECADES * above**2) * (GUIDED_LINES if of_lines else GUIDANCE_OF_FLAT**flat),
        insistence=INSISTENCE * INSISTENCE_OF_FLAT**straight * (1 - above) ** 2.5,
        emphasis=EMPHASIS * straight * (1 - above**2),
        even=above ** (4 - 3 * straight),
        straight=straight,
        cells=round(CELLS * FEWER_CELLS**above**5),
        broad=BROAD * (1 - above**1.5),
        drawing=DRAWING * (1 - above**1.5),
        regained=(1.0 if of_lines else REGAINED * (1 - straight)) * (1 - above) ** 2,
        balance=BALANCE,
        kept=1.0 if from_noise else KEPT * (1 - above),
        detail=0.5 if from_noise else 1.0,
        contrast=0.0 if from_noise else contrast,
        opacity=SHOWN * below**0.5 + (1 - SHOWN) * above**2,
        tones=(1 - above) ** 0.5,
        keener=KEENER * (1 - above),
        effort=NOISE_EFFORT if from_noise else 1 + EFFORT * above,
        moved=MOVED,
        one_scale=0,
        plateau=0.0,
    )
    if flatness < FLATTEST or from_noise:
        return usual
    # their edges are sharper than any filter leaves them, and no shading is in a drawing
    return replace(usual.gently(), keener=usual.keener, regained=usual.regained)


def _between(ends, share):
    """A number between the two, by equal factors."""
    return ends[0] * (ends[1] / ends[0]) ** share


def gatys(features: str) -> Weights:
    """Exactly the published method: plain sums, equal weights."""
    style = {Tap(1, layer): GATYS_STYLE_WEIGHT[features] / len(GATYS_LAYERS) for layer in GATYS_LAYERS}
    return Weights(style=style, content_tap=Tap(1, GATYS_CONTENT), plain=True)

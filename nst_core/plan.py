"""How strokes are laid out: at which scales, in which ways, and how much work that is (:mod:`nst_core.synthesis`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nst_core.patchmatch import Effort
from nst_core.pyramid import MOST_ENLARGED

COARSEST, FINEST = 48, 512  # longest sides in pixels of the content's copies: at 48 a patch is a swirl
STEP = 1.65  # how much longer than the scale before it a scale is, at most
SHORTEST_STYLE = 32  # of their longest side: a smaller brush begins at a finer scale
TURNS = (1, 2, 3, 4, 6, 8)  # searches and means at the finest scale, the one before it, and so on
THOROUGH = Effort(rounds=2)
NEARBY = Effort(rounds=1, steps=(2, 1, 1), farthest=8)  # where places are only halved: all else is found by then
LARGE = 800  # longest side in pixels from which on places are made finer once more: at full size they would be seen
PULLED = 2  # scales, from the coarsest on, at which it pulls in full
LESS = 0.5  # of the pull is left at each of the later ones, and nothing at the last, so that seams close
JUDGED = 180  # longest side in pixels from which on it can be told which of the ways to lay out is most like the style
LEAST_TURN = 6000  # places that a turn takes as long as at least, however few there are
JUDGING = 50_000  # places that it takes as long as to tell how like the style one of the ways has come out
SETTING_UP = 0.25  # turns that it takes as long as to see to a style's copy, for a style of the content's size


@dataclass(frozen=True)
class Way:
    """A way to lay out: how much of the pull to an even layout there is, 0 to 1, whether its parts are the ``"usual"``
    ones, ``"larger"`` or ``"smaller"``, and whether the choices that are left to chance are other ones."""

    pull: float
    parts: str = "usual"
    other: bool = False


# that are tried, as no style tells which does it good: rows of windows meet in next to no pull, swirls in all of it
WAYS = (Way(1.0), Way(0.025), Way(0.002))
# where edges are straight, and figures that are pulled apart are joined by nothing
STRAIGHT_WAYS = (
    Way(1.0),
    Way(1.0, "larger"),
    Way(0.025),
    Way(0.008),
    Way(0.025, "smaller", other=True),
    Way(0.008, "smaller", other=True),
)


@dataclass(frozen=True)
class Scale:
    """One scale.

    Attributes:
        side: the longest side of the content's copy, in pixels.
        turns: searches, and means of what they find.
        effort: how thorough these are.
        pulled: how much an even layout pulls, 0 to 1.
        work: places sought, in all turns.
    """

    side: int
    turns: int
    effort: Effort
    pulled: float
    work: float


@dataclass(frozen=True)
class Plan:
    """The scales, coarsest first: those ``tried`` in each of the ``ways``, to go on from the best, and ``others``."""

    tried: tuple[Scale, ...]
    others: tuple[Scale, ...]
    ways: tuple[Way, ...]

    @property
    def work(self) -> float:
        """Places sought, in all, with what else takes as long."""
        each = sum(scale.work for scale in self.tried) + (JUDGING if self.tried else 0)
        return len(self.ways) * each + sum(scale.work for scale in self.others)


def plan(
    longest: float, brush_size: float = 100.0, even: float = 0.0, straight: float = 0.0, detailed: bool = True
) -> Plan:
    """The plan for a content of that longest side, in pixels, if it is a square; see :func:`nst_core.synthesis.field`
    for the rest."""
    factor = brush_size / 100  # times as long as the content is the style
    sides = _sides(factor, min(FINEST, MOST_ENLARGED * longest))
    counts = [(TURNS[min(len(sides) - 1 - number, len(TURNS) - 1)], THOROUGH) for number in range(len(sides))]
    pulled = [LESS ** max(0, number + 1 - PULLED) for number in range(len(sides) - 1)] + [0.0]
    if detailed and longest >= LARGE:  # the same picture, in finer places
        sides, counts, pulled = [*sides, 2 * sides[-1]], [*counts, (1, NEARBY)], [*pulled, 0.0]
    scales = tuple(
        Scale(side, *count, pull, _work(side, count[0], factor))
        for side, count, pull in zip(sides, counts, pulled, strict=True)
    )
    pulling = sum(bool(even * pull) for pull in pulled)
    if not pulling:
        return Plan((), scales, (Way(1.0),))
    tried = min(pulling, 1 + sum(side < JUDGED for side in sides))
    return Plan(scales[:tried], scales[tried:], STRAIGHT_WAYS if straight else WAYS)


def finest(factor: float) -> float:
    """The longest side of the content's finest copy: where strokes are larger, a patch shows as much of one."""
    return FINEST / max(1.0, factor)


def _sides(factor, longest):
    """Longest sides of the content's copies, coarsest first, for a style ``factor`` times as long."""
    longest = max(COARSEST, min(longest, finest(factor)))
    coarsest = min(longest, max(COARSEST, SHORTEST_STYLE / factor))
    steps = math.ceil(math.log(longest / coarsest, STEP) - 1e-9)
    step = (longest / coarsest) ** (1 / max(1, steps))
    return [round(longest / step**left) for left in range(steps, -1, -1)]


def _work(side, turns, factor):
    # a quick search through many places takes as long as a thorough one through few, which the processor keeps at hand
    return side**2 * (turns + SETTING_UP * factor**2) + turns * LEAST_TURN

"""PatchMatch: for each patch of one picture, the most alike of another, found by asking neighbours and by chance.

Barnes, Shechtman, Finkelstein and Goldman, 2009: what suits a position is likely to suit its neighbour, shifted by one.
All positions are improved together, so that a round is a few gathers of rows of numbers. Fields found like this hang
together: whole strokes are taken, not single patches, which is what an exact search over flat areas would give.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

NARROWING = 3.0  # by which the square around a position's match that chance takes from narrows each time
OFTEN = 20.0  # a patch in use more often than so many times its share costs no more
SPREAD = 3  # patches around one that is in use and count as in use too
SMEAR = 3  # patches from one to another that shows the same then


@dataclass(frozen=True)
class Effort:
    """How thoroughly to search.

    Attributes:
        rounds: of all that follows.
        steps: how far the neighbours are that a position asks, in the order of asking.
        farthest: from a position's match, in patches, that chance takes another from.
    """

    rounds: int
    steps: tuple[int, ...] = (8, 4, 2, 1, 1)
    farthest: float = math.inf

    @property
    def offers(self) -> int:
        """How many offers are made to each position, about: those by chance are a few."""
        return self.rounds * (4 * len(self.steps) + 4)


@dataclass(frozen=True)
class Patches:
    """The patches of a picture as points that can be compared, row by row.

    Attributes:
        points: (rows·columns, N + M): what each patch shows, and what it is to be like in the content, its guide.
        shown: N, how many of the numbers tell what it shows.
        rows, columns: how many there are.
        penalty: (rows·columns,) by which each is dearer, or None.
    """

    points: torch.Tensor
    shown: int
    rows: int
    columns: int
    penalty: torch.Tensor | None = None


def costs(wanted: Patches, weight: torch.Tensor, there: Patches, index: torch.Tensor) -> torch.Tensor:
    """What it costs each patch of ``wanted`` to be shown by the one of ``there`` at ``index``, (rows·columns,).

    The squared difference of what they show, that of the guides times ``weight`` (rows·columns,), and the penalty.
    """
    # in place, and not by there.points[index], which is five times slower: most of the time is spent here
    squares = there.points.index_select(0, index).sub_(wanted.points).square_()
    cost = squares[:, : there.shown].sum(1).addcmul_(weight, squares[:, there.shown :].sum(1))
    return cost if there.penalty is None else cost.add_(there.penalty.index_select(0, index))


def improved(
    index: torch.Tensor,
    wanted: Patches,
    weight: torch.Tensor,
    there: Patches,
    reuse: float,
    smear: float,
    effort: Effort,
    random: torch.Generator,
    on_offer: Callable[[float], bool] = lambda done: False,
) -> torch.Tensor:
    """``index``, (rows·columns,), with better matches: for every patch of ``wanted`` its like among ``there``'s.

    ``reuse`` is how much dearer a patch gets by being used, in units of the usual cost where all are used alike, so
    that all of the style is seen and no part of it everywhere (Kaspar et al., 2015). ``smear`` is how much dearer it is
    to be :func:`smeared`, in the same units.

    ``on_offer`` is told the share of the search that is done after each offer; where it answers True, the search ends
    with what it has.
    """
    # rows and columns, as divisions take long, and of half as many bytes
    places = _places(index, there, wanted)
    for number in range(effort.rounds):
        index = _index(places, there)
        dearer = _dearer_by_use(index, wanted, weight, there, reuse)
        cost = costs(wanted, weight, dearer, index)
        dearer_if_smeared = smear * float(cost.median())
        cost.add_(smeared(places).flatten(), alpha=dearer_if_smeared)
        offers = list(_offers(wanted, there, effort, random))
        for made, offer in enumerate(offers, 1):
            offered = offer(*places)
            its_cost = costs(wanted, weight, dearer, _index(offered, there))
            its_cost.add_(smeared(offered).flatten(), alpha=dearer_if_smeared)
            better = its_cost < cost
            cost = torch.where(better, its_cost, cost)
            better = better.view(wanted.rows, wanted.columns)
            places = tuple(torch.where(better, new, old) for new, old in zip(offered, places, strict=True))
            if on_offer((number + made / len(offers)) / effort.rounds):
                return _index(places, there).long()
    return _index(places, there).long()


def _places(index, there, wanted):
    index = index.view(wanted.rows, wanted.columns)
    return (index // there.columns).int(), (index % there.columns).int()


def _index(places, there):
    rows, columns = places
    return torch.add(columns, rows, alpha=there.columns).flatten()


def smeared(places: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Where the same is shown again and again along a row or a column, (rows, columns) of booleans.

    ``places`` are the rows and columns of the matches. A patch that hardly changes sideways is like what it makes when
    it is repeated, and would stay: a stripe across the picture. Any neighbour's match, shifted along, shows more.
    """
    found = torch.zeros_like(places[0], dtype=torch.bool)
    for dim, length in enumerate(found.shape):
        count = max(0, length - SMEAR)
        same = torch.ones_like(found.narrow(dim, 0, count))
        for matches in places:
            same &= (matches.narrow(dim, 0, count) - matches.narrow(dim, length - count, count)).abs() <= 1
        for start in (0, length - count):
            found.narrow(dim, start, count).logical_or_(same)
    return found


def density(index: torch.Tensor, there: Patches) -> torch.Tensor:
    """How often each patch of ``there`` or one next to it is used, (1, 1, rows, columns); 1 where all are alike."""
    count = torch.bincount(index, minlength=there.rows * there.columns).float().view(1, 1, there.rows, there.columns)
    near = torch.nn.functional.avg_pool2d(count, 2 * SPREAD + 1, 1, SPREAD, count_include_pad=False)
    return near * (there.rows * there.columns / len(index))


def _dearer_by_use(index, wanted, weight, there, reuse):
    if not reuse:
        return there
    usual = costs(wanted, weight, there, index).median()
    by_use = reuse * usual * density(index, there).flatten().clamp(max=OFTEN)
    penalty = by_use if there.penalty is None else by_use + there.penalty
    return replace(there, penalty=penalty)


def _offers(wanted, there, effort, random):
    """Functions from the rows and columns of matches to others that may be better."""

    def within(rows, columns):
        return rows.clamp_(0, there.rows - 1), columns.clamp_(0, there.columns - 1)

    def from_neighbour(down, right):
        def offer(rows, columns):
            # at the borders the other side's matches come in: poor offers, and no harm
            rows, columns = (torch.roll(x, (down, right), (0, 1)) for x in (rows, columns))
            return within(rows.add_(down), columns.add_(right))

        return offer

    def by_chance(reach):
        def offer(rows, columns):
            aside = [
                ((torch.rand(wanted.rows, wanted.columns, generator=random) * 2 - 1) * reach).round().int()
                for _ in range(2)
            ]
            return within(aside[0].add_(rows), aside[1].add_(columns))

        return offer

    for step in effort.steps:
        for down, right in ((0, step), (0, -step), (step, 0), (-step, 0)):
            yield from_neighbour(down, right)
    reach = min(effort.farthest, float(max(there.rows, there.columns)))
    while reach >= 1:
        yield by_chance(reach)
        reach /= NARROWING

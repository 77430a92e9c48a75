"""PatchMatch: for each patch of one picture, the most alike of another, found by asking neighbours and by chance.

Barnes, Shechtman, Finkelstein and Goldman, 2009: what suits a position is likely to suit its neighbour, shifted by one.
All positions are improved together, so that a round is a few gathers of rows of numbers. Fields found like this hang
together: whole strokes are taken, not single patches, which is what an exact search over flat areas would give.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

NARROWING = 3.0  # by which the square around a position's match that chance takes from narrows each time
OFTEN = 20.0  # a patch in use more often than so many times its share costs no more
SPREAD = 3  # patches around one that is in use and count as in use too
SMEAR = 3  # patches from one to another that shows the same then
APART = (1, 4)  # patches from one to its neighbours that are to go on in it

with warnings.catch_warnings():  # torch says once in a process that these tensors are new: here, and to nobody
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 1], [0], [1.0], (1, 1))


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
class Dearer:
    """What makes a match dearer than it is unlike.

    Attributes:
        reuse: by being used already, so that all of the style is seen and no part of it everywhere (Kaspar et al.,
            2015); in units of the usual cost, where all are used alike.
        smear: by being :func:`smeared`, in the same units.
        tear: by being :func:`torn` from all its neighbours, in units of the costs: where these are flat colours, the
            usual cost is next to none.
    """

    reuse: float = 0.0
    smear: float = 0.0
    tear: float = 0.0


@dataclass(frozen=True)
class Offered:
    """The patches of a style as points that can be compared, row by row.

    Attributes:
        points: (rows·columns, N + M + 2): what each patch shows, what it is to be like in the content, its guide, and
            the sums of the squares of either.
        rows, columns: how many there are.
        penalty: (rows·columns,) by which each is dearer.
    """

    points: torch.Tensor
    rows: int
    columns: int
    penalty: torch.Tensor


@dataclass(frozen=True)
class Wanted:
    """What is sought for each place of a content, as points whose products with those offered tell the cost.

    Attributes:
        points: (rows·columns, N + M + 2): minus twice what a patch is to show, minus twice the guide, times its weight,
            and what the offered sums of squares count.
        squares: (rows·columns,) what every patch costs there.
        begins: (rows·columns + 1,) where the one offer to each place begins.
        rows, columns: how many there are.
    """

    points: torch.Tensor
    squares: torch.Tensor
    begins: torch.Tensor
    rows: int
    columns: int


def offered(look: torch.Tensor, guide: torch.Tensor, penalty: torch.Tensor | None = None) -> Offered:
    """The :class:`Offered` of patches that show ``look``, (1, N, H, W), for places like ``guide``, (1, M, H, W)."""
    squares = [part.square().sum(1, keepdim=True) for part in (look, guide)]
    points = _rows(torch.cat([look, guide, *squares], 1))
    penalty = points.new_zeros(len(points)) if penalty is None else penalty
    return Offered(points, *look.shape[2:], penalty)


def wanted(look: torch.Tensor, guide: torch.Tensor, weight: torch.Tensor) -> Wanted:
    """The :class:`Wanted` of patches like ``look``, (1, N, H, W), and like ``guide``, (1, M, H, W), which counts
    ``weight``, (H, W)."""
    weight = weight[None, None]
    squares = (look.square().sum(1) + weight[0] * guide.square().sum(1)).flatten()
    points = _rows(torch.cat([-2 * look, -2 * weight * guide, torch.ones_like(weight), weight], 1))
    return Wanted(points, squares, torch.arange(len(points) + 1, dtype=torch.int32), *look.shape[2:])


def _rows(maps):
    return maps[0].flatten(1).T.contiguous()


def costs(wanted: Wanted, there: Offered, index: torch.Tensor) -> torch.Tensor:
    """What it costs each place of ``wanted`` to be shown by the patch of ``there`` at ``index``, (rows·columns,).

    The squared difference of what they show, that of the guides times the weight, and the penalty.
    """
    return _costs(wanted, there.points, there.penalty, index.int()).add_(wanted.squares)


def _costs(wanted, points, penalty, index):
    """:func:`costs` without what every patch costs."""
    # |a − b|² = a² − 2ab + b²; as products of the two at the places of a sparse matrix that has one in each row, so
    # that nothing but the sums is written to memory: most of the time is spent here
    at = torch.sparse_csr_tensor(wanted.begins, index, penalty.index_select(0, index), (len(index), len(points)))
    return torch.sparse.sampled_addmm(at, wanted.points, points.T, out=at).values()


def improved(
    index: torch.Tensor,
    wanted: Wanted,
    there: Offered,
    dearer: Dearer,
    effort: Effort,
    random: torch.Generator,
    on_offer: Callable[[float], bool] = lambda done: False,
) -> torch.Tensor:
    """``index``, (rows·columns,), with better matches: for every patch of ``wanted`` its like among ``there``'s.

    ``on_offer`` is told the share of the search that is done after each offer; where it answers True, the search ends
    with what it has.
    """
    places = _places(index, there, wanted)
    for number in range(effort.rounds):
        index = _index(places, there)
        penalty = there.penalty
        if dearer.reuse:
            usual = costs(wanted, there, index).median()
            penalty = penalty + dearer.reuse * usual * density(index, there).flatten().clamp(max=OFTEN)
        cost = _costs(wanted, there.points, penalty, index)
        dearer_if_smeared = dearer.smear and dearer.smear * float(cost.add(wanted.squares).median())
        if dearer_if_smeared:
            cost.add_(smeared(places).flatten(), alpha=dearer_if_smeared)
        offers = list(_offers(wanted, there, effort, random))
        for made, offer in enumerate(offers, 1):
            another = offer(places)
            its_cost = _costs(wanted, there.points, penalty, _index(another, there))
            if dearer_if_smeared:
                its_cost.add_(smeared(another).flatten(), alpha=dearer_if_smeared)
            better = its_cost < cost if not dearer.tear else its_cost + _torn_more(another, places, dearer.tear) < cost
            cost = torch.where(better, its_cost, cost)
            places = torch.where(better.view(wanted.rows, wanted.columns), another, places)
            if on_offer((number + made / len(offers)) / effort.rounds):
                return _index(places, there).long()
    return _index(places, there).long()


def _places(index, there, wanted):
    """Rows and columns of matches, (2, rows, columns): divisions take long, and a cache holds numbers that small."""
    index = index.view(wanted.rows, wanted.columns)
    return torch.stack([index // there.columns, index % there.columns]).to(_small(there))


def _small(there):
    """The type of rows and columns, with room for twice as many: a match, and how far chance moves it."""
    return torch.int16 if 2 * max(there.rows, there.columns) < 1 << 15 else torch.int32


def _index(places, there):
    rows, columns = places
    return torch.add(columns, rows.int(), alpha=there.columns).flatten()


def smeared(places: torch.Tensor) -> torch.Tensor:
    """Where the same is shown again and again along a row or a column, (rows, columns) of booleans.

    ``places`` are the rows and columns of the matches, (2, rows, columns). A patch that hardly changes sideways is like
    what it makes when it is repeated, and would stay: a stripe across the picture. Any neighbour's match, shifted
    along, shows more.
    """
    found = torch.zeros_like(places[0], dtype=torch.bool)
    for dim, length in enumerate(found.shape):
        count = max(0, length - SMEAR)
        aside = (places.narrow(dim + 1, 0, count) - places.narrow(dim + 1, length - count, count)).abs_()
        same = torch.maximum(*aside) <= 1
        for start in (0, length - count):
            found.narrow(dim, start, count).logical_or_(same)
    return found


def torn(places: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """How many of the neighbours ``among`` match elsewhere than where ``places`` go on: (rows, columns), 0 to 8.

    Both are rows and columns of matches, (2, rows, columns), and the neighbours those :data:`APART`. What goes on in
    one another shows the style as it is, with edges as straight as it has them.
    """
    return torch.from_numpy(_unequal(_shift(places), _shift(among)))


def _torn_more(another, places, tear):
    """What it costs more to be torn like ``another`` than to be like ``places``, (rows·columns,)."""
    now = _shift(places)
    more = _unequal(_shift(another), now) - _unequal(now, now)
    return torch.from_numpy(more).flatten() * (tear / (4 * len(APART)))


# compared in NumPy, on one thread: with so little to do to each number, and so many small scales, in half the time


def _shift(places):
    """How far from its own place each one's match is, down and right in one number."""
    down, right = places.numpy()
    shift = down.astype(np.int32)
    shift -= np.arange(shift.shape[0], dtype=np.int32)[:, None]
    shift <<= 16
    shift += right
    shift -= np.arange(shift.shape[1], dtype=np.int32)
    return shift


def _unequal(shift, among):
    count = np.zeros(shift.shape, np.int8)
    for dim, apart in itertools.product((0, 1), APART):
        before, after = (np.s_[:-apart], np.s_[apart:]) if dim == 0 else (np.s_[:, :-apart], np.s_[:, apart:])
        unequal = shift[before] != among[after]
        count[before] += unequal
        count[after] += unequal if shift is among else shift[after] != among[before]
    return count


def density(index: torch.Tensor, there: Offered) -> torch.Tensor:
    """How often each patch of ``there`` or one next to it is used, (1, 1, rows, columns); 1 where all are alike."""
    count = torch.bincount(index, minlength=there.rows * there.columns).float().view(1, 1, there.rows, there.columns)
    near = torch.nn.functional.avg_pool2d(count, 2 * SPREAD + 1, 1, SPREAD, count_include_pad=False)
    return near * (there.rows * there.columns / len(index))


def _offers(wanted, there, effort, random):
    """Functions from the rows and columns of matches to others that may be better."""
    small = _small(there)
    most = torch.tensor([there.rows - 1, there.columns - 1], dtype=small)[:, None, None]

    def within(places):
        return torch.minimum(places, most).clamp_(0)

    def from_neighbour(step, dim):
        moved = step * torch.eye(2, dtype=small)[dim, :, None, None]

        def offer(places):
            # at the borders the other side's matches come in: poor offers, and no harm
            return within(torch.roll(places, step, dim + 1).add_(moved))

        return offer

    def by_chance(reach):
        def offer(places):
            aside = torch.rand(places.shape, generator=random).mul_(2).sub_(1).mul_(reach).round_()
            return within(places + aside.to(small))

        return offer

    for step in effort.steps:
        for moved, dim in ((step, 1), (-step, 1), (step, 0), (-step, 0)):
            yield from_neighbour(moved, dim)
    reach = min(effort.farthest, float(max(there.rows, there.columns)))
    while reach >= 1:
        yield by_chance(reach)
        reach /= NARROWING

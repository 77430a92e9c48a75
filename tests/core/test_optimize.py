"""The search: what it finds, what it keeps, when it stops, and how it survives an objective that leaves its range."""

import itertools
import math
import subprocess
import sys

import pytest
import torch

from nst_core.optimize import FIRST_STEP, RATE, Search, minimise
from nst_core.preconditioner import preconditioner
from nst_core.progress import Cancelled, Stop

METHODS = pytest.mark.parametrize("method", ["l-bfgs", "adam"])
SHAPE = (1, 3, 5, 7)
FILTERS = torch.tensor([10.0, 3.0, 1.0])[:, None, None, None] * torch.eye(3)[:, :, None, None] / 9 * torch.ones(3, 3)


class Recorded:
    """An objective that remembers what it was asked; derived ones say what it is worth."""

    def __init__(self):
        self.seen = []

    def evaluate(self, picture):
        leaf = picture.detach().clone().requires_grad_(True)
        loss = self.value(leaf)
        loss.backward()
        self.seen.append((float(loss.detach()), picture.detach().clone()))
        return self.seen[-1][0], leaf.grad

    def value(self, picture):
        """Rosenbrock's valley along the pixels: long, curved, and never at its end in a few hundred steps."""
        x = 4 * picture.flatten() - 2
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    @property
    def best(self):
        return min(self.seen, key=lambda pair: pair[0] if math.isfinite(pair[0]) else math.inf)


class Bowl(Recorded):
    target = torch.linspace(0.1, 0.9, 105).view(SHAPE)

    def value(self, picture):
        return (torch.linspace(1, 30, 105).view(SHAPE) * (picture - self.target) ** 2).sum()


class Barrier(Recorded):
    """−Σ log(p − x) and a pull towards p: NaN beyond, where a bold step lands."""

    def value(self, picture):
        return (-torch.log(0.6 - picture) * 1e-3 - picture).sum()


class BrokenAfter(Bowl):
    """Not a number at every evaluation from one to another, as of a device out of order for a while."""

    def __init__(self, first, last=10**9):
        super().__init__()
        self.first, self.last = first, last

    def value(self, picture):
        return super().value(picture) * (math.nan if self.first <= len(self.seen) < self.last else 1.0)


def start(value=0.5):
    return torch.full(SHAPE, value) + 0.1 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))


def go(objective, search, picture=None, on_evaluation=lambda *_: None):
    return minimise(objective, start() if picture is None else picture, search, on_evaluation)


def test_finds_the_minimum():
    found = go(Bowl(), Search("l-bfgs", 60))
    torch.testing.assert_close(found.picture, Bowl.target, rtol=0, atol=1e-3)
    assert found.finished and found.loss < 1e-6
    assert float((go(Bowl(), Search("adam", 150)).picture - Bowl.target).abs().mean()) < 0.02


def test_adam_is_pytorchs():
    objective, variable = Bowl(), torch.nn.Parameter(start())
    optimizer = torch.optim.Adam([variable], lr=RATE, betas=(0.9, 0.99))
    decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 0.9 * step / 40)
    go(objective, Search("adam", 40))
    for _, picture in objective.seen:
        torch.testing.assert_close(picture, variable.detach(), rtol=0, atol=1e-5)
        optimizer.zero_grad()
        Bowl().value(variable).backward()
        optimizer.step()
        decay.step()


@METHODS
@pytest.mark.parametrize("evaluations", [1, 2, 3, 7, 40])
def test_keeps_to_the_evaluations_and_gives_the_best_of_them(method, evaluations):
    objective = Recorded()
    found = go(objective, Search(method, evaluations))
    assert found.evaluations == len(objective.seen) == evaluations
    loss, picture = objective.best
    assert found.loss == loss and torch.equal(found.picture, picture)
    assert found.finished


def test_the_last_picture_need_not_be_the_best():
    """That the test above can fail: a line search tries pictures that are worse."""
    objective = Recorded()
    found = [go(objective, Search("l-bfgs", n)) for n in range(2, 30)]
    worse_last = [n for n in range(3, 30) if objective.seen[-1][0] > objective.best[0]]
    assert worse_last or any(a.loss == b.loss for a, b in itertools.pairwise(found))
    assert all(b.loss <= a.loss for a, b in itertools.pairwise(found))


@METHODS
def test_tells_every_evaluation(method):
    objective, told = Recorded(), []
    go(objective, Search(method, 12), on_evaluation=lambda n, loss, picture: told.append((n, loss, picture.clone())))
    assert [n for n, _, _ in told] == list(range(1, 13))
    for (_, loss, picture), (seen, seen_picture) in zip(told, objective.seen, strict=True):
        assert loss == seen and torch.equal(picture, seen_picture)


@METHODS
def test_cancel_ends_with_nothing(method):
    objective = Recorded()
    with pytest.raises(Cancelled):
        go(objective, Search(method, 50), on_evaluation=lambda n, *_: Stop.CANCEL if n == 5 else None)
    assert len(objective.seen) == 5


@METHODS
def test_finish_gives_the_best_so_far(method):
    objective = Recorded()
    found = go(objective, Search(method, 50), on_evaluation=lambda n, *_: Stop.FINISH if n == 5 else None)
    assert not found.finished
    assert found.evaluations == len(objective.seen) == 5
    assert found.loss == objective.best[0] and torch.equal(found.picture, objective.best[1])


def test_a_step_out_of_range_is_taken_back_and_the_search_goes_on():
    objective = Barrier()
    found = go(objective, Search("l-bfgs", 80), start(0.3).clamp_max(0.55))
    broken = [n for n, (loss, _) in enumerate(objective.seen) if not math.isfinite(loss)]
    assert broken and broken[0] < len(objective.seen) - 1  # it did leave, and did go on
    assert found.loss < min(loss for loss, _ in objective.seen[: broken[0]])
    assert found.loss == objective.best[0] and torch.equal(found.picture, objective.best[1])
    assert bool((found.picture < 0.6).all())


@METHODS
@pytest.mark.parametrize("first", [1, 6])
def test_goes_on_after_an_evaluation_that_failed(method, first):
    objective = BrokenAfter(first, first + 1)
    found = go(objective, Search(method, 40))
    assert found.evaluations == len(objective.seen) == 40
    assert math.isnan(objective.seen[first][0])
    assert found.loss == objective.best[0] < 0.5 * min(loss for loss, _ in objective.seen[:first])


@METHODS
def test_where_nothing_works_any_more_the_best_picture_stays(method):
    objective = BrokenAfter(5)
    found = go(objective, Search(method, 1000))
    assert found.loss == objective.best[0] and torch.equal(found.picture, objective.best[1])
    assert len(objective.seen) < 30  # it gives up, not only when the evaluations are used up


@METHODS
def test_where_nothing_ever_works_the_start_stays(method):
    objective = BrokenAfter(0)
    found = go(objective, Search(method, 1000))
    assert torch.equal(found.picture, start())
    assert len(objective.seen) < 30


@METHODS
def test_the_start_is_left_alone(method):
    picture = start()
    go(Recorded(), Search(method, 10), picture)
    assert torch.equal(picture, start())


def test_a_start_in_another_memory_order_makes_no_difference():
    plain, other = go(Recorded(), Search("l-bfgs", 20)), Recorded()
    found = go(other, Search("l-bfgs", 20), start().to(memory_format=torch.channels_last))
    assert torch.equal(found.picture, plain.picture)


@METHODS
def test_stops_on_a_plateau(method):
    objective = Recorded()
    found = go(objective, Search(method, 500, plateau=0.3))
    best = [min(loss for loss, _ in objective.seen[: n + 1]) for n in range(len(objective.seen))]
    assert 12 < found.evaluations == len(objective.seen) < 500
    assert best[-13] - best[-1] < 0.3 * best[-1]
    assert all(best[n - 12] - best[n] >= 0.3 * best[n] for n in range(12, len(best) - 1))
    assert found.finished


def test_the_minimum_itself_is_no_trouble():
    found = go(Bowl(), Search("l-bfgs", 50), Bowl.target.clone())
    assert found.loss == 0 and torch.equal(found.picture, Bowl.target)


@pytest.mark.parametrize("moved", [None, (1.0, 2.45), (3.0, 1.5)])
def test_begins_at_the_start_and_finds_the_same_minimum_through_any_preconditioner(moved):
    objective, begin = Bowl(), start()
    found = go(objective, Search("l-bfgs", 80, preconditioner=moved and preconditioner(FILTERS, *moved)), begin)
    assert torch.equal(objective.seen[0][1], begin)
    assert 0.2 * FIRST_STEP < float((objective.seen[1][1] - begin).abs().mean()) < 30 * FIRST_STEP
    torch.testing.assert_close(found.picture, Bowl.target, rtol=0, atol=2e-3)


@pytest.mark.parametrize("moves", [0.003, 0.0005])
def test_the_first_step_is_as_long_as_the_search_says(moves):
    objective, begin = Bowl(), start()
    go(objective, Search("l-bfgs", 2, first_step=moves), begin)
    assert float((objective.seen[1][1] - begin).abs().mean()) == pytest.approx(moves, rel=1e-3)


class Colourful(Recorded):
    """Steep by how the first layer answers to a broad colour, as losses of features are; fine detail lies between."""

    target = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(4))

    def value(self, picture):
        off = picture - self.target
        broad = torch.nn.functional.avg_pool2d(off, 5, 1, 2)
        answer = torch.nn.functional.conv2d(broad, FILTERS)
        return answer.square().sum() * 0.2 + ((off - broad).square() + (off - broad) ** 4).sum()


def test_a_preconditioner_saves_evaluations_where_colours_differ_in_steepness():
    begin = torch.full((1, 3, 24, 24), 0.5)
    plain, quicker = (
        go(Colourful(), Search("l-bfgs", 14, preconditioner=seen), begin).loss
        for seen in (None, preconditioner(FILTERS, 3.0, 1.5))
    )
    assert quicker < 0.5 * plain


@METHODS
def test_a_search_does_not_wait_for_pytorchs_compiler(method):
    """Its import takes two seconds, which an artist would wait for before the first picture, and 80 MB."""
    program = """
import sys, torch
from nst_core.optimize import Search, minimise
class Bowl:
    def evaluate(self, picture):
        return float(picture.square().sum()), 2 * picture
minimise(Bowl(), torch.rand(1, 3, 5, 7), Search(sys.argv[1], 9), lambda *_: None)
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program, method]).returncode == 0

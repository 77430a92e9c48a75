"""L-BFGS by products of matrices: the directions of the textbook's matrix, and steps that meet Wolfe's conditions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nst_core.lbfgs import FALL, FLATTER, FURTHER, LONGER, LOWER, MOST_TRIALS, Pairs, Point, along, descend

N = 9


def inverse_curvature(pairs):
    """H of Nocedal and Wright, equation 7.16 and 7.20, built up densely from the oldest pair to the newest."""
    step, change = pairs[-1]
    h = np.eye(N) * (step @ change) / (change @ change)
    for step, change in pairs:
        rho = 1 / (step @ change)
        v = np.eye(N) - rho * np.outer(change, step)
        h = v.T @ h @ v + rho * np.outer(step, step)
    return h


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 7, 30])
def test_the_direction_is_the_textbooks_whatever_was_forgotten(most, dtype):
    random = np.random.default_rng(most)
    root = random.normal(size=(N, N))
    curvature = root @ root.T + np.eye(N)
    pairs, remembered = Pairs(most, torch.zeros(N, dtype=dtype)), []
    for count in range(12):
        gradient = random.normal(size=N)
        direction = pairs.direction(torch.tensor(gradient, dtype=dtype)).double().numpy()
        expected = -inverse_curvature(remembered[-most:]) @ gradient if remembered else -gradient
        off = np.linalg.norm(direction - expected) / np.linalg.norm(expected)
        assert off < (1e-10 if dtype == torch.float64 else 1e-3), count
        step = random.normal(size=N)
        remembered.append((step, curvature @ step))
        pairs.remember(*(torch.tensor(x, dtype=dtype) for x in remembered[-1]))
        assert pairs.count == min(count + 1, most)


class Function:
    """A function of one number along the first axis, and what it was asked."""

    def __init__(self, value):
        self.value, self.asked = value, []

    def __call__(self, x):
        leaf = x.detach().clone().requires_grad_(True)
        loss = self.value(leaf[0])
        loss.backward()
        self.asked.append(float(leaf[0].detach()))
        return float(loss.detach()), leaf.grad


def searched(value, length):
    """The function, where it started, and the point that the search along its first axis came to."""
    function, position = Function(value), torch.zeros(2, dtype=torch.float64)
    loss, gradient = function(position)
    direction = torch.tensor([1.0, 0.0], dtype=torch.float64)
    start = Point(0.0, loss, float(gradient[0]))
    return function, start, along(function, position, direction, start, length)


@given(
    at=st.floats(0.01, 100),
    steep=st.floats(0.01, 100),
    length=st.floats(0.001, 1000),
    power=st.sampled_from([2, 4, 1.5]),
)
def test_a_step_is_lower_and_flatter_at_its_end(at, steep, length, power):
    _, start, end = searched(lambda t: steep * ((t / at - 1) ** 2 + 1e-12) ** (power / 2), length)
    assert end.loss <= start.loss + LOWER * end.length * start.slope
    assert end.slope >= FLATTER * start.slope
    assert end.gradient[0] == end.slope


def test_the_second_trial_is_at_the_minimum_of_the_cubic():
    """t³ − 3t + 1 from 0 by a step of 3: up to 19, and its minimum is at 1."""
    function, _, end = searched(lambda t: t**3 - 3 * t + 1, 3.0)
    assert function.asked == pytest.approx([0, 3, 1]) and end.loss == pytest.approx(-1)


def test_a_step_that_is_far_too_short_is_lengthened():
    function, _, end = searched(lambda t: (t - 100) ** 2, 0.2)
    assert function.asked == pytest.approx([0, 0.2, 0.8, 3.2, 12.8]) and end.length == pytest.approx(12.8)


def test_where_nothing_is_lower_there_is_no_step():
    """A slope that promises what the function does not keep, as of gradients of low precision."""
    function, _, end = searched(lambda t: t.detach().abs() - (t - t.detach()), 1.0)
    assert end is None and len(function.asked) == 1 + MOST_TRIALS


def test_the_lowest_point_is_taken_where_none_is_flat_enough():
    """It falls at the same slope for ever, until the trials are used up."""
    _, _, end = searched(lambda t: -t, 1.0)
    assert end.length == FURTHER ** (MOST_TRIALS - 1)


@pytest.mark.parametrize(("loss", "slope", "moved"), [(1.0, 1.0, 0.1), (1.0, 50.0, FALL / 200), (-1.0, 50.0, 0.1)])
def test_the_first_step_is_as_long_as_asked_but_no_loss_is_hoped_to_fall_below_0(loss, slope, moved):
    """Four numbers, each with the same slope: by 0.1 on average, or 0.7 of the loss where that would be more."""
    seen = []

    def evaluate(x):
        seen.append(x)
        if len(seen) == 2:
            raise StopIteration
        return loss + slope * float(x.sum()), torch.full_like(x, slope)

    with pytest.raises(StopIteration):
        descend(evaluate, torch.zeros(4, dtype=torch.float64), 5, 0.1)
    np.testing.assert_allclose(seen[1], -moved)


def test_a_step_is_not_much_longer_than_the_longest_before():
    """A slope that ends at a wall, (x / 10)⁸ − x: what the first step tells of its curvature would lead far into it."""
    seen = []

    def evaluate(x):
        seen.append(float(x))
        if len(seen) == 6:
            raise StopIteration
        return float((x / 10) ** 8 - x), (0.8 * (x / 10) ** 7 - 1).detach()

    with pytest.raises(StopIteration):
        descend(evaluate, torch.tensor([0.0], dtype=torch.float64), 5, 0.5)
    assert seen[:5] == pytest.approx([0, 0.5, 2, 8, 8 + LONGER * 8]) and 8 < seen[5] < seen[4]


def test_finds_a_minimum_in_few_evaluations():
    """A bowl 1,000 times as steep in one direction as in another: 40 numbers in less than 100 evaluations."""
    steep = torch.logspace(0, 3, 40, dtype=torch.float64)
    count, losses = 0, []

    def evaluate(x):
        nonlocal count
        count += 1
        losses.append(float(steep @ (x - 1) ** 2))
        return losses[-1], 2 * steep * (x - 1)

    descend(evaluate, torch.zeros(40, dtype=torch.float64), 100, 0.01)
    first = next(i for i, loss in enumerate(losses) if loss < 1e-12 * losses[0])
    assert first < 100 and min(losses) < 1e-20

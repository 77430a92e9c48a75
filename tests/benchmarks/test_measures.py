"""What the tables are made of, on numbers that can be counted by hand."""

import itertools

import pytest
import torch

from benchmarks.convergence import Comparison
from benchmarks.scores import Scores
from benchmarks.sliders import VERDICTS, Step
from benchmarks.table import table
from benchmarks.trace import Point, Trace
from benchmarks.watch import Fit, flops_of_an_evaluation
from nst_core.objective import Objective, Tap, Weights
from nst_core.vgg import Vgg16

CHANNELS = 3, 4, 6, 8  # of a network's input and of its first three convolutions


def objective(tile=None):
    random = torch.Generator().manual_seed(3)
    shapes = itertools.pairwise(CHANNELS)
    pairs = tuple((0.1 * torch.randn(o, i, 3, 3, generator=random), torch.zeros(o)) for i, o in shapes)
    network = Vgg16("built-in", pairs, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    taps = Weights(style={Tap(1, "relu1_2"): 1.0, Tap(1, "relu2_1"): 1.0}, content_tap=Tap(1, "relu2_1"))
    content, style = (torch.rand(1, 3, *size, generator=random) for size in ((48, 64), (32, 32)))
    return Objective(network, taps, content, style, tile=tile)


def test_the_floor_counts_what_the_network_computes():
    full, half = 48 * 64, 24 * 32
    convolutions = 2 * 9 * (3 * 4 * full + 4 * 6 * full + 6 * 8 * half)
    grams = 2 * (6 * 6 * full + 8 * 8 * half)
    counted = flops_of_an_evaluation(objective())
    # forward, and backward by the input; a Gram matrix' backward is one product or two
    assert 2 * convolutions + 2 * grams <= counted <= 2 * convolutions + 3 * grams
    assert flops_of_an_evaluation(objective(tile=32)) > 1.3 * counted  # a pass more, and margins


def trace(rows, planned, scale=0, fit=0.0):
    points = [Point(seconds, i, s, loss, scores) for i, (seconds, s, loss, scores) in enumerate(rows, 1)]
    return Trace(planned, points, scale, Fit(seconds=fit))


@pytest.fixture
def plain():
    wild, good = Scores(0.1, 0.9), Scores(0.5, 0.8)
    return trace([(10.0, 0, 9.0, wild), (40.0, 0, 2.01, good), (90.0, 0, 2.0, good)], planned=3)


def test_the_ratios_are_plains_time_by_the_time_to_its_loss_and_to_its_scores(plain):
    rows = [(1.0, 0, 0.5, None), (3.0, 1, 4.0, Scores(0.6, 0.7)), (4.5, 1, 3.0, Scores(0.495, 0.795))]
    ours = trace([*rows, (9.0, 1, 1.9, Scores(0.6, 0.8))], planned=2, scale=1, fit=1.0)
    loss, picture = Comparison(plain, ours).rows()
    # the coarse scale's low loss is of another objective, and the picture with too little content is no equal one
    assert loss == ["equal loss", 90.0, 9.0, 10.0, 91 / 10, 40.0]
    assert picture == ["equal picture", 90.0, 4.5, 20.0, 91 / 5.5, 40.0]
    told = " ".join(Comparison(plain, ours).told())
    assert "schedule ended at loss 3 after 3 evaluations in 4.5 s" in told
    assert "the schedule alone did not reach plain's loss" in told


def test_what_was_not_reached_is_said(plain):
    ours = trace([(3.0, 0, 4.0, Scores(0.6, 0.7)), (8.0, 0, 2.5, Scores(0.7, 0.6))], planned=1)
    loss, picture = Comparison(plain, ours).rows()
    assert loss[2:5] == picture[2:5] == ["not reached", None, None]
    told = " ".join(Comparison(plain, ours).told())
    assert "ended 25.0 % above it" in told
    assert "no picture of the engine's had both scores" in told and "style 0.700 and content 0.700" in told


def steps(*scores, strokes=(1, 2, 3), likeness=0.9):
    return [
        Step(i, None, Scores(*s), stroke, likeness) for i, (s, stroke) in enumerate(zip(scores, strokes, strict=True))
    ]


@pytest.mark.parametrize(
    ("slider", "moved", "even", "why"),
    [
        ("strength", steps((0, 1), (0.4, 0.8), (0.5, 0.7)), "yes", "style rises by 0.400, 0.100; content falls by"),
        ("strength", steps((0, 1), (0.4, 0.8), (0.39, 0.7)), "no", "not so that style rises from 1 to 2 (-0.010)"),
        ("strength", steps((0, 1), (0.4, 0.8), (0.5, 0.8)), "no", "not so that content falls from 1 to 2"),
        ("brush-size", steps((0, 1), (0, 1), (0, 1), strokes=(1, 2, 4)), "yes", "strokes grow by 0.693, 0.693"),
        ("brush-size", steps((0, 1), (0, 1), (0, 1), strokes=(1, 2, 2)), "no", "from 1 to 2"),
        (
            "size",
            steps((0.50, 0.8), (0.52, 0.84), (0.51, 0.8)),
            "yes",
            "style differs by 0.020, content differs by 0.040",
        ),
        ("size", steps((0.50, 0.8), (0.56, 0.8), (0.51, 0.8)), "no", "style differs by 0.060"),
        ("quality", steps((0.5, 0.8), (0.6, 0.8), (0.6, 0.9)), "see", "0.90, 0.90"),
    ],
)
def test_the_verdicts_on_sliders(slider, moved, even, why):
    verdict, reason = VERDICTS[slider](moved)
    assert verdict == even
    assert why in reason


def test_a_table_is_markdown_with_numbers_to_the_right():
    lines = table(("what", "s"), [["a run", 1.5], ["none", None], ["long", 123.4]]).splitlines()
    assert lines == [
        "| what  |     s |",
        "| ----- | ----: |",
        "| a run | 1.500 |",
        "| none  |     – |",
        "| long  |   123 |",
    ]
    assert table(("what", "s"), []).splitlines() == ["| what | s |", "| ---- | - |"]

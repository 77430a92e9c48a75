"""On a graphics card: the processor's loss, gradient and picture, the same at every run, in the memory that there is.

Collected where PyTorch has a CUDA device (conftest.py).
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst_core import device
from nst_core.objective import Objective
from nst_core.place import place
from nst_core.precision import products
from nst_core.recipe import recipe
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully
from nst_core.weights import fitted
from tests.core.drawing import drawn, tensor

CARD = torch.device("cuda")
CONTENT, STYLE = drawn(301, 407, seed=1), drawn(233, 190, 4, seed=2)
WEIGHTS = recipe(Settings(), "built-in").weights
MB = device.MEGABYTE


@pytest.fixture(scope="module")
def network():
    return fitted.fit([tensor(STYLE[..., :3]), tensor(CONTENT)], "relu4_1")


@pytest.fixture
def room():
    """A function that gives this process no more than so many megabytes of the card; the whole of it afterwards."""

    def leave(megabytes):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(megabytes * MB / torch.cuda.get_device_properties(CARD).total_memory)

    yield leave
    torch.cuda.set_per_process_memory_fraction(1.0)


def evaluated(network, on, dtype, tile=None):
    """The loss and its gradient, in float64, of a picture with values outside [0, 1], for a content with an alpha."""
    pictures = tensor(CONTENT), tensor(STYLE[..., :3]), tensor(drawn(301, 407, 1, seed=3)), tensor(STYLE[..., 3:])
    there = [picture.to(on, dtype) for picture in pictures]
    with products("float32", torch.device(on)):
        loss, gradient = Objective(network.to(on), WEIGHTS, *there, tile=tile).evaluate(1.3 * there[0].flip(3) - 0.1)
    return loss, gradient.cpu().double()


def off(ours, theirs):
    """Relative errors of the loss and of the gradient."""
    return abs(ours[0] / theirs[0] - 1), float((ours[1] - theirs[1]).norm() / theirs[1].norm())


def test_the_loss_and_its_gradient_are_the_processors(network):
    exact = evaluated(network.to(torch.float64), "cpu", torch.float64)
    assert max(off(evaluated(network.to(torch.float64), CARD, torch.float64), exact)) < 1e-10
    assert max(off(evaluated(network, CARD, torch.float32), exact)) < 1e-5
    loss, gradient = off(evaluated(network.in_bfloat16(), CARD, torch.float32), exact)
    assert loss < 0.01 and gradient < 0.02


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_tiles_are_exact(network, dtype, limit):
    network = network.to(dtype)
    whole, tiled = (evaluated(network, CARD, dtype, tile) for tile in (None, 256))
    assert max(off(tiled, whole)) < limit


def test_the_picture_is_the_processors_and_the_same_every_time(quick_fit):
    settings = {"features": "built-in", "quality": "draft", "evaluations": 5}
    first, again = (stylize_fully(CONTENT, STYLE, Settings(device="auto", **settings)) for _ in range(2))
    processors = stylize_fully(CONTENT, STYLE, Settings(device="cpu", **settings))
    assert first.device == "cuda" and processors.device == "cpu"
    assert (first.picture == again.picture).all()
    assert np.abs(first.picture - processors.picture).mean() < 0.002
    assert np.abs(first.picture - CONTENT).mean() > 0.05


def test_a_card_that_is_too_small_paints_in_tiles(room):
    content = drawn(900, 1200, seed=1)
    settings = Settings(features="built-in", quality="fine", evaluations=1, device="cuda")
    room(600)
    result = stylize_fully(content, STYLE, settings)
    assert result.device == "cuda" and "tiles" in result.note and np.isfinite(result.picture).all()


def test_a_card_without_any_room_leaves_it_to_the_processor(quick_fit, room):
    settings = {"features": "built-in", "quality": "draft", "evaluations": 2}
    room(1)
    result = stylize_fully(CONTENT, STYLE, Settings(device="cuda", **settings))
    processors = stylize_fully(CONTENT, STYLE, Settings(device="cpu", **settings))
    assert result.device == "cpu" and result.note.startswith("The graphics card's memory ran short")
    assert (result.picture == processors.picture).all()


def test_a_memory_limit_is_kept():
    """A whole picture's and in tiles, with the features that artists get; PyTorch's own share is not counted here."""
    content = drawn(1536, 2048, seed=1)
    peaks = []
    for limit in (0, 2_000):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        settings = Settings(features="built-in", quality="fine", evaluations=1, device="cuda", memory_limit=limit)
        assert stylize_fully(content, STYLE, settings).note == ""
        peaks.append(torch.cuda.max_memory_allocated() / MB)
    assert peaks[0] > 2_500 and peaks[1] < 2_000 - device.RUNTIME_MB


def test_nothing_is_held_after_a_run(quick_fit):
    settings = Settings(features="built-in", quality="draft", evaluations=2, device="cuda")
    stylize_fully(CONTENT, STYLE, settings)
    assert torch.cuda.memory_reserved() < 64 * MB  # cuBLAS keeps some to work in


def test_what_is_free_is_the_cards():
    free, total = torch.cuda.mem_get_info(CARD)
    assert device.choose("auto") == CARD
    assert 0 < place(CARD, 0).limit < total and abs(device.free_memory(CARD) - free) < 0.5 * total

"""Tiles: they cover the picture once, on the poolings' grid, and a loss over them is the loss over the whole."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nst_core import vgg
from nst_core.objective import Objective, Tap, Weights
from nst_core.tiles import tiles
from tests.core.drawing import drawn, small_network, tensor

SIDES = st.integers(1, 200)


@given(height=SIDES, width=SIDES, size=st.integers(1, 150), margin=st.integers(1, 50), power=st.integers(0, 5))
def test_inner_boxes_cover_the_picture_once(height, width, size, margin, power):
    grid = 2**power
    times = np.zeros((height, width), int)
    for tile in tiles(height, width, size, margin, grid):
        inner, outer = tile.inner, tile.outer
        times[inner.rows, inner.columns] += 1
        assert inner.top % grid == inner.left % grid == outer.top % grid == outer.left % grid == 0
        for first, last, from_, to, end in (
            (inner.top, inner.bottom, outer.top, outer.bottom, height),
            (inner.left, inner.right, outer.left, outer.right, width),
        ):
            assert last - first >= min(grid, end)
            assert last % grid == 0 or last == end
            assert from_ == 0 or first - from_ >= margin
            assert to == end or (to - last >= margin and to % grid == 0)
    assert (times == 1).all()


@given(height=SIDES, width=SIDES, margin=st.integers(1, 50), power=st.integers(0, 5), more=st.integers(0, 300))
def test_tiles_are_no_larger_than_asked_for(height, width, margin, power, more):
    grid = 2**power
    margin_on_grid = -(-margin // grid) * grid
    size = 2 * margin_on_grid + grid + more
    for tile in tiles(height, width, size, margin, grid):
        # where a rest too small for a tile of its own joins its neighbour, less than one cell more
        assert tile.outer.bottom - tile.outer.top < size + grid
        assert tile.outer.right - tile.outer.left < size + grid


@given(
    height=st.integers(32, 200), width=st.integers(32, 200), size=st.integers(1, 150), shrink=st.sampled_from([1, 2])
)
def test_inner_boxes_cover_every_feature_map_once(height, width, size, shrink):
    """Every tap's map, whose odd rows and columns the poolings leave out."""
    taps = [Tap(shrink, layer) for layer in ("relu1_2", "relu2_1", "relu3_3", "relu4_1")]
    margin = max(tap.shrink * vgg.reach(tap.layer) for tap in taps)
    grid = max(tap.stride for tap in taps)
    parts = tiles(height, width, size, margin, grid)
    for tap in taps:
        times = np.zeros((height // tap.stride, width // tap.stride), int)
        for tile in parts:
            rows = (tile.outer.bottom - tile.outer.top) // tap.stride
            columns = (tile.outer.right - tile.outer.left) // tap.stride
            there, here = tile.on_grid(tap.stride, rows, columns)
            assert (there.bottom - there.top, there.right - there.left) == (
                here.bottom - here.top,
                here.right - here.left,
            )
            assert 0 <= here.top <= here.bottom <= rows and 0 <= here.left <= here.right <= columns
            assert there.top - here.top == tile.outer.top // tap.stride
            assert there.left - here.left == tile.outer.left // tap.stride
            times[there.rows, there.columns] += 1
        assert (times == 1).all()


def errors_of_tiles(network, weights, height, width, tile, masked, dtype):
    """Relative errors of loss, gradient, moments and content features in tiles against the whole picture at once."""
    content, style = tensor(drawn(height, width, seed=1), dtype), tensor(drawn(53, 70, seed=2), dtype)
    visible = tensor(drawn(height, width, 1, seed=3), dtype) if masked else None
    whole = Objective(network, weights, content, style, visible)
    tiled = Objective(network, weights, content, style, visible, tile=tile)
    picture = 1.3 * tensor(drawn(height, width, seed=4), dtype) - 0.1
    (loss, gradient), (loss_tiled, gradient_tiled) = whole.evaluate(picture), tiled.evaluate(picture)
    errors = [abs(loss_tiled - loss) / abs(loss), relative(gradient_tiled, gradient)]
    errors.append(relative(tiled.content, whole.content))
    ours, theirs = tiled._all_moments(picture), whole._all_moments(picture)
    for tap in weights.style:
        errors += [relative(getattr(ours[tap], n), getattr(theirs[tap], n)) for n in ("second", "first", "weight")]
    errors.append(abs(tiled.style_distance(picture) / whole.style_distance(picture) - 1))
    return max(errors), len(tiled.tiles)


def relative(ours, theirs):
    return float((ours - theirs).norm() / theirs.norm())


def weights_of(shrink, plain, layers=("relu1_2", "relu2_2", "relu3_1"), content="relu2_1"):
    return Weights(
        style={Tap(1, layers[0]): 1.0} | {Tap(shrink, layer): 2.0 for layer in layers[1:]},
        content_tap=Tap(shrink, content),
        content=0.7,
        variation=0.1,
        usual=0.9,
        range=10.0,
        plain=plain,
    )


@settings(max_examples=20)
@given(
    height=st.integers(33, 90),
    width=st.integers(33, 90),
    tile=st.integers(30, 70),
    shrink=st.sampled_from([1, 2]),
    masked=st.booleans(),
    plain=st.booleans(),
    pooling=st.sampled_from(["average", "max"]),
    padding=st.sampled_from(["zeros", "replicate"]),
)
def test_tiles_give_the_whole_pictures_gradient(height, width, tile, shrink, masked, plain, pooling, padding):
    network = small_network("relu3_1", pooling, padding)
    weights = weights_of(shrink, plain)
    error, _ = errors_of_tiles(network, weights, height, width, tile, masked, torch.float64)
    assert error < 1e-10


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize(("shrink", "plain", "masked"), [(1, True, False), (2, False, True)])
def test_tiles_are_exact_down_to_relu4_3(shrink, plain, masked, dtype, limit):
    network = small_network("relu4_3", dtype=dtype)
    weights = weights_of(shrink, plain, ("relu1_2", "relu3_3", "relu4_3"), "relu4_1")
    error, count = errors_of_tiles(network, weights, 157, 171, 208 if shrink == 2 else 120, masked, dtype)
    assert count > 1
    assert error < limit


def test_a_margin_that_is_too_small_would_show():
    """That the tests above can fail: with the margin of a shallower layer they do."""
    network, weights = small_network("relu3_1"), weights_of(1, False)
    content, style = tensor(drawn(97, 81, seed=1), torch.float64), tensor(drawn(53, 70, seed=2), torch.float64)
    whole, tiled = Objective(network, weights, content, style), Objective(network, weights, content, style, tile=48)
    tiled.tiles = tiles(97, 81, 48, vgg.reach("relu2_1"), tiled.grid)
    picture = tensor(drawn(97, 81, seed=4), torch.float64)
    assert relative(tiled.evaluate(picture)[1], whole.evaluate(picture)[1]) > 1e-8

"""The whole loss: what it is made of, and its gradient against central differences in float64."""

import math

import pytest
import torch

from nst_core import losses
from nst_core import objective as objectives
from nst_core.losses import moments
from nst_core.objective import Objective, Tap, Weights
from nst_core.recipe import recipe
from nst_core.settings import Settings
from nst_core.weights import fitted
from tests.core.drawing import directional_error, drawn, small_network, tensor

HEIGHT, WIDTH = 37, 45
STYLE = {Tap(1, "relu1_1"): 1.0, Tap(1, "relu2_2"): 3.0, Tap(2, "relu3_1"): 0.5}


def picture(seed, height=HEIGHT, width=WIDTH, channels=3):
    return tensor(drawn(height, width, channels, seed), torch.float64)


def objective(visible=None, visible_in_style=None, tile=None, network=None, **weights):
    weights = Weights(**{"style": STYLE, "content_tap": Tap(1, "relu2_1"), **weights})
    network = network or small_network("relu4_3")
    return Objective(network, weights, picture(1), picture(2, 52, 31), visible, visible_in_style, tile)


ALL = {"content": 0.8, "variation": 0.3, "usual": 0.8, "range": 5.0}


@pytest.mark.parametrize("tile", [None, 40], ids=["whole", "tiles"])
@pytest.mark.parametrize("masked", [False, True], ids=["opaque", "masked"])
@pytest.mark.parametrize("plain", [False, True], ids=["relative", "plain"])
@pytest.mark.parametrize("pooling", ["average", "max"])
def test_gradient_against_central_differences(plain, masked, tile, pooling):
    visible = (picture(5, channels=1), picture(6, 52, 31, 1)) if masked else (None, None)
    loss = objective(*visible, tile, small_network("relu3_1", pooling), plain=plain, **ALL)
    at = 1.4 * picture(3) - 0.2  # with values outside [0, 1], for the penalty
    assert float(at.min()) < -0.05 and float(at.max()) > 1.05
    value, gradient = loss.evaluate(at)
    assert math.isfinite(value) and gradient.shape == at.shape
    assert directional_error(lambda x: loss.evaluate(x)[0], gradient, at) < 1e-5


@pytest.mark.parametrize("rows", [1, 5, HEIGHT - 1])
def test_terms_of_pixels_are_the_same_some_rows_at_a_time(rows, monkeypatch):
    at = 1.4 * picture(3) - 0.2
    loss = objective(calm=4.0, **ALL)
    value, gradient = loss.evaluate(at)
    monkeypatch.setattr(objectives, "BAND", rows * WIDTH + WIDTH // 2)
    in_bands, same = loss.evaluate(at)
    assert in_bands == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(same, gradient, rtol=1e-10, atol=1e-15)


def test_bfloat16_has_the_same_loss_and_gradient_within_a_hundredth():
    content, style, generated = (picture(seed, 160, 200).float() for seed in (1, 2, 3))
    network = fitted.fit([style, content], "relu4_1")
    weights = recipe(Settings(), "built-in").weights
    (loss, gradient), (quick_loss, quick_gradient) = (
        Objective(n, weights, content, style).evaluate(generated) for n in (network, network.in_bfloat16())
    )
    assert quick_loss == pytest.approx(loss, rel=0.01)
    assert quick_gradient.dtype == torch.float32
    assert float((quick_gradient - gradient).norm() / gradient.norm()) < 0.02


def test_plain_loss_is_gatys_formulas():
    """α·Σ(F−F)² at relu3_3 and β·Σ w_l E_l at four layers, written out from the features alone."""
    network, weights = small_network("relu4_3", "max"), recipe(Settings(preset="gatys"), "imagenet").weights
    content, style, generated = picture(1), picture(2, 52, 31), picture(3)
    layers = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    found = {name: network.features(p, layers) for name, p in (("c", content), ("s", style), ("g", generated))}
    expected = weights.content * float((found["g"]["relu3_3"] - found["c"]["relu3_3"]).square().sum())
    for layer in layers:
        g, s = found["g"][layer][0].flatten(1), found["s"][layer][0].flatten(1)
        n = g.shape[0]
        difference = g @ g.T / g.shape[1] - s @ s.T / s.shape[1]
        expected += weights.style[Tap(1, layer)] * float(difference.square().sum()) / (4 * n**2)
    value, _ = Objective(network, weights, content, style).evaluate(generated)
    assert value == pytest.approx(expected, rel=1e-12)
    assert len(set(weights.style.values())) == 1  # equal w_l
    assert weights.plain and not weights.variation and not weights.range


def test_relative_loss_is_the_sum_of_its_terms():
    network, generated = small_network("relu4_3"), 1.4 * picture(3) - 0.2
    loss = objective(network=network, **ALL | {"usual": 0.0})
    expected, shrunk = 0.0, torch.nn.functional.avg_pool2d
    for tap, weight in STYLE.items():
        g, s = (
            network.features(shrunk(p, tap.shrink), [tap.layer])[tap.layer][0] for p in (generated, picture(2, 52, 31))
        )
        expected += weight * float(losses.moments_loss(moments(g), moments(s)))
    assert loss.style_distance(generated) == pytest.approx(expected, rel=1e-12)
    g, c = (network.features(p, ["relu2_1"])["relu2_1"][0] for p in (generated, picture(1)))
    expected += 0.8 * float(losses.content_loss(g, c)) / (float(c.var((1, 2), correction=0).mean()) * c.numel())
    expected += 0.3 * float(losses.total_variation(generated)) / generated.numel()
    outside = torch.relu(-generated) + torch.relu(generated - 1)
    expected += 5.0 * float(outside.square().mean())
    assert loss.evaluate(generated)[0] == pytest.approx(expected, rel=1e-8)


def test_variation_costs_more_where_the_content_is_calm():
    """By hand: each step's height times 1 + calm · calmness, and the gradient of that."""
    content, generated = picture(4), picture(3)
    content[..., 20:] = 0.5
    network = small_network("relu3_1")
    weights = Weights(STYLE, Tap(1, "relu2_1"), variation=0.7, calm=3.0)
    plain = Weights(STYLE, Tap(1, "relu2_1"), variation=0.0)
    leaf = generated.clone().requires_grad_(True)
    costs = 1 + 3.0 * losses.calmness(content)
    expected = 0.0
    for dim in (2, 3):
        heights = (leaf.diff(dim=dim).square() + losses.FAINT_STEP**2).sqrt() - losses.FAINT_STEP
        expected = expected + (heights * costs.narrow(dim, 1, heights.shape[dim])).sum() * 0.7 / leaf.numel()
    expected.backward()
    value, gradient = Objective(network, weights, content, picture(2)).evaluate(generated)
    without, gradient_without = Objective(network, plain, content, picture(2)).evaluate(generated)
    assert float(costs.max()) > 3.5 and float(costs.min()) == 1.0
    assert value - without == pytest.approx(float(expected.detach()), rel=1e-9)
    torch.testing.assert_close(gradient - gradient_without, leaf.grad, rtol=1e-8, atol=1e-12)


def test_unusual_positions_and_edges_count_less():
    """The style loss by hand: weights from what the content shows there, none at the edges, from block 2 on."""
    network, generated, style = small_network("relu2_2"), picture(3), picture(2, 52, 31)
    content = picture(1)
    content[..., 10:20, 10:20] = 3.0  # far from all that the style has
    layers = {"relu1_1": 1.0, "relu2_2": 3.0}
    taps = {Tap(1, layer): weight for layer, weight in layers.items()}
    loss = Objective(network, Weights(taps, Tap(1, "relu2_1"), usual=2.0), content, style)
    g, c, s = (network.features(p, layers) for p in (generated, content, style))
    expected = 0.0
    for layer, weight in layers.items():
        of_style = moments(s[layer][0])
        counts = losses.usualness(c[layer][0], of_style, 2.0)
        assert float(counts.min()) < 0.5 and float(counts.median()) == 1.0
        inner = torch.zeros_like(counts)
        inner[2:-2, 2:-2] = 1
        counts, inner = (1, torch.ones_like(counts)) if layer == "relu1_1" else (counts, inner)
        expected += weight * float(losses.moments_loss(moments(g[layer][0], counts * inner), of_style))
    assert loss.style_distance(generated) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rows", [4, 20])
def test_what_is_visible_at_an_edge_counts_wherever_it_is_most_of_it(rows):
    """Without the edges, next to nothing is left of four rows; of twenty, most is in relu2_1, and little in relu4_1."""
    visible = torch.zeros(1, 1, 128, 160, dtype=torch.float64)
    visible[..., :rows, :] = 1
    visible[..., rows, :] = 0.01  # what a smaller copy's ripple leaves beyond
    taps = {Tap(1, layer): 1.0 for layer in ("relu1_1", "relu2_1", "relu4_1")}
    content, style = picture(1, 128, 160), picture(2, 52, 31)
    weights = Weights(taps, Tap(1, "relu2_1"), usual=1e9)
    counts = Objective(small_network("relu4_1"), weights, content, style, visible).counts
    assert float(counts[Tap(1, "relu1_1")][0].min()) == 1.0
    assert float(counts[Tap(1, "relu2_1")][0].max()) == (1.0 if rows == 4 else 0.0)
    assert float(counts[Tap(1, "relu2_1")][3].sum()) == pytest.approx(0 if rows == 4 else 76)
    assert float(counts[Tap(1, "relu4_1")][0].sum()) == pytest.approx(20 * (4.01 / 8 if rows == 4 else 1))


def test_the_content_itself_costs_nothing_but_style():
    loss = objective(content=1.0)
    assert loss.evaluate(picture(1))[0] == pytest.approx(loss.style_distance(picture(1)), rel=1e-12)


def test_the_style_itself_has_no_style_distance():
    network = small_network("relu4_3")
    loss = Objective(network, Weights(STYLE, Tap(1, "relu2_1")), picture(2), picture(2))
    assert loss.style_distance(picture(2)) < 1e-20 < loss.style_distance(picture(3))


def test_all_visible_is_as_opaque():
    at, ones = picture(3), torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    value, gradient = objective(**ALL).evaluate(at)
    masked, gradient_masked = objective(ones, torch.ones(1, 1, 52, 31, dtype=torch.float64), **ALL).evaluate(at)
    assert masked == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(gradient_masked, gradient, rtol=1e-9, atol=1e-12)


def test_what_is_hidden_pulls_at_nothing():
    """No gradient where nothing that is seen is within the deepest layer's reach."""
    visible = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    visible[..., :8] = 1
    _, gradient = objective(visible, style={Tap(1, "relu2_2"): 1.0}).evaluate(picture(3))
    reach = 8 + 6
    assert float(gradient[..., :8].abs().min()) > 0
    assert float(gradient[..., reach:].abs().max()) == 0


@pytest.mark.parametrize("tile", [None, 24], ids=["whole", "tiles"])
@pytest.mark.parametrize("plain", [False, True], ids=["relative", "plain"])
def test_visible_only_where_poolings_see_nothing(plain, tile):
    """37×45 pixels at a stride of 4 leave the last column out: a thin thing at the edge has no deep features."""
    visible = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    visible[..., -1:] = 1
    style = {Tap(1, "relu1_1"): 1.0, Tap(1, "relu3_1"): 1.0}
    for masks in ((visible, None), (None, torch.zeros(1, 1, 52, 31, dtype=torch.float64))):
        value, gradient = objective(*masks, tile, style=style, plain=plain).evaluate(picture(3))
        assert math.isfinite(value) and bool(torch.isfinite(gradient).all())


@pytest.mark.parametrize("plain", [False, True], ids=["relative", "plain"])
def test_flat_pictures_have_a_sensible_loss(plain):
    flat = torch.full((1, 3, HEIGHT, WIDTH), 0.5, dtype=torch.float64)
    weights = Weights(STYLE, Tap(1, "relu2_1"), plain=plain)
    network = small_network("relu4_3", padding="replicate")
    for content, style in ((flat, picture(2)), (picture(1), flat)):
        value, gradient = Objective(network, weights, content, style).evaluate(picture(3))
        assert 0 < value < 1e8
        assert bool(torch.isfinite(gradient).all())


def test_a_flat_content_can_still_be_painted():
    """Its features have no variance to be relative to, which must not make the content loss endless."""
    flat = torch.full((1, 3, HEIGHT, WIDTH), 0.5, dtype=torch.float64)
    network = small_network("relu4_3", padding="replicate")
    both = Objective(network, Weights(STYLE, Tap(1, "relu2_1")), flat, picture(2))
    style = both.style_distance(picture(3))
    assert both.evaluate(picture(3))[0] < 100 * style


def test_out_of_range_numbers_are_told_as_such():
    loss = objective(**ALL)
    for broken in (math.nan, math.inf, 1e200):
        at = picture(3)
        at[0, 1, 7, 9] = broken
        value, gradient = loss.evaluate(at)
        assert not (math.isfinite(value) and bool(torch.isfinite(gradient).all()))


def test_the_picture_is_left_alone():
    at = picture(3)
    before = at.clone()
    loss = objective(**ALL)
    first, again = loss.evaluate(at), loss.evaluate(at)
    assert torch.equal(at, before) and not at.requires_grad
    assert first[0] == again[0] and torch.equal(first[1], again[1])

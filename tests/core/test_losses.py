"""The losses against numbers worked out by hand, and their gradients against central differences, in float64."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nst_core import losses
from nst_core.losses import Moments, moments, moments_loss
from tests.core.drawing import directional_error


def maps(values):
    return torch.tensor(values, dtype=torch.float64)


def random_maps(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gradient_of(function, at):
    leaf = at.clone().requires_grad_(True)
    function(leaf).backward()
    return leaf.grad


def test_gram_matrix_by_hand():
    features = maps([[[1, 2, 3]], [[4, 5, 6]]])  # 2 channels at 1×3 positions
    assert losses.gram_matrix(features).tolist() == [[14, 32], [32, 77]]


def test_gram_matrix_does_not_care_where_things_are():
    features = random_maps(4, 5, 7)
    shuffled = features.flatten(1)[:, torch.randperm(35)].view(4, 7, 5)
    torch.testing.assert_close(losses.gram_matrix(features), losses.gram_matrix(shuffled), rtol=1e-14, atol=1e-14)


def test_content_loss_by_hand():
    # 1² + 0² + (−2)² + 0.5²: no half, not divided by anything
    assert float(losses.content_loss(maps([[[2, 3], [1, 0.5]]]), maps([[[1, 3], [3, 0]]]))) == 5.25


def test_style_loss_of_different_sizes_by_hand():
    generated = maps([[[1, 2, 3]], [[0, 1, 1]]])  # A/M = [[14, 5], [5, 2]] / 3
    style = maps([[[2], [0]], [[1], [3]]])  # A/M = [[4, 2], [2, 10]] / 2, at 2×1 positions
    # differences 8/3, 2/3, 2/3, −13/3; squares sum to 241/9; over 4·N² = 16
    assert float(losses.style_loss(generated, style)) == pytest.approx(241 / 144, rel=1e-15)


def test_style_loss_of_one_size_is_gatys_equation_4():
    generated, style = random_maps(5, 6, 7, seed=1), random_maps(5, 6, 7, seed=2)
    n, m = 5, 42
    difference = losses.gram_matrix(generated) - losses.gram_matrix(style)
    gatys = float((difference**2).sum()) / (4 * n**2 * m**2)
    assert float(losses.style_loss(generated, style)) == pytest.approx(gatys, rel=1e-13)
    by_moments = losses.gram_loss(moments(generated).gram, moments(style).gram)
    assert float(by_moments) == pytest.approx(gatys, rel=1e-13)


def test_style_loss_gradient_is_gatys_equation_6():
    generated, style = random_maps(5, 6, 7, seed=1), random_maps(5, 6, 7, seed=2)
    n, m = 5, 42
    difference = losses.gram_matrix(generated) - losses.gram_matrix(style)
    gatys = (difference @ generated.flatten(1) / (n**2 * m**2)).view_as(generated)
    mine = gradient_of(lambda g: losses.style_loss(g, style), generated)
    torch.testing.assert_close(mine, gatys, rtol=1e-12, atol=1e-15)


def test_total_variation_by_hand():
    picture = maps([[[[1, 2, 4], [1, 5, 0]]]])
    steps = [1, 2, 4, -5, 0, 3, -4]  # across, then down
    by_hand = sum(math.sqrt(step**2 + 0.03**2) - 0.03 for step in steps)
    assert float(losses.total_variation(picture)) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        lambda g, s: losses.content_loss(g, random_maps(4, 5, 3, seed=8)),
        losses.style_loss,
        lambda g, s: losses.total_variation(g),
        lambda g, s: moments_loss(moments(g), moments(s)),
        lambda g, s: moments_loss(moments(g, random_maps(5, 3, seed=3).abs()), moments(s)),
        lambda g, s: losses.gram_loss(moments(g, random_maps(5, 3, seed=3).abs()).gram, moments(s).gram),
    ],
    ids=["content", "style", "variation", "moments", "weighted moments", "weighted gram"],
)
def test_gradients_against_central_differences(loss):
    generated, style = random_maps(4, 5, 3, seed=4), random_maps(4, 7, 6, seed=5)
    gradient = gradient_of(lambda g: loss(g, style), generated)
    assert directional_error(lambda g: loss(g, style), gradient, generated, step=1e-5) < 1e-7


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_do_not_care_how_maps_lie_in_memory(weighted):
    weights = random_maps(5, 3, seed=3).abs() if weighted else None
    target = moments(random_maps(4, 7, 6, seed=5))
    rows_first = random_maps(4, 5, 3, seed=4)
    channels_last = rows_first[None].contiguous(memory_format=torch.channels_last).squeeze(0)
    assert channels_last.stride() != rows_first.stride()
    gradients = [
        gradient_of(lambda g: moments_loss(moments(g, weights), target), x) for x in (rows_first, channels_last)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_sums_of_bfloat16_are_kept_in_single_precision():
    features = random_maps(3, 40, 50).bfloat16()
    found, exact = moments(features), moments(features.double())
    assert found.second.dtype == torch.float32
    torch.testing.assert_close(found.second.double(), exact.second, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(
        losses.content_loss(features, 1.01 * features).double(),
        losses.content_loss(features.double(), (1.01 * features).double()),
        rtol=1e-5,
        atol=0,
    )


def test_losses_are_zero_only_for_equal_features():
    features, other = random_maps(4, 5, 3, seed=4), random_maps(4, 5, 3, seed=5)
    for loss in (losses.content_loss, losses.style_loss, lambda a, b: moments_loss(moments(a), moments(b))):
        assert float(loss(features, features)) == 0
        assert float(loss(features, other)) > 1e-3


def test_moments_by_hand():
    found = moments(maps([[[1, 2, 3]], [[4, 5, 6]]]), maps([[1, 0, 2]]))
    torch.testing.assert_close(found.second, maps([[19, 40], [40, 88]]))
    torch.testing.assert_close(found.first, maps([7, 16]))
    assert float(found.weight) == 3
    assert found.mean.tolist() == pytest.approx([7 / 3, 16 / 3])
    # the two places are 1, 4 once and 3, 6 twice: both channels have variance (1 + 18)/3 − (7/3)² = 8/9
    torch.testing.assert_close(found.covariance, maps([[8 / 9, 8 / 9], [8 / 9, 8 / 9]]))


def test_a_whole_weight_is_as_many_positions():
    features, times = random_maps(3, 4, 5), torch.randint(0, 4, (4, 5), generator=torch.Generator().manual_seed(3))
    repeated = features.flatten(1).repeat_interleave(times.flatten(), dim=1)[:, None]
    weighted, plain = moments(features, times.double()), moments(repeated)
    for name in ("second", "first", "weight", "gram", "mean", "covariance"):
        torch.testing.assert_close(getattr(weighted, name), getattr(plain, name), rtol=1e-12, atol=1e-12)


@given(row=st.integers(1, 8), column=st.integers(1, 10), weighted=st.booleans())
def test_moments_of_parts_add_up(row, column, weighted):
    features = random_maps(3, 9, 11)
    weights = random_maps(9, 11, seed=9).abs() if weighted else None
    rows, columns = (slice(0, row), slice(row, 9)), (slice(0, column), slice(column, 11))
    parts = [moments(features[:, r, c], None if weights is None else weights[r, c]) for r in rows for c in columns]
    total = parts[0] + parts[1] + parts[2] + parts[3]
    whole = moments(features, weights)
    for name in ("second", "first", "weight"):
        torch.testing.assert_close(getattr(total, name), getattr(whole, name), rtol=1e-12, atol=1e-12)


def test_moments_loss_by_hand():
    generated = Moments(maps([[14, 5], [5, 2]]), maps([6, 2]), maps(3))
    style = Moments(maps([[4, 2], [2, 10]]), maps([2, 4]), maps(2))
    # covariances [[14/3 − 4, 5/3 − 4/3], [·, 2/3 − 4/9]] and [[2 − 1, 1 − 2], [·, 5 − 4]]; means (2, 2/3) and (1, 2)
    spread = ((2 / 3 - 1) ** 2 + 2 * (1 / 3 + 1) ** 2 + (2 / 9 - 1) ** 2) / 4
    level = (1 + (4 / 3) ** 2) / 5
    assert float(moments_loss(generated, style)) == pytest.approx(spread + level, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-2, 1, 300])
def test_moments_loss_weighs_loud_and_quiet_features_alike(scale):
    generated, style = random_maps(4, 5, 3, seed=4), random_maps(4, 7, 6, seed=5)
    plain = float(moments_loss(moments(generated), moments(style)))
    assert float(moments_loss(moments(scale * generated), moments(scale * style))) == pytest.approx(plain, rel=1e-3)


def test_a_style_without_structure_does_not_drown_all_else():
    generated, flat = random_maps(4, 5, 3).abs(), torch.full((4, 7, 6), 1.5, dtype=torch.float64)
    assert float(moments_loss(moments(generated), moments(flat))) < 1e5


def test_calm_is_where_there_is_less_than_on_average():
    """A board of single pixels on the left, nothing on the right, in a picture of odd sizes."""
    picture = torch.full((1, 3, 97, 193), 0.5)
    picture[..., :90] += 0.4 * ((torch.arange(97)[:, None] + torch.arange(90)) % 2)
    calm = losses.calmness(picture)
    assert calm.shape == (1, 1, 97, 193)
    assert float(calm[..., :70].max()) == 0
    assert float(calm[..., 110:].min()) > 0.99


@pytest.mark.parametrize("shape", [(1, 3, 40, 60), (1, 3, 16, 900)])
def test_a_picture_with_the_same_everywhere_is_calm_nowhere(shape):
    for picture in (torch.full(shape, 0.3), torch.rand(shape) * 1e-6):
        assert float(losses.calmness(picture).max()) < 0.02


def test_usual_positions_count_in_full_and_further_ones_in_inverse_proportion():
    style = losses.moments(torch.tensor([[[1.0, 3.0, 1.0, 3.0]], [[0.0, 0.0, 4.0, 4.0]]]))  # means 2, 2; variances 1, 4
    features = torch.tensor([[[2.0, 2.0, 12.0]], [[2.0, 5.0, 2.0]]])  # squared deviations 0, 9, 100
    torch.testing.assert_close(losses.usualness(features, style, 2.0), torch.tensor([[1.0, 1.0, 10 / 100]]))
    torch.testing.assert_close(losses.usualness(features, style, 1.0), torch.tensor([[1.0, 5 / 9, 5 / 100]]))


@pytest.mark.parametrize("most", [1, 7, 50, 1000])
def test_a_product_in_pieces_is_the_product(most):
    flat = random_maps(5, 50)
    torch.testing.assert_close(losses.in_pieces(flat, most), flat @ flat.T, rtol=1e-12, atol=1e-12)

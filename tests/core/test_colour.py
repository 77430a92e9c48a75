"""Colours: distributions, luma, and what lies under transparency."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nst_core import colour
from tests.core.drawing import drawn, tensor


def picture(seed, height=37, width=45, dtype=torch.float64, **kwargs):
    return tensor(drawn(height, width, seed=seed, **kwargs), dtype)


def tinted(seed, matrix, mean, size=(37, 45)):
    """A picture with colours that go together in a way of their own, well inside [0, 1]."""
    waves = picture(seed, *size) - 0.5
    mixed = torch.einsum("ij,njhw->nihw", torch.tensor(matrix, dtype=torch.float64), waves)
    return mixed + torch.tensor(mean, dtype=torch.float64)[None, :, None, None]


WARM = tinted(1, [[0.5, 0.1, 0.0], [0.1, 0.6, 0.1], [0.1, 0.0, 0.5]], [0.55, 0.5, 0.45])
COOL = tinted(2, [[0.3, 0.0, 0.1], [0.0, 0.3, 0.05], [0.1, 0.1, 0.4]], [0.45, 0.5, 0.55], (52, 31))


def moments(picture, weights=None):
    flat = picture.flatten(2)[0].numpy()
    weights = None if weights is None else weights.flatten().numpy()
    return np.average(flat, 1, weights), np.cov(flat, ddof=0, aweights=weights)


def test_matched_has_the_wanted_mean_and_covariance():
    found = colour.matched(WARM, COOL)
    assert float(found.min()) > 0 and float(found.max()) < 1  # nothing was clamped
    (mean, covariance), (wanted_mean, wanted_covariance) = moments(found), moments(COOL)
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-12)
    # up to the little that keeps the map bounded for pictures without colours
    np.testing.assert_allclose(covariance, wanted_covariance, atol=0.02 * np.abs(wanted_covariance).max())


def test_matched_moves_colours_least():
    """It is one affine map, symmetric and positive: the optimal transport between Gaussians."""
    flat, found = WARM.flatten(2)[0].numpy(), colour.matched(WARM, COOL).flatten(2)[0].numpy()
    with_one = np.vstack([flat, np.ones(flat.shape[1])])
    solution, *_ = np.linalg.lstsq(with_one.T, found.T, rcond=None)
    np.testing.assert_allclose(solution.T @ with_one, found, atol=1e-9)
    transport = solution[:3].T
    np.testing.assert_allclose(transport, transport.T, atol=1e-9)
    assert (np.linalg.eigvalsh(transport) > 0).all()


def test_matched_to_itself_is_itself():
    torch.testing.assert_close(colour.matched(WARM, WARM), WARM, rtol=0, atol=0.01)


def test_matched_counts_what_weights_say():
    weights = torch.zeros(1, 1, 37, 45, dtype=torch.float64)
    weights[..., :20] = 1
    weights_like = tensor(drawn(52, 31, 1, seed=9), torch.float64)
    found = colour.matched(WARM, COOL, weights, weights_like)
    (mean, covariance), (wanted_mean, wanted_covariance) = moments(found, weights), moments(COOL, weights_like)
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-12)
    np.testing.assert_allclose(covariance, wanted_covariance, atol=0.02 * np.abs(wanted_covariance).max())
    hidden = WARM.clone()
    hidden[..., 20:] = 0.9
    changed = colour.matched(hidden, COOL, weights, weights_like)
    torch.testing.assert_close(changed[..., :20], found[..., :20], rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("content", ["colourful", "grey", "flat"])
def test_matched_to_grey_is_exactly_grey(dtype, content):
    grey = colour.luminance(COOL).expand(-1, 3, -1, -1).to(dtype)
    made = {"colourful": WARM, "grey": colour.luminance(WARM).expand(-1, 3, -1, -1), "flat": 0 * WARM + 0.3}
    found = colour.matched(made[content].to(dtype), grey)
    assert torch.equal(found[:, 0], found[:, 1]) and torch.equal(found[:, 1], found[:, 2])
    assert abs(float(found.mean() - grey.mean())) < 1e-3


@pytest.mark.parametrize(
    "make", [lambda p: p * 0 + 0.4, lambda p: p * 0, lambda p: p * 0 + 1, lambda p: p[:, :1].expand(-1, 3, -1, -1)]
)
def test_matched_stands_pictures_without_colours(make):
    for a, b in ((make(WARM), COOL), (WARM, make(COOL)), (make(WARM), make(COOL))):
        found = colour.matched(a, b)
        assert bool(torch.isfinite(found).all()) and float(found.min()) >= 0 and float(found.max()) <= 1
        np.testing.assert_allclose(moments(found)[0], moments(b)[0], atol=0.02)


@given(seed=st.integers(0, 50), contrast=st.floats(0, 3), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_with_luminance_keeps_luma_and_stays_in_range(seed, contrast, dtype):
    """Whatever the colours, saturated ones and ones from outside [0, 1] included."""
    lightness, colours = picture(seed, contrast=2.0, dtype=dtype), contrast * picture(seed + 100, dtype=dtype)
    found = colour.with_luminance(lightness, colours)
    tiny = 1e-6 if dtype == torch.float32 else 1e-14
    torch.testing.assert_close(colour.luminance(found), colour.luminance(lightness), rtol=0, atol=tiny)
    assert float(found.min()) >= -tiny and float(found.max()) <= 1 + tiny


def test_with_luminance_keeps_colours_where_there_is_room():
    lightness = 0.45 + 0.1 * picture(1)
    colours = 0.4 + 0.2 * picture(2)
    found = colour.with_luminance(lightness, colours)
    chroma, wanted = found - colour.luminance(found), colours - colour.luminance(colours)
    torch.testing.assert_close(chroma, wanted, rtol=0, atol=1e-12)


def test_with_luminance_of_itself_is_itself():
    torch.testing.assert_close(colour.with_luminance(picture(1), picture(1)), picture(1), rtol=0, atol=1e-12)


def test_with_luminance_lowers_chroma_at_the_same_hue():
    found = colour.with_luminance(torch.full((1, 3, 1, 1), 0.9), torch.tensor([0.9, 0.1, 0.1])[None, :, None, None])
    chroma = (found - colour.luminance(found)).flatten()
    wanted = torch.tensor([0.9, 0.1, 0.1]) - (0.299 * 0.9 + 0.701 * 0.1)
    assert float(found.max()) == pytest.approx(1)
    torch.testing.assert_close(chroma / chroma.norm(), wanted / wanted.norm(), rtol=0, atol=1e-5)


def test_is_grey():
    grey = picture(1)[:, :1].expand(-1, 3, -1, -1).clone()
    assert colour.is_grey(grey)
    grey[0, 1, 5, 7] += 2 / 255
    assert not colour.is_grey(grey)


@pytest.mark.parametrize("size", [(37, 45), (16, 16), (300, 17), (17, 64)])
def test_filled_leaves_visible_pixels_alone(size):
    colours = picture(1, *size)
    alpha = torch.ones(1, 1, *size, dtype=torch.float64)
    alpha[..., : size[1] // 2] = 0
    found = colour.filled(colours, alpha)
    seen = alpha.expand_as(colours) == 1
    assert torch.equal(found[seen], colours[seen])
    assert bool(torch.isfinite(found).all())


@pytest.mark.parametrize("size", [(37, 45), (300, 17)])
def test_filled_knows_nothing_of_what_is_hidden(size):
    alpha = tensor(drawn(*size, 2, seed=3)[..., 1:], torch.float64)
    assert float(alpha.min()) == 0 < float(alpha.max())
    colours, hidden = picture(1, *size), picture(1, *size)
    hidden[(alpha == 0).expand_as(hidden)] = 0.987
    assert torch.equal(colour.filled(colours, alpha), colour.filled(hidden, alpha))


def test_filled_gives_colours_of_the_neighbourhood():
    colours = torch.zeros(1, 3, 40, 60, dtype=torch.float64)
    colours[:, 0, :, :20], colours[:, 1, :, 40:] = 0.8, 0.6  # red on the left, green on the right
    alpha = torch.ones(1, 1, 40, 60, dtype=torch.float64)
    alpha[..., 20:40] = 0
    found = colour.filled(colours, alpha)
    assert float(found[:, 0, :, 20:23].min()) > 0.5 > 0.2 > float(found[:, 0, :, 37:40].max())
    assert float(found[:, 1, :, 37:40].min()) > 0.4 > 0.2 > float(found[:, 1, :, 20:23].max())
    assert float(found.min()) >= 0 and float(found.max()) <= 0.8 + 1e-12


def test_filled_where_all_is_hidden_is_finite():
    found = colour.filled(picture(1), torch.zeros(1, 1, 37, 45, dtype=torch.float64))
    assert bool(torch.isfinite(found).all())


def test_toned_to_itself_is_itself():
    luma = colour.luminance(WARM)
    torch.testing.assert_close(colour.toned(luma, luma), luma, rtol=0, atol=2e-3)


def test_toned_is_halfway_between_the_line_and_the_curve():
    """Tones spread evenly from 0.2 to 0.4, and the squares of such from 0 to 1, whose curve and moments are known."""
    share = torch.linspace(0, 1, 50_001)[None, None, None]
    mean, deviation = 1 / 3, (1 / 5 - 1 / 9) ** 0.5
    line = (share - 0.5) * 12**0.5 * deviation + mean
    wanted = ((line + share**2) / 2).clamp(0, 1)
    found = colour.toned(0.2 + 0.2 * share, share**2)
    torch.testing.assert_close(found, wanted, rtol=0, atol=5e-3)
    assert bool((found.diff(dim=3) >= 0).all())  # nothing lighter becomes darker


def test_toned_counts_what_weights_say():
    luma = colour.luminance(WARM)
    like = luma.flip(3) ** 2
    hidden = torch.zeros_like(luma)
    hidden[..., ::2] = 1
    found = colour.toned(luma, like, 1 - hidden)
    again = colour.toned(luma.lerp(luma.flip(2), hidden), like.lerp(1 - like, hidden), 1 - hidden)
    seen = hidden == 0
    torch.testing.assert_close(found[seen], again[seen])


def test_toned_keeps_to_the_range_whatever_comes():
    flat = torch.full((1, 1, 9, 7), 0.3)
    for luma, like in ((flat, colour.luminance(COOL)), (colour.luminance(WARM), flat), (flat, 1 - flat)):
        found = colour.toned(luma, like)
        assert found.shape == luma.shape and bool(((found >= 0) & (found <= 1)).all())


def test_tinted_has_the_same_green_and_other_colours():
    grey = torch.linspace(0, 1, 11).expand(1, 3, 1, 11)
    found = colour.tinted(grey, 1.5)
    torch.testing.assert_close(
        found[0, :, 0], torch.stack([grey[0, 0, 0] ** 1.5, grey[0, 0, 0], grey[0, 0, 0] ** (2 / 3)])
    )
    assert bool((found[0, 0, 0, 1:-1] < found[0, 2, 0, 1:-1]).all())

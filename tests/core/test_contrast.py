"""Strokes that are as crisp as the style's: what is measured, and what is given back."""

import math

import pytest
import torch

from nst_core import painting
from nst_core.pyramid import blurred
from nst_core.settings import Settings
from nst_core.sharpness import AS_CRISP, FINEST, MOST, SEEN, crispness, lacking, sharpened
from nst_core.stylizing import _prepared, stylize
from tests.core.drawing import drawn


def waves(height, width, length):
    """Grey waves of that length in pixels, of amplitude 0.1, across the picture."""
    wave = 0.1 * torch.sin(2 * math.pi * (torch.arange(width) + 0.5) / length)
    return 0.5 + wave.expand(1, 3, height, width).contiguous()


def picture(seed, height=300, width=400):
    return torch.from_numpy(drawn(height, width, seed=seed)[..., :3]).float().permute(2, 0, 1)[None].contiguous()


@pytest.mark.parametrize("length", [4, 8, 16])
def test_the_contrast_of_waves_is_what_the_blur_takes_of_them(length):
    """A Gaussian of deviation σ leaves exp(−2π²σ²/λ²) of a wave of length λ; what it takes is measured, as a root mean
    square."""
    deviation = 400 * FINEST
    wanted = 0.1 / math.sqrt(2) * (1 - math.exp(-2 * (math.pi * deviation / length) ** 2))
    assert crispness(waves(300, 400, length), None, 400) == pytest.approx(wanted, rel=0.08)


@pytest.mark.parametrize("times", [0.5, 1, 2])
def test_waves_are_sharpened_by_what_the_blur_takes_of_them_where_they_are_shown(times):
    """By :func:`test_the_contrast_of_waves_is_what_the_blur_takes_of_them`'s formula, for a style that long."""
    deviation, length, amount = 400 * FINEST, 6, 0.5
    taken = 1 - math.exp(-2 * (math.pi * deviation / length) ** 2)
    style = waves(round(300 * times), round(400 * times), length)
    contrast = (sharpened(style, amount, times) - 0.5).std() / (style - 0.5).std()
    assert contrast == pytest.approx(1 + amount * taken, rel=0.02)


def test_only_what_is_seen_counts():
    both = torch.cat([waves(300, 200, 4), waves(300, 200, 16)], 3)
    visible = torch.zeros(1, 1, 300, 400)
    visible[..., 200:] = 1
    assert crispness(both, visible, 400) == pytest.approx(crispness(waves(300, 400, 16), None, 400), rel=0.1)


def test_a_style_that_is_shown_twice_as_long_is_measured_so():
    """By the pixels of the picture that it is shown in: its waves are twice as long there."""
    assert crispness(waves(300, 400, 4), None, 400, 2) == pytest.approx(
        crispness(waves(600, 800, 8), None, 400, 2), rel=0.1
    )
    assert crispness(waves(300, 400, 4), None, 400, 2) < 0.6 * crispness(waves(300, 400, 4), None, 400)


def test_the_same_picture_is_as_crisp_at_any_size():
    large = picture(1, 900, 1200)
    small = torch.nn.functional.avg_pool2d(large, 2)
    assert crispness(small, None, 600) == pytest.approx(crispness(large, None, 1200), rel=0.25)


def test_a_soft_picture_is_given_back_what_it_lacks():
    crisp = picture(2)
    soft = blurred(crisp, 0.5)
    wanted = crispness(crisp, None, 400)
    lack = lacking(soft, wanted, None)
    assert 0 < lack <= MOST
    mended = sharpened(soft, lack)
    before, after = ((x - crisp).square().mean() for x in (soft, mended))
    assert after < 0.8 * before
    assert crispness(soft, None, 400) < crispness(mended, None, 400) <= 1.05 * wanted


def test_a_picture_that_is_as_crisp_is_left_alone():
    crisp = picture(3)
    assert lacking(crisp, AS_CRISP * crispness(crisp, None, 400), None) == pytest.approx(0, abs=1e-6)
    assert sharpened(crisp, 0.0) is crisp


def test_shapes_and_light_are_left_alone():
    broad = blurred(picture(4), 12)
    assert (sharpened(broad, MOST) - broad).abs().max() < 0.02


def test_grain_of_large_pictures_is_left_alone():
    grain = 0.5 + 0.1 * torch.randn(1, 3, 2 * SEEN, 4 * SEEN, generator=torch.Generator().manual_seed(0))
    finer = (sharpened(grain, MOST) - grain).square().mean() / (grain - 0.5).square().mean()
    assert finer < 0.01


@pytest.mark.parametrize("size", [(16, 16), (16, 300), (33, 20)])
def test_small_pictures_have_nothing_to_mend(size):
    small = picture(5, *size)
    lack = lacking(small, 1.0, None)
    assert torch.isfinite(sharpened(small, lack)).all() and sharpened(small, lack).shape == small.shape


def test_the_styles_crispness_is_of_the_style_as_it_came():
    """Not of what is enlarged for the scales, which is softer."""
    content, style = drawn(150, 200, seed=1)[..., :3], drawn(150, 200, seed=6)[..., :3]
    pictures = _prepared(content, style, Settings())
    came = torch.from_numpy(style).permute(2, 0, 1)[None].contiguous()
    assert pictures.style.shape[3] > 200
    assert pictures.crispness == pytest.approx(crispness(came, None, 200), rel=1e-5)


@pytest.mark.parametrize(("strength", "keener"), [(50, 0.2), (75, 0.1), (100, 0.0)])
def test_the_search_sees_a_style_as_sharp_as_it_is_and_a_little_keener(monkeypatch, strength, keener):
    """Waves of 4 pixels where they are painted, in a file half as large again, as in nearly all that artists have.
    Bicubic filters would leave 0.93 of them."""
    seen = []

    class Seen(painting.Objective):
        def __init__(self, network, weights, content, style, *args, **kwargs):
            seen.append(style)
            super().__init__(network, weights, content, style, *args, **kwargs)

    monkeypatch.setattr(painting, "Objective", Seen)
    settings = Settings(strength=strength, quality="draft", evaluations=1)
    content, style = (x[0].permute(1, 2, 0).numpy() for x in (picture(4, 216, 288), waves(324, 432, 6)))
    stylize(content, style, settings)
    taken = 1 - math.exp(-2 * (math.pi * 288 * FINEST / 4) ** 2)
    style = seen[0]  # of the usual search, before any gentle one
    contrast = (style[..., 8:-8, 8:-8] - 0.5).std() / (0.1 / math.sqrt(2))
    assert style.shape[2:] == (216, 288)
    assert contrast == pytest.approx(1 + keener * taken, abs=0.015)

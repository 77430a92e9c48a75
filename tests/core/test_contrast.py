"""The style's contrast in bands of detail: what is measured, and what is given back."""

import math

import pytest
import torch

from nst_core import painting
from nst_core.contrast import AMOUNTS, BANDS, FINEST, SEEN, Sample, lacking, sample, sharpened, with_contrast
from nst_core.pyramid import blurred, lanczos
from nst_core.samples.painting import painting as painted
from nst_core.settings import Settings
from nst_core.stylizing import _prepared, stylize
from tests.core.drawing import drawn, tensor

NONE = (0.0,) * len(BANDS)


def waves(height, width, length):
    """Grey waves of that length in pixels, of amplitude 0.1, across the picture."""
    wave = 0.1 * torch.sin(2 * math.pi * (torch.arange(width) + 0.5) / length)
    return 0.5 + wave.expand(1, 3, height, width).contiguous()


def picture(seed, height=300, width=400):
    return tensor(drawn(height, width, seed=seed)[..., :3])


def left(deviation, length):
    """What a Gaussian of deviation σ leaves of a wave of length λ: exp(−2π²σ²/λ²)."""
    return math.exp(-2 * (math.pi * deviation / length) ** 2)


@pytest.mark.parametrize("length", [4, 10, 40])
@pytest.mark.parametrize("band", range(len(BANDS)))
def test_waves_are_made_stronger_by_what_is_between_two_blurs(band, length):
    deviations = [0, *(400 * share for share in BANDS)][band : band + 2]
    amounts = [0.5 if number == band else 0.0 for number in range(len(BANDS))]
    before = waves(300, 400, length)
    contrast = (with_contrast(before, tuple(amounts)) - 0.5)[..., 60:-60].std() / (before - 0.5)[..., 60:-60].std()
    finer, broader = (left(deviation, length) for deviation in deviations)
    assert contrast == pytest.approx(1 + 0.5 * (finer - broader), rel=0.02)


@pytest.mark.parametrize("times", [0.5, 1, 2])
def test_waves_are_sharpened_by_what_the_blur_takes_of_them_where_they_are_shown(times):
    deviation, length, amount = 400 * FINEST, 6, 0.5
    style = waves(round(300 * times), round(400 * times), length)
    contrast = (sharpened(style, amount, times) - 0.5).std() / (style - 0.5).std()
    assert contrast == pytest.approx(1 + amount * (1 - left(deviation, length)), rel=0.02)


STYLE = tensor(painted(300, 400))


@pytest.mark.parametrize("taken", [(-0.2, 0, 0), (0, -0.2, 0), (0, 0, -0.2), (-0.2, -0.15, 0.1), (0.08, 0.08, 0.08)])
def test_what_was_taken_is_given_back(taken):
    """Of the style itself, whose patches are known to be the style's: with so much more, or less, of each band."""
    changed = with_contrast(STYLE, taken).clamp(0, 1)
    mended = with_contrast(changed, lacking(changed, sample(STYLE, None, 400))).clamp(0, 1)
    before, after = ((x - STYLE).square().mean() for x in (changed, mended))
    assert after < 0.6 * before


def test_a_picture_with_the_styles_contrast_is_left_alone():
    amounts = lacking(STYLE, sample(STYLE, None, 400))
    assert max(map(abs, amounts)) < 0.03
    assert with_contrast(STYLE, NONE) is STYLE and sharpened(STYLE, 0.0) is STYLE


def test_what_is_lacking_does_not_depend_on_the_size():
    soft = with_contrast(STYLE, (-0.2, -0.1, 0))
    small = lanczos(soft, 225, 300)
    amounts = [lacking(x.clamp(0, 1), sample(STYLE, None, x.shape[3])) for x in (soft, small)]
    assert amounts[0] == pytest.approx(amounts[1], abs=0.15)


def test_no_more_is_changed_than_eyes_bear():
    for other in (torch.rand(1, 3, 200, 300, generator=torch.Generator().manual_seed(0)), blurred(STYLE, 5)):
        for amount, (least, most) in zip(lacking(other, sample(STYLE, None, 300)), AMOUNTS, strict=True):
            assert least <= amount <= most


def test_only_what_is_seen_counts():
    """What is hidden is soft here, in the picture, and there, in the style."""
    half = torch.zeros(1, 1, 300, 400)
    half[..., 200:] = 1
    style = picture(2)
    soft = torch.where(half > 0, style, blurred(style, 4))
    assert max(map(abs, lacking(soft, sample(style, None, 400), half))) < 0.06
    assert max(map(abs, lacking(style, sample(soft, half, 400)))) < 0.06
    assert max(lacking(soft, sample(style, None, 400))) > 0.1


def test_a_style_that_is_shown_larger_is_measured_so():
    """As a part of it is, then; so is one that is shown smaller, and comes several times."""
    larger = lanczos(STYLE, 600, 800).clamp(0, 1)[..., 100:400, 100:500]
    smaller = lanczos(STYLE, 120, 160).clamp(0, 1).tile(2, 2)
    for times, shown in ((2.0, larger), (0.5, smaller)):
        found, other = (sample(STYLE, None, shown.shape[3], n) for n in (times, 1.0))
        assert found.style.shape[3] == 320 * times
        change, wrong = (float((with_contrast(shown, lacking(shown, x)) - shown).std()) for x in (found, other))
        assert change < 0.5 * wrong, times


def test_light_is_left_alone():
    broad = blurred(waves(300, 400, 400), 3)
    assert (with_contrast(broad, (0.4, 0.3, 0.3)) - broad)[..., 40:-40].abs().max() < 0.004


def test_grain_of_large_pictures_is_left_alone():
    grain = 0.5 + 0.1 * torch.randn(1, 3, 2 * SEEN, 4 * SEEN, generator=torch.Generator().manual_seed(0))
    finer = (with_contrast(grain, (0.4, 0.0, 0.0)) - grain).square().mean() / (grain - 0.5).square().mean()
    assert finer < 0.02


@pytest.mark.parametrize("size", [(16, 16), (16, 300), (33, 20)])
def test_small_pictures_have_as_little_to_mend(size):
    small = picture(5, *size)
    amounts = lacking(small, sample(picture(6, *size), None, max(size)))
    mended = with_contrast(small, amounts)
    assert torch.isfinite(mended).all() and mended.shape == small.shape
    assert lacking(small, Sample(picture(6, 10, 10), None)) == NONE  # without room for a patch


def test_the_sample_is_of_the_style_as_it_came():
    """Not of what is enlarged for the scales, which is softer."""
    content, style = drawn(150, 200, seed=1)[..., :3], drawn(150, 200, seed=6)[..., :3]
    pictures = _prepared(content, style, Settings())
    assert pictures.style.shape[3] > 200
    assert torch.allclose(pictures.sample.style, tensor(style), atol=1e-5)


def test_the_sample_is_in_the_colours_that_are_wished_for():
    content, style = drawn(150, 200, seed=1)[..., :3], painted(150, 200)
    pictures = _prepared(content, style, Settings(keep_colours="palette"))
    means, wanted = (x.mean((0, 2, 3)) for x in (pictures.sample.style, tensor(content)))
    assert torch.allclose(means, wanted, atol=0.03)
    assert not torch.allclose(tensor(style).mean((0, 2, 3)), wanted, atol=0.03)


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
    taken = 1 - left(288 * FINEST, 4)
    style = seen[0]  # of the usual search, before any gentle one
    contrast = (style[..., 8:-8, 8:-8] - 0.5).std() / (0.1 / math.sqrt(2))
    assert style.shape[2:] == (216, 288)
    assert contrast == pytest.approx(1 + keener * taken, abs=0.015)

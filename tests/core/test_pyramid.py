"""The scales, and the way from one to the next."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nst_core.pyramid import broad, carried_up, extent, lanczos, resized, schedule
from tests.core.drawing import drawn, tensor

SIDES, QUALITIES = st.integers(16, 5000), st.sampled_from(["draft", "normal", "fine"])


@given(height=SIDES, width=SIDES, quality=QUALITIES, effort=st.floats(1, 2))
def test_scales_grow_to_the_picture_or_to_what_small_ones_are_computed_at(height, width, quality, effort):
    scales = schedule(height, width, quality, effort=effort)
    sizes = [(scale.height, scale.width) for scale in scales]
    assert sizes == sorted(sizes) and all(min(size) >= 16 for size in sizes)
    assert all(max(a) < max(b) for a, b in itertools.pairwise(sizes))
    longest = extent(height, width)
    finest = {"draft": min(longest, 288), "normal": min(2 * longest, 768), "fine": max(longest, min(2 * longest, 768))}
    assert sizes[-1] == tuple(max(16, round(n * finest[quality] / longest)) for n in (height, width))
    assert all(scale.evaluations > 0 for scale in scales)
    if quality == "fine" and longest >= 768:
        assert sizes[-1] == (height, width)


@given(height=SIDES, width=SIDES)
def test_more_effort_is_more_evaluations_at_the_same_scales(height, width):
    once, twice = (schedule(height, width, "normal", effort=effort) for effort in (1, 2))
    assert [(s.height, s.width) for s in once] == [(s.height, s.width) for s in twice]
    assert sum(s.evaluations for s in twice) >= 1.7 * sum(s.evaluations for s in once)


@given(height=SIDES, width=SIDES)
def test_a_better_quality_starts_alike_and_goes_further(height, width):
    draft, normal, fine = (schedule(height, width, quality)[-1] for quality in ("draft", "normal", "fine"))
    assert draft.height <= normal.height <= fine.height and draft.width <= normal.width <= fine.width


@given(height=SIDES, width=SIDES, quality=QUALITIES, largest=st.integers(16, 6000), evaluations=st.integers(1, 999))
def test_the_largest_scale_and_its_evaluations_can_be_given(height, width, quality, largest, evaluations):
    last = schedule(height, width, quality, largest, evaluations)[-1]
    longest, counted = max(height, width), extent(height, width)
    least = 0 if quality == "draft" else min(2 * counted, 768)
    finest = min(largest, max(counted, least) * longest / counted)
    assert max(last.height, last.width) == max(16, round(finest))
    assert last.evaluations == evaluations


@given(height=st.integers(400, 3000), width=st.integers(400, 3000), quality=QUALITIES)
def test_scales_keep_the_pictures_shape(height, width, quality):
    for scale in schedule(height, width, quality):
        if min(scale.height, scale.width) > 16:
            # as near as whole pixels allow
            assert abs(scale.height * width - scale.width * height) <= 0.5 * (height + width) + 1


@pytest.mark.parametrize("size", [(61, 83), (100, 37)])
def test_what_is_enlarged_and_reduced_again_is_what_it_was(size):
    """Waves of three pixels, away from the borders; a bicubic filter leaves them softer."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in size), indexing="ij")
    picture = torch.stack([0.5 + 0.4 * torch.sin(a * x + b * y) for a, b in ((1.8, 1.2), (0.9, -1.9), (2.1, 0.3))])
    larger = [2 * n + 1 for n in size]

    def error(way):
        return float((way(way(picture[None], *larger), *size) - picture)[..., 9:-9, 9:-9].abs().mean())

    assert error(lanczos) < 0.35 * error(resized)


def test_broad_shapes_are_what_is_left_without_finer_ones():
    """A wave as long as the side stays, those of an eighth of what is asked for go, and the light is left alone."""
    x = torch.arange(256, dtype=torch.float64) / 256 * 2 * torch.pi
    long, short = (torch.sin(n * x).expand(1, 3, 192, 256) for n in (1, 128))
    found = broad(0.5 + 0.2 * long + 0.2 * short, 1 / 16)
    torch.testing.assert_close(broad(0.5 + 0.2 * long, 1 / 16), found, rtol=0, atol=1e-3)
    assert float((found - 0.5).std() / (0.2 * long).std()) > 0.9
    assert float(found.mean()) == pytest.approx(0.5, abs=1e-3)


def test_an_unchanged_picture_is_carried_up_unchanged():
    fine = tensor(drawn(61, 47), torch.float64)
    coarse = resized(fine, 31, 24)
    torch.testing.assert_close(carried_up(coarse, coarse, fine), fine, rtol=0, atol=1e-12)


def test_a_change_is_carried_up_to_its_place():
    fine = tensor(drawn(60, 48), torch.float64)
    coarse = resized(fine, 30, 24)
    painted = coarse.clone()
    painted[..., 10:20, 8:16] += 0.2
    change = carried_up(painted, coarse, fine) - fine
    torch.testing.assert_close(
        change[..., 24:36, 20:28], torch.full((1, 3, 12, 8), 0.2, dtype=torch.float64), rtol=0, atol=0.01
    )
    assert float(change[..., :15, :].abs().max()) < 1e-12 and float(change[..., :, 38:].abs().max()) < 1e-12


@pytest.mark.parametrize("smaller", [resized, lanczos])
def test_smaller_pictures_keep_the_mean_and_have_no_moiré(smaller):
    lines = torch.zeros(1, 3, 120, 120)
    lines[..., ::2] = 1  # far finer than the small picture can show
    small = smaller(lines, 31, 29)
    assert small.shape == (1, 3, 31, 29)
    assert float((small[..., 2:-2, 2:-2] - 0.5).abs().max()) < 0.05
    assert smaller(lines, 120, 120) is lines


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_up_to_twice_as_long_as_it_is_wide_a_picture_counts_by_its_longest_side(short, long):
    short, long = sorted((short, long))
    assert extent(short, long) == extent(long, short)
    if long <= 2 * short:
        assert extent(short, long) == long
    else:
        assert 2 * short <= extent(short, long) < long
        assert extent(short, long) ** 2 == pytest.approx(2 * short * long)


def test_a_banner_is_computed_at_as_many_pixels_as_other_pictures():
    """A strip of 2000×60 would be 23 pixels high if it were 768 pixels long."""
    for quality in ("draft", "normal"):
        strip, plain = (schedule(*size, quality)[-1] for size in ((60, 2000), (600, 1200)))
        assert strip.height * strip.width == pytest.approx(plain.height * plain.width, rel=0.03)
        assert strip.width / strip.height == pytest.approx(2000 / 60, rel=0.03)

"""The scales, and the way from one to the next."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from nst_core.pyramid import carried_up, resized, schedule
from tests.core.drawing import drawn, tensor

SIDES, QUALITIES = st.integers(16, 5000), st.sampled_from(["draft", "normal", "fine"])


@given(height=SIDES, width=SIDES, quality=QUALITIES, brush_size=st.floats(25, 400), effort=st.floats(1, 2))
def test_scales_grow_to_no_more_than_the_picture(height, width, quality, brush_size, effort):
    scales = schedule(height, width, quality, effort=effort, brush_size=brush_size)
    sizes = [(scale.height, scale.width) for scale in scales]
    assert sizes == sorted(sizes) and all(min(size) >= 16 for size in sizes)
    assert all(max(a) < max(b) for a, b in itertools.pairwise(sizes))
    assert sizes[-1][0] <= height and sizes[-1][1] <= width
    assert all(scale.evaluations > 0 and scale.work > 0 for scale in scales)
    if quality == "fine":
        assert sizes[-1] == (height, width)


@given(side=st.integers(500, 5000), quality=QUALITIES)
def test_a_larger_brush_begins_coarser_and_ends_alike(side, quality):
    sizes = [schedule(side, side, quality, brush_size=brush) for brush in (50, 100, 200, 400)]
    begins = [scales[0].height for scales in sizes]
    assert begins == sorted(set(begins), reverse=True)
    assert len({scales[-1] for scales in sizes}) == 1


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
    assert max(last.height, last.width) == min(largest, max(height, width))
    assert last.evaluations == evaluations


@given(height=st.integers(400, 3000), width=st.integers(400, 3000), quality=QUALITIES)
def test_scales_keep_the_pictures_shape(height, width, quality):
    for scale in schedule(height, width, quality):
        if min(scale.height, scale.width) > 16:
            # as near as whole pixels allow
            assert abs(scale.height * width - scale.width * height) <= 0.5 * (height + width) + 1


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


def test_resized_keeps_the_mean_and_makes_no_moiré():
    lines = torch.zeros(1, 3, 120, 120)
    lines[..., ::2] = 1  # far finer than the small picture can show
    small = resized(lines, 31, 29)
    assert small.shape == (1, 3, 31, 29)
    assert float((small[..., 2:-2, 2:-2] - 0.5).abs().max()) < 0.05
    assert resized(lines, 120, 120) is lines

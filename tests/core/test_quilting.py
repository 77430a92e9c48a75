"""Quilts of real pixels: what is laid where, at any size, and how it becomes a start."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nst_core import quilting, starting
from nst_core.colour import matched
from nst_core.pyramid import resized
from nst_core.quilting import Plan, laid, plan
from nst_core.recipe import recipe
from nst_core.samples.painting import painting
from nst_core.samples.scene import scene
from nst_core.settings import Settings
from tests.core.drawing import drawn, tensor

STYLE = tensor(painting(160, 250))
CONTENT = matched(tensor(scene(192, 256)), STYLE)


def distance(a, b):
    return float((a - b).abs().mean())


def quilt(content=CONTENT, style=STYLE, seed=0, **values):
    return laid(plan(content, style, seed, **values), style, *content.shape[2:])


@given(
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    style=st.tuples(st.integers(16, 60), st.integers(16, 120)),
    brush_size=st.sampled_from([25.0, 60.0, 100.0, 400.0]),
    likeness=st.floats(0.05, 1),
)
@hypothesis_settings(max_examples=25, deadline=None)
def test_a_quilt_covers_everything_with_pieces_that_lie_in_the_style(height, width, style, brush_size, likeness):
    content, of_style = tensor(drawn(height, width)), 0.3 + 0.5 * tensor(drawn(*style, seed=4))
    factor = max(height, width) / max(style) * brush_size / 100
    of_style = resized(of_style, *(max(2, round(n * factor)) for n in style)).clamp(0.3, 0.8)
    planned = plan(content, of_style, 0, brush_size, likeness)
    assert planned.pieces and all(p.size > 0 and min(p.source_top, p.source_left) >= 0 for p in planned.pieces)
    out = laid(planned, of_style, height, width)
    assert out.shape == content.shape
    assert float(out.min()) > 0.3 - 1e-5 and float(out.max()) < 0.8 + 1e-5  # nothing is left empty, nothing added up


def test_what_can_be_laid_out_exactly_nearly_is(monkeypatch):
    """With itself for a style, every piece is there already, at its own place."""
    monkeypatch.setattr(quilting, "REUSE", 0)
    monkeypatch.setattr(quilting, "CHANCE", 0)
    picture = tensor(scene(150, 201))
    turned = picture.flip(3)
    same, other = (distance(quilt(picture, style), picture) for style in (picture, turned))
    assert same < 0.03 and same < other / 1.5


def test_a_quilt_is_like_the_content_and_made_of_the_style():
    out = quilt()
    assert distance(out, CONTENT) < 0.8 * distance(out.flip(3), CONTENT)
    colours = out.flatten(2)[0].T[::7]
    there = STYLE.flatten(2)[0].T
    nearest = torch.cdist(colours, there[::3]).min(1).values
    assert float(nearest.mean()) < 0.03


def test_less_likeness_leaves_less_of_the_content():
    much, little = (distance(resized(quilt(likeness=x), 24, 32), resized(CONTENT, 24, 32)) for x in (1.0, 0.01))
    assert much < 0.9 * little


def test_a_seed_gives_one_quilt_and_another_seed_another():
    assert torch.equal(quilt(seed=3), quilt(seed=3))
    assert distance(quilt(seed=3), quilt(seed=4)) > 0.01


@pytest.mark.parametrize("factor", [0.6, 2.3])
def test_a_plan_shows_the_same_at_every_size(factor):
    planned = plan(CONTENT, STYLE, 0)
    height, width = (round(n * factor) for n in CONTENT.shape[2:])
    style = resized(STYLE, *(round(n * factor) for n in STYLE.shape[2:])).clamp(0, 1)
    here, there = laid(planned, STYLE, *CONTENT.shape[2:]), laid(planned, style, height, width)
    assert distance(resized(here, 48, 64), resized(there, 48, 64)) < 0.03


def test_a_larger_brush_lays_larger_pieces():
    sizes = [max(p.size for p in plan(CONTENT, STYLE, 0, brush).pieces) for brush in (50, 100, 200)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_what_is_transparent_in_the_style_is_not_laid():
    style = STYLE.clone()
    style[..., 125:] = torch.tensor([1.0, 0, 1])[:, None, None]  # magenta, which nobody sees
    visible = torch.ones(1, 1, *style.shape[2:])
    visible[..., 125:] = 0
    content = torch.cat([CONTENT[..., :128], torch.tensor([1.0, 0, 1])[None, :, None, None].expand(1, 3, 192, 128)], 3)
    magenta = [
        (out[:, 0] - out[:, 1]).amax() for out in (quilt(content, style), quilt(content, style, visible=visible))
    ]
    assert magenta[0] > 0.9 > 0.6 > magenta[1]


def test_pieces_fade_into_each_other_without_a_step():
    """Two pieces of two greys, the second faded in over what the first shows."""
    style = torch.cat([torch.full((1, 3, 20, 20), v) for v in (0.2, 0.8)], 3)
    pieces = [
        quilting.Piece(0, 0, 0, 0, 20, (0, 0, 0, 0)),
        quilting.Piece(0, 10, 0, 20, 20, (0, 10, 0, 0)),
    ]
    row = laid(Plan(pieces, 30), style, 20, 30)[0, 0, 10]
    assert torch.allclose(row[:10], torch.tensor(0.2)) and torch.allclose(row[20:], torch.tensor(0.8))
    torch.testing.assert_close(row.diff()[10:19], torch.full((9,), 0.06))


def test_the_start_has_the_contents_shapes_and_the_quilts_strokes():
    middle, out = recipe(Settings(), "built-in"), quilt()
    start = starting.with_quilt(CONTENT, out, middle)
    small, smaller = (resized(x, 12, 16) for x in (start, out))
    assert distance(small, resized(CONTENT, 12, 16)) < distance(smaller, resized(CONTENT, 12, 16))
    fine = [x - resized(resized(x, 48, 64), 192, 256) for x in (start, out, CONTENT)]
    assert float((fine[0] * fine[1]).mean()) > float((fine[0] * fine[2]).mean()) > 0
    assert torch.equal(starting.with_quilt(CONTENT, out, replace(middle, quilt=0.0)), CONTENT)
    all_of_it = replace(middle, quilt=1.0, broad=0.0, drawing=0.0)
    torch.testing.assert_close(starting.with_quilt(CONTENT, out, all_of_it), out.clamp(0, 1))

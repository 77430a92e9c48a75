"""The content in the style's strokes, on real pixels: what is taken from where, at any size, and how it is a start."""

import itertools
from dataclasses import replace

import pytest
import torch
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nst_core import plan, showing, starting, synthesis
from nst_core.colour import matched
from nst_core.lost import lost
from nst_core.progress import Cancelled
from nst_core.pyramid import resized
from nst_core.recipe import recipe
from nst_core.samples.painting import painting
from nst_core.samples.scene import scene
from nst_core.settings import Settings
from nst_core.showing import Field, shown
from nst_core.synthesis import field
from tests.core.drawing import drawn, tensor

STYLE = tensor(painting(160, 250))
CONTENT = matched(tensor(scene(192, 256)), STYLE)


def distance(a, b):
    return float((a - b).abs().mean())


def strokes(content=CONTENT, style=STYLE, seed=0, brush_size=100.0, **values):
    return shown(field(content, style, seed, brush_size, **values), style, *content.shape[2:], brush_size)


@given(
    content=st.tuples(st.integers(16, 90), st.integers(16, 90)),
    style=st.tuples(st.integers(16, 60), st.integers(16, 120)),
    brush_size=st.sampled_from([25.0, 60.0, 100.0, 400.0]),
    guidance=st.floats(0.05, 1),
)
@example(content=(26, 59), style=(59, 77), brush_size=100.0, guidance=0.0859375)
@hypothesis_settings(max_examples=12, deadline=None)
def test_everything_is_covered_with_colours_of_the_style(content, style, brush_size, guidance):
    picture, of_style = tensor(drawn(*content)), 0.3 + 0.5 * tensor(drawn(*style, seed=4))
    found = field(picture, of_style, 0, brush_size, guidance)
    for middles, size in zip((found.rows, found.columns), found.style_size, strict=True):
        assert float(middles.min()) > 0 and float(middles.max()) < size
    assert float(found.used.mean()) == pytest.approx(1, abs=1e-4) and float(found.used.min()) >= 0
    out = shown(found, of_style, *content, brush_size)
    assert out.shape == picture.shape
    assert float(out.min()) > 0.3 - 1e-5 and float(out.max()) < 0.8 + 1e-5


def test_with_itself_for_a_style_a_picture_comes_out_as_it_is():
    picture = tensor(scene(150, 201))
    same, other = (distance(strokes(picture, style), picture) for style in (picture, picture.flip(3)))
    assert same < 0.03 and same < other / 1.5


def test_it_is_like_the_content_and_made_of_the_style():
    out = strokes()
    assert distance(out, CONTENT) < 0.8 * distance(out.flip(3), CONTENT)
    colours, there = out.flatten(2)[0].T[::7], STYLE.flatten(2)[0].T
    assert float(torch.cdist(colours, there[::3]).min(1).values.mean()) < 0.03


def test_patches_hang_together_as_they_do_in_the_style():
    """Most places show what lies beside what their neighbours show: strokes are taken whole."""
    found = field(CONTENT, STYLE, 0)
    together = (found.columns.diff(dim=1) - 1).abs().lt(2.5) & found.rows.diff(dim=1).abs().lt(2.5)
    assert float(together.float().mean()) > 0.5


def test_less_guidance_leaves_less_of_the_content():
    much, little = (distance(resized(strokes(guidance=x), 24, 32), resized(CONTENT, 24, 32)) for x in (1.0, 0.03))
    assert much < 0.9 * little


@pytest.mark.parametrize("brush_size", [60.0, 100.0, 250.0])
def test_what_a_scales_strokes_have_lost_is_sought_at_the_next(brush_size):
    """Where it is, and at no cost to the style elsewhere."""
    without, found = (strokes(brush_size=brush_size, guidance=0.3, insistence=x) for x in (0.0, 8.0))
    missing = [float(lost(CONTENT, resized(x, *CONTENT.shape[2:])).mean()) for x in (without, found)]
    assert missing[1] < 0.8 * missing[0], missing


def test_what_is_darker_than_all_around_it_is_darker_in_two_flat_colours_with_emphasis():
    """Both the wall and the spots on it are nearer to the light one."""

    def spots(*places, of=(192, 256)):
        y, x = torch.meshgrid(*(torch.arange(float(n)) for n in of), indexing="ij")
        return sum(((y - down) ** 2 + (x - right) ** 2 < radius**2).float() for down, right, radius in places)

    face = spots((70, 95, 14), (70, 160, 14), (130, 128, 20))
    content = (0.8 - 0.24 * face).expand(1, 3, -1, -1)
    style = (0.85 - 0.6 * spots((60, 50, 20), (80, 180, 30), (150, 110, 25), (160, 230, 15))).expand(1, 3, -1, -1)
    lightness = []
    for emphasis in (0.0, 2.0):
        out = strokes(content, style, guidance=0.5, straight=1.0, emphasis=emphasis)[0, 0]
        assert float(out[(face == 0) & (spots((100, 128, 90)) == 0)].mean()) > 0.83  # the wall far away
        lightness.append(float(out[face > 0].mean()))
    assert lightness[0] > 0.75 and lightness[1] < 0.5, lightness


def test_what_is_used_gets_dearer_so_that_more_of_the_style_is_seen():
    unused = [float((field(CONTENT, STYLE, 0, reuse=x).used < 0.2).float().mean()) for x in (0.0, synthesis.REUSE)]
    assert unused[1] < 0.8 * unused[0]


def test_a_seed_gives_one_picture_and_another_seed_another():
    assert torch.equal(strokes(seed=3), strokes(seed=3))
    assert distance(strokes(seed=3), strokes(seed=4)) > 0.01


@pytest.mark.parametrize("factor", [0.6, 2.3])
def test_a_field_shows_the_same_at_every_size(factor):
    found = field(CONTENT, STYLE, 0)
    sizes = [tuple(round(n * factor) for n in x.shape[2:]) for x in (CONTENT, STYLE)]
    here = shown(found, STYLE, *CONTENT.shape[2:])
    there = shown(found, resized(STYLE, *sizes[1]).clamp(0, 1), *sizes[0])
    assert distance(resized(here, 48, 64), resized(there, 48, 64)) < 0.03


def test_a_large_picture_is_the_same_one_in_finer_places(monkeypatch):
    monkeypatch.setattr(plan, "LARGE", 200)
    monkeypatch.setattr(plan, "FINEST", 256)
    fine = field(CONTENT, STYLE, 0)
    monkeypatch.setattr(plan, "LARGE", 300)
    coarse = field(CONTENT, STYLE, 0)
    assert max(coarse.rows.shape) == 256 and max(fine.rows.shape) == 512
    monkeypatch.setattr(plan, "LARGE", 200)
    assert torch.equal(field(CONTENT, STYLE, 0, detailed=False).rows, coarse.rows)
    before = shown(coarse, STYLE, 192, 256)
    assert distance(resized(shown(fine, STYLE, 192, 256), 48, 64), resized(before, 48, 64)) < 0.03


@pytest.mark.parametrize(("large", "finer"), [(1000, 1), (256, 2)])
def test_a_large_brush_has_places_as_large(monkeypatch, large, finer):
    """Else a patch would show a bit of a stroke, and strokes fall to pieces along the content's detail."""
    monkeypatch.setattr(plan, "LARGE", large)
    monkeypatch.setattr(plan, "FINEST", 160)
    sides = [max(field(CONTENT, STYLE, 0, brush_size).rows.shape) for brush_size in (50, 100, 125, 250)]
    assert sides == [finer * side for side in (160, 160, 128, 64)]


def test_bands_join_without_a_trace(monkeypatch):
    found = field(CONTENT, STYLE, 0)
    whole = shown(found, STYLE, *CONTENT.shape[2:])
    monkeypatch.setattr(showing, "BAND", 37)
    assert torch.equal(shown(found, STYLE, *CONTENT.shape[2:]), whole)


def test_a_larger_brush_makes_larger_strokes():
    """Detail as a share of all contrast: the larger the brush, the less of it is fine."""
    shares = []
    for brush_size in (50.0, 100.0, 200.0):
        out = strokes(brush_size=brush_size, guidance=0.1)
        fine = out - resized(resized(out, 48, 64), 192, 256)
        shares.append(float(fine.var() / out.var()))
    assert shares[0] > shares[1] > shares[2]


def test_what_is_transparent_in_the_style_is_not_taken():
    style = STYLE.clone()
    style[..., 125:] = torch.tensor([1.0, 0, 1])[:, None, None]  # magenta, which nobody sees
    visible = torch.ones(1, 1, *style.shape[2:])
    visible[..., 125:] = 0
    content = torch.cat([CONTENT[..., :128], torch.tensor([1.0, 0, 1])[None, :, None, None].expand(1, 3, 192, 128)], 3)
    magenta = [
        (out[:, 0] - out[:, 1]).amax() for out in (strokes(content, style), strokes(content, style, visible=visible))
    ]
    assert magenta[0] > 0.9 > 0.6 > magenta[1]


def test_a_place_shows_its_part_of_the_style():
    """A field by hand: the upper half of the picture is the style's left half, the lower its right one."""
    style = tensor(drawn(24, 48, seed=2))
    rows = (torch.arange(24) + 0.5)[:, None].expand(24, 24).remainder(12)
    columns = (torch.arange(24) + 0.5)[None].expand(24, 24) + torch.where(torch.arange(24) < 12, 0, 24)[:, None]
    out = shown(Field(rows, columns, (24, 48), torch.ones(1, 1, 24, 48)), style, 24, 24, brush_size=200.0)
    torch.testing.assert_close(out[..., 1:10, 1:23], style[..., 1:10, 1:23])
    torch.testing.assert_close(out[..., 14:23, 1:22], style[..., 2:11, 25:46])


@pytest.mark.parametrize("even", [0.0, 1.0])
def test_it_tells_how_far_it_is_and_can_be_ended_anywhere(even):
    told = []

    def ended(last, way):
        def on_work(done):
            told.append(done)
            return done >= last and way()

        told.clear()
        return field(CONTENT, STYLE, 0, even=even, on_work=on_work)

    def cancel():
        raise Cancelled

    whole = ended(0, lambda: False)
    assert told[0] == 0 and told == sorted(told) and told[-1] == 1
    assert max(after - before for before, after in itertools.pairwise(told)) < 0.1
    with pytest.raises(Cancelled):
        ended(0.3, cancel)
    assert 0.3 <= told[-1] < 0.4
    coarser = ended(0.3, lambda: True)
    assert told[-1] < 0.6  # nothing is searched for any more, nor begun
    assert whole.rows.shape > coarser.rows.shape > ended(0, lambda: True).rows.shape == (36, 48)
    for rough in (coarser, ended(0, lambda: True)):  # they can be shown all the same
        out = shown(rough, STYLE, 192, 256)
        assert out.shape == CONTENT.shape and distance(resized(out, 12, 16), resized(CONTENT, 12, 16)) < 0.2


def test_the_work_is_known_before():
    """In places, as many as are sought in all turns: with it, a run can tell how long it will be."""

    def work(side, **given):
        return plan.plan(side, **given).work

    most, detailed, draft = (work(side) for side in (1600, 800, 700))
    assert most == detailed > 2 * draft > 2 * 512**2
    assert work(1600, detailed=False) == draft
    three, six = (work(700, even=1.0, straight=x) - n * plan.JUDGING for x, n in ((0.0, 3), (1.0, 6)))
    assert 1.5 * draft < three < 1.8 * draft  # its coarse scales are searched three times, and each is judged
    assert 2.0 * draft < six < 3.0 * draft  # and here six times
    assert work(700, brush_size=400) > 0.25 * 512**2  # a large copy of the style is to be seen to


def test_the_start_has_the_contents_shapes_and_the_styles_strokes():
    middle, out = replace(recipe(Settings(), "built-in"), regained=0.0), strokes()  # see test_starting for that
    start = starting.with_strokes(CONTENT, out, middle)
    small, smaller = (resized(x, 12, 16) for x in (start, out))
    assert distance(small, resized(CONTENT, 12, 16)) < distance(smaller, resized(CONTENT, 12, 16))
    fine = [x - resized(resized(x, 48, 64), 192, 256) for x in (start, out, CONTENT)]
    assert float((fine[0] * fine[1]).mean()) > float((fine[0] * fine[2]).mean()) > 0
    assert torch.equal(starting.with_strokes(CONTENT, out, replace(middle, strokes=0.0)), CONTENT)
    all_of_it = replace(middle, strokes=1.0, broad=0.0, drawing=0.0)
    torch.testing.assert_close(starting.with_strokes(CONTENT, out, all_of_it), out.clamp(0, 1))

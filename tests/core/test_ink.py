"""Styles of lines, and contents drawn in them: which styles are, where the ink lies, and how much of it."""

import numpy as np
import pytest
import torch

from benchmarks.drawn import dots, flat_areas, line_art, low_contrast, red_painting, weave
from nst_core import Settings, stylize
from nst_core.colour import luminance
from nst_core.ink import Ink, in_lines, ink_of, on_paper, over
from nst_core.likeness import flatness
from nst_core.pyramid import blurred, resized
from nst_core.recipe import recipe
from nst_core.samples.painting import painting
from nst_core.samples.scene import scene
from tests.core.drawing import drawn, tensor

BLACK, WHITE = (0.1, 0.1, 0.12), (0.98, 0.97, 0.93)


def lines(height, width, paper=WHITE, ink=BLACK, thick=2.5, every=29, seed=0):
    """Slanted lines of a known width, each another slant, on paper."""
    y, x = np.mgrid[0:height, 0:width]
    random, covered = np.random.default_rng(seed), np.zeros((height, width))
    for start in range(-height, width, every):
        slant = random.uniform(-0.5, 0.5)
        away = np.abs(x - start - slant * y) / np.hypot(1, slant)
        covered = np.maximum(covered, np.clip(thick / 2 + 0.5 - away, 0, 1))
    return covered[..., None] * np.array(ink) + (1 - covered[..., None]) * np.array(paper)


def as_tensor(picture):
    return tensor(np.asarray(picture, dtype=np.float32))


@pytest.mark.parametrize("paper, ink", [(WHITE, BLACK), ((0.1, 0.2, 0.5), (0.95, 0.95, 0.9)), (WHITE, (0.5, 0.2, 0.1))])
@pytest.mark.parametrize("size, thick", [((301, 417), 2.5), ((640, 500), 4)])
def test_the_colours_and_the_width_of_lines(paper, ink, size, thick):
    found = ink_of(as_tensor(lines(*size, paper, ink, thick, every=41)))
    assert found.paper.tolist() == pytest.approx(paper, abs=0.02)
    assert found.ink.tolist() == pytest.approx(ink, abs=0.03)
    assert found.width * max(size) == pytest.approx(thick, rel=0.2)
    assert np.all(np.diff(found.coverage) >= 0) and found.coverage[0] == 0 and found.coverage[-1] == pytest.approx(1)
    twice = ink_of(as_tensor(lines(*size, paper, ink, thick, every=41)), times=2.0)
    assert twice.width == pytest.approx(2 * found.width)


def test_which_styles_are_lines():
    assert ink_of(as_tensor(line_art(300, 400)))
    grain = np.random.default_rng(2).normal(0, 0.02, (300, 400, 1))
    assert ink_of(as_tensor((lines(300, 400) + grain).clip(0, 1)))  # as scanned
    others = [dots, flat_areas, low_contrast, red_painting, weave, painting, scene]
    assert [style.__name__ for style in others if ink_of(as_tensor(style(300, 400)))] == []


COLOURS = np.array([[0.9, 0.2, 0.2], [0.2, 0.7, 0.3], [0.2, 0.3, 0.8]])


def of_many_colours():
    picture, there = lines(300, 400), lines(300, 400, (0, 0, 0), (1, 1, 1)) > 0.5
    return np.where(there, COLOURS[np.arange(400) // 40 % 3], picture)


@pytest.mark.parametrize(
    "style",
    [
        lines(300, 400, every=6),  # hatching that shades
        lines(300, 400, every=40, thick=5),  # bars
        lines(300, 400, ink=(0.85, 0.85, 0.8)),  # hardly to be seen
        of_many_colours(),
        np.full((300, 400, 3), 0.5),
        drawn(300, 400),
    ],
    ids=["hatching", "bars", "faint", "colours", "flat", "noise"],
)
def test_what_is_none_of_lines(style):
    assert ink_of(as_tensor(style)) is None


def test_what_is_hidden_is_neither_paper_nor_ink():
    style, visible = lines(300, 400), np.ones((300, 400, 1))
    style[:, 150:], visible[:, 150:] = scene(300, 250), 0
    assert ink_of(as_tensor(style)) is None
    found = ink_of(as_tensor(style), as_tensor(visible))
    assert found.paper.tolist() == pytest.approx(WHITE, abs=0.02)
    assert found.width * 400 == pytest.approx(2.5, rel=0.2)


def step(height, width):
    """Light on the left of a slanted border, dark on its right; and how far each pixel is from it, to the right."""
    y, x = np.mgrid[0:height, 0:width]
    away = x - width * 0.45 - 0.2 * y
    return np.repeat((0.8 - 0.5 * np.clip(away + 0.5, 0, 1))[..., None], 3, 2), away


@pytest.mark.parametrize("dark", [True, False])
def test_an_edge_becomes_a_line_on_the_side_that_is_like_the_ink(dark):
    paper, ink = (WHITE, BLACK) if dark else (BLACK, WHITE)
    content, away = step(121, 213)
    made = in_lines(as_tensor(content), ink_of(as_tensor(lines(300, 400, paper, ink))))
    covered = (made[0] - torch.tensor(paper)[:, None, None]).norm(dim=0).numpy() > 0.5
    assert covered.any(1).all()  # in every row
    there = away[covered]
    assert (there > -1).mean() > 0.95 if dark else (there < 1).mean() > 0.95
    assert np.abs(there).max() < 12 and not covered[np.abs(away) > 12].any()


def test_there_is_as_much_ink_as_in_the_style_and_nothing_but_it_and_paper():
    style = as_tensor(line_art(300, 400))
    ink = ink_of(style)
    made = in_lines(as_tensor(scene(211, 307)), ink)
    axis = (ink.ink - ink.paper).view(1, 3, 1, 1)
    covered = ((made - ink.paper.view(1, 3, 1, 1)) * axis).sum(1, keepdim=True) / axis.square().sum()
    assert torch.allclose(made, ink.paper.view(1, 3, 1, 1) + covered * axis, atol=1e-5)
    assert 0.5 * ink.coverage.mean() < float(covered.mean()) < 1.1 * ink.coverage.mean()


def test_nothing_is_drawn_where_nothing_is():
    ink = ink_of(as_tensor(lines(300, 400)))
    flat = torch.full((1, 3, 90, 131), 0.4)
    assert torch.allclose(in_lines(flat, ink), ink.paper.view(1, 3, 1, 1).expand_as(flat), atol=1e-5)
    grain = 0.003 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    assert float((in_lines(flat + grain, ink) - ink.paper.view(1, 3, 1, 1)).abs().mean()) < 0.02


def test_a_drawing_is_the_same_at_any_size():
    ink = ink_of(as_tensor(line_art(600, 800)))
    small, large = (in_lines(as_tensor(scene(n, 4 * n // 3)), ink) for n in (300, 600))
    reduced = resized(large, *small.shape[2:])
    off, spread = (blurred(x, 1.5) for x in (small - reduced, small - small.mean((2, 3), keepdim=True)))
    assert float(off.std()) < 0.35 * float(spread.std())


def test_the_recipe_of_lines():
    usual, of_lines = (recipe(Settings(), "built-in", 0.8, given) for given in (False, True))
    assert of_lines.guidance > usual.guidance and of_lines.regained == 1 and usual.regained == 0
    assert of_lines.straight == 0 and usual.straight == 1
    assert recipe(Settings(strength=100), "built-in", 0.8, True).regained == 0


def test_edges_come_out_in_ink():
    """In light and dark alike; by tones all that is dark came out as a crowd of lines, and faces as bare paper."""
    style = line_art(240, 320).astype(np.float32)
    content = scene(180, 240).astype(np.float32)
    settings = Settings(features="built-in", device="cpu", quality="draft", seed=1)
    painted = as_tensor(stylize(content, style, settings)).mean(1, keepdim=True)
    ink = ink_of(as_tensor(style))
    assert isinstance(ink, Ink) and flatness(as_tensor(style)) > 0.4
    wanted = in_lines(as_tensor(content), ink).mean(1, keepdim=True)
    painted, wanted = (x - blurred(x, 6.0) for x in (blurred(painted, 1.0), blurred(wanted, 1.0)))
    alike = float((painted * wanted).mean() / (painted.square().mean() * wanted.square().mean()).sqrt())
    assert alike > 0.6, alike


@pytest.mark.parametrize("ink, paper", [((0.6, 0.1, 0.1), 1.0), ((0.95, 0.95, 0.8), 0.0)])
def test_lines_on_a_layer_of_their_own_get_paper(ink, paper):
    covered = lines(300, 400, (0, 0, 0), (1, 1, 1))[..., :1]
    colours = as_tensor(np.broadcast_to(ink, (300, 400, 3)))
    laid = on_paper(colours, as_tensor(covered))
    torch.testing.assert_close(laid, as_tensor(covered * np.array(ink) + (1 - covered) * paper))
    half = np.where(np.arange(400)[:, None] < 200, 1.0, 0.0)[None].repeat(300, 0)
    assert on_paper(as_tensor(scene(300, 400)), as_tensor(half)) is None
    assert on_paper(colours, as_tensor(half)) is None  # a shape, not lines


def test_a_layer_of_ink_draws_the_content():
    """Its hidden pixels once got the ink's colour, and the picture with them."""
    style = np.dstack([np.full((200, 260, 3), (0.6, 0.1, 0.1)), lines(200, 260, (0, 0, 0), (1, 1, 1), 1.5)[..., :1]])
    settings = Settings(features="built-in", device="cpu", quality="draft")
    painted = stylize(scene(90, 120).astype(np.float32), style.astype(np.float32), settings)
    assert np.median(painted) > 0.8 and 0.03 < (painted[..., 1] < 0.6).mean() < 0.4


@pytest.mark.parametrize("paper, ink", [(WHITE, BLACK), (BLACK, WHITE), ((0.9, 0.2, 0.2), (0.1, 0.56, 0.5))])
def test_lines_over_the_tones_of_a_content(paper, ink):
    """Of red and green that are equally light, too."""
    found = ink_of(as_tensor(lines(300, 400, paper, ink)))
    content = luminance(as_tensor(scene(61, 83)))
    bare, covered = (as_tensor(np.broadcast_to(x, (61, 83, 3))) for x in (paper, ink))
    torch.testing.assert_close(over(covered, content, found, 1.0), luminance(covered), rtol=0, atol=0.02)
    tones = over(bare, content, found, 1.0)  # those of the content, a little nearer to the paper
    torch.testing.assert_close(tones, content.lerp(luminance(bare), 0.25), rtol=0, atol=0.02)
    assert float(over(bare, content, found, 0.0).std()) < 0.01 < float(over(bare, content, found, 0.5).std())


def test_kept_colours_with_lines_over_them():
    content, style = (x.astype(np.float32) for x in (scene(225, 300), line_art(240, 320)))
    settings = Settings(features="built-in", device="cpu", quality="draft", keep_colours="luminance")
    before, after = (luminance(as_tensor(x)) for x in (content, stylize(content, style, settings)))
    alike = np.corrcoef(*(blurred(x, 4.0).flatten().numpy() for x in (before, after)))[0, 1]
    assert alike > 0.9, alike  # light and shade are the content's
    ink = ink_of(as_tensor(style))
    drawn_there = luminance(in_lines(as_tensor(content), ink)) < float((ink.paper + ink.ink).mean()) / 2
    darker = before - after
    there, elsewhere = float(darker[drawn_there].mean()), float(darker[~drawn_there].mean())
    assert there > 0.05 > elsewhere, (there, elsewhere)

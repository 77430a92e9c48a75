"""Layouts that use all of a style alike, by hand and against all permutations, and what the synthesis makes of them."""

import itertools
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from nst_core import colour, layout, plan, synthesis
from nst_core.likeness import distance
from nst_core.samples.painting import painting
from nst_core.samples.scene import scene
from nst_core.showing import shown
from nst_core.synthesis import field
from tests.core.drawing import tensor


def blocks(rows, columns, seed, side=5):
    """A picture of plain squares in random colours, and these colours."""
    colours = torch.rand(1, 3, rows, columns, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(colours, (rows * side, columns * side), mode="nearest"), colours


def test_every_part_is_given_once():
    for cells, (height, width) in itertools.product((6, 48), ((37, 53), (90, 21), (8, 400))):
        content = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
        style = torch.rand(1, 3, 61, 44, generator=torch.Generator().manual_seed(2))
        parts = layout.parts(content, style, cells=cells)
        assert parts.flatten().sort().values.tolist() == list(range(parts.numel()))
        assert cells / 2 <= parts.numel() <= 1.5 * cells


def test_a_shuffled_style_is_put_together_again(monkeypatch):
    monkeypatch.setattr(layout, "SEAM", 0.0)
    style, _ = blocks(3, 4, seed=5)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(6))
    pieces = F.unfold(style, 5, stride=5)[..., order]
    content = F.fold(pieces, style.shape[2:], 5, stride=5)
    assert torch.equal(layout.parts(content, style, cells=12).flatten(), order)


def test_hidden_parts_are_not_given_and_the_others_alike():
    (content, _), (style, _) = blocks(3, 4, seed=1), blocks(3, 4, seed=2)
    visible = torch.ones(1, 1, *style.shape[2:])
    visible[..., 10:] = 0.1  # the right half: parts 2, 3, 6, 7, 10 and 11
    parts = layout.parts(content, style, visible, cells=12)
    assert parts.flatten().sort().values.tolist() == [0, 0, 1, 1, 4, 4, 5, 5, 8, 8, 9, 9]
    # where nothing is more than faint, the least faint are given
    faint = layout.parts(content, style, 0.1 * visible, cells=12)
    assert set(faint.flatten().tolist()) == {0, 1, 4, 5, 8, 9}


def test_no_number_ends_the_search():
    content, style = blocks(6, 8, seed=1)[0], blocks(6, 8, seed=2)[0]
    content[0, 0, 3, 3] = torch.nan
    assert layout.parts(content, style).numel() == 48


def test_no_other_layout_of_few_parts_is_much_more_alike():
    (content, a), (style, b) = blocks(2, 3, seed=8), blocks(2, 3, seed=9)
    costs = torch.cdist(a[0].flatten(1).T, b[0].flatten(1).T).square()
    sums = {p: float(costs[range(6), p].sum()) for p in itertools.permutations(range(6))}
    found = sums[tuple(layout.parts(content, style, cells=6).flatten().tolist())]
    assert found <= min(sums.values()) + 0.1 * (max(sums.values()) - min(sums.values()))


def test_seams_by_hand():
    """Two rows of three parts, each four by four pixels, so that every colour that is compared is a pixel."""
    style = torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    beside, below = layout.seams(style, (2, 3))
    # part 3 to the right of part 1: what each shows at the seam, and what it has next to it in the style
    right, after_right = style[0, :, 0:4, 7], style[0, :, 0:4, 8]
    left, before_left = style[0, :, 4:8, 0], style[0, :, 4:8, 0]  # at the picture's edge it goes on as it is
    expected = ((right - before_left).square().sum() + (after_right - left).square().sum()) / 8
    assert float(beside[1, 3]) == pytest.approx(float(expected), rel=1e-9)
    # part 2 below part 1
    bottom, after_bottom = style[0, :, 3, 4:8], style[0, :, 4, 4:8]
    top, before_top = style[0, :, 0, 8:12], style[0, :, 0, 8:12]
    expected = ((bottom - before_top).square().sum() + (after_bottom - top).square().sum()) / 8
    assert float(below[1, 2]) == pytest.approx(float(expected), rel=1e-9)
    for one, other in ((0, 1), (1, 2), (3, 4), (4, 5)):
        assert float(beside[one, other]) < 1e-9 < float(beside[other, one])
    for one, other in ((0, 3), (1, 4), (2, 5)):
        assert float(below[one, other]) < 1e-9 < float(below[other, one])


def test_parts_that_go_on_in_one_another_are_kept_together(monkeypatch):
    style, content = painting(160, 120), scene(150, 100)
    style, content = (tensor(picture[..., :3]) for picture in (style, content))

    def seams_of(parts):
        beside, below = layout.seams(style, tuple(parts.shape))
        return float(beside[parts[:, :-1], parts[:, 1:]].sum() + below[parts[:-1], parts[1:]].sum())

    with_seams = layout.parts(content, style)
    monkeypatch.setattr(layout, "SEAM", 0.0)
    without = layout.parts(content, style)
    assert seams_of(with_seams) < 0.7 * seams_of(without)
    straight = layout.parts(content, style, straight=1.0)
    assert seams_of(straight) < 0.9 * seams_of(with_seams)
    for parts in (with_seams, straight):
        assert parts.flatten().sort().values.tolist() == list(range(without.numel()))


def test_middles_by_hand():
    parts = torch.tensor([[2, 0], [3, 1]])  # of a style of 20 × 12: the parts' middles are (5, 3), (5, 9), (15, 3), …
    rows, columns = layout.middles(parts, (8, 6), (20, 12))
    assert rows[0, 0] == 15 - 1.5 and columns[0, 0] == 3 - 1.0  # the content's upper left pixel: 1.5 above, 1 beside
    assert rows[7, 5] == 5 + 1.5 and columns[7, 5] == 9 + 1.0
    assert rows[1, 5] - rows[0, 5] == 1 and columns[0, 4] + 1 == columns[0, 5]  # what lies together stays together


def test_parts_meet_in_waves_that_are_the_same_at_any_size():
    """A style of two rows of three parts, as it is: the seam of a row's first two parts, by the jump in its columns."""
    parts = torch.tensor([[0, 2, 1], [3, 5, 4]])
    seams = []
    for times in (1, 3):
        _, columns = layout.middles(parts, *[(80 * times, 120 * times)] * 2)
        seams.append((columns.diff(dim=1)[:, : 60 * times] > 2).float().argmax(1)[times // 2 :: times] / times)
    small, large = seams
    assert small.max() - small.min() > 2 and (small - 39).abs().max() <= layout.WAVE * 40 + 1
    assert (small - large).abs().mean() < 1  # pixel


def test_parts_that_are_straight_meet_in_a_line_at_their_border():
    _, columns = layout.middles(torch.tensor([[0, 2, 1], [3, 5, 4]]), (80, 120), (80, 120), straight=1.0)
    assert (columns.diff(dim=1) > 2).nonzero()[:, 1].tolist() == [39] * 80


def test_places_stay_in_the_style():
    places = layout.middles(torch.arange(6).view(2, 3), (300, 200), (9, 14))
    assert places.min() >= 0 and places[0].max() <= 9 and places[1].max() <= 14


@pytest.mark.parametrize("size", [(160, 250), (250, 160)])
def test_an_even_field_uses_more_of_the_style(size):
    """A calm content asks for the style's calm half, unless it is to use all of the style."""
    content = 0.5 + 0.05 * (tensor(scene(96, 128)) - 0.5)
    style, half = tensor(painting(*size)), size[1] // 2
    style[..., :half] = 0.5 + 0.05 * (style[..., :half] - 0.5)
    used = [field(content, style, 0, guidance=0.05, even=even).used for even in (0.0, 1.0)]
    stirred = [float(u[..., u.shape[3] // 2 :].sum() / u.sum()) for u in used]
    assert stirred[1] > 1.5 * stirred[0] and stirred[1] > 0.2, stirred


def test_a_style_that_is_hidden_in_part_is_used_as_evenly_as_what_is_seen_of_it():
    content, style = tensor(scene(96, 128)), tensor(painting(160, 250))
    visible = torch.ones(1, 1, 160, 250)
    visible[..., 125:] = 0
    used = field(content, style, 0, guidance=0.03, even=1.0, visible=visible).used
    seen = used[..., : used.shape[3] // 2]
    assert float(seen.sum() / used.sum()) > 0.9
    tenths = torch.stack([part.sum() for part in seen.tensor_split(10, 3)]) / used.sum()
    assert float(tenths.max()) < 0.25, tenths


def tiled(rows, columns, side=12):
    """A mosaic: tiles in rings of colours, with dark joints, all in one grid."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    ring = (((y - rows / 2) ** 2 + (x - columns / 2) ** 2).sqrt() / 3).long() % 4
    colours = torch.tensor([[0.8, 0.2, 0.1], [0.9, 0.8, 0.3], [0.1, 0.4, 0.7], [0.9, 0.9, 0.9]])[ring]
    tiles = F.interpolate(colours.permute(2, 0, 1)[None], scale_factor=side, mode="nearest")
    tiles[:, :, ::side] = tiles[..., ::side] = 0.05
    return tiles


def half_calm():
    """A calm content, and a style of which one half is as calm: left alone, that half alone is used."""
    style = tensor(painting(160, 250))
    style[..., :125] = 0.5 + 0.05 * (style[..., :125] - 0.5)
    return 0.5 + 0.05 * (tensor(scene(96, 128)) - 0.5), style


@pytest.mark.parametrize(
    ("pictures", "evenly"), [(half_calm, True), (lambda: (tensor(scene(96, 128)), tiled(16, 20)), False)]
)
def test_the_layout_that_is_most_like_the_style_is_taken(pictures, evenly, monkeypatch):
    """With the pull to an even layout or with less of it, from the very same choices on."""
    content, style = pictures()
    chosen = field(content, style, 0, guidance=0.05, even=1.0)
    ways = plan.WAYS
    monkeypatch.setattr(plan, "WAYS", (plan.Way(1.0),))
    each = [field(content, style, 0, guidance=0.05, even=way.pull) for way in ways]
    same = [torch.equal(chosen.rows, x.rows) and torch.equal(chosen.columns, x.columns) for x in each]
    unlike = [distance(shown(x, style, 240, 320), style) for x in each]
    assert same == [number == unlike.index(min(unlike)) for number in range(len(each))], unlike
    assert (unlike[0] < unlike[-1]) == evenly, unlike


def test_larger_parts_bring_more_of_the_style(monkeypatch):
    """Where they are what strokes are drawn to."""
    monkeypatch.setattr(plan, "WAYS", (plan.Way(1.0),))
    content, style = tensor(scene(96, 128)), tiled(16, 20)
    many, few = (field(content, style, 0, guidance=0.05, even=1.0, cells=cells) for cells in (48, 12))
    unlike = [distance(shown(x, style, 240, 320), style) for x in (many, few)]
    assert unlike[1] < 0.9 * unlike[0], unlike


@pytest.mark.parametrize("pictures", [half_calm, lambda: (tensor(scene(96, 128)), tiled(16, 20))])
def test_the_layout_of_straight_edges_is_the_best_of_more(pictures, monkeypatch):
    """Figures that are pulled apart are joined by nothing; how much of the pull that takes differs by the pictures."""
    content, style = pictures()
    search = partial(field, content, style, 0, guidance=0.05, even=1.0, straight=1.0)

    def unlike():
        return distance(shown(search(), style, 240, 320), style)

    best, each = unlike(), []
    for way in plan.STRAIGHT_WAYS:
        monkeypatch.setattr(plan, "STRAIGHT_WAYS", (way,))
        each.append(unlike())
    # told from one another when half of the way is done
    assert best <= 1.05 * min(each) and best < 0.95 * max(each), (best, each)


def squares(height, width, seed=1):
    """Rectangles in a few colours, with dark lines between them."""
    random = torch.Generator().manual_seed(seed)
    picture = torch.full((1, 3, height, width), 0.05)
    colours = torch.tensor([[0.94, 0.92, 0.87]] * 3 + [[0.8, 0.1, 0.1], [0.1, 0.2, 0.6], [0.95, 0.8, 0.15]])

    def split(top, left, bottom, right):
        if max(bottom - top, right - left) < 60:
            picture[..., top + 2 : bottom - 2, left + 2 : right - 2] = colours[
                int(torch.randint(len(colours), (), generator=random))
            ][:, None, None]
            return
        share = 0.3 + 0.4 * float(torch.rand((), generator=random))
        if bottom - top > right - left:
            middle = round(top + share * (bottom - top))
            split(top, left, middle, right)
            split(middle, left, bottom, right)
        else:
            middle = round(left + share * (right - left))
            split(top, left, bottom, middle)
            split(top, middle, bottom, right)

    split(0, 0, height, width)
    return picture


def test_straight_edges_of_a_style_are_not_frayed_along_the_contents(monkeypatch):
    """A median over 3×3 pixels leaves a straight edge as it is, and closes what is frayed."""
    style = squares(192, 256)
    content = colour.matched(tensor(scene(192, 256)), style)

    def frayed():
        picture = shown(field(content, style, 0, guidance=0.55, straight=1.0), style, 384, 512)
        around = F.unfold(picture, 3, padding=1).view(3, 9, 384, 512)
        return float((picture - around.median(1).values)[..., 1:-1, 1:-1].abs().mean())

    clean = frayed()
    monkeypatch.setattr(synthesis, "LESS_GUIDED", 1.0)
    assert clean < 0.7 * frayed()

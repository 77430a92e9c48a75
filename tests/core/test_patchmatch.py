"""The search for patches against an exact one, and what it costs to use a patch often."""

import itertools
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from nst_core.patchmatch import APART, Dearer, Effort, costs, density, improved, offered, smeared, torn, wanted


def maps(rows, columns, seed):
    """What patches show, and their guides, which change slowly from place to place as those of a picture do."""
    both = torch.rand(1, 7, rows // 4, columns // 4, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(both, (rows, columns), mode="bicubic").split((5, 2), 1)


HERE, STYLE = maps(40, 52, 1), maps(44, 36, 7)
WEIGHT = torch.linspace(0, 3, 40 * 52).view(40, 52)
WANTED, THERE = wanted(*HERE, WEIGHT), offered(*STYLE)


def search(sought=WANTED, there=THERE, reuse=0.0):
    random = torch.Generator().manual_seed(0)
    start = torch.randint(0, there.rows * there.columns, (len(sought.points),), generator=random)
    return start, improved(start, sought, there, Dearer(reuse), Effort(6), random)


def test_it_comes_near_to_what_an_exact_search_finds():
    start, found = search()
    look, guide = (
        torch.cdist(*(x.double()[0].flatten(1).T for x in both)).square() for both in zip(HERE, STYLE, strict=True)
    )
    best = (look + WEIGHT.view(-1, 1) * guide).min(1).values
    before, reached = (costs(WANTED, THERE, index) for index in (start, found))
    assert torch.all(reached <= before)
    assert float((reached - best).mean()) < 0.05 * float((before - best).mean())


def test_what_a_match_costs_by_hand():
    def row(*places):
        return torch.tensor(places).T[None, :, None]

    sought = wanted(row([1.0, 2]), row([3.0]), torch.tensor([[0.5]]))
    there = offered(row([0.0, 0], [1, 4]), row([0.0], [1]), torch.tensor([0.0, 7]))
    for index, expected in ((0, 1 + 4 + 0.5 * 9), (1, 0 + 4 + 0.5 * 4 + 7)):
        assert float(costs(sought, there, torch.tensor([index]))) == pytest.approx(expected)


def test_costs_are_exact_enough_to_tell_matches_apart_and_equal_for_equal_patches():
    """They are made of sums that are much larger than they: of squares, less twice the product."""
    index = torch.randint(0, 44 * 36, (40 * 52,), generator=torch.Generator().manual_seed(3))
    look, guide = (
        (x.double().flatten(2)[0] - y.double().flatten(2)[0][:, index]).square().sum(0)
        for x, y in zip(HERE, STYLE, strict=True)
    )
    exact = look + WEIGHT.flatten() * guide
    assert float((costs(WANTED, THERE, index) - exact).abs().max()) < 1e-5 * float(exact.mean())
    twice = offered(*(torch.cat([x, x], 2) for x in STYLE))
    assert torch.equal(costs(WANTED, twice, index), costs(WANTED, twice, index + 44 * 36))


def test_a_dear_patch_is_not_taken():
    penalty = torch.zeros(44, 36)
    penalty[:, 18:] = 1e6
    _, found = search(there=replace(THERE, penalty=penalty.flatten()))
    assert float((found % 36 < 18).float().mean()) > 0.99


def test_density_counts_what_is_near_and_is_one_on_average():
    there = offered(*maps(20, 30, 3))
    torch.testing.assert_close(density(torch.arange(600), there), torch.ones(1, 1, 20, 30))
    one = density(torch.tensor([10 * 30 + 15]), there)[0, 0]
    assert int((one > 0).sum()) == 49 and float(one[10, 15]) == pytest.approx(600 / 49)


def test_use_is_spread_where_it_has_a_price():
    """A calm sky takes the same few patches all over, unless they get dearer."""
    calm = wanted(*(0.1 * x + 0.45 for x in HERE), WEIGHT)
    unused = [float((density(search(calm, reuse=reuse)[1], THERE) == 0).float().mean()) for reuse in (0, 0.3)]
    assert unused[1] < 0.9 * unused[0]


def test_what_is_repeated_along_a_row_or_a_column_is_smeared():
    rows, columns = torch.meshgrid(torch.arange(20), torch.arange(30), indexing="ij")
    assert not smeared(torch.stack([rows, columns])).any()
    along, down, none = columns.clone(), rows.clone(), torch.zeros(20, 30, dtype=torch.bool)
    along[5:9, 10:22], down[3:12, 4:7] = 10, 3
    for places, where in (
        ((rows, along), (slice(5, 9), slice(10, 22))),
        ((down, columns), (slice(3, 12), slice(4, 7))),
    ):
        expected = none.clone()
        expected[where] = True
        wrong = smeared(torch.stack(places)) != expected
        assert not wrong[expected].any()
        assert wrong.sum() <= 4 * expected[where].shape[0]  # beside it, where a match is one off by chance
    assert not smeared(torch.stack([rows, columns])[:, :3, :2]).any()  # without room


@pytest.mark.parametrize(("smear", "most"), [(0.0, 1.0), (1.0, 0.1)])
def test_a_stripe_gives_way_to_what_goes_on(smear, most):
    """All that changes is from row to row, so that a match repeated along a row is as good as any, and as bad."""
    rows, columns = torch.meshgrid(torch.arange(40), torch.arange(60), indexing="ij")
    both = rows * torch.linspace(0.1, 0.4, 7)[None, :, None, None]
    off = 0.01 * torch.randn(both.shape, generator=torch.Generator().manual_seed(0))
    start = columns.clone()
    start[10:30, 15:45] = 15
    random = torch.Generator().manual_seed(0)
    found = improved(
        (rows * 60 + start).flatten(),
        wanted(*(both + off).split((5, 2), 1), torch.ones(40, 60)),
        offered(*both.split((5, 2), 1)),
        Dearer(smear=smear),
        Effort(2),
        random,
    ).view(40, 60)
    left = smeared(torch.stack([found // 60, found % 60]))[10:30, 15:45].float().mean()
    assert left <= most and (smear or left > 0.9)


@pytest.mark.parametrize(("rows", "columns"), [(9, 13), (3, 11), (1, 2)])
@pytest.mark.parametrize("kind", [torch.int16, torch.int32])
def test_what_goes_on_elsewhere_than_its_neighbours_is_torn(rows, columns, kind):
    random = torch.Generator().manual_seed(3)
    places, among = (torch.randint(0, 2, (2, rows, columns), generator=random).to(kind) for _ in range(2))
    places[0] += torch.arange(rows, dtype=kind)[:, None]
    among[0] += torch.arange(rows, dtype=kind)[:, None]
    for others in (among, places):
        for row, column in itertools.product(range(rows), range(columns)):
            expected = 0
            for down, right in (
                (d * apart, r * apart) for apart in APART for d, r in ((0, 1), (1, 0), (0, -1), (-1, 0))
            ):
                if 0 <= row + down < rows and 0 <= column + right < columns:
                    goes_on = places[:, row, column] + torch.tensor([down, right])
                    expected += int((others[:, row + down, column + right] != goes_on).any())
            assert int(torn(places, others)[row, column]) == expected


def test_what_is_dear_to_tear_hangs_together_where_one_match_is_as_good_as_another():
    """Two flat colours, and an edge that is straight in the style and bent by a pixel here and there in the content."""
    columns = torch.arange(60).expand(40, 60)
    bent = 30 + (torch.rand(40, 1, generator=torch.Generator().manual_seed(0)) < 0.5).long()
    style, content = ((columns >= edge).float() for edge in (30, bent))
    style = style + 0.001 * torch.randn(40, 60, generator=torch.Generator().manual_seed(1))
    look, sought = (F.unfold(x[None, None], 5).view(1, 25, 36, 56) for x in (style, content))
    start = torch.randint(0, 36 * 56, (36 * 56,), generator=torch.Generator().manual_seed(2))
    there, here = offered(look, look[:, :1] * 0), wanted(sought, look[:, :1] * 0, torch.zeros(36, 56))
    pieces, unlike = [], []
    for tear in (0.0, 0.03 * float(look.var((2, 3)).sum())):
        random = torch.Generator().manual_seed(0)
        found = improved(start, here, there, Dearer(tear=tear), Effort(3), random)
        places = torch.stack([found // 56, found % 56]).view(2, 36, 56)
        pieces.append(float(torn(places, places).float().mean()))
        unlike.append(float(costs(here, there, found).mean()))
    assert pieces[1] < 0.5 * pieces[0]
    assert unlike[1] < unlike[0] + tear


@pytest.mark.parametrize("columns", [16_383, 16_385, 40_000])
def test_a_long_strip_is_searched_to_its_end(columns):
    """Rows and columns are kept in few bits, where these have room for them."""
    look = torch.arange(columns).view(1, 1, 1, columns) / columns
    ends = wanted(look[..., -40:], torch.zeros(1, 1, 1, 40), torch.zeros(1, 40))
    start = torch.zeros(40, dtype=torch.long)
    there = offered(look, torch.zeros(1, 1, 1, columns))
    found = improved(start, ends, there, Dearer(), Effort(8), torch.Generator().manual_seed(0))
    assert int(found.min()) > 0.99 * columns and int(found.max()) < columns


def test_equal_seeds_find_the_same():
    assert torch.equal(search(reuse=0.3)[1], search(reuse=0.3)[1])


def test_chance_takes_no_match_from_farther_than_it_may():
    start, _ = search()
    found = improved(start, WANTED, THERE, Dearer(), Effort(1, steps=(), farthest=6), torch.Generator())
    moved = (found // 36 - start // 36).abs(), (found % 36 - start % 36).abs()
    most = 6 + 2  # narrowing by three: as far as two from where the first chance led to
    assert 6 <= max(int(m.max()) for m in moved) <= most


def test_a_search_tells_how_far_it_is_and_can_be_ended_with_what_it_has():
    told = []

    def found(last):
        def on_offer(done):
            told.append(done)
            return done >= last

        told.clear()
        start, random = search()[0], torch.Generator().manual_seed(0)
        return improved(start, WANTED, THERE, Dearer(), Effort(2), random, on_offer)

    costly, usual = (float(costs(WANTED, THERE, found(last)).mean()) for last in (0.1, 2))
    assert told == sorted(set(told)) and told[0] > 0 and told[-1] == 1
    whole = len(told)
    before = float(costs(WANTED, THERE, search()[0]).mean())
    assert before > costly > usual
    found(0.1)
    assert len(told) < 0.2 * whole and told[-1] < 0.2
    assert abs(Effort(2).offers - whole) <= 4

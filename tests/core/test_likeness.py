"""How unlike two pictures are by their patches: against float64 by hand, and on pictures that eyes tell apart."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks.drawn import flat_areas, line_art
from nst_core import likeness
from nst_core.likeness import distance, distance_of_sums, flatness
from nst_core.pyramid import resized
from nst_core.samples.painting import painting
from nst_core.samples.scene import scene
from tests.core.drawing import drawn, tensor

STYLE = tensor(painting(160, 250))


def by_hand(picture, style, directions=400):
    """The mean Wasserstein distance of all patches along directions of whitened ones, by NumPy."""
    patches = [
        np.stack([x[0, :, i : i + 7, j : j + 7].numpy().ravel() for i, j in itertools.product(*map(range, sizes))])
        for x in (picture.double(), style.double())
        for sizes in [[n - 6 for n in x.shape[2:]]]
    ]
    mean, covariance = patches[1].mean(0), np.cov(patches[1].T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    random = np.random.default_rng(3).standard_normal((147, directions))
    along = vectors / np.sqrt(values + 1e-3 * values.mean()) @ (random / np.linalg.norm(random, axis=0))
    ranks = np.linspace(0, 1, 501)
    quantiles = [np.quantile((p - mean) @ along, ranks, axis=0) for p in patches]
    return float(np.abs(quantiles[0] - quantiles[1]).mean())


def test_the_distance_by_hand(monkeypatch):
    monkeypatch.setattr(likeness, "LEVELS", 1)
    picture, style = tensor(drawn(40, 61, contrast=0.5)), tensor(drawn(53, 48, seed=5))
    assert distance(picture, style) == pytest.approx(by_hand(picture, style), rel=0.07)


def test_other_parts_of_a_style_are_nearer_than_anything_else():
    halves = STYLE[..., :125], STYLE[..., 125:]
    near = distance(*halves)
    strangers = [
        resized(halves[1], 40, 32),  # smaller strokes
        resized(resized(halves[1], 40, 32), 160, 125).clamp(0, 1),  # blurred ones
        0.5 + 0.5 * (halves[1] - 0.5),  # paler ones
        halves[1][:, :, torch.randperm(160, generator=torch.Generator().manual_seed(0))],  # rows in disorder
        tensor(scene(160, 125)),
    ]
    assert all(distance(x, halves[0]) > 1.3 * near for x in strangers), near
    assert distance(STYLE, STYLE) < near / 5
    assert distance(*halves) == distance(*halves)


@pytest.mark.parametrize("amounts", [(0.0, 0.0), (0.3, 0.0), (-0.1, 0.25)])
@pytest.mark.parametrize("hidden", [0, 41])
def test_the_distance_of_a_sum_is_that_of_the_picture_it_makes(amounts, hidden):
    """As long as that has no values that would be clipped."""
    picture = 0.3 + 0.4 * tensor(drawn(61, 97))
    changes = [0.2 * (tensor(drawn(61, 97, seed=seed)) - 0.5) for seed in (1, 2)]
    visible = torch.ones(1, 1, 61, 97)
    visible[..., :hidden] = 0
    of = distance_of_sums(STYLE, None, picture, changes, visible)
    made = sum((a * c for a, c in zip(amounts, changes, strict=True)), picture)
    assert of(amounts) == pytest.approx(distance(made, STYLE, visible), rel=1e-4)


def test_what_is_hidden_does_not_count():
    noise = torch.rand(STYLE.shape, generator=torch.Generator().manual_seed(0))
    visible = torch.ones(1, 1, *STYLE.shape[2:])
    visible[..., 125:] = 0
    mixed = torch.where(visible > 0, STYLE, noise)
    seen = STYLE[..., :125]
    assert distance(mixed, seen) > 5 * distance(mixed, seen, visible)
    assert distance(seen, mixed) > 5 * distance(seen, mixed, None, visible)
    assert np.isfinite(distance(mixed, seen, 0.1 * visible, torch.zeros(1, 1, *seen.shape[2:])))


@pytest.mark.parametrize("size", [(1, 1), (6, 40), (14, 14), (15, 400)])
def test_any_size_has_a_distance(size):
    flat = F.interpolate(STYLE[..., :1, :1], size)
    for pair in ((tensor(drawn(*size)), STYLE), (STYLE, tensor(drawn(*size))), (STYLE, flat), (flat, flat)):
        assert np.isfinite(distance(*pair))


def test_large_pictures_are_compared_at_one_size():
    """The same picture at twice the size is as like a style at twice the size, as far as there is detail to see."""
    other = tensor(scene(240, 320))
    style = resized(STYLE, 205, 320).clamp(0, 1)
    large = [F.interpolate(x, scale_factor=2, mode="nearest") for x in (other, style)]
    assert distance(*large) == pytest.approx(distance(other, style), rel=0.1)


def test_the_share_of_patches_of_one_colour_by_hand():
    """Noise in the left 40 of 101 columns: the patches of seven columns that begin from the 41st on are flat."""
    half = torch.full((1, 3, 60, 101), 0.3)
    half[..., :40] = torch.rand(1, 3, 60, 40, generator=torch.Generator().manual_seed(0))
    assert flatness(half) == pytest.approx(55 / 95, abs=1e-6)
    faint = half + 0.004 * torch.randn(half.shape, generator=torch.Generator().manual_seed(1))
    assert flatness(faint) == pytest.approx(55 / 95, abs=1e-6)  # as JPEG leaves it
    visible = torch.ones(1, 1, 60, 101)
    visible[..., 70:] = 0
    assert flatness(half, visible) == pytest.approx(24 / 64, abs=1e-6)


@pytest.mark.parametrize("size", [(240, 320), (480, 640)])
def test_posters_are_flat_and_paintings_are_not(size):
    """At any size: a poster, outlines on paper, a scene with a plain house in it, a painting."""
    drawn_by = flat_areas, line_art, scene, painting
    poster, outlines, plain, painted = (flatness(tensor(draw(*size))) for draw in drawn_by)
    assert 0.8 > poster > 0.6 > outlines > 0.4 > plain > painted < 0.01


@pytest.mark.parametrize("size", [(1, 1), (6, 40), (7, 7), (8, 300)])
def test_any_size_has_a_flatness(size):
    assert 0 <= flatness(F.interpolate(STYLE, size)) <= 1
    assert flatness(torch.full((1, 3, *size), 0.5)) == (min(size) >= 7)

"""What painting starts from and what its content loss keeps: whose shapes, whose drawing, at odd sizes."""

from dataclasses import replace

import pytest
import torch

from nst_core.lost import lost
from nst_core.pyramid import resized
from nst_core.recipe import recipe
from nst_core.settings import Settings
from nst_core.starting import with_drawing, with_strokes

HEIGHT, WIDTH = 131, 193
LIGHT = torch.linspace(0.2, 0.8, WIDTH).expand(1, 3, HEIGHT, WIDTH)
BOARD = ((torch.arange(HEIGHT)[:, None] + torch.arange(WIDTH)) % 2 * 0.2 - 0.1).expand(1, 3, HEIGHT, WIDTH)
OTHER = torch.tensor([0.9, 0.1, 0.4]).view(1, 3, 1, 1).expand(1, 3, HEIGHT, WIDTH)


def test_light_and_colours_of_the_content_are_left_out():
    """Another flat colour, which the content has all over, changes nothing."""
    torch.testing.assert_close(with_drawing(LIGHT, OTHER, 1.0), LIGHT, rtol=0, atol=0.02)


def test_as_much_of_its_drawing_as_is_asked_for_comes_in():
    for amount in (0.0, 0.6, 1.0):
        drawn = with_drawing(LIGHT, OTHER + BOARD, amount)
        torch.testing.assert_close(drawn, LIGHT + amount * BOARD, rtol=0, atol=0.03)


def test_the_pictures_own_drawing_gives_way():
    drawn = with_drawing(LIGHT + BOARD, OTHER, 1.0)
    torch.testing.assert_close(drawn, LIGHT, rtol=0, atol=0.03)


def bars(across, rows, columns, contrast=0.5, grain=0.0):
    """Grey with bars 8 pixels apart in one place, upright or ``across``."""
    picture = torch.full((1, 3, HEIGHT, WIDTH), 0.5)
    wave = torch.sin(torch.arange(HEIGHT if across else WIDTH) * (torch.pi / 4))
    wave = (wave[:, None] if across else wave).expand(HEIGHT, WIDTH)
    picture[..., rows, columns] += contrast / 2 * wave[rows, columns]
    return (picture + grain * torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


FACE = slice(20, 70), slice(110, 160)
MIDDLE = (..., slice(35, 55), slice(125, 145))
ELSEWHERE = (..., slice(90, None), slice(0, 80))
CONTENT = bars(False, *FACE, grain=0.01)
ACROSS = bars(True, slice(None), slice(None))  # strokes over all of it, across what the content has in one place


def test_what_the_content_has_is_lost_under_strokes_across_it():
    found = lost(CONTENT, ACROSS)
    assert found.shape == (1, 1, HEIGHT, WIDTH) and found.min() >= 0 and found.max() <= 1
    assert found[MIDDLE].min() > 0.95
    assert found[ELSEWHERE].max() < 0.01, "there is nothing on the content there"


def test_nothing_is_lost_where_strokes_follow_the_content():
    assert lost(CONTENT, CONTENT).max() < 0.02
    paler = torch.tensor([0.1, 0.3, 0.6]).view(1, 3, 1, 1) + 0.4 * CONTENT  # in other colours
    assert lost(CONTENT, paler.clamp(0, 1)).max() < 0.05


def test_strokes_that_are_light_where_the_content_is_dark_have_lost_it():
    assert lost(CONTENT, 1 - CONTENT)[MIDDLE].min() > 0.95


def test_a_content_with_nothing_on_it_loses_nothing():
    assert lost(torch.full_like(CONTENT, 0.3), ACROSS).max() < 1e-3
    grain = 0.003 * torch.randn(CONTENT.shape, generator=torch.Generator().manual_seed(1))
    assert lost(torch.full_like(CONTENT, 0.3) + grain, ACROSS).max() < 0.05


@pytest.mark.parametrize("size", [(2 * HEIGHT, 2 * WIDTH), (5 * HEIGHT // 2, 5 * WIDTH // 2)])
def test_the_same_is_lost_at_any_size_that_is_larger_than_the_copies(size):
    content, strokes = (resized(x, 2 * HEIGHT, 2 * WIDTH).clamp(0, 1) for x in (CONTENT, ACROSS))
    larger = lost(*(resized(x, *size).clamp(0, 1) for x in (content, strokes)))
    assert (resized(larger, HEIGHT, WIDTH) - resized(lost(content, strokes), HEIGHT, WIDTH)).abs().mean() < 0.01


def test_the_start_shows_the_content_where_it_is_lost_and_strokes_elsewhere():
    with_it = replace(recipe(Settings(), "built-in"), broad=0.0, drawing=0.0, regained=0.6)
    start = with_strokes(CONTENT, ACROSS, with_it)
    torch.testing.assert_close(start[MIDDLE], (ACROSS + 0.6 * (CONTENT - ACROSS))[MIDDLE], rtol=0, atol=0.03)
    torch.testing.assert_close(start[ELSEWHERE], ACROSS[ELSEWHERE], rtol=0, atol=0.01)


def test_a_face_is_regained_up_to_75_and_by_no_flat_style():
    amounts = [recipe(Settings(strength=strength), "built-in").regained for strength in (50, 75, 100)]
    assert amounts[0] > amounts[1] > amounts[2] == 0
    assert recipe(Settings(), "built-in", flatness=0.6).regained == 0


def test_only_up_to_75_and_only_for_flat_styles_contrasts_are_emphasised():
    amounts = [recipe(Settings(strength=strength), "built-in", flatness=0.6).emphasis for strength in (25, 50, 75, 100)]
    assert amounts[0] == amounts[1] > amounts[2] > amounts[3] == 0
    assert recipe(Settings(), "built-in", flatness=0.3).emphasis == 0

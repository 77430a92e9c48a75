"""What painting starts from and what its content loss keeps: whose shapes, whose drawing, at odd sizes."""

import torch

from nst_core.starting import with_drawing

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

"""The preconditioner: a symmetric map that moves broad shapes by colour, and fine detail in all colours alike."""

import pytest
import torch

from nst_core.preconditioner import Preconditioner, preconditioner

INSIDE = (..., slice(4, -4), slice(4, -4))


def summing(*answers):
    """Three filters that sum up one colour each, with these answers."""
    return torch.tensor(answers)[:, None, None, None] * torch.eye(3)[:, :, None, None] * torch.ones(3, 3)


FILTERS = summing(8.0, 2.0, 1.0)
BOARD = ((torch.arange(15)[:, None] + torch.arange(15)) % 2 * 2.0 - 1).expand(1, 3, 15, 15)


def flat(*colour):
    return torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 15, 15)


def turned():
    """Some rotation of colours."""
    return torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(5)))[0]


def test_is_linear_and_its_own_adjoint():
    """⟨A·x, y⟩ = ⟨x, A·y⟩, edges included, which is what makes A of the gradient the gradient by the variable."""
    random = torch.Generator().manual_seed(3)
    x, y = (torch.randn(1, 3, 13, 9, generator=random, dtype=torch.float64) for _ in range(2))
    filters = torch.randn(8, 3, 3, 3, generator=random)
    seen = preconditioner(filters, 3.0, 1.5)
    seen = Preconditioner(seen.broad.double(), seen.fine)
    torch.testing.assert_close((seen(x) * y).sum(), (x * seen(y)).sum(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(seen(2 * x - y), 2 * seen(x) - seen(y))


def test_broad_colours_are_moved_the_less_the_more_they_are_answered():
    seen = preconditioner(summing(3.0, 2.0, 1.0), 3.0, 1.5)
    # answers of 3 : 2 : 1, so steep by their power of 1.8
    for colour, answer in (((1.0, 0.0, 0.0), 3), ((0.0, 1.0, 0.0), 2), ((0.0, 0.0, 1.0), 1)):
        wanted = 3 * answer**-1.8
        # everywhere, the edges included: moved further there, colours of an edge would stray
        torch.testing.assert_close(seen(flat(*colour)), wanted * flat(*colour), rtol=1e-5, atol=1e-5)


def test_fine_detail_is_moved_alike_in_all_colours():
    moved = preconditioner(FILTERS, 3.0, 1.5)(BOARD)
    torch.testing.assert_close(moved[INSIDE] / BOARD[INSIDE], torch.full((1, 3, 7, 7), 1.5), atol=0.03, rtol=0)


def test_colours_need_not_be_red_green_and_blue():
    """Filters that see other axes give the same map, turned."""
    turn = turned()
    straight = preconditioner(FILTERS, 3.0, 1.5).broad
    leaning = preconditioner(torch.einsum("nixy,ij->njxy", FILTERS, turn), 3.0, 1.5).broad
    torch.testing.assert_close(leaning, turn.T @ straight @ turn, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("filters", [torch.zeros(4, 3, 3, 3), FILTERS[:1]], ids=["deaf", "one colour only"])
def test_colours_that_nothing_answers_to_leave_it_in_range(filters):
    """As of features that were fitted to grey pictures."""
    values = torch.linalg.eigvalsh(preconditioner(filters, 3.0, 1.5).broad)
    assert float(values.min()) > 0.2 and float(values.max()) < 3.01


def test_no_colour_is_held_still():
    """A first layer that answers to one colour a million times as much does not make the search forget it."""
    filters = FILTERS * torch.tensor([1e6, 1.0, 1.0])[:, None, None, None]
    values = torch.linalg.eigvalsh(preconditioner(filters, 3.0, 1.5).broad)
    assert float(values.min()) > 0.25


def test_pictures_stay_on_their_type():
    assert preconditioner(FILTERS, 2.0, 1.0)(BOARD.double()).dtype == torch.float64

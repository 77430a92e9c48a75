"""Which precision is taken: bfloat16 only where the device multiplies it, and the loss does not tell the difference."""

import dataclasses

import pytest
import torch

from nst_core import device, precision
from nst_core.precision import in_precision, same_loss
from nst_core.recipe import recipe
from nst_core.settings import Settings
from nst_core.weights import fitted
from tests.core.drawing import drawn, tensor

CONTENT, STYLE = tensor(drawn(90, 121, seed=1)), tensor(drawn(83, 100, seed=2))
WEIGHTS = recipe(Settings(), "built-in").weights


@pytest.fixture
def network(quick_fit):
    return fitted.fit([STYLE, CONTENT], "relu4_1")


@pytest.fixture
def with_bfloat16(monkeypatch):
    monkeypatch.setattr(device, "multiplies_bfloat16", lambda device: True)


def coarse(network):
    """Features that are a thousand more than they were, which the next layer takes away again: bfloat16 loses them."""
    (weight, bias), (after, its_bias) = network.weights[1:3]
    lifted = its_bias - 1000 * after.sum((1, 2, 3))
    weights = (network.weights[0], (weight, bias + 1000), (after, lifted), *network.weights[3:])
    return dataclasses.replace(network, weights=weights)


def taken(network, wanted):
    return in_precision(network, wanted, WEIGHTS, CONTENT, STYLE).weights[1][0].dtype


def test_bfloat16_is_taken_where_the_loss_stays(network, with_bfloat16):
    assert taken(network, "auto") == torch.bfloat16


def test_and_not_where_it_changes(network, with_bfloat16):
    assert not same_loss(coarse(network), coarse(network).in_bfloat16(), WEIGHTS, CONTENT, STYLE)
    assert taken(coarse(network), "auto") == torch.float32


def test_and_not_where_the_device_has_to_emulate_it(network, monkeypatch):
    monkeypatch.setattr(device, "multiplies_bfloat16", lambda device: False)
    monkeypatch.setattr(precision, "same_loss", lambda *_: pytest.fail("it was tried, which takes a minute there"))
    assert taken(network, "auto") == torch.float32


def test_a_trial_that_fails_is_a_no(network, with_bfloat16, monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(precision, "same_loss", fail)
    assert taken(network, "auto") == torch.float32


@pytest.mark.parametrize("has", [True, False])
def test_a_graphics_card_is_asked_whether_it_multiplies_bfloat16_itself(monkeypatch, has):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or has)
    assert device.multiplies_bfloat16(torch.device("cuda")) is has
    assert asked == [{"including_emulation": False}]
    assert not device.multiplies_bfloat16(torch.device("mps"))


@pytest.fixture
def tf32():
    """PyTorch's settings of a card's products, put back afterwards."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    yield cudnn, matmul
    cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("wanted", ["float32", "auto", "bfloat16"])
def test_products_are_as_exact_as_is_asked_for_and_left_as_they_were(tf32, before, wanted):
    cudnn, matmul = tf32
    cudnn.allow_tf32 = matmul.allow_tf32 = before
    cudnn.deterministic = False
    with pytest.raises(KeyError), precision.products(wanted, torch.device("cuda")):
        allowed = before and wanted != "float32"
        assert (cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32) == (True, allowed, False)
        raise KeyError
    assert (cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32) == (False, before, before)
    with precision.products(wanted, torch.device("cpu")):
        assert (cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32) == (False, before, before)


@pytest.mark.parametrize(("damage", "same"), [(0.0, True), (0.001, True), (0.1, False), (float("nan"), False)])
@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_device_agrees_where_loss_and_gradient_do(network, monkeypatch, damage, same, what):
    """A device whose second answer is off by a share of it."""
    evaluate, count = precision.Objective.evaluate, []

    def damaged(objective, picture):
        loss, gradient = evaluate(objective, picture)
        count.append(loss)
        if len(count) == 1:
            return loss, gradient
        return (loss * (1 + damage), gradient) if what == "loss" else (loss, gradient * (1 + damage))

    monkeypatch.setattr(precision.Objective, "evaluate", damaged)
    assert precision.agrees(network, torch.device("cpu"), WEIGHTS, CONTENT, STYLE) is same


def test_who_asks_for_one_gets_it(network, with_bfloat16):
    assert taken(network, "float32") == torch.float32
    assert taken(coarse(network), "bfloat16") == torch.bfloat16


def test_a_loss_out_of_range_is_not_the_same(network):
    (weight, bias), *rest = network.weights
    broken = dataclasses.replace(network, weights=((weight, bias * torch.nan), *rest))
    assert not same_loss(network, broken, WEIGHTS, CONTENT, STYLE)
    assert not same_loss(broken, broken, WEIGHTS, CONTENT, STYLE)

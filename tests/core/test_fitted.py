"""The built-in features: repeatable, of VGG16's form, and finite for whatever an artist gives."""

import pytest
import torch

from nst_core import vgg
from nst_core.progress import Cancelled
from nst_core.weights import fitted
from tests.core.drawing import drawn, tensor

PICTURES = [tensor(drawn(47, 61, seed=1)), tensor(drawn(53, 40, seed=2))]


@pytest.fixture(autouse=True)
def few_samples(quick_fit):
    """The fit as it is, of fewer patches."""


def same(a, b):
    return all(
        torch.equal(x, y)
        for pair, other in zip(a.weights, b.weights, strict=True)
        for x, y in zip(pair, other, strict=True)
    )


def test_a_seed_gives_the_same_filters_again_and_another_seed_others():
    first = fitted.fit(PICTURES, "relu2_1", seed=3)
    assert same(first, fitted.fit(PICTURES, "relu2_1", seed=3))
    assert not same(first, fitted.fit(PICTURES, "relu2_1", seed=4))
    assert not same(first, fitted.fit(PICTURES[:1], "relu2_1", seed=3))


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    fitted.fit(PICTURES, "relu1_2", seed=3)
    assert torch.equal(torch.rand(4), expected)


def test_deeper_fits_begin_alike():
    shallow, deep = fitted.fit(PICTURES, "relu1_2", seed=3), fitted.fit(PICTURES, "relu2_1", seed=3)
    assert len(shallow.weights) == 2 and len(deep.weights) == 3
    assert torch.equal(shallow.weights[0][0], deep.weights[0][0])


def test_each_layer_is_told_and_may_be_the_last():
    told = []
    fitted.fit(PICTURES, "relu2_1", on_layer=told.append)
    assert told == [1 / 3, 2 / 3, 1]

    def stop(share):
        told.append(share)
        raise Cancelled

    with pytest.raises(Cancelled):
        fitted.fit(PICTURES, "relu2_1", on_layer=stop)
    assert told[3:] == [1 / 3]


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_has_vgg16s_form(pooling):
    network = fitted.fit(PICTURES, "relu4_1", pooling)
    assert network.name == "built-in" and network.pooling == pooling
    assert len(network.weights) == vgg.LAYERS.index("relu4_1") + 1
    into = 3
    for weight, bias in network.weights:
        assert weight.shape == (len(bias), into, 3, 3) and weight.dtype == bias.dtype == torch.float32
        assert not weight.requires_grad
        into = len(bias)
    found = network.features(PICTURES[0], vgg.LAYERS[:8])
    # neither dead nor drowned: what each layer gives is of unit size, on both pictures
    for maps in (*found.values(), *network.features(PICTURES[1], vgg.LAYERS[:8]).values()):
        assert 0.05 < float((maps > 0).float().mean()) < 0.95
        assert 0.1 < float(maps.std()) < 10


def test_filters_tell_edges_apart():
    """Some filter fires at edges one way and some other at edges the other way."""
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    upright, lying = ((0.5 + 0.4 * torch.sin(v))[None, None].expand(-1, 3, -1, -1) for v in (x, y))
    network = fitted.fit([upright, lying], "relu1_2")
    a, b = (network.features(p, ["relu1_2"])["relu1_2"].mean((0, 2, 3)) for p in (upright, lying))
    assert float((a - b).max()) > 0.2 and float((b - a).max()) > 0.2


def lines(step):
    picture = torch.ones(1, 3, 45, 37)
    picture[..., ::step] = 0
    return picture


HARD = {
    "flat": torch.full((1, 3, 40, 33), 0.4),
    "black": torch.zeros(1, 3, 40, 33),
    "white": torch.ones(1, 3, 40, 33),
    "grey": PICTURES[0][:, :1].expand(-1, 3, -1, -1),
    "smallest": tensor(drawn(16, 16)),
    "narrow": tensor(drawn(16, 300)),
    "lines of one pixel": lines(5),
    "lines side by side": lines(2),
    "black and white": (PICTURES[0] > 0.5).float(),
    "nearly flat": 0.5 + (PICTURES[0] - 0.5) / 255,
    "one dot": torch.nn.functional.pad(torch.ones(1, 3, 1, 1), (20, 20, 15, 15)),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with another"])
def test_stands_every_picture(name, alone):
    picture = HARD[name]
    network = fitted.fit([picture] if alone else [PICTURES[1], picture], "relu3_1")
    assert all(bool(torch.isfinite(t).all()) for pair in network.weights for t in pair)
    for maps in network.features(picture, vgg.LAYERS[:5]).values():
        assert bool(torch.isfinite(maps).all())

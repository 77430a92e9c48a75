"""VGG16's layers: sizes, cost, what they compute, and how far they see."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nst_core import vgg
from nst_core.vgg import LAYERS
from tests.core.drawing import MEAN, STD, drawn, small_network, tensor


def sequential(network):
    """The same network of PyTorch's own modules, and the index of each named layer's ReLU in it."""
    modules, at = [], {}
    for (weight, bias), name in zip(network.weights, LAYERS, strict=False):
        if name in ("relu2_1", "relu3_1", "relu4_1", "relu5_1"):
            modules.append(nn.AvgPool2d(2) if network.pooling == "average" else nn.MaxPool2d(2))
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, padding_mode=network.padding).double()
        convolution.weight.data, convolution.bias.data = weight, bias
        modules += [convolution, nn.ReLU()]
        at[name] = len(modules)
    return nn.Sequential(*modules), at


def test_the_layers_are_vgg16s():
    assert (
        *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3"),
        *("relu4_1", "relu4_2", "relu4_3", "relu5_1", "relu5_2", "relu5_3"),
    ) == LAYERS
    assert [vgg.stride(layer) for layer in LAYERS] == [1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 16]


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize(("height", "width"), [(37, 53), (16, 31), (64, 48)])
def test_every_layer_has_its_channels_and_size(pooling, height, width):
    found = small_network(pooling=pooling).features(tensor(drawn(height, width), torch.float64), LAYERS)
    assert list(found) == list(LAYERS)
    for layer, maps in found.items():
        stride = vgg.stride(layer)
        channels = (4, 5, 6, 7, 8)[vgg.block(layer) - 1]
        assert maps.shape == (1, channels, height // stride, width // stride)
        assert float(maps.min()) >= 0 < float(maps.max())


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
@pytest.mark.parametrize("pooling", ["average", "max"])
def test_equal_to_pytorchs_own_modules(pooling, padding):
    network = small_network(pooling=pooling, padding=padding)
    picture = tensor(drawn(37, 53), torch.float64)
    found = network.features(picture, LAYERS)
    modules, at = sequential(network)
    mean, std = (torch.tensor(x, dtype=torch.float64)[None, :, None, None] for x in (MEAN, STD))
    with torch.no_grad():
        for layer in LAYERS:
            theirs = modules[: at[layer]]((picture - mean) / std)
            torch.testing.assert_close(found[layer], theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize(("height", "width"), [(37, 53), (16, 31)])
def test_the_gradient_is_pytorchs_own(height, width, pooling, padding):
    """Of several layers at once, down to maps of one row."""
    network = small_network(pooling=pooling, padding=padding)
    modules, at = sequential(network)
    mean, std = (torch.tensor(x, dtype=torch.float64)[None, :, None, None] for x in (MEAN, STD))

    def gradient(features):
        leaf = tensor(drawn(height, width), torch.float64).requires_grad_(True)
        (sum(maps.square().sum() for maps in features(leaf)) + leaf.sum()).backward()
        return leaf.grad

    layers = ["relu1_1", "relu2_2", "relu3_1", "relu5_3"]
    ours = gradient(lambda leaf: network.features(leaf, layers).values())
    theirs = gradient(lambda leaf: [modules[: at[layer]]((leaf - mean) / std) for layer in layers])
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("wanted", [["relu1_1"], ["relu3_1", "relu1_2"], ["relu4_3"], ["relu5_3", "relu2_2"]])
def test_nothing_after_the_deepest_layer_is_computed(wanted):
    network, (height, width) = small_network(), (37, 53)
    deepest = max(LAYERS.index(layer) for layer in wanted)
    needed = 0
    for layer, (weight, _) in list(zip(LAYERS, network.weights, strict=True))[: deepest + 1]:
        needed += 2 * weight.numel() * (height // vgg.stride(layer)) * (width // vgg.stride(layer))
    with FlopCounterMode(display=False) as counter:
        found = network.features(tensor(drawn(height, width), torch.float64), wanted)
    assert counter.get_total_flops() == needed
    assert set(found) == set(wanted)


def test_no_layers_cost_nothing():
    with FlopCounterMode(display=False) as counter:
        assert small_network().features(tensor(drawn(20, 20), torch.float64), []) == {}
    assert counter.get_total_flops() == 0


def test_unknown_layers_are_named():
    picture = tensor(drawn(32, 32), torch.float64)
    with pytest.raises(ValueError, match="relu6_1"):
        small_network().features(picture, ["relu1_1", "relu6_1"])
    with pytest.raises(ValueError, match="relu3_2"):
        small_network("relu3_1").features(picture, ["relu3_2"])  # cut before it


def test_too_small_pictures_are_told():
    network = small_network()
    assert network.features(tensor(drawn(16, 40), torch.float64), ["relu5_3"])["relu5_3"].shape == (1, 8, 1, 2)
    with pytest.raises(ValueError, match=r"\(15, 40\).*too small for relu5_3"):
        network.features(tensor(drawn(15, 40), torch.float64), ["relu5_3", "relu1_1"])
    assert network.features(tensor(drawn(15, 40), torch.float64), ["relu4_3"])


def test_to_changes_the_type_of_all_weights():
    network = small_network()
    single = network.to(torch.float32)
    assert {t.dtype for pair in single.weights for t in pair} == {torch.float32}
    assert {t.dtype for pair in network.weights for t in pair} == {torch.float64}
    picture = tensor(drawn(37, 53))
    theirs = network.features(picture.double(), ["relu4_1"])["relu4_1"]
    torch.testing.assert_close(single.features(picture, ["relu4_1"])["relu4_1"].double(), theirs, rtol=1e-4, atol=1e-5)


def test_bfloat16_still_tells_the_least_differences_of_pixels():
    """A tenth of a step of 8 bits is far below what bfloat16 holds of a picture; the first convolution sees it."""
    network = small_network("relu3_1", padding="replicate").to(torch.float32)
    picture = tensor(drawn(37, 53))
    quick = network.in_bfloat16()
    theirs, found = (n.features(picture, ["relu1_1", "relu3_1"]) for n in (network, quick))
    assert found["relu3_1"].dtype == torch.bfloat16
    torch.testing.assert_close(found["relu3_1"].float(), theirs["relu3_1"], rtol=0.02, atol=0.03)
    assert torch.equal(found["relu1_1"], theirs["relu1_1"])
    brighter = quick.features(picture + 0.1 / 255, ["relu1_1"])["relu1_1"]
    assert float((brighter != found["relu1_1"]).float().mean()) > 0.3


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("layer", LAYERS)
def test_reach_is_exact(layer, pooling):
    """Weights that are all positive and no biases: a feature of a black picture is 0 where it sees black alone."""
    network = small_network(layer, pooling, channels=(1, 1, 1, 1, 1))
    positive = tuple((weight.abs(), 0 * bias) for weight, bias in network.weights)
    network = vgg.Vgg16("positive", positive, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), pooling)
    stride, reach = vgg.stride(layer), vgg.reach(layer)
    place = -(-(reach + 1) // stride)  # of the feature, in rows and columns, that sees nothing of the edge
    side = (place + 1) * stride + reach + 2

    def feature(row, column):
        picture = torch.zeros(1, 3, side, side, dtype=torch.float64)
        picture[..., row, column] = 1.0
        return float(network.features(picture, [layer])[layer][0, 0, place, place])

    first, last, middle = place * stride, (place + 1) * stride - 1, place * stride
    for beyond in (first - reach - 1, last + reach + 1):
        assert feature(beyond, middle) == 0
        assert feature(middle, beyond) == 0
    for within in (first - reach, last + reach):
        assert feature(within, middle) > 0
        assert feature(middle, within) > 0

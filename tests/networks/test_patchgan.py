import pytest
import torch
from torch import nn

from portrayal.core.errors import BadOption
from portrayal.networks import networks

PATCHES = {"pixel": 1, "patch_16": 16, "patch_34": 34, "patch_70": 70, "patch_142": 142}
PATCHES["patch_286"] = 286
LOGITS = {"pixel": 256, "patch_16": 62 * 2 + 2, "patch_34": 62, "patch_70": 30, "patch_142": 14}
LOGITS["patch_286"] = 6


@pytest.mark.parametrize(("name", "side"), PATCHES.items())
def test_a_logit_sees_as_many_pixels_as_the_name_says(name, side):
    network = networks[name](in_channels=1, width=2).double().eval()
    for parameter in network.parameters():  # positive weights: no gradient can cancel
        parameter.data = parameter.data.abs() + 1.0
    picture = torch.ones(1, 1, 640, 640, dtype=torch.float64, requires_grad=True)
    logits = network(picture)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = picture.grad[0, 0] != 0
    for axis in (0, 1):
        places = seen.any(axis).nonzero()
        assert places.max() - places.min() + 1 == side
    assert seen.sum() == side**2  # and all within it


@pytest.mark.parametrize(("name", "side"), LOGITS.items())
def test_a_picture_of_256_gives_a_square_of_logits(name, side):
    network = networks[name](width=1)
    with torch.no_grad():
        assert network(torch.randn(2, 6, 256, 256)).shape == (2, 1, side, side)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("pixel", 9_024), ("patch_34", 666_433), ("patch_70", 2_768_705), ("patch_286", 11_159_361)],
)
def test_parameters_are_counted_as_in_the_reference(name, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in networks[name]().parameters()) == parameters


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize("name", PATCHES)
def test_channels_grow_to_eight_times_the_width(name):
    widths = [layer.out_channels for layer in convolutions(networks[name](width=3))]
    assert widths[0] == 3
    assert widths[-1] == 1
    assert max(widths) == 3 * min(8, 2 ** (len(widths) - 2))


@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("norm", ["instance", "none"])
def test_every_convolution_has_a_bias_where_no_batchnorm_follows(name, norm):
    layers = convolutions(networks[name](width=2, norm=norm))
    assert all(layer.bias is not None for layer in layers)


def test_with_batchnorm_the_layers_without_norm_keep_their_bias():
    biased = [layer.bias is not None for layer in convolutions(networks["patch_70"](width=2))]
    assert biased == [True, False, False, False, True]


def test_the_first_layer_is_never_normalised():
    kinds = [type(layer) for layer in networks["patch_70"](width=2)]
    assert kinds[:3] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d]
    assert kinds.count(nn.BatchNorm2d) == 3


@pytest.mark.parametrize("name", PATCHES)
def test_logits_are_raw_and_depend_on_the_picture(name):
    network = networks[name](width=4)
    pictures = torch.randn(2, 6, 128, 128, requires_grad=True)
    logits = network(pictures)
    assert logits.min() < 0 < logits.max()
    logits.square().mean().backward()
    assert pictures.grad.abs().sum() > 0  # a softmax over one unit would give exactly zero
    assert all(parameter.grad.norm() > 0 for parameter in convolutions(network)[0].parameters())


def test_bad_arguments_are_one_line():
    with pytest.raises(BadOption, match="width is 0, but a network needs at least 1"):
        networks["patch_70"](width=0)
    with pytest.raises(BadOption, match="in_channels is -1"):
        networks["pixel"](in_channels=-1)


@pytest.mark.parametrize("name", PATCHES)
def test_the_penultimate_features_are_what_the_last_convolution_sees(name):
    network = networks[name](3, width=2, norm="instance")
    picture = torch.randn(1, 3, 128, 128)
    features = network(picture, layer=1)
    assert features.shape[1] == network[-1].in_channels
    assert torch.equal(network[-1](features), network(picture))

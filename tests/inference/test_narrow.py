"""Narrow layers as blocks: the same picture as the layer itself, for every kernel that fits."""

import pytest
import torch
from torch import nn
from torch.nn.functional import pixel_shuffle

from portrayal.inference.narrow import as_blocks, last_convolution
from portrayal.inference.onnx_graph import Tracer, onnx_model
from portrayal.inference.runtimes import open_onnx
from portrayal.networks import networks

PLAIN = [(side, padding) for side in (3, 5, 7) for padding in (0, side // 2)]
TRANSPOSED = [(2, 0, 0), (4, 1, 0), (6, 2, 0), (3, 1, 1), (5, 2, 1)]  # side, padding, more


def same_picture(layer, shape=(2, 5, 12, 18)):
    torch.manual_seed(0)
    source = torch.randn(shape, dtype=torch.float64)
    layer = layer.double()
    wide = as_blocks(layer)
    assert (wide.in_channels, wide.out_channels) == (5, 4 * layer.out_channels)
    assert wide.kernel_size == wide.weight.shape[2:]  # what is said of it is what is written
    assert not wide.weight.requires_grad
    assert not wide.bias.requires_grad
    torch.testing.assert_close(pixel_shuffle(wide(source), 2), layer(source))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("side", "padding"), PLAIN)
def test_a_convolution_as_blocks_makes_the_same_picture(side, padding, channels, bias):
    same_picture(nn.Conv2d(5, channels, side, padding=padding, bias=bias))


def test_only_what_comes_out_has_to_have_even_sides():
    same_picture(nn.Conv2d(5, 3, 4), (2, 5, 13, 19))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("side", "padding", "more"), TRANSPOSED)
def test_a_transposed_one_as_blocks_makes_the_same_picture(side, padding, more, bias):
    same_picture(nn.ConvTranspose2d(5, 3, side, 2, padding, more, bias=bias), (2, 5, 7, 9))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(5, 5, 3, padding=1),  # wide enough
        nn.Conv2d(5, 3, 1),  # nothing around it to share
        nn.Conv2d(5, 3, 3, stride=2, padding=1),
        nn.Conv2d(5, 3, 3, dilation=2, padding=2),
        nn.Conv2d(6, 3, 3, padding=1, groups=3),
        nn.Conv2d(5, 3, (3, 5), padding=(1, 2)),
        nn.Conv2d(5, 3, 3, padding=(1, 0)),
        nn.Conv2d(5, 3, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(5, 3, 3, padding="same"),
        nn.ConvTranspose2d(5, 3, 3, padding=1),
        nn.ConvTranspose2d(5, 3, 4, 2),  # larger than twice the source
        nn.ConvTranspose2d(5, 3, 4, 4),
    ],
    ids=str,
)
def test_other_layers_stay_as_they_are(layer):
    assert as_blocks(layer) is None


def last_of(*layers):
    network = nn.Sequential(*layers)
    return last_convolution(Tracer().trace(network), dict(network.named_modules()))


def test_the_last_convolution_has_only_functions_of_values_behind_it():
    ends = (nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.5), nn.Tanh(), nn.Identity())
    assert last_of(nn.Conv2d(3, 3, 3), *ends).target == "1"
    assert last_of(*ends, nn.ReflectionPad2d(1)) is None
    assert last_of(*ends, nn.BatchNorm2d(3)) is None
    assert last_of(nn.Tanh()) is None


@pytest.mark.parametrize(
    ("name", "multiple"), [("unet_64", 64), ("resnet_6", 4), ("resnet_6", 1), ("resnet_6", 5)]
)
def test_exported_generators_end_in_blocks_where_sides_are_even(name, multiple):
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    generator = networks[name](width=8).eval()
    model = onnx_model(generator, multiple=multiple)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("DepthToSpace") == (multiple % 2 == 0)
    source = torch.rand(2, 3, 64, 128) * 2 - 1
    answer = open_onnx(model.SerializeToString())(source)
    torch.testing.assert_close(answer, generator(source), atol=2e-5, rtol=0)

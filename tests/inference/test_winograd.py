"""Winograd's convolution: the same sums as the layer itself, for every size, border and batch."""

import pytest
import torch
from torch import nn

from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.runtimes import OpenVino, open_onnx
from portrayal.inference.winograd import both_ways, gains, transforms, worth
from portrayal.networks import networks

OPEN = {"onnxruntime": open_onnx, "openvino": OpenVino}


def test_a_row_of_values_is_a_correlation():
    picture, kernel, back = transforms()
    rng = torch.Generator().manual_seed(0)
    x, k = (torch.randn(count, dtype=torch.float64, generator=rng) for count in (6, 3))
    by_hand = [float((x[i : i + 3] * k).sum()) for i in range(4)]
    assert (back @ ((kernel @ k) * (picture @ x))).tolist() == pytest.approx(by_hand, abs=1e-12)


def test_what_pictures_go_through_is_exact_in_float32():
    for matrix in (transforms()[0], transforms()[2]):
        torch.testing.assert_close(matrix.float().double(), matrix, rtol=0, atol=1e-14)


# the usual ones, by Lavin and Gray (2016), section 4.3: for a picture, for a kernel and back
USUAL = (
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
)


def lost(picture, kernel, back):
    """How far errors of one in each of the 36 products reach the pixels, root of the mean square.

    Products are as large as independent pixels and weights of variance 1 make them.
    """
    picture, kernel, back = (both_ways(matrix) ** 2 for matrix in (picture, kernel, back))
    return float((back @ (kernel.sum(1) * picture.sum(1))).mean().sqrt())


def test_half_as_much_is_lost_as_at_the_usual_points():
    picture, kernel, back = (torch.tensor(rows, dtype=torch.float64) for rows in USUAL)
    assert lost(*transforms()) / lost(picture, kernel / 24, back) < 0.48


def test_a_picture_of_one_tile_by_hand():
    picture, kernel, back = (both_ways(matrix) for matrix in transforms())
    rng = torch.Generator().manual_seed(0)
    source = torch.randn(1, 1, 6, 6, dtype=torch.float64, generator=rng)
    weight = torch.randn(1, 1, 3, 3, dtype=torch.float64, generator=rng)
    found = back @ ((kernel @ weight.flatten()) * (picture @ source.flatten()))
    wanted = nn.functional.conv2d(source, weight)
    torch.testing.assert_close(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("runtime", OPEN)
@pytest.mark.parametrize(("padding", "bias"), [(0, True), (1, False), (1, True), (2, True)])
def test_a_layer_is_the_same_at_any_size_and_batch(runtime, padding, bias):
    pytest.importorskip(runtime)
    torch.manual_seed(0)
    layer = nn.Conv2d(256, 288, 3, padding=padding, bias=bias)
    network = nn.Sequential(nn.Conv2d(3, 256, 1), layer, nn.Conv2d(288, 3, 1)).eval()
    model = onnx_model(network, winograd=256)
    assert [node.op_type for node in model.graph.node].count("MatMul") == 2
    assert len(model.SerializeToString()) < 3e6, "the kernels are computed from the weights"
    run = OPEN[runtime](model.SerializeToString())
    for shape in [(1, 3, 16, 16), (2, 3, 17, 22), (3, 3, 7, 4), (1, 3, 3, 3), *[(2, 3, 9, 8)] * 4]:
        source = torch.rand(shape) * 2 - 1
        with torch.inference_mode():
            torch.testing.assert_close(run(source), network(source), atol=3e-6, rtol=0)


@pytest.mark.parametrize("runtime", OPEN)
def test_a_generator_of_full_width_stays_far_within_the_tolerance_of_engines(runtime):
    pytest.importorskip(runtime)
    torch.manual_seed(0)
    generator = networks["resnet_6"]().eval()
    model = onnx_model(generator, multiple=4, winograd=256)
    assert [node.op_type for node in model.graph.node].count("MatMul") == 2 * 12
    source = torch.rand(2, 3, 64, 96) * 2 - 1
    with torch.inference_mode():
        wanted = generator(source)
    answer = OPEN[runtime](model.SerializeToString())(source)
    torch.testing.assert_close(answer, wanted, atol=3e-5, rtol=0)


@pytest.mark.parametrize(("channels", "is_worth"), [(99, 0), (100, 1), (512, 1), (513, 0)])
def test_only_layers_whose_products_take_the_time_and_whose_weights_fit(channels, is_worth):
    assert worth(nn.Conv2d(channels, 300, 3, device="meta"), 100) == is_worth
    assert worth(nn.Conv2d(300, channels, 3, padding=1, device="meta"), 100) == is_worth


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(256, 256, 1),
        nn.Conv2d(256, 256, (3, 1)),
        nn.Conv2d(256, 256, 5),
        nn.Conv2d(256, 256, 3, stride=2),
        nn.Conv2d(256, 256, 3, dilation=2),
        nn.Conv2d(256, 256, 3, groups=2),
        nn.Conv2d(256, 256, 3, padding=(1, 0)),
        nn.Conv2d(256, 256, 3, padding="same"),
        nn.Conv2d(256, 256, 3, padding=1, padding_mode="reflect"),
        nn.ConvTranspose2d(256, 256, 3),
        nn.ReLU(),
    ],
    ids=str,
)
def test_other_layers_stay_as_they_are(layer):
    assert not worth(layer, 1)


def test_a_file_has_it_only_if_asked():
    model = onnx_model(nn.Sequential(nn.Conv2d(3, 256, 1), nn.Conv2d(256, 256, 3)))
    assert "MatMul" not in [node.op_type for node in model.graph.node]


def test_a_network_gains_by_any_layer_that_is_worth_it():
    layers = [nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3)]
    assert gains(nn.Sequential(*layers), 4)
    assert not gains(nn.Sequential(*layers), 5)
    assert not gains(nn.Sequential(*layers[:2]), 1)

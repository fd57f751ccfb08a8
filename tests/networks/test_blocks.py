import pytest
import torch
from torch import nn

from portrayal.core.errors import UnknownName
from portrayal.networks import blocks, networks
from portrayal.networks.blocks import initialise, norm_layer


def test_first_weights_have_the_spread_of_the_paper():
    network = nn.Sequential(nn.Conv2d(64, 64, 4), nn.BatchNorm2d(4000), nn.Linear(64, 400))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(7.0)
    torch.manual_seed(0)
    assert initialise(network) is network
    for layer, mean in zip(network, [0.0, 1.0, 0.0], strict=True):
        assert layer.weight.mean().item() == pytest.approx(mean, abs=1e-3)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()


def test_transposed_convolutions_are_drawn_too_and_a_missing_bias_is_no_trouble():
    layer = initialise(nn.ConvTranspose2d(64, 64, 4, bias=False))
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)


OTHERWISE = ("residual",)  # sums of branches; see test_residual.py


@pytest.mark.parametrize("name", [name for name in networks if name not in OTHERWISE])
def test_every_network_starts_with_these_weights(name):
    torch.manual_seed(0)
    network = networks[name](width=16)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    drawn = torch.cat([layer.weight.flatten() for layer in layers])
    assert drawn.std().item() == pytest.approx(0.02, rel=0.1)
    assert not any(layer.bias.any() for layer in layers if layer.bias is not None)


def test_instance_norm_has_no_parameters_and_takes_away_brightness_and_contrast():
    layer = norm_layer("instance", 3)
    assert not list(layer.parameters())
    picture = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(layer(picture), layer(5 * picture + 2), atol=1e-4, rtol=0)


def test_no_norm_changes_nothing():
    picture = torch.randn(2, 3, 8, 8)
    assert torch.equal(norm_layer("none", 3)(picture), picture)


def test_an_unknown_norm_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="Known: batch, instance, none"):
        norm_layer("group", 3)


@pytest.mark.parametrize("side", [2, 4])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("layer", [blocks.Halve, blocks.Double])
def test_a_product_of_matrices_is_the_convolution_with_its_gradients(layer, bias, side):
    torch.manual_seed(0)
    module = layer(5, 7, bias=bias).double()
    picture = torch.randn(3, 5, side, side, dtype=torch.float64)

    def answers(training: bool) -> list[torch.Tensor]:
        source = picture.clone().requires_grad_()
        module.train(training)
        module.zero_grad()
        output = module(source)
        (output * torch.linspace(0, 1, output.numel()).reshape_as(output)).sum().backward()
        return [output.detach(), source.grad, *(p.grad.clone() for p in module.parameters())]

    assert blocks._few(module.train(), picture, picture.shape[0] * side * side)
    for product, convolution in zip(answers(True), answers(False), strict=True):
        assert product.shape == convolution.shape
        assert torch.allclose(product, convolution, atol=1e-12)


def test_large_pictures_and_translation_use_the_convolution():
    layer = blocks.Halve(3, 4, bias=False)
    small, large = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 64, 64)
    assert blocks._few(layer.train(), small, 4)
    assert not blocks._few(layer.train(), large, 1024)
    assert not blocks._few(layer.eval(), small, 4), "exported and translating networks stay plain"

import pytest
import torch
from torch import nn

from portrayal.core.errors import UnknownName
from portrayal.networks import networks
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


@pytest.mark.parametrize("name", list(networks))
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

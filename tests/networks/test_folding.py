"""Folded copies answer as the networks they are copies of."""

import pytest
import torch
from torch import nn

from portrayal.networks.folding import folded
from portrayal.networks.joint import joint_discriminator, joint_generator


def trained(network: nn.Module) -> nn.Module:
    """As after a training: statistics and weights of every kind."""
    rng = torch.Generator().manual_seed(2)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values, low, high in (
                (layer.running_mean, -0.5, 0.5),
                (layer.running_var, 0.5, 2.0),
                (layer.weight.data, 0.5, 1.5),
                (layer.bias.data, -0.5, 0.5),
            ):
                values.copy_(torch.rand(values.shape, generator=rng) * (high - low) + low)
        elif isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_normal_(layer.weight, 2.0, generator=rng)
    return network


@pytest.mark.parametrize("kernel", [4, 5])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_a_folded_generator_draws_the_same(norm, kernel):
    network = trained(joint_generator(latent=6, width=4, norm=norm, kernel=kernel, slope=0.2))
    z = torch.rand(3, 6) * 2 - 1
    answer = folded(network)(z)
    assert torch.allclose(answer, network.eval()(z), atol=1e-5)
    assert answer.std() > 0.02


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_a_folded_discriminator_judges_the_same(norm, spectral):
    network = trained(joint_discriminator(width=2, norm=norm, spectral=spectral))
    for _ in range(3):
        network(torch.rand(2, 3, 64, 128))  # moves statistics and spectral norms
    pictures = torch.rand(5, 3, 64, 128) * 2 - 1
    logits = folded(network)(pictures)
    assert torch.allclose(logits, network.eval()(pictures), atol=1e-5)
    assert logits.std() > 1e-3


def test_no_batch_norm_is_left_behind_a_convolution_and_no_weight_has_a_gradient():
    network = folded(joint_discriminator(width=2, spectral=True))
    kinds = [type(layer) for layer in network.modules()]
    assert nn.BatchNorm2d not in kinds
    assert not any(weight.requires_grad for weight in network.parameters())
    assert not any("parametrizations" in key for key in network.state_dict())


def test_the_network_itself_stays_as_it_is():
    network = joint_discriminator(width=2, spectral=True)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded(network)(torch.rand(2, 3, 64, 128))
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert network.training
    assert all(weight.requires_grad for weight in network.parameters())
    network(torch.rand(2, 3, 64, 128))  # copies share the class that torch made for spectral norm

"""v6's discriminator: shapes, features, first weights."""

import pytest
import torch

from portrayal.core.errors import BadOption
from portrayal.networks import networks


@pytest.mark.parametrize("norm", ["instance", "none", "batch"])
def test_a_logit_stands_for_16_by_16_pixels(norm):
    network = networks["residual"](3, width=2, norm=norm)
    assert network(torch.randn(2, 3, 64, 96)).shape == (2, 1, 4, 6)


def test_features_are_what_the_head_sees():
    network = networks["residual"](3, width=2)
    picture = torch.randn(2, 3, 64, 64)
    near = network(picture, layer=1)
    assert near.shape == (2, 16, 4, 4)
    assert torch.equal(network.last(near), network(picture))
    shapes = [tuple(network(picture, layer=layer).shape[1:]) for layer in (2, 3, 4)]
    assert shapes == [(16, 4, 4), (8, 8, 8), (4, 16, 16)]


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_at_first_logits_differ_and_gradients_arrive(norm):
    torch.manual_seed(0)
    network = networks["residual"](3, width=8, norm=norm)
    picture = torch.randn(2, 3, 64, 64, requires_grad=True)
    logits = network(picture)
    assert 0.05 < logits.std() < 5
    logits.square().mean().backward()
    assert picture.grad.abs().max() > 0
    assert all(p.grad.abs().max() > 0 for p in network.blocks[0].skip.parameters())


def test_it_needs_channels():
    with pytest.raises(BadOption, match="width is 0"):
        networks["residual"](width=0)

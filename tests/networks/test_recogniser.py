import pytest
import torch

from portrayal.core.errors import BadOption
from portrayal.networks import networks
from portrayal.networks.recogniser import classifier, recognisers, segmenter


@pytest.mark.parametrize(("height", "width"), [(64, 64), (37, 50), (16, 128), (1, 1)])
def test_a_segmenter_answers_every_pixel_of_any_size(height, width):
    logits = segmenter(6, width=2).eval()(torch.zeros(2, 3, height, width))
    assert logits.shape == (2, 6, height, width)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (37, 50), (1, 1)])
def test_a_classifier_answers_once_per_picture_of_any_size(height, width):
    assert classifier(5, width=2).eval()(torch.zeros(2, 3, height, width)).shape == (2, 5)


@pytest.mark.parametrize("name", list(recognisers))
def test_all_have_at_most_a_million_parameters(name):
    assert sum(p.numel() for p in recognisers[name](50).parameters()) < 1_000_000


@pytest.mark.parametrize("name", list(recognisers))
def test_pictures_of_a_batch_do_not_see_each_other(name):
    torch.manual_seed(0)
    network = recognisers[name](4, width=2).double().eval()
    pictures = torch.rand(3, 3, 32, 32, dtype=torch.float64)
    alone = torch.cat([network(picture[None]) for picture in pictures])
    torch.testing.assert_close(network(pictures), alone)


@pytest.mark.parametrize("name", list(recognisers))
def test_every_weight_learns(name):
    network = recognisers[name](4, width=2)
    network(torch.rand(2, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_no_recipe_can_choose_a_recogniser():
    assert not set(recognisers) & set(networks)


def test_no_classes_are_refused():
    with pytest.raises(BadOption, match="classes is 0"):
        classifier(0)

import pytest
import torch

from portrayal.losses import losses
from portrayal.losses.reconstruction import l1, l2


def test_l1_and_l2_by_hand():
    fake = torch.tensor([[[[1.0, -1.0]]], [[[0.5, 0.5]]]])
    real = torch.tensor([[[[0.0, 1.0]]], [[[0.5, 0.0]]]])
    assert l1(fake, real).tolist() == [1.5, 0.25]
    assert l2(fake, real).tolist() == [2.5, 0.125]


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_equal_pictures_lose_nothing_and_the_order_does_not_matter(name):
    one, two = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert losses[name](one, one).tolist() == [0.0, 0.0]
    assert torch.equal(losses[name](one, two), losses[name](two, one))


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_bfloat16_pictures_are_compared_in_float32(name):
    fake, real = torch.randn(2, 3, 64, 64).bfloat16(), torch.randn(2, 3, 64, 64)
    assert losses[name](fake, real).dtype == torch.float32
    assert torch.equal(losses[name](fake, real), losses[name](fake.float(), real))


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_pictures_of_another_shape_are_a_mistake_not_a_broadcast(name):
    with pytest.raises(AssertionError):
        losses[name](torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4))

import math

import pytest
import torch

from portrayal.core.errors import BadOption
from portrayal.losses import losses
from portrayal.losses.adversarial import hinge, lsgan, vanilla

NAMES = ["vanilla", "lsgan", "hinge"]


def test_vanilla_is_minus_the_log_of_the_probability_given_to_the_wanted_answer():
    logits = torch.tensor([[0.0, 0.0], [math.log(3), math.log(3)]])  # p = 1/2 and 3/4
    expected = [math.log(2), math.log(4 / 3)]
    assert vanilla(logits, 1.0).tolist() == pytest.approx(expected)
    assert vanilla(logits, 0.0).tolist() == pytest.approx([math.log(2), math.log(4)])


def test_lsgan_is_the_squared_distance_to_the_wanted_answer():
    logits = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    assert lsgan(logits, 1.0).tolist() == [1.0, 0.0]  # by hand: (1 + 1) / 2, (0 + 0) / 2
    assert lsgan(logits, 0.0).tolist() == [2.0, 1.0]


def test_hinge_stops_the_discriminator_at_its_margin_and_never_the_generator():
    logits = torch.tensor([[-3.0, 0.0], [2.0, 0.5]])
    assert hinge(logits, 1.0).tolist() == [2.5, 0.25]  # (4 + 1) / 2, (0 + 0.5) / 2
    assert hinge(logits, 0.0).tolist() == [0.5, 2.25]  # (0 + 1) / 2, (3 + 1.5) / 2
    assert hinge(logits, 1.0, fooling=True).tolist() == [1.5, -1.25]


@pytest.mark.parametrize("loss", [vanilla, lsgan])
def test_a_soft_label_is_a_mixture_of_both_answers_in_its_slope(loss):
    def slope(wanted: float) -> torch.Tensor:
        logits = torch.tensor([[0.3, -1.2]], requires_grad=True)
        loss(logits, wanted).sum().backward()
        return logits.grad

    torch.testing.assert_close(slope(0.9), 0.9 * slope(1.0) + 0.1 * slope(0.0))


@pytest.mark.parametrize("loss", [vanilla, lsgan])
def test_labels_may_differ_from_picture_to_picture(loss):
    logits = torch.randn(2, 1, 3, 3)
    both = loss(logits, torch.tensor([0.9, 0.1]))
    assert both[0] == loss(logits[:1], 0.9)
    assert both[1] == loss(logits[1:], 0.1)


@pytest.mark.parametrize("wanted", [0.9, torch.tensor([1.0, 1.0])])
def test_hinge_refuses_soft_labels(wanted):
    with pytest.raises(BadOption, match="hinge knows no soft labels"):
        hinge(torch.zeros(2, 1), wanted)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fooling", [False, True])
def test_a_loss_has_one_value_per_picture_that_its_neighbours_do_not_change(name, fooling):
    logits = torch.randn(3, 1, 5, 5)
    whole = losses[name](logits, 1.0, fooling=fooling)
    alone = [losses[name](logits[i : i + 1], 1.0, fooling=fooling) for i in range(3)]
    assert whole.shape == (3,)
    torch.testing.assert_close(whole, torch.cat(alone))


@pytest.mark.parametrize("name", NAMES)
def test_descending_the_generators_loss_raises_every_logit(name):
    logits = torch.linspace(-3, 0.9, 7).reshape(1, 7).requires_grad_()
    losses[name](logits, 1.0, fooling=True).sum().backward()
    assert (logits.grad < 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_float32_under_autocast_and_on_bfloat16_logits(name):
    logits = torch.randn(2, 1, 30, 30)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = losses[name](logits.bfloat16(), 1.0)
        assert torch.equal(losses[name](logits, 1.0), losses[name](logits.clone(), 1.0))
    assert rough.dtype == losses[name](logits.bfloat16(), 1.0).dtype == torch.float32
    assert torch.equal(rough, losses[name](logits.bfloat16().float(), 1.0))


def test_vanilla_stays_finite_at_logits_that_overflow_an_exponential():
    logits = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    vanilla(logits, 0.0).sum().backward()
    assert vanilla(logits, 0.0).tolist() == [1e4, 0.0]
    assert logits.grad.isfinite().all()

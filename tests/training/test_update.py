"""One optimiser step, and looking at a network without leaving a trace."""

import pytest
import torch
from torch import nn

from portrayal.core.errors import NotFinite
from portrayal.training.settings import Settings
from portrayal.training.update import _average, adam, descend, evaluating, frozen


def test_descend_takes_one_adam_step_down_the_loss():
    weight = nn.Linear(1, 1, bias=False)
    nn.init.ones_(weight.weight)
    optimizer = adam(weight, Settings(learning_rate=0.1))
    loss = descend(weight(torch.ones(1, 1)).sum(), optimizer)
    assert float(loss) == 1.0
    assert not loss.requires_grad
    assert float(weight.weight.detach()) == pytest.approx(0.9), "Adam's first step is the rate"


def test_the_second_step_forgets_the_gradients_of_the_first():
    weight = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(weight.parameters(), lr=1.0)
    nn.init.zeros_(weight.weight)
    for _ in range(2):
        descend(weight(torch.ones(1, 1)).sum(), optimizer)
    assert float(weight.weight.detach()) == -2.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_never_reaches_the_weights(bad):
    weight = nn.Linear(1, 1)
    before = weight.weight.detach().clone()
    with pytest.raises(NotFinite):
        descend(weight(torch.full((1, 1), bad)).sum(), adam(weight, Settings()))
    assert torch.equal(weight.weight, before)


def test_a_fused_optimiser_told_of_an_infinity_leaves_weights_and_moments_alone():
    weight = nn.Linear(2, 2)
    optimizer = adam(weight, Settings())
    descend(weight(torch.ones(1, 2)).sum(), optimizer)
    before, moment = (
        weight.weight.detach().clone(),
        optimizer.state[weight.weight]["exp_avg"].clone(),
    )
    optimizer.found_inf = torch.tensor(1.0)  # what `descend` does on a GPU
    weight.weight.grad = torch.full((2, 2), float("nan"))
    weight.bias.grad = torch.zeros(2)
    optimizer.step()
    assert torch.equal(weight.weight, before)
    assert torch.equal(optimizer.state[weight.weight]["exp_avg"], moment)


def test_frozen_parameters_get_no_gradient_but_let_it_through():
    judge, maker = nn.Linear(3, 1), nn.Linear(2, 3)
    with frozen(judge):
        judge(maker(torch.ones(1, 2))).sum().backward()
    assert judge.weight.grad is None
    assert maker.weight.grad is not None
    assert maker.weight.grad.abs().sum() > 0
    assert judge.weight.requires_grad


def test_evaluating_restores_modes_and_statistics_even_after_an_error():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5)).train()
    network[1].eval()
    before = network[0].running_mean.clone()
    with pytest.raises(RuntimeError), evaluating(network, noisy=True):
        assert network[1].training
        network(torch.rand(2, 1, 4, 4) + 5)
        raise RuntimeError
    assert torch.equal(network[0].running_mean, before)
    assert network[0].training
    assert not network[1].training


def test_gradients_are_averaged_in_pieces_and_come_back_in_their_shapes(tmp_path):
    import torch.distributed as dist

    dist.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1
    )
    try:
        gradients = [torch.arange(6.0).reshape(2, 3), torch.tensor([7.0]), torch.ones(3, 1, 2)]
        wanted = [g.clone() for g in gradients]
        _average(gradients, megabytes=0)
        assert all(torch.equal(a, b) for a, b in zip(gradients, wanted, strict=True))
    finally:
        dist.destroy_process_group()

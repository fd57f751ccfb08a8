"""Averaged weights: the mean by hand, and the live weights back to the bit."""

import pytest
import torch
from torch import nn

from portrayal.training.averaging import Average, averaged
from portrayal.training.settings import Settings


def one_weight(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    put(layer, value)
    return layer


def put(layer: nn.Linear, value: float) -> None:
    with torch.no_grad():
        layer.weight.fill_(value)


def mean_of(average: Average) -> float:
    return float(average.state_dict()["generator.weight"])


def bits(module: nn.Module) -> dict[str, torch.Tensor]:
    return {key: tensor.clone() for key, tensor in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_mean_of_one_weight_by_hand():
    """Decays (1 + step) / (10 + step) = 1/10, 2/11, then at most 0.25: weights 8, 4, 0."""
    layer = one_weight(0.0)
    average = Average({"generator": layer}, decay=0.25)
    put(layer, 8.0)
    average.update(0)
    assert mean_of(average) == pytest.approx(0.9 * 8)
    put(layer, 4.0)
    average.update(1)
    assert mean_of(average) == pytest.approx(7.2 * 2 / 11 + 4 * 9 / 11)
    put(layer, 0.0)
    average.update(1000)
    assert mean_of(average) == pytest.approx(0.25 * (7.2 * 2 / 11 + 4 * 9 / 11))


def test_late_in_a_run_the_decay_is_the_one_asked_for():
    layer = one_weight(1.0)
    average = Average({"generator": layer}, decay=0.999)
    put(layer, 0.0)
    average.update(100_000)
    assert mean_of(average) == pytest.approx(0.999)


def test_a_constant_weight_is_its_own_mean():
    layer = one_weight(3.0)
    average = Average({"generator": layer}, decay=0.9)
    for step in range(20):
        average.update(step)
    assert mean_of(average) == 3.0


def test_averaging_never_touches_the_live_weights_and_they_never_touch_the_mean():
    layer = one_weight(1.0)
    average = Average({"generator": layer}, decay=0.9)
    put(layer, 2.0)
    assert mean_of(average) == 1.0
    average.update(0)
    assert layer.weight.item() == 2.0


def test_only_generators_are_averaged_each_under_its_name():
    parts = {
        "generator": one_weight(1),
        "generator_back": one_weight(2),
        "discriminator": one_weight(3),
        "generator_notes": {"no": "module"},
    }
    names = Average(parts, 0.9).state_dict().keys()
    assert names == {"generator.weight", "generator_back.weight"}


def normed() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def test_running_statistics_are_averaged_and_counters_copied():
    module = normed()
    average = Average({"generator": module}, decay=0.5)
    module(torch.rand(4, 1, 3, 3) + 5)
    before = average.state_dict()["generator.1.running_mean"].clone()
    average.update(10)  # decay 11/20, so 0.5
    expected = (before + module[1].running_mean) / 2
    torch.testing.assert_close(average.state_dict()["generator.1.running_mean"], expected)
    assert int(average.state_dict()["generator.1.num_batches_tracked"]) == 1
    assert average.state_dict()["generator.1.num_batches_tracked"].dtype == torch.int64


def test_inside_applied_the_module_is_the_mean_and_afterwards_itself_to_the_bit():
    module = normed()
    average = Average({"generator": module}, decay=0.5)
    module(torch.rand(4, 1, 3, 3))
    with torch.no_grad():
        module[0].weight += torch.rand_like(module[0].weight) / 3
    average.update(3)
    own, mean = bits(module), {k: v.clone() for k, v in average.state_dict().items()}
    with average.applied():
        inside = {f"generator.{k}": v for k, v in bits(module).items()}
        assert same(inside, mean)
    assert same(bits(module), own)
    assert not torch.equal(own["0.weight"], mean["generator.0.weight"])
    assert same(average.state_dict(), mean)


def test_the_own_weights_come_back_even_when_the_body_fails():
    module = normed()
    average = Average({"generator": module}, decay=0.5)
    with torch.no_grad():
        module[0].weight += 1 / 3
    own = bits(module)
    with pytest.raises(ZeroDivisionError), average.applied():
        raise ZeroDivisionError
    assert same(bits(module), own)


def test_training_goes_on_after_applied_with_the_same_parameters():
    layer = one_weight(1.0)
    average = Average({"generator": layer}, decay=0.9)
    optimizer = torch.optim.SGD(layer.parameters(), 1.0)
    with average.applied():
        pass
    layer(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    average.update(0)
    assert layer.weight.item() == 0.0
    assert mean_of(average) == pytest.approx(0.1)


def test_a_saved_mean_goes_on_as_if_never_saved():
    def run(saves: bool) -> dict[str, torch.Tensor]:
        module = normed()
        average = Average({"generator": module}, decay=0.9)
        for step in range(6):
            with torch.no_grad():
                module[0].weight += (step + 1) / 7
            module(torch.ones(2, 1, 2, 2) * step)
            average.update(step)
            if saves and step == 2:
                state = {k: v.clone() for k, v in average.state_dict().items()}
                average = Average({"generator": module}, decay=0.9)
                average.load_state_dict(state)
        return average.state_dict()

    assert same(run(False), run(True))


def test_loading_copies_and_keeps_no_hand_on_what_was_loaded():
    layer = one_weight(1.0)
    average = Average({"generator": layer}, decay=0.9)
    state = {"generator.weight": torch.full((1, 1), 5.0)}
    average.load_state_dict(state)
    state["generator.weight"].zero_()
    assert mean_of(average) == 5.0
    assert layer.weight.item() == 1.0


def test_the_last_share_is_averaged_evenly_and_forgets_what_was_before():
    """Of 8 steps the last half: weights 10, 0, 2, 0 after whatever came first."""
    layer = one_weight(100.0)
    average = averaged({"generator": layer}, Settings(average_last=0.5, average=0.9), 8)
    for step, value in enumerate((50.0, 60.0, 70.0, 80.0, 10.0, 0.0, 2.0, 0.0)):
        put(layer, value)
        average.update(step)
        if step == 3:
            assert mean_of(average) > 50
        if step == 4:
            assert mean_of(average) == 10
    assert mean_of(average) == pytest.approx(12 / 4)


def test_before_the_last_share_without_a_decay_the_mean_is_the_newest_weight():
    layer = one_weight(1.0)
    average = averaged({"generator": layer}, Settings(average_last=0.25), 100)
    put(layer, 7.0)
    average.update(50)
    assert mean_of(average) == 7


def test_no_average_unless_one_is_asked_for():
    layer = one_weight(1.0)
    assert averaged({"generator": layer}, Settings(), 100) is None
    assert averaged({"generator": layer}, Settings(average=0.9), 100).even is None
    whole = averaged({"generator": layer}, Settings(average_last=1.0), 100)
    assert whole.even == 0

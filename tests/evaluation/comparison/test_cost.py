import pytest
import torch

from portrayal.evaluation.comparison.cost import cost_of, median_seconds, step_flops
from portrayal.inference.load import load


def test_operations_of_a_translation_are_those_of_its_convolutions(run):
    translator = load(run, device="cpu")
    counted = []

    def count(layer, inputs, output):
        kernel = layer.weight.shape[2] * layer.weight.shape[3]
        there = inputs[0] if isinstance(layer, torch.nn.ConvTranspose2d) else output
        pixels = there.shape[2] * there.shape[3]
        counted.append(2 * layer.in_channels * layer.out_channels * kernel * pixels)

    for layer in translator.recipe.generator.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    translator.recipe.translate(torch.zeros(1, 3, 64, 64))
    expected = sum(counted)
    cost = cost_of(translator, training=False)
    assert cost.size == [64, 64]
    assert cost.flops == expected > 1e5
    assert cost.seconds > 0
    assert "threads" in cost.timing


def test_a_training_step_costs_several_translations_and_grows_with_the_batch(run):
    config = load(run, device="cpu").config
    one = step_flops(config | {"settings": {"batch": 1}}, (64, 64))
    two = step_flops(config | {"settings": {"batch": 2}}, (64, 64))
    assert two == pytest.approx(2 * one, rel=1e-6)
    assert one > 3 * cost_of(load(run, device="cpu"), training=False).flops


@pytest.mark.parametrize(
    ("ticks", "calls", "seconds"),
    [
        ([90, 95, 96, 96, 96, 98, 98, 98, 107], 4, 2),  # one to warm up, then 1, 2 and 9 seconds
        ([0, 30, 60, 60], 2, 30),  # slow: one timing has to do
    ],
)
def test_the_median_leaves_out_the_first_call(ticks, calls, seconds):
    done, clock = [], iter(map(float, ticks))
    assert median_seconds(lambda: done.append(1), repeats=3, clock=lambda: next(clock)) == seconds
    assert len(done) == calls

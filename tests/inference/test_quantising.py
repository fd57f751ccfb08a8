"""8-bit convolutions: ranges by hand, what balancing and rounding may change, what stays."""

import numpy as np
import pytest
import torch

from portrayal.inference.calibration import outer
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.onnx_nodes import SOURCE
from portrayal.inference.quantising import (
    SAMPLES,
    activation_range,
    balance,
    convolutions,
    inputs_of,
    quantised_graph,
    rounded_weight,
)
from portrayal.inference.runtimes import open_onnx
from portrayal.networks import networks

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return networks["resnet_6"](width=8).eval()


def sources(count=2, side=64):
    rng = torch.Generator().manual_seed(1)
    return [(torch.rand(1, 3, side, side, generator=rng) * 2 - 1).numpy() for _ in range(count)]


def test_a_range_by_hand_holds_zero_and_both_ends():
    scale, zero = activation_range(np.linspace(-1, 2, 301, dtype=np.float32)[:, None])
    assert (scale, zero) == (pytest.approx(3 / 255), 85)
    assert activation_range(np.full((9, 1), 5, np.float32)) == (pytest.approx(5 / 255), 0)
    assert activation_range(np.zeros((9, 1), np.float32)) == (1.0, 0)


def test_two_far_values_do_not_take_the_steps_of_all_others():
    values = np.append(np.linspace(-1, 1, 1_000_000), [-2, 2]).astype(np.float32)[:, None]
    assert activation_range(values)[0] == pytest.approx(2 / 255)


@pytest.mark.parametrize("axis", [0, 1])
def test_weights_are_whole_numbers_within_half_a_step_of_their_output_channel(axis):
    weight = np.random.default_rng(0).normal(size=(4, 6, 3, 3)).astype(np.float32)
    weight *= np.logspace(-3, 3, weight.shape[axis]).reshape([-1 if a == axis else 1 for a in (0, 1, 2, 3)])  # fmt: skip  # noqa: E501
    whole, scales = rounded_weight(weight, axis)
    steps = scales.reshape([-1 if a == axis else 1 for a in range(4)])
    assert whole.dtype == np.int8 and abs(whole).max() == 127 and len(scales) == weight.shape[axis]
    assert (abs(whole * steps - weight) <= 0.501 * steps).all()


def test_balance_makes_large_channels_small_and_leaves_silent_ones():
    seen = np.array([[100, 1, 0], [-50, 0.5, 0]], np.float32)
    weight = np.ones((2, 3, 1, 1), np.float32)
    factor = balance(seen, weight, 1)
    assert factor[0] / factor[1] == pytest.approx(10)
    assert factor[2] / np.exp(np.log(factor).mean()) == pytest.approx(1 / 10 ** (1 / 3), rel=1e-3)


def test_all_kept_is_the_same_model_and_all_rounded_is_near_at_any_size(generator):
    model = onnx_model(generator)
    names = convolutions(model)
    exact = open_onnx(model.SerializeToString())
    same = open_onnx(quantised_graph(model, sources(), names).SerializeToString())
    lower = open_onnx(quantised_graph(model, sources(), []).SerializeToString())
    for shape in ((1, 3, 64, 64), (2, 3, 64, 96)):
        source = torch.rand(shape, generator=torch.Generator().manual_seed(2)) * 2 - 1
        wanted = exact(source)
        assert torch.equal(same(source), wanted)
        error = float(((lower(source) - wanted) / 2).square().mean())
        assert 0 < error < 10**-2.5  # 25 dB; an untrained net that sees noise


def test_only_what_is_not_kept_is_rounded_and_float_weights_do_not_stay(generator):
    model = onnx_model(generator)
    names = convolutions(model)
    lower = quantised_graph(model, sources(), [names[0], names[-1]])
    nodes = {node.name: node for node in lower.graph.node}
    rounded = [name for name in names if nodes[name].input[0].endswith("_dq")]
    assert rounded == names[1:-1]
    assert len(lower.SerializeToString()) < 0.4 * len(model.SerializeToString())
    assert convolutions(model) == names and not any("_dq" in n.input[0] for n in model.graph.node if n.input)  # fmt: skip  # noqa: E501


def test_more_of_the_end_stays_in_float_where_no_shortcut_passes_it(generator):
    straight, with_shortcuts = (
        onnx_model(generator),
        onnx_model(networks["unet_64"](width=8).eval()),
    )
    names = convolutions(straight)
    assert outer(straight) == [names[0], *names[-3:]]
    names = convolutions(with_shortcuts)
    assert outer(with_shortcuts) == [names[0], names[-1]]


def test_balance_shares_the_difference_between_inputs_and_weights_around_1():
    seen = np.array([[4, 4, 4]], np.float32)
    weight = np.array([1, 4, 16], np.float32).reshape(1, 3, 1, 1)
    assert balance(seen, weight, 1) == pytest.approx([2, 1, 0.5])
    assert balance(1000 * seen, weight, 1) == pytest.approx([2, 1, 0.5], rel=1e-5)


def test_inputs_are_looked_at_all_over_a_picture(generator):
    source = np.zeros((1, 3, 128, 128), np.float32)
    source[:, :, 96:] = 1
    seen = inputs_of(onnx_model(generator), [source, source], [SOURCE])[SOURCE]
    assert seen.shape == (2 * SAMPLES, 3)
    assert seen.mean() == pytest.approx(0.25, abs=0.05)


def test_the_range_is_that_of_balanced_inputs(generator):
    from onnx import numpy_helper

    model = onnx_model(generator)
    first = next(node for node in model.graph.node if node.name == convolutions(model)[0])
    source = sources(1, 32)[0] * np.array([1, 0.1, 0.01], np.float32).reshape(1, 3, 1, 1)
    seen = inputs_of(model, [source], [first.input[0]])[first.input[0]]  # at every position
    lower = quantised_graph(model, [source], convolutions(model)[1:])
    stored = {w.name: numpy_helper.to_array(w) for w in lower.graph.initializer}
    divided = seen * stored[f"{first.name}_divisor"].reshape(1, -1)
    scale, zero = activation_range(divided)
    assert stored[f"{first.name}_scale"] == pytest.approx(scale, rel=1e-5)
    assert stored[f"{first.name}_zero"] == zero

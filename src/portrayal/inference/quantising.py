"""A float ONNX model -> the same with 8-bit convolutions: Q and DQ nodes around each of them.

Only what goes into a convolution is rounded, not what comes out: rounding that as well doubles the
noise and saves no time in OpenVINO. Channels of very different size, as those that a U-Net's
shortcuts bring, are first made more equal (SmoothQuant, arXiv 2211.10438, equation 4); that changes
nothing before rounding. Weights: symmetric, a scale per output channel. Inputs: one affine range.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portrayal.inference.onnx_nodes import SOURCE, need

Array = NDArray[np.float32]
KINDS = ("Conv", "ConvTranspose")
BALANCE = 0.5  # of the difference between channels, how much the weights take over
SAMPLES = 2048  # positions of each layer's input that are looked at, per picture
SHRINKS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # parts of the range that are tried


def convolutions(model: Any) -> list[str]:
    """Names of the convolutions, from source to picture."""
    return [node.name for node in model.graph.node if node.op_type in KINDS]


def quantised_graph(model: Any, sources: Iterable[Any], keep: Sequence[str]) -> Any:
    """The model with 8-bit convolutions, except those named in `keep`."""
    helper = need("onnx").helper
    chosen = [n for n in model.graph.node if n.op_type in KINDS and n.name not in keep]
    seen = inputs_of(model, sources, list(dict.fromkeys(node.input[0] for node in chosen)))
    lower = type(model)()
    lower.CopyFrom(model)
    weights = {w.name: w for w in lower.graph.initializer}
    nodes = list(lower.graph.node)
    names = {node.name for node in chosen}
    del lower.graph.node[:]
    for node in nodes:
        if node.name in names:
            lower.graph.node.extend(eight_bits(helper, lower.graph, node, weights, seen))
        lower.graph.node.append(node)
    used = {name for node in lower.graph.node for name in node.input}
    left = [weight for weight in lower.graph.initializer if weight.name in used]
    del lower.graph.initializer[:]
    lower.graph.initializer.extend(left)
    need("onnx").checker.check_model(lower)
    return lower


def inputs_of(model: Any, sources: Iterable[Any], names: Sequence[str]) -> dict[str, Array]:
    """What each named value holds at some positions of every picture: (positions, C)."""
    onnx, runtime = need("onnx"), need("onnxruntime")
    if not names:
        return {}
    wide = type(model)()
    wide.CopyFrom(model)
    kind = onnx.TensorProto.FLOAT
    added = [n for n in names if n != SOURCE]
    wide.graph.output.extend(onnx.helper.make_tensor_value_info(n, kind, None) for n in added)
    session = runtime.InferenceSession(wide.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    found: dict[str, list[Array]] = {name: [] for name in names}
    for source in sources:
        made = session.run(added, {SOURCE: source}) if added else []  # no names would be all
        values = dict(zip(added, made, strict=True))
        for name in names:
            value = values.get(name, source)
            flat = np.moveaxis(value, 1, -1).reshape(-1, value.shape[1])
            found[name].append(flat[rng.permutation(len(flat))[:SAMPLES]])
    return {name: np.concatenate(parts) for name, parts in found.items()}


def eight_bits(
    helper: Any, graph: Any, node: Any, weights: dict[str, Any], seen: dict[str, Array]
) -> list[Any]:
    """Nodes that round input and weight of one convolution, which is led to what they make."""
    array = need("onnx").numpy_helper
    source, name = node.input[0], node.name
    weight = array.to_array(weights[node.input[1]])
    out_axis = 0 if node.op_type == "Conv" else 1
    factor = balance(seen[source], weight, 1 - out_axis)
    weight = weight * factor.reshape([-1 if axis == 1 - out_axis else 1 for axis in range(4)])
    scale, zero = activation_range(seen[source] / factor)
    rounded, scales = rounded_weight(weight, out_axis)
    constants = {
        "divisor": (1 / factor).reshape(1, -1, 1, 1).astype(np.float32),
        "scale": np.float32(scale),
        "zero": np.uint8(zero),
        "weight": rounded,
        "scales": scales,
        "zeros": np.zeros(len(scales), np.int8),
    }
    for key, value in constants.items():
        graph.initializer.append(array.from_array(np.asarray(value), f"{name}_{key}"))
    balanced, quick, loose, kernel = (f"{name}_{k}" for k in ("balanced", "q", "dq", "kernel"))
    node.input[0], node.input[1] = loose, kernel
    ends = [f"{name}_scale", f"{name}_zero"]
    made = helper.make_node
    return [
        made("Mul", [source, f"{name}_divisor"], [balanced], balanced),
        made("QuantizeLinear", [balanced, *ends], [quick], quick),
        made("DequantizeLinear", [quick, *ends], [loose], loose),
        made(
            "DequantizeLinear",
            [f"{name}_weight", f"{name}_scales", f"{name}_zeros"],
            [kernel],
            kernel,
            axis=out_axis,
        ),
    ]


def balance(seen: Array, weight: Array, in_axis: int) -> Array:
    """By what each input channel is divided, (C,); the weights are multiplied by it."""
    inputs = np.abs(seen).max(0)
    kernel = np.abs(weight).max(tuple(axis for axis in range(4) if axis != in_axis))
    factor = inputs**BALANCE / np.maximum(kernel, 1e-8) ** (1 - BALANCE)
    factor = np.where((inputs > 1e-6) & (kernel > 1e-8), factor, 1)
    middle = float(np.exp(np.log(factor).mean()))
    return np.clip(factor / middle, 1e-2, 1e2).astype(np.float32)


def activation_range(seen: Array) -> tuple[float, int]:
    """Scale and zero point of the 0..255 whose rounding and cutting err least in the square."""
    low, high = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
    if high - low < 1e-12:
        return 1.0, 0
    best = (np.inf, 1.0, 0)
    for shrink in SHRINKS:
        scale = (high - low) * shrink / 255
        zero = int(np.clip(round(-low * shrink / scale), 0, 255))
        again = (np.clip(np.round(seen / scale) + zero, 0, 255) - zero) * scale
        best = min(best, (float(np.square(again - seen).mean()), scale, zero))
    return best[1:]


def rounded_weight(weight: Array, axis: int) -> tuple[NDArray[np.int8], Array]:
    """Whole numbers -127..127 and the scale of every output channel."""
    most = np.abs(weight).max(tuple(each for each in range(4) if each != axis))
    scales = (np.maximum(most, 1e-12) / 127).astype(np.float32)
    shape = [-1 if each == axis else 1 for each in range(4)]
    return np.round(weight / scales.reshape(shape)).astype(np.int8), scales

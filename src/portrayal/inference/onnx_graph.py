"""A generator -> an ONNX model that takes any number of pictures of any size.

The layers are written one by one, in milliseconds, as our generators are made of few kinds; weights
of batch norms go into the convolutions before them. torch.onnx took minutes on a busy machine, and
needs onnxscript. Pictures are signed, (batch, 3, height, width).
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from portrayal.core.errors import BadOption
from portrayal.inference.narrow import BLOCK, as_blocks, last_convolution
from portrayal.inference.onnx_nodes import SOURCE, Written, need
from portrayal.inference.winograd import worth, write_winograd

LEAVES = (
    nn.Conv2d,
    nn.ConvTranspose2d,
    nn.BatchNorm2d,
    nn.InstanceNorm2d,
    nn.LeakyReLU,
    nn.ReLU,
    nn.Tanh,
    nn.ReflectionPad2d,
    nn.Upsample,
    nn.Dropout,
    nn.Identity,
)


class Tracer(fx.Tracer):
    """Sees the layers and not what they are made of."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether it is one of the layers written below."""
        return isinstance(m, LEAVES)


def onnx_model(
    generator: nn.Module,
    about: Mapping[str, str] = {},
    *,
    multiple: int = 1,
    winograd: int | None = None,
) -> Any:
    """The generator in evaluation as an onnx.ModelProto; `about` goes into its metadata.

    Sides of pictures will be multiples of `multiple`; even ones make the last layer quicker.
    `winograd`: channels from which layers of 3 x 3 take fewer products, and more memory.
    """
    onnx = need("onnx")
    written = Written(onnx)
    try:
        graph = Tracer().trace(generator)
    except (fx.proxy.TraceError, TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise BadOption(f"This generator cannot be written as layers in a row: {reason}") from None
    modules = dict(generator.named_modules())
    last = None if multiple % BLOCK else last_convolution(graph, modules)
    names: dict[fx.Node, str] = {}
    for node in graph.nodes:
        ways = Ways(narrow=node is last, winograd=winograd)
        names[node] = write(written, node, modules, names, ways)
    return written.model(names, graph, about)


@dataclass(frozen=True)
class Ways:
    """Other ways to the same sum, taken where a layer fits them."""

    narrow: bool  # as blocks of pixels
    winograd: int | None  # channels from which


def write(
    written: Written,
    node: fx.Node,
    modules: Mapping[str, nn.Module],
    names: Mapping[fx.Node, str],
    ways: Ways,
) -> str:
    """Write one traced node; the name of what it computes."""
    inputs = [names[source] for source in node.all_input_nodes]
    if node.op == "placeholder":
        return SOURCE
    if node.op == "output":
        return inputs[0]
    if node.op == "call_function" and node.target is torch.cat:
        return written.add("Concat", inputs, axis=1)
    if node.op == "call_function" and node.target is operator.add:
        return written.add("Add", inputs if len(inputs) == 2 else inputs * 2)
    if node.op != "call_module":
        raise BadOption(f"This generator computes {node.target}, which has no place in an export.")
    layer = modules[str(node.target)]
    if isinstance(layer, nn.BatchNorm2d) and folds(node.all_input_nodes[0], modules):
        return inputs[0]  # it is in the weights of the convolution already
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        behind = batch_norm_behind(node, modules)
        transposed = isinstance(layer, nn.ConvTranspose2d)
        if behind is not None:
            layer = fuse_conv_bn_eval(layer.eval(), behind.eval(), transposed)
        if ways.narrow and (wide := as_blocks(layer)):
            return write_blocks(written, wide, inputs[0])
        if ways.winograd is not None and worth(layer, ways.winograd):
            return write_winograd(written, layer, inputs[0])
        return write_convolution(written, layer, inputs[0], transposed=transposed)
    return write_layer(written, layer, inputs[0])


def batch_norm_behind(node: fx.Node, modules: Mapping[str, nn.Module]) -> nn.BatchNorm2d | None:
    """The batch norm that alone takes what this convolution computes."""
    users = list(node.users)
    layer = modules.get(str(users[0].target)) if len(users) == 1 else None
    return layer if isinstance(layer, nn.BatchNorm2d) else None


def folds(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether the node before a batch norm is a convolution that took it in."""
    layer = modules.get(str(node.target)) if node.op == "call_module" else None
    return isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and len(node.users) == 1


def write_convolution(written: Written, layer: Any, source: str, *, transposed: bool) -> str:
    """Conv or ConvTranspose."""
    inputs = [source, written.weight(layer.weight)]
    if layer.bias is not None:
        inputs.append(written.weight(layer.bias))
    more = {"output_padding": list(layer.output_padding)} if transposed else {}
    return written.add(
        "ConvTranspose" if transposed else "Conv",
        inputs,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.stride),
        pads=[*layer.padding, *layer.padding],
        dilations=list(layer.dilation),
        group=layer.groups,
        **more,
    )


def write_blocks(written: Written, layer: nn.Conv2d, source: str) -> str:
    """A convolution that makes blocks of pixels, and the pixels at their places."""
    blocks = write_convolution(written, layer, source, transposed=False)
    return written.add("DepthToSpace", [blocks], blocksize=BLOCK, mode="CRD")


def write_layer(written: Written, layer: nn.Module, source: str) -> str:
    """Any other layer."""
    if isinstance(layer, nn.Dropout | nn.Identity):
        return source
    for kind, writer in WRITERS.items():
        if isinstance(layer, kind):
            return writer(written, layer, source)
    raise BadOption(
        f"This generator has a {type(layer).__name__}, which has no place in an export."
    )


def write_batch_norm(written: Written, layer: Any, source: str) -> str:
    """Statistics of training, where no convolution comes before."""
    parts = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    inputs = [source, *(written.weight(part) for part in parts)]
    return written.add("BatchNormalization", inputs, epsilon=layer.eps)


def write_instance_norm(written: Written, layer: Any, source: str) -> str:
    """Every channel of every picture by itself, nothing learned."""
    ones = torch.ones(layer.num_features)
    inputs = [source, written.weight(ones), written.weight(torch.zeros_like(ones))]
    return written.add("InstanceNormalization", inputs, epsilon=layer.eps)


def write_reflection(written: Written, layer: Any, source: str) -> str:
    """Borders mirrored. torch: left, right, top, bottom; ONNX: begin of all axes, end of all."""
    left, right, top, bottom = layer.padding
    pads = torch.tensor([0, 0, top, left, 0, 0, bottom, right])
    return written.add("Pad", [source, written.weight(pads)], mode="reflect")


def write_resize(written: Written, layer: Any, source: str) -> str:
    """Every pixel repeated."""
    if layer.mode != "nearest":
        raise BadOption(f"Upsampling by {layer.mode} has no place in an export yet.")
    scales = torch.tensor([1.0, 1.0, float(layer.scale_factor), float(layer.scale_factor)])
    inputs = [source, "", written.weight(scales)]
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return written.add("Resize", inputs, mode="nearest", **how)


WRITERS: dict[type[nn.Module], Callable[[Written, Any, str], str]] = {
    nn.LeakyReLU: lambda w, layer, x: w.add("LeakyRelu", [x], alpha=layer.negative_slope),
    nn.ReLU: lambda w, layer, x: w.add("Relu", [x]),
    nn.Tanh: lambda w, layer, x: w.add("Tanh", [x]),
    nn.BatchNorm2d: write_batch_norm,
    nn.InstanceNorm2d: write_instance_norm,
    nn.ReflectionPad2d: write_reflection,
    nn.Upsample: write_resize,
}

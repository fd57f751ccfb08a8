"""Nodes of an ONNX graph and their weights, as they come; a model in the end."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx

from portrayal.core.errors import MissingPart

OPSET, IR_VERSION = 17, 8  # read by everything since 2022
SOURCE, PICTURE = "source", "picture"  # names of input and output


class Written:
    """Nodes and weights as they come."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.known: dict[tuple[Any, ...], str] = {}

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """One node; its output's name."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        node = self.onnx.helper.make_node(kind, inputs, [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def weight(self, tensor: Tensor) -> str:
        """One constant; its name."""
        name = f"weight_{len(self.weights)}"
        array = tensor.detach().cpu().contiguous().numpy()
        self.weights.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def shared(self, tensor: Tensor) -> str:
        """One constant that may come often; its name, the same for equal ones."""
        key = (tensor.dtype, tensor.shape, tensor.numpy().tobytes())
        if key not in self.known:
            self.known[key] = self.weight(tensor)
        return self.known[key]

    def model(self, names: Mapping[fx.Node, str], graph: fx.Graph, about: Mapping[str, str]) -> Any:
        """The whole model, checked."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        output = next(node for node in graph.nodes if node.op == "output")
        self.nodes.append(helper.make_node("Identity", [names[output]], [PICTURE]))
        sizes = ["batch", 3, "height", "width"]
        ends = [helper.make_tensor_value_info(name, kind, sizes) for name in (SOURCE, PICTURE)]
        drawn = helper.make_graph(self.nodes, "generator", ends[:1], ends[1:], self.weights)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(drawn, opset_imports=opsets, ir_version=IR_VERSION)
        model.producer_name = "portrayal"
        helper.set_model_props(model, dict(about))
        self.onnx.checker.check_model(model)
        return model


def need(package: str) -> Any:
    """An optional package; one line with the install command where it is missing."""
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError:
        extra = "openvino" if package == "openvino" else "onnx"
        raise MissingPart(
            f"This needs {package}, which is not installed: pip install 'portrayal[{extra}]'"
        ) from None

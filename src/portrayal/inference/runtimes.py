"""onnxruntime and OpenVINO on the CPU, as functions of signed pictures, (B, 3, H, W)."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from portrayal.inference.onnx_nodes import PICTURE, SOURCE, need

OWN = 3  # pictures of one shape after which OpenVINO compiles for that shape alone
Network = Callable[[Tensor], Tensor]


def open_onnx(content: bytes) -> Network:
    """onnxruntime on as many threads as PyTorch has."""
    runtime: Any = need("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def network(source: Tensor) -> Tensor:
        return torch.from_numpy(session.run([PICTURE], {SOURCE: source.numpy()})[0])

    return network


class OpenVino:
    """OpenVINO, compiled anew for a shape that comes often, and once for all others."""

    def __init__(self, content: bytes, bfloat16: bool = False) -> None:
        self.openvino: Any = need("openvino")
        self.core = self.openvino.Core()
        self.content = content
        self.settings = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            # without this a processor that knows bfloat16 would take it unasked
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        }
        self.seen = Counter[tuple[int, ...]]()
        self.compiled: dict[tuple[int, ...] | None, Any] = {}

    def __call__(self, source: Tensor) -> Tensor:
        """(B, 3, H, W) -> the same shape."""
        shape = tuple(source.shape)
        self.seen[shape] += 1
        own = shape in self.compiled or (self.seen[shape] >= OWN and len(self.compiled) < 5)
        request = self.request(shape if own else None)
        answer = request.infer({SOURCE: source.numpy()})
        return torch.from_numpy(next(iter(answer.values())).copy())

    def request(self, shape: tuple[int, ...] | None) -> Any:
        """A compiled network for one shape, or for any."""
        if shape not in self.compiled:
            model = self.core.read_model(self.content)
            if shape:
                model.reshape({SOURCE: list(shape)})
            compiled = self.core.compile_model(model, "CPU", self.settings)
            self.compiled[shape] = compiled.create_infer_request()
        return self.compiled[shape]

"""The small check at the end of `portrayal doctor`: do the parts work on this machine?"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

Result = tuple[str, str, Literal["ok", "failed"], str]  # name, what came out, state, what to do


def self_check() -> Iterator[Result]:
    """Whether the parts do what they should, with the time each took."""
    checks: dict[str, Callable[[], None]] = {
        "convolution, float32": lambda: convolve("float32"),
        "convolution, bfloat16": lambda: convolve("bfloat16"),
        "picture written and read": write_and_read,
        "face cascade": find_no_face,
    }
    for name, check in checks.items():
        yield attempt(name, check)


def attempt(name: str, check: Callable[[], None]) -> Result:
    """Run a check; whatever it raises is shown rather than raised."""
    started = time.perf_counter()
    try:
        check()
    except Exception as error:  # a broken installation can raise anything
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return name, reason, "failed", "install again: make clean demo"
    return name, f"works, {time.perf_counter() - started:.2f} s", "ok", ""


def convolve(dtype_name: str) -> None:
    """One convolution forward and backward on the default device, checked against its own sum."""
    import torch
    from torch.nn import functional as F

    from portrayal.core.devices import choose_device

    dtype, device = getattr(torch, dtype_name), choose_device()
    images = torch.ones(2, 8, 16, 16, dtype=dtype, device=device)
    kernel = torch.full((4, 8, 3, 3), 1 / 72, dtype=dtype, device=device, requires_grad=True)
    out = F.conv2d(images, kernel)
    torch.autograd.backward(out.sum())  # d out / d kernel sums 2 * 14 * 14 ones
    grad = kernel.grad
    assert grad is not None
    off = max((out - 1).abs().max().item(), (grad / 392 - 1).abs().max().item())
    if off > 0.02:
        raise ArithmeticError(f"a convolution of ones is off by {off:.3f}")


def write_and_read() -> None:
    """A picture through the package's own writer and reader."""
    import tempfile

    import numpy as np

    from portrayal.core.images import encode_png, read_pixels

    picture = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.png"
        path.write_bytes(encode_png(picture))
        if not np.array_equal(read_pixels(path), picture):
            raise ArithmeticError("a PNG came back with other pixels")


def find_no_face() -> None:
    """OpenCV's own face cascade, which wheels before version 5 carry, on an empty picture."""
    import numpy as np

    from portrayal.features.faces import find_faces

    if find_faces(np.full((64, 64, 3), 128, np.uint8)):
        raise ArithmeticError("a face was found in a grey picture")

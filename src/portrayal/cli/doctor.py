"""`portrayal doctor`: what is here, what is missing and how to get it, and whether it works."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import torch

PACKAGES = (
    "torch",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pydantic",
    "typer",
    "safetensors",
)
EXTRAS = {"playwright": "pip install -e '.[dev]'", "pytest": "pip install -e '.[dev]'"}
WEIGHTS = {  # file: (what for, used by this version)
    "face_detection_yunet_2026may.onnx": (
        "YuNet: finds faces better than OpenCV's own cascade",
        True,
    ),
    "facenet_fp16.safetensors": ("FaceNet: identity", False),
    "mobilefacenet.safetensors": ("MobileFaceNet: a second opinion on identity", False),
    "squeezenet1_1_imagenet.safetensors": ("SqueezeNet: perceptual distance", False),
    "lpips_v01_squeeze_lin.safetensors": ("LPIPS heads for SqueezeNet", False),
}


@dataclass(frozen=True)
class Fact:
    """One line: found and good, missing but optional, or failed; `hint` says what to do."""

    section: str
    name: str
    value: str
    state: Literal["ok", "missing", "failed"] = "ok"
    hint: str = ""


def doctor(
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON for programs. E.g. portrayal doctor --json")
    ] = False,
) -> None:
    """Say what is here: device, precision, versions, weights, free disk.

    Ends with a small check of the parts themselves; exit code 1 if one of them fails.

    Example: portrayal doctor
    """
    tell(
        [*machine(), *versions(), *weights(weights_folder()), *optional_parts(), *self_check()],
        json,
    )


def tell(facts: list[Fact], as_json: bool) -> None:
    """Print facts; exit code 1 if one of them is a failure."""
    failed = any(fact.state == "failed" for fact in facts)
    if as_json:
        from json import dumps

        typer.echo(dumps({"ok": not failed, "facts": [asdict(fact) for fact in facts]}, indent=1))
    else:
        show(facts)
    if failed:
        raise typer.Exit(1)


def show(facts: list[Fact]) -> None:
    """Print facts under the name of their section."""
    marks = {"ok": ("ok", "green"), "missing": ("--", "yellow"), "failed": ("FAILED", "red")}
    section = ""
    for fact in facts:
        if fact.section != section:
            section = fact.section
            typer.echo(("" if fact is facts[0] else "\n") + typer.style(section, bold=True))
        text, colour = marks[fact.state]
        hint = f"  ({fact.hint})" if fact.hint else ""
        mark = typer.style(f"{text:>6}", fg=colour)
        typer.echo(f"{mark}  {fact.name:<36} {fact.value}{hint}")


def machine() -> Iterator[Fact]:
    """Device, precision, cores, memory and disk."""
    import torch

    from portrayal.core.devices import choose_device, fast_bfloat16

    device = choose_device()
    fast = fast_bfloat16(device)
    chosen = "bfloat16, chosen by default" if fast else "float32 (bfloat16 would be slower here)"
    yield Fact("Machine", "device", describe_device(device))
    yield Fact("Machine", "precision", chosen)
    yield Fact("Machine", "cores", f"{usable_cores()}, torch uses {torch.get_num_threads()}")
    if (memory := total_memory()) is not None:
        yield Fact("Machine", "memory", f"{memory / 2**30:.1f} GiB")
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    little = free < 5
    hint = "a run keeps several checkpoints of up to 0.7 GB" if little else ""
    yield Fact("Machine", "free disk here", f"{free:.1f} GiB", "missing" if little else "ok", hint)


def describe_device(device: "torch.device") -> str:
    """The device's own name and what it can do."""
    import torch

    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        gigabytes = torch.cuda.get_device_properties(device).total_memory / 2**30
        name = torch.cuda.get_device_name(device)
        return f"{name}, compute capability {major}.{minor}, {gigabytes:.0f} GiB"
    if device.type == "cpu":
        probes = {"AVX512_BF16": "_is_avx512_bf16_supported", "AMX": "_is_amx_tile_supported"}
        parts = [name for name, probe in probes.items() if getattr(torch.cpu, probe, bool)()]
        return ", ".join(["cpu", torch.backends.cpu.get_cpu_capability(), *parts])
    return str(device.type)


def usable_cores() -> int:
    """Cores this process may use, which under Slurm or in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> int | None:
    """Bytes of main memory, or None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def versions() -> Iterator[Fact]:
    """What is installed."""
    from portrayal import __version__

    system = f"{platform.system()} {platform.machine()}"
    yield Fact("Versions", "portrayal", __version__)
    yield Fact("Versions", "python", f"{platform.python_version()} on {system}, {sys.executable}")
    for package in PACKAGES:
        yield Fact("Versions", package, version(package))


def weights_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where pretrained weights are looked for: $PORTRAYAL_WEIGHTS or ~/.cache/portrayal/weights."""
    default = Path.home() / ".cache" / "portrayal" / "weights"
    return Path(environment.get("PORTRAYAL_WEIGHTS") or default)


def weights(folder: Path) -> Iterator[Fact]:
    """Pretrained files that are here; none of them is needed for the main job."""
    section = f"Weights in {folder} (all optional; set PORTRAYAL_WEIGHTS to look elsewhere)"
    for name, (purpose, used) in WEIGHTS.items():
        path = folder / name
        text = purpose if used else f"{purpose}; not used by this version"
        if path.is_file():
            yield Fact(section, name, f"{path.stat().st_size / 1e6:.1f} MB, {text}")
        else:
            yield Fact(section, name, text, "missing")


def optional_parts() -> Iterator[Fact]:
    """Things that only tests or some commands need, each with the way to get it."""
    section = "Optional parts"
    for package, install in EXTRAS.items():
        try:
            yield Fact(section, package, version(package))
        except PackageNotFoundError:
            yield Fact(section, package, "only for tests", "missing", install)
    if path := shutil.which("chromium"):
        yield Fact(section, "chromium", path)
    else:
        hint = "apt-get install chromium"
        yield Fact(section, "chromium", "only for tests of the report", "missing", hint)


def self_check() -> Iterator[Fact]:
    """Whether the parts do what they should, with the time each took."""
    checks: dict[str, Callable[[], None]] = {
        "convolution, float32": lambda: convolve("float32"),
        "convolution, bfloat16": lambda: convolve("bfloat16"),
        "picture written and read": write_and_read,
        "face cascade": load_cascade,
    }
    for name, check in checks.items():
        yield attempt(name, check)


def attempt(name: str, check: Callable[[], None]) -> Fact:
    """Run a check; whatever it raises is shown rather than raised."""
    started = time.perf_counter()
    try:
        check()
    except Exception as error:  # a broken installation can raise anything
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Fact("Self-check", name, reason, "failed", "reinstall: make clean demo")
    return Fact("Self-check", name, f"works, {time.perf_counter() - started:.2f} s")


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


def load_cascade() -> None:
    """OpenCV's own face cascade, which wheels before version 5 carry."""
    import cv2

    name = "haarcascade_frontalface_default.xml"
    if cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / name)).empty():
        raise FileNotFoundError(name)

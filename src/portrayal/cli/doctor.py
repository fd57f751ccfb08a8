"""`portrayal doctor`: what is here, what is missing and how to get it, and whether it works."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
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
    from portrayal.cli.selfcheck import self_check
    from portrayal.features.weights import folders

    found = [*machine(), *versions(), *face_detector(), *weights(folders()), *optional_parts()]
    tell([*found, *(Fact("Self-check", *result) for result in self_check())], json)


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
        hint = f"\n{'':8}{fact.hint}" if fact.hint else ""
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


def weights(places: list[Path]) -> Iterator[Fact]:
    """Pretrained files that are here; none of them is needed for the main job."""
    from portrayal.features.weights import KNOWN, find

    section = (
        f"Weights in {' or '.join(map(str, places))} (optional; PORTRAYAL_WEIGHTS names another)"
    )
    for name, known in KNOWN.items():
        files = [path for file in known.files if (path := find(file, places))]
        if files:
            value = f"{files[0].name}, {files[0].stat().st_size / 1e6:.2f} MB: {known.purpose}"
            yield Fact(section, name, value)
        else:
            how = "downloaded when needed" if known.url else f"get it from {known.site}"
            yield Fact(section, name, known.purpose, "missing", f"{known.first}: {how}")


def face_detector() -> Iterator[Fact]:
    """Which detector `prepare` takes when none is named."""
    from portrayal.features.faces import YUNET_FILES, YUNET_SITE, detector

    chosen, name = detector("auto"), "face detector"
    if chosen.name == "yunet":
        yield Fact("Faces", name, f"YuNet, {chosen.weights}")
    else:
        hint = f"YuNet misses fewer: put {YUNET_FILES[-1]} among the weights, from {YUNET_SITE}"
        yield Fact("Faces", name, "OpenCV's Haar cascade, built in", "ok", hint)


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

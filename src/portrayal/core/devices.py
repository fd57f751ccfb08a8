"""Where and how numbers are computed: device, precision, memory layout, ranks."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from portrayal.core.errors import BadOption, UnknownName

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Place:
    """A device and the way to compute on it. `choose_place` fills in what suits the device."""

    device: torch.device
    dtype: torch.dtype = torch.float32  # of convolutions in training; weights stay float32
    channels_last: bool = False
    compile: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout in which batches and convolution weights lie."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def ready(self, module: nn.Module) -> nn.Module:
        """The same module, moved here; state-dict keys stay as they are."""
        module = module.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload]
        if self.compile:
            module.compile()
        return module

    def autocast(self) -> torch.autocast:
        """Context in which convolutions run in `dtype`."""
        lower = self.dtype != torch.float32
        return torch.autocast(self.device.type, self.dtype, enabled=lower)

    def describe(self) -> str:
        """One line for the person who started it."""
        kind = self.device.type
        name = torch.cuda.get_device_name(self.device) if kind == "cuda" else kind
        threads = f", {torch.get_num_threads()} threads" if kind == "cpu" else ""
        layout = "channels last" if self.channels_last else "channels first"
        compiled = ", compiled" if self.compile else ""
        return f"{name}{threads}, {str(self.dtype).removeprefix('torch.')}, {layout}{compiled}"


DEVICES: dict[str, Callable[[], bool]] = {  # what "auto" stands for is here, too
    "auto": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA (this rank's), then MPS, then the CPU."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise UnknownName("device", name, DEVICES)
    try:
        if not DEVICES[kind]():
            raise RuntimeError(f"this computer or this build of torch has no {kind}")
        device = torch.device(name)
        torch.empty(1, device=device)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise BadOption(f"Device {name!r} cannot be used: {reason}. Try auto or cpu.") from None
    return device


def choose_place(
    device: str = "auto",
    precision: Precision = "auto",
    *,
    channels_last: bool | None = None,
    compiled: bool = False,
) -> Place:
    """The place to train on. None and "auto" take what was measured to be fastest there."""
    chosen = choose_device(device)
    lower = precision == "bfloat16" or (precision == "auto" and fast_bfloat16(chosen))
    last = chosen.type == "cuda" if channels_last is None else channels_last
    return Place(chosen, torch.bfloat16 if lower else torch.float32, last, compiled)


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 convolutions are faster than float32 ones there."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return any(getattr(torch.cpu, probe, bool)() for probe in CPU_PROBES)
    return False


CPU_PROBES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # absent on old versions


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0


@contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Join the processes that torchrun started; a lone process is rank 0 of 1."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks()
        return
    import torch.distributed as dist

    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
        dist.barrier()  # nobody leaves while another still needs it
    finally:
        dist.destroy_process_group()

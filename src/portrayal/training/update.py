"""One optimiser step, on one device or many."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn

from portrayal.core.errors import NotFinite
from portrayal.training.settings import Settings


def adam(module: nn.Module, settings: Settings) -> torch.optim.Adam:
    """Adam with the run's settings, in one fused kernel where the device has it."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, settings.learning_rate, settings.betas, fused=fused)


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
    """Step `optimizer` down `loss`, with gradients averaged over ranks. Returns the detached loss.

    A loss that is not finite never reaches the weights. On a CPU it is refused at once; on CUDA,
    where looking at it would stall the queue, the fused optimiser is told on the device to leave
    the weights alone, and the loop finds out at the next log line.

    A GAN runs its networks several times per step, which the hooks of DistributedDataParallel make
    hard; averaging the finished gradients is shorter and does not care.
    """
    optimizer.zero_grad(set_to_none=True)
    finite = torch.isfinite(loss.detach()).float()
    if _shared():
        dist.all_reduce(finite, dist.ReduceOp.MIN)  # all stop together, or none
    if loss.device.type != "cuda":
        if not finite:
            raise NotFinite(f"a loss became {float(loss.detach())}")
    else:
        optimizer.found_inf = 1 - finite  # type: ignore[attr-defined]
    loss.backward()  # type: ignore[no-untyped-call]
    if _shared():
        for group in optimizer.param_groups:
            _average([p.grad for p in group["params"] if p.grad is not None])
    optimizer.step()
    return loss.detach()  # not .item(): that would stop the GPU queue at every step


def _shared() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _average(gradients: list[Tensor], megabytes: int = 32) -> None:
    """Mean over ranks, in place, in pieces of some size: few messages, little memory."""
    room = megabytes * 2**20
    piece: list[Tensor] = []
    for gradient in gradients:
        piece.append(gradient)
        if sum(g.nbytes for g in piece) >= room:
            _average_together(piece)
            piece = []
    if piece:
        _average_together(piece)


def _average_together(piece: list[Tensor]) -> None:
    flat = torch.cat([gradient.flatten() for gradient in piece])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    parts = torch.split(flat, [gradient.numel() for gradient in piece])
    for gradient, part in zip(piece, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Inside, the modules' parameters get no gradient; gradients still flow through them."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


@contextmanager
def evaluating(*modules: nn.Module, noisy: bool = False) -> Iterator[None]:
    """Inside, running statistics and no dropout, or with `noisy` both as in training; no gradient.

    Statistics are never changed, so looking at a model in training leaves no trace in it.
    """
    before = [(m, m.training) for module in modules for m in module.modules()]
    buffers = [(b, b.clone()) for module in modules for b in module.buffers()] if noisy else []
    for module in modules:
        module.train(noisy)
    try:
        with torch.no_grad():
            yield
    finally:
        for buffer, value in buffers:
            buffer.copy_(value)
        for module, training in before:
            module.training = training

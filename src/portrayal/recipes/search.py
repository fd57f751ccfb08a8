"""The search for z: which noise makes a generator draw what is known? (Lu et al. 2018, sec. 3.2)

G and D stay as they are; z goes down a cost, step by step, clipped to -1..1 (Lipton and Tripathy
2017). Every picture has a cost of its own, and all try the same random z first, so that neither
neighbours in the batch nor their number change what is found. B pictures, N starts, K of them
searched on, P = B K searches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from portrayal.core.seeds import numpy_rng

Descent = Literal["adam", "nesterov"]
Say = Callable[[str], None]
Tell = Callable[[int, float, Tensor], None]  # step, mean loss, the best z so far (b, latent)
AT_ONCE = 64  # searches in one batch: a CPU gains nothing from more
FALL = 1e-3  # share of the cost by which it must fall to count for `patience`


class Problem(Protocol):
    """What is searched for."""

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Known halves of the pictures of z (P, latent), and costs of z itself (P,)."""
        ...

    def match(self, drawn: Tensor, pictures: Tensor) -> Tensor:
        """How far drawn halves are from the known ones of these pictures (P,). (P,)"""
        ...


@dataclass(frozen=True)
class Search:
    """How long and how to search."""

    starts: int = 30  # N
    kept: int = 1  # K
    steps: int = 1000
    descent: Descent = "nesterov"
    rate: float = 0.01
    patience: int = 0  # a search ends when its cost did not fall for so many steps; 0 = never
    seed: int = 0
    snapshots: int = 0  # steps between snapshots of the best z; 0 = none


@dataclass(frozen=True)
class Found:
    """What a search found for every picture."""

    z: Tensor  # (B, latent)
    start: Tensor  # (B,) cost of the best random start
    end: Tensor  # (B,) cost of z; never above `start`
    steps: Tensor  # (B,) steps taken; below the wanted number where patience ended
    snapshots: list[Tensor] = field(default_factory=list)  # each (B, latent)


@dataclass(frozen=True)
class Look:
    """A search in the middle."""

    pictures: int  # in all
    done: int  # pictures whose search has ended
    step: int  # of those that are searched now
    steps: int
    loss: float  # their mean
    z: Tensor  # (b, latent) the best so far, of the pictures searched before and now

    def __str__(self) -> str:
        where = f"{self.done} of {self.pictures} pictures searched, step {self.step}"
        return f"{where} of {self.steps}, mean loss {self.loss:.4g}"


See = Callable[[Look], None]


@dataclass(frozen=True)
class Walk:
    """Where the searches of some pictures led, by the costs of the problem they walked on."""

    z: Tensor  # (b, K, latent) the best of every search
    best: Tensor  # (b, latent) the best of these
    steps: Tensor  # (b,)
    snapshots: list[Tensor]  # each (b, latent)


def search(
    problem: Problem,
    pictures: int,
    latent: int,
    how: Search,
    device: torch.device,
    report: Say | None = None,
    seen: See | None = None,
    walk: Problem | None = None,
) -> Found:
    """The best z for each of `pictures` pictures. `report` and `seen` are told how far it is.

    `walk` is the problem whose costs the steps go down, if it is a quicker and less exact one;
    starts are chosen and ends are judged by `problem`, so neither start nor end is inexact.
    """
    z, first = starts(problem, pictures, latent, how, device)  # (B, K, latent), (B,)
    parts: list[Found] = []
    for some in torch.split(torch.arange(pictures, device=device), max(1, AT_ONCE // z.shape[1])):

        def tell(step: int, loss: float, best: Tensor, done: int = int(some[0])) -> None:
            before = [part.z for part in parts]
            look = Look(pictures, done, step, how.steps, loss, torch.cat([*before, best]))
            if report:
                report(str(look))
            if seen:
                seen(look)

        tell(0, float(first[some].mean()), z[some, 0])
        walked = descend(walk or problem, z[some], some, how, tell)
        part = judged(problem, z[some, 0], first[some], walked, some)
        tell(int(part.steps.max()), float(part.end.mean()), part.z)
        parts.append(part)
    found, start, end, steps = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("z", "start", "end", "steps")
    )
    if report:
        means = f"{start.mean():.4g} at the start, {end.mean():.4g} at the end"
        early = f", {steps.float().mean():.0f} of {how.steps} steps" if how.patience else ""
        report(f"{pictures} of {pictures} pictures searched, mean loss {means}{early}")
    snapshots = zip(*(part.snapshots for part in parts), strict=True)
    return Found(found, start, end, steps, [torch.cat(each) for each in snapshots])


@torch.no_grad()
def starts(
    problem: Problem, pictures: int, latent: int, how: Search, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The K best of N random z for each picture, best first, (B, K, latent), and its cost (B,).

    The first n of N starts are those of a search with n starts: more are never worse.
    """
    drawn = numpy_rng(how.seed, "starts").uniform(-1, 1, (how.starts, latent))
    bank = torch.from_numpy(drawn.astype(np.float32)).to(device)
    made = [problem.draw(z) for z in torch.split(bank, AT_ONCE)]  # once for all pictures
    halves, own = (torch.cat(each) for each in zip(*made, strict=True))
    chosen, lowest = [], []
    for picture in range(pictures):
        costs = problem.match(halves, torch.full((len(bank),), picture, device=device)) + own
        order = costs.argsort(stable=True)
        chosen.append(bank[order[: how.kept]])
        lowest.append(costs[order[0]])
    return torch.stack(chosen), torch.stack(lowest)


@torch.no_grad()
def judged(problem: Problem, z: Tensor, first: Tensor, walked: Walk, pictures: Tensor) -> Found:
    """The best by `problem` of the best starts z (b, latent), which cost `first`, and the ends."""
    count, kept, latent = walked.z.shape
    drawn, own = problem.draw(walked.z.reshape(-1, latent))
    costs = (problem.match(drawn, pictures.repeat_interleave(kept)) + own).view(count, kept)
    candidates = torch.cat([walked.z, z[:, None]], 1)  # (b, K + 1, latent)
    end, place = torch.cat([costs, first[:, None]], 1).min(1)
    found = candidates[torch.arange(count, device=z.device), place]
    snapshots = [  # a search that has come to its end stays there
        torch.where((each == walked.best).all(1, keepdim=True), found, each)
        for each in walked.snapshots
    ]
    return Found(found, first, end, walked.steps, snapshots)


def descend(problem: Problem, z: Tensor, pictures: Tensor, how: Search, tell: Tell) -> Walk:
    """Search on from z (b, K, latent) for these pictures (b,), all at once."""
    (count, kept, latent), device = z.shape, z.device
    of, point = pictures.repeat_interleave(kept), z.reshape(-1, latent).clone()  # (P,), (P, latent)
    memory = torch.zeros(2, *point.shape, device=device)  # of the optimiser
    best_z, best = point.clone(), point.new_full((len(point),), torch.inf)
    fell, taken = torch.zeros_like(of), torch.zeros_like(of)
    alive, snapshots = torch.arange(len(of), device=device), []  # rows that are searched on
    for step in range(how.steps + 1):
        costs, gradient = slope(problem, point[alive], of[alive])
        fell[alive[costs < best[alive] * (1 - FALL)]] = step
        lower = costs < best[alive]
        best_z[alive[lower]], best[alive[lower]] = point[alive[lower]], costs[lower]
        if how.snapshots and step % how.snapshots == 0:
            snapshots.append(best_of(best_z, best, count))
        if step % 20 == 0 and 0 < step < how.steps:
            tell(step, float(best.mean()), best_of(best_z, best, count))
        if how.patience:
            going = step - fell[alive] < how.patience
            alive, gradient = alive[going], gradient[going]
        if step == how.steps or not len(alive):
            break
        move, memory[:, alive] = moves[how.descent](gradient, memory[:, alive], step + 1)
        point[alive] = (point[alive] - how.rate * move).clamp(-1, 1)
        taken[alive] += 1
    found = best_of(best_z, best, count)
    if how.snapshots:  # a search that ended early stays where it ended
        snapshots += [found] * (how.steps // how.snapshots + 1 - len(snapshots))
    taken = taken.view(count, kept).amax(1)
    return Walk(best_z.view(count, kept, latent), found, taken, snapshots)


def slope(problem: Problem, z: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Costs (P,) of z (P, latent), and their gradients (P, latent)."""
    with torch.enable_grad():
        here = z.detach().requires_grad_()
        drawn, own = problem.draw(here)
        costs = problem.match(drawn, pictures) + own
        (gradient,) = torch.autograd.grad(costs.sum(), here)  # of z only, not of the networks
    return costs.detach(), gradient


def adam(gradient: Tensor, memory: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Adam's direction (Kingma and Ba 2015, alg. 1; betas .9 and .999), and its two means."""
    mean = 0.9 * memory[0] + 0.1 * gradient
    square = 0.999 * memory[1] + 0.001 * gradient.square()
    spread = (square / (1 - 0.999**step)).sqrt() + 1e-8
    return mean / (1 - 0.9**step) / spread, torch.stack([mean, square])


def nesterov(gradient: Tensor, memory: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Nesterov's momentum of .9 in torch.optim.SGD's form, and the velocity."""
    velocity = 0.9 * memory[0] + gradient
    return gradient + 0.9 * velocity, torch.stack([velocity, memory[1]])


moves = {"adam": adam, "nesterov": nesterov}


def best_of(z: Tensor, costs: Tensor, count: int) -> Tensor:
    """Of K searches for each picture the z of the lowest cost: (P, latent) -> (b, latent)."""
    lowest = costs.view(count, -1).argmin(1)
    return z.view(count, -1, z.shape[1])[torch.arange(count, device=z.device), lowest]

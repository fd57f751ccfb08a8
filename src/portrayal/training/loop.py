"""The loop all recipes share. It knows batches, steps and files; it does not know GANs."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from portrayal.core.devices import Place, Ranks
from portrayal.core.errors import Interrupted, NotFinite
from portrayal.core.seeds import mix
from portrayal.data.batch import Batch
from portrayal.training.averaging import averaged
from portrayal.training.checkpoint import save, save_best
from portrayal.training.journal import Journal, is_sample_step
from portrayal.training.ledger import Ledger, not_finite
from portrayal.training.reading import best_scores
from portrayal.training.restoring import restore
from portrayal.training.schedule import rate_at
from portrayal.training.settings import Settings
from portrayal.training.shares import gathered
from portrayal.training.signals import Stop, listening

Scores = dict[str, tuple[float, Literal["higher", "lower"]]]


class Recipe(Protocol):
    """What the loop asks of a training method. recipes/pix2pix.py is the shortest one."""

    place: Place

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update on one batch; progress is 0 at the first and 1 at the last step."""

    def state(self) -> dict[str, Any]:
        """What to save, by name: networks, optimisers, pools. "generator..." can be averaged."""


@dataclass(frozen=True)
class Watch:
    """Who looks on. All optional; the loop trains without any of them."""

    validate: Callable[[], Scores] | None = None  # scores of the recipe as it stands
    sample: Callable[[], bytes] | None = None  # a sheet of samples as PNG
    advance: Callable[[int, str], None] = lambda amount, text: None
    note: Callable[[str], None] = field(default=lambda text: None)


def train(
    recipe: Recipe,
    batches: Callable[[int], Iterator[Batch]],
    run: Path,
    settings: Settings,
    *,
    steps: int,
    epoch_steps: float,
    ranks: Ranks = Ranks(),
    watch: Watch = Watch(),
) -> None:
    """Train up to `steps`, from the newest checkpoint in `run` if there is one.

    Raises Interrupted after saving when a signal asks to stop, and NotFinite, with the names of
    the pictures, before a NaN can reach the weights.
    """
    parts = recipe.state()
    average = averaged(parts, settings, steps)
    if average:
        parts["average"] = average
    before = restore(run, parts, watch.note, ranks) or {"step": 0, "seconds": 0.0}
    journal, ledger = Journal(run, before["step"], ranks.first), Ledger()
    clock = Clock(settings, steps, epoch_steps, before["seconds"])
    with listening(ranks) as stop:
        todo = range(before["step"], steps)
        for step, batch in zip(todo, batches(before["step"]), strict=False):
            losses = update(recipe, batch, step, steps, settings, ranks)
            ledger.add(batch.names, losses)
            if average:
                average.update(step)
            done = step + 1
            text = ""
            if done % settings.log_every == 0 or done in (1, steps):
                numbers = ledger.numbers()
                rate = rate_at(settings.learning_rate, settings.decay, progress_at(step, steps))
                journal.log(done, {**clock.facts(done), "rate": rate, **numbers})
                text = "  ".join(f"{name} {value:.3g}" for name, value in numbers.items())
            watch.advance(1, text)
            if ranks.first:
                look(parts, run, clock.facts(done), journal, watch, settings)
            if stop.agreed(ranks.first and clock.asks_to_save(done)):
                ledger.numbers()  # what is not finite is found before it could be saved
                others = gathered(parts, ranks, stop.group)
                if ranks.first:
                    save(run, parts, clock.facts(done), settings.keep, others)
            if stop.signal:
                raise _interrupted(stop, run, done, steps)


class Clock:
    """Where the run stands in steps, epochs and seconds, and when to save."""

    def __init__(self, settings: Settings, steps: int, epoch_steps: float, earlier: float) -> None:
        self.settings, self.steps, self.epoch_steps = settings, steps, epoch_steps
        self.started = time.monotonic() - earlier
        self.saved = time.monotonic()

    def facts(self, done: int) -> dict[str, Any]:
        """What every line and checkpoint says about itself."""
        seconds = round(time.monotonic() - self.started, 3)
        epoch = done / self.epoch_steps
        return {"step": done, "steps": self.steps, "epoch": epoch, "seconds": seconds}

    def asks_to_save(self, done: int) -> bool:
        """At the end, every so many steps if wanted, and every so many minutes."""
        regular = self.settings.save_every and done % self.settings.save_every == 0
        late = time.monotonic() - self.saved >= 60 * self.settings.save_minutes
        if done == self.steps or regular or late:
            self.saved = time.monotonic()
            return True
        return False


def look(
    parts: Mapping[str, Any],
    run: Path,
    facts: Mapping[str, Any],
    journal: Journal,
    watch: Watch,
    settings: Settings,
) -> None:
    """Samples at log-spaced steps and validation at even ones, of the averaged weights if any."""
    done, steps = facts["step"], facts["steps"]
    every = settings.validate_every or max(1, steps // 20)
    samples = watch.sample is not None and is_sample_step(done, steps)
    validates = watch.validate is not None and (done % every == 0 or done == steps)
    if not (samples or validates):
        return
    average = parts.get("average")
    shown: AbstractContextManager[None] = average.applied() if average else nullcontext()
    with shown:
        if samples and watch.sample:
            journal.sample(done, watch.sample())
        scores = watch.validate() if validates and watch.validate else {}
    if scores:
        values = {name: value for name, (value, _) in scores.items()}
        journal.score(done, {"epoch": facts["epoch"], "split": "val", "scores": values})
        if better := _improved(scores, best_scores(run)):
            save_best(run, parts, facts, better)


def update(
    recipe: Recipe, batch: Batch, step: int, steps: int, settings: Settings, ranks: Ranks
) -> dict[str, Tensor]:
    """One step of the recipe, with the learning rate and the random numbers of that step."""
    progress = progress_at(step, steps)
    torch.manual_seed(mix(settings.seed, "step", step, ranks.rank))  # as an unbroken run would
    rate = rate_at(settings.learning_rate, settings.decay, progress)
    for part in recipe.state().values():
        if isinstance(part, torch.optim.Optimizer):
            for group in part.param_groups:
                group["lr"] = rate
    try:
        return recipe.step(batch.to(recipe.place.device, recipe.place.memory_format), progress)
    except NotFinite as error:
        raise not_finite(f"{error} at step {step + 1}", batch.names) from None


def progress_at(step: int, steps: int) -> float:
    """0 at the first and 1 at the last step."""
    return step / max(1, steps - 1)


def _improved(scores: Scores, best: Mapping[str, float]) -> dict[str, float]:
    better = {}
    for name, (value, direction) in scores.items():
        sign = 1 if direction == "higher" else -1
        if name not in best or sign * value > sign * best[name]:
            better[name] = value
    return better


def _interrupted(stop: Stop, run: Path, done: int, steps: int) -> Interrupted:
    name = signal.Signals(stop.signal).name
    text = f"{name}: saved step {done} of {steps} in {run}. The same command goes on from there."
    return Interrupted(text, 128 + stop.signal)

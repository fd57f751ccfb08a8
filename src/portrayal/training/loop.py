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
from portrayal.training.averaging import Average
from portrayal.training.checkpoint import best_scores, restore, save, save_best
from portrayal.training.journal import Journal, is_sample_step
from portrayal.training.schedule import rate_at
from portrayal.training.settings import Settings
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
    average = Average(parts, settings.average) if settings.average else None
    if average:
        parts["average"] = average
    about = restore(run, parts, watch.note) or {"step": 0, "seconds": 0.0}
    first, started = about["step"], time.monotonic() - about["seconds"]
    journal = Journal(run, first, ranks.first)
    unseen: list[tuple[list[str], Tensor]] = []
    last_save = time.monotonic()

    def facts(done: int) -> dict[str, Any]:
        seconds = round(time.monotonic() - started, 3)
        return {"step": done, "steps": steps, "epoch": done / epoch_steps, "seconds": seconds}

    with listening(ranks) as stop:
        stream = batches(first) if first < steps else iter(())
        for step, batch in zip(range(first, steps), stream, strict=False):
            done = step + 1
            losses = _step(recipe, batch, step, steps, settings, ranks)
            text = ""
            unseen.append((batch.names, torch.stack([v.float() for v in losses.values()])))
            if average:
                average.update(step)
            if done % settings.log_every == 0 or done in (1, steps):
                numbers = _finite_numbers(unseen, list(losses))
                rate = rate_at(settings.learning_rate, settings.decay, step / max(1, steps - 1))
                journal.log(done, {**facts(done), "rate": rate, **numbers})
                text = "  ".join(f"{name} {value:.3g}" for name, value in numbers.items())
            watch.advance(1, text)
            if ranks.first:
                look(parts, run, facts(done), journal, watch, settings)
            ending = bool(stop.agreed()) or done == steps
            minutes = (time.monotonic() - last_save) / 60
            regular = bool(settings.save_every) and done % settings.save_every == 0
            if ending or regular or minutes >= settings.save_minutes:
                _finite_numbers(unseen, list(losses))
                if ranks.first:
                    save(run, parts, facts(done), settings.keep)
                last_save = time.monotonic()
            if stop.signal:
                raise _interrupted(stop, run, done, steps)
        if hasattr(stream, "close"):
            stream.close()


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


def _step(
    recipe: Recipe, batch: Batch, step: int, steps: int, settings: Settings, ranks: Ranks
) -> dict[str, Tensor]:
    progress = step / max(1, steps - 1)  # 0 at the first, 1 at the last
    torch.manual_seed(mix(settings.seed, "step", step, ranks.rank))  # as an unbroken run would
    rate = rate_at(settings.learning_rate, settings.decay, progress)
    for part in recipe.state().values():
        if isinstance(part, torch.optim.Optimizer):
            for group in part.param_groups:
                group["lr"] = rate
    try:
        return recipe.step(batch.to(recipe.place.device, recipe.place.memory_format), progress)
    except NotFinite as error:
        raise _not_finite(str(error), step, batch.names) from None


def _finite_numbers(unseen: list[tuple[list[str], Tensor]], names: list[str]) -> dict[str, float]:
    """The newest losses as numbers, after looking at all that were not looked at yet."""
    for pictures, values in unseen:
        if not values.isfinite().all():
            bad = [
                name
                for name, value in zip(names, values.tolist(), strict=True)
                if value != value or abs(value) == float("inf")
            ]
            raise _not_finite(f"{', '.join(bad)} became not finite", None, pictures)
    newest = unseen[-1][1].tolist() if unseen else []
    unseen.clear()
    return dict(zip(names, newest, strict=False))


def _not_finite(what: str, step: int | None, pictures: list[str]) -> NotFinite:
    when = "" if step is None else f" at step {step + 1}"
    shown = ", ".join(pictures[:8]) + (
        f" and {len(pictures) - 8} more" if len(pictures) > 8 else ""
    )
    return NotFinite(
        f"Training stopped before the weights were touched: {what}{when}, on {shown}. The last "
        "checkpoint is good. Look at these pictures, lower learning_rate, or set precision=float32."
    )


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

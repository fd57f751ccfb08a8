"""What a run's discriminator makes of the test pictures, and how that went over training.

Probabilities and losses are four different things: p_real and p_fake, loss_D_real and loss_D_fake.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, signed
from portrayal.core.runs import read_lines
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.recognition.rows import Cells
from portrayal.evaluation.summary import clusters_of, known
from portrayal.inference.load import load
from portrayal.losses import losses
from portrayal.metrics.calibration import calibration_error, expected_error
from portrayal.metrics.discriminator import accuracy, p_real
from portrayal.metrics.statistics import bootstrap_mean
from portrayal.reports.plots import epoch_window, moving_mean
from portrayal.reports.results import Section
from portrayal.training.update import evaluating

Judge = Callable[[Pixels, Pixels], Tensor]  # source, picture -> logits (1, 1, h, w)
SERIES = ("p_real", "p_fake", "loss_D_real", "loss_D_fake", "acc_real", "acc_fake")
WITHOUT_P = ("hinge",)  # games whose logits are no probabilities
MOMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of training, in the table


def discriminator_section(
    run: Path,
    answers: Answers,
    *,
    checkpoint: str = "newest",
    device: str | None = None,
    seed: int = 0,
    draws: int = 10_000,
    bar: Bar | None = None,
) -> Section:
    """Probabilities, losses and accuracies of the discriminator on real and translated pictures."""
    recipe = load(run, device=device, checkpoint=checkpoint).recipe
    game = game_of(recipe)
    judge = judge_of(recipe, run)
    found: list[dict[str, float]] = []
    with opened(bar, "Judging", len(answers)) as advance:
        for index in range(len(answers)):
            found.append(judged_picture(judge, answers.pictures(index), game))
            advance(1)
    clusters = clusters_of(answers.rows)
    rows: list[Cells] = []
    for name in found[0]:
        values = [one[name] for one in found]
        mean = bootstrap_mean(values, clusters=clusters, draws=draws, seed=seed)
        rows.append([name, mean.value, known(mean.low), known(mean.high), float(mean.n)])
    if "p_real" in found[0]:
        rows += calibration_rows(found, seed)
    return Section(
        key="discriminator",
        title="Discriminator",
        note=note(game),
        head=["series", "value", "low", "high", "n"],
        rows=rows,
    )


def history_section(run: Path) -> Section:
    """The same series over training, from log.jsonl: smoothed, and raw as they were logged."""
    rows = list(read_lines(run / "log.jsonl"))
    names = [name for name in SERIES if any(name in row for row in rows)]
    if not names:
        raise BadData(f"{run / 'log.jsonl'} holds no series of a discriminator.")
    window = epoch_window([float(row.get("epoch", row["step"])) for row in rows])
    raw = {name: np.array([float(row.get(name, np.nan)) for row in rows]) for name in names}
    smooth = {name: moving_mean(values, window) for name, values in raw.items()}
    places = sorted({round(moment * (len(rows) - 1)) for moment in MOMENTS})
    return Section(
        key="discriminator_history",
        title="Discriminator over training",
        note=f"Centred moving mean over {window} logged values, beside it the value logged at that "
        "step alone; all of them are in log.jsonl. Undecided: probabilities and accuracies .5, "
        "cross-entropies ln 2 = .693. Judged in training, on pictures it was trained on.",
        head=["step", *(f"{name}{kind}" for name in names for kind in ("", " (raw)"))],
        rows=[
            [
                float(rows[place]["step"]),
                *(number(kind[name][place]) for name in names for kind in (smooth, raw)),
            ]
            for place in places
        ],
    )


def number(value: float) -> float | None:
    """None for NaN: a series that was not logged at that step."""
    return known(float(value))


def game_of(recipe: Any) -> str:
    """The adversarial loss, by name."""
    return str(getattr(recipe.config, "adversarial", "vanilla"))


def judge_of(recipe: Any, run: Path) -> Judge:
    """The recipe's discriminator: of a pair if it judges pairs, else of the picture alone.

    It judges one picture at a time, with statistics of that picture: this is how a discriminator
    with BatchNorm sees in training (batches of real or of fake pictures, never both).
    """
    network = getattr(recipe, "discriminator", None)
    if not isinstance(network, nn.Module):
        raise BadOption(f"{run} has no discriminator: its recipe trains without one.")
    pairs = getattr(recipe, "judge", None)
    two = callable(pairs) and len(inspect.signature(pairs).parameters) == 2
    device = recipe.place.device

    def judge(source: Pixels, picture: Pixels) -> Tensor:
        first, second = (signed(pixels)[None].to(device) for pixels in (source, picture))
        with evaluating(network, noisy=True), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # for one with dropout
            logits: Tensor = pairs(first, second) if two and pairs else network(second)
        return logits.float().cpu()

    return judge


def judged_picture(judge: Judge, pictures: dict[str, Pixels], game: str) -> dict[str, float]:
    """The series of one test picture: its truth as real, its translation as fake."""
    if missing := [side for side in ("source", "target", "fake") if side not in pictures]:
        raise BadData(f"The discriminator needs inputs and truths; {', '.join(missing)} missing.")
    real, fake = (judge(pictures["source"], pictures[side]) for side in ("target", "fake"))
    loss = losses[game]
    series = (
        {} if game in WITHOUT_P else {"p_real": p_real(real, game), "p_fake": p_real(fake, game)}
    )
    series |= {
        "loss_D_real": loss(real, 1.0),
        "loss_D_fake": loss(fake, 0.0),
        "acc_real": accuracy(real, real=True, game=game),
        "acc_fake": accuracy(fake, real=False, game=game),
    }
    return {name: float(value) for name, value in series.items()}


def calibration_rows(found: list[dict[str, float]], seed: int) -> list[Cells]:
    """Is what it calls 70 % real so in 70 of 100? Mean probabilities of pictures, half are real."""
    sure: NDArray[np.float64] = np.array([[one["p_real"], one["p_fake"]] for one in found]).ravel()
    real = np.tile([1.0, 0.0], len(found))
    confidence = np.maximum(sure, 1 - sure)
    right = ((sure > 0.5) == (real > 0.5)).astype(float)
    fair = expected_error(confidence, seed=seed)
    n = float(len(sure))
    return [
        ["calibration error", calibration_error(confidence, right), None, None, n],
        ["calibration error if calibrated", fair, None, None, n],
    ]


def note(game: str) -> str:
    """What the numbers mean in this game."""
    undecided = "Undecided: probabilities and accuracies .5" + (
        ", losses ln 2 = .693." if game == "vanilla" else "."
    )
    meaning = {
        "vanilla": "",
        "lsgan": "LSGAN's outputs are taken as probabilities, cut to 0..1. ",
        "hinge": "Outputs of a hinge game are no probabilities: accuracies and losses only. ",
    }.get(game, f"The game is {game!r}. ")
    return (
        f"{meaning}{undecided} Accuracy: share of patches judged rightly. Real are the truths, "
        "fake the translations as they lie on disk (generator in evaluation mode, 8 bits), each "
        "judged alone with its own batch statistics, as in training."
    )

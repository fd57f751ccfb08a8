"""Train a recogniser on the real target pictures of a dataset's train split; val says how good."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from portrayal.core.devices import choose_place
from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels, signed
from portrayal.core.seeds import mix, numpy_rng
from portrayal.data.dataset import Dataset
from portrayal.data.sampler import index_at
from portrayal.evaluation.progress import Advance, Bar, opened
from portrayal.evaluation.recognition.labels import VOID
from portrayal.evaluation.recognition.lessons import (
    Label,
    Lesson,
    Plan,
    column_lesson,
    maps_lesson,
    same_lesson,
)
from portrayal.evaluation.recognition.recogniser import HeldOut, Recogniser, scaled
from portrayal.evaluation.summary import clusters_of, known
from portrayal.inference.ahead import ahead
from portrayal.metrics.semantic import confusion, fcn_intervals
from portrayal.metrics.statistics import bootstrap_mean, wilson
from portrayal.networks.recogniser import recognisers
from portrayal.training.schedule import rate_at
from portrayal.training.settings import Settings
from portrayal.training.update import adam, descend

SHIFT = 16  # a picture is moved by up to 1/16 of its side
DECAY = 0.7  # last share of the steps, over which the rate falls to 0


def train_recogniser(
    data: Path,
    column: str | None,
    plan: Plan = Plan(),
    *,
    bins: int | None = None,
    bar: Bar | None = None,
) -> Recogniser:
    """A recogniser of a column, or of class maps if `column` is None, with its held-out score."""
    dataset = Dataset(data)
    train, val = dataset.split("train").domain("target"), dataset.split("val").domain("target")
    if column is None:
        lesson = maps_lesson(dataset.folder, train, plan)
    else:
        lesson = column_lesson(train, column, plan, bins)
    lesson = replace(lesson, about=lesson.about.model_copy(update={"data": dataset.identity}))
    unseen = same_lesson(lesson.about, val)  # refused before any work
    recogniser = fit(lesson, plan, bar)
    score = held_out(recogniser, lesson, unseen, bar)
    about = recogniser.about.model_copy(update={"held_out": score})
    return replace(recogniser, about=about)


def fit(lesson: Lesson, plan: Plan, bar: Bar | None = None) -> Recogniser:
    """The network trained by cross-entropy: a function of the pictures, the plan and the seed."""
    place = choose_place(plan.device, "float32")
    about = lesson.about.model_copy(update={"pictures": len(lesson)})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(plan.seed, "recogniser"))
        network = recognisers[about.network](len(about.classes), width=about.width)
    network = place.ready(network.train())
    optimizer = adam(network, Settings(learning_rate=plan.rate, betas=(0.9, 0.999)))

    def load(step: int) -> tuple[Tensor, Tensor]:
        places = range(step * plan.batch, (step + 1) * plan.batch)
        pairs = [drawn(lesson, position, plan.seed) for position in places]
        pictures, labels = zip(*pairs, strict=True)
        return torch.stack(pictures), torch.stack(labels)

    with _steps(bar, plan.steps) as advance, ThreadPoolExecutor(1) as pool:
        for step, (pictures, labels) in enumerate(ahead(pool, load, range(plan.steps))):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(plan.rate, DECAY, step / plan.steps)
            logits = network(pictures.to(place.device)).float()
            require_kind(lesson, logits)
            wanted = labels.to(place.device)
            descend(mean_loss(logits, wanted), optimizer)
            advance(1)
    return Recogniser(about, network.eval(), place)


def require_kind(lesson: Lesson, logits: Tensor) -> None:
    """Refuse a network that answers per pixel where pictures are asked about, or the reverse."""
    about = lesson.about
    if (logits.dim() == 4) != (about.kind == "maps"):
        gives = (
            "a class for every pixel" if logits.dim() == 4 else "one class for the whole picture"
        )
        usual = "segmenter" if about.kind == "maps" else "classifier"
        raise BadOption(f"{about.network} gives {gives}; take --network {usual}.")


def mean_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy per label, what is void left out; 0 if all is void."""
    total = F.cross_entropy(logits, wanted, ignore_index=VOID, reduction="sum")
    return total / (wanted != VOID).sum().clamp(min=1)


def _steps(bar: Bar | None, steps: int) -> AbstractContextManager[Advance]:
    """The progress display of training."""
    return bar("Training", steps, "steps") if bar else nullcontext(lambda amount=1: None)


def drawn(lesson: Lesson, position: int, seed: int) -> tuple[Tensor, Tensor]:
    """The example at a position of training, mirrored or not and moved a little.

    Signed (3, H, W) at the size of the recogniser, and its class or its classes (H, W).
    """
    picture, label = lesson.example(index_at(position, len(lesson), seed))
    seen, wanted = at_size(picture, label, lesson.about.size)
    rng = numpy_rng(seed, "recogniser", position)
    mirror = bool(rng.integers(2))
    moves = [int(rng.integers(-(side // SHIFT), side // SHIFT + 1)) for side in seen.shape[1:]]
    return moved(seen, moves, mirror), moved(wanted, moves, mirror) if wanted.dim() else wanted


def moved(picture: Tensor, moves: list[int], mirror: bool) -> Tensor:
    """(..., H, W) moved by (rows, columns), its edge repeated, and mirrored if wanted."""
    for dim, move in zip((-2, -1), moves, strict=True):
        length = picture.shape[dim]
        places = (torch.arange(length) - move).clamp(0, length - 1)
        picture = picture.index_select(dim, places)
    return picture.flip(-1) if mirror else picture


def at_size(picture: Pixels, label: Label, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A signed (3, H, W) picture and its label, both at the size of the recogniser."""
    seen = scaled(signed(picture)[None], size)[0]
    wanted = torch.from_numpy(np.array(label, np.int64))
    if wanted.dim() and tuple(wanted.shape) != tuple(size):
        nearest = F.interpolate(wanted[None, None].float(), size, mode="nearest-exact")
        wanted = nearest[0, 0].long()
    return seen, wanted


def held_out(recogniser: Recogniser, learned: Lesson, unseen: Lesson, bar: Bar | None) -> HeldOut:
    """The score on real pictures that were not learned from, and what guessing would get."""
    clusters = clusters_of(unseen.rows)
    iou: float | None = None
    with opened(bar, "Looking at val", len(unseen)) as advance:
        if learned.classes:
            right = [_is_right(recogniser, unseen, i, advance) for i in range(len(unseen))]
            found = wilson(right) if clusters is None else bootstrap_mean(right, clusters=clusters)
            commonest = Counter(learned.classes).most_common(1)[0][0]
            chance = float(np.mean([label == commonest for label in unseen.classes]))
        else:
            each = torch.stack(
                [_confused(recogniser, unseen, i, advance) for i in range(len(unseen))]
            )
            scores = fcn_intervals(each, clusters=clusters)
            found, iou = scores["pixel_accuracy"], scores["class_iou"].value
            chance = float(each.sum((0, 2)).max() / each.sum())
    return HeldOut(
        score="accuracy" if learned.classes else "pixel accuracy",
        value=found.value,
        low=known(found.low),
        high=known(found.high),
        n=found.n,
        method=found.method,
        chance=chance,
        class_iou=iou,
    )


def _is_right(recogniser: Recogniser, lesson: Lesson, index: int, advance: Advance) -> float:
    """1 if the class of a picture is recognised, else 0."""
    picture, label = lesson.example(index)
    advance(1)
    return float(int(recogniser.probabilities(picture).argmax()) == label)


def _confused(recogniser: Recogniser, lesson: Lesson, index: int, advance: Advance) -> Tensor:
    """The confusion matrix of a picture with its class map, (K, K)."""
    picture, label = lesson.example(index)
    advance(1)
    wanted = torch.from_numpy(np.array(label, np.int64))
    return confusion(wanted, recogniser.map(picture), len(recogniser.classes))

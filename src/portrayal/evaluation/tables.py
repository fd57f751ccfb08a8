"""The tables beside the scores, by name: `--table verification`. `--full` makes all that fit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portrayal.core.errors import MissingPart, UserError
from portrayal.data.dataset import Dataset
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.groups.flips import flips_section
from portrayal.evaluation.groups.skin import skin_section
from portrayal.evaluation.groups.slices import slices_sections
from portrayal.evaluation.pairs.matches import floor_section, sift_section
from portrayal.evaluation.pairs.verification import verification_section
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.recognition.judged import discriminator_section, history_section
from portrayal.evaluation.recognition.recognised import recogniser_section
from portrayal.evaluation.sets.networks import Extractor
from portrayal.evaluation.traps.leaks import leak_section
from portrayal.evaluation.traps.memory import memorisation_section
from portrayal.reports.results import Section

Row = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What a table may need; a run and its dataset are not known of two folders."""

    answers: Answers
    pictures: list[Row]
    metrics: tuple[str, ...]  # of pictures
    features: Path
    extractor: Extractor | None
    run: Path | None = None
    folder: Path | None = None  # of the scores, for pictures of a table
    dataset: Dataset | None = None
    checkpoint: str = "newest"
    seed: int = 0
    draws: int = 10_000
    bar: Bar | None = None


def sections_of(
    context: Context,
    names: tuple[str, ...],
    by: tuple[str, ...],
    recogniser: Path | None,
    *,
    full: bool,
    warnings: list[str],
) -> list[Section]:
    """Tables asked for, which may fail, and with `full` all others, which may not."""
    found: list[Section] = []
    drawn = {"seed": context.seed, "draws": context.draws}
    if by:
        part = "scores" if context.answers.paired else "content"
        found += slices_sections(context.pictures, context.metrics, by, part=part, **drawn)  # type: ignore[arg-type]
    if recogniser:
        found.append(recogniser_section(context.answers, recogniser, bar=context.bar, **drawn))  # type: ignore[arg-type]
        try:
            found.append(flips_section(context.answers, recogniser, by, bar=context.bar, **drawn))  # type: ignore[arg-type]
        except UserError as error:  # a recogniser of class maps sees no attribute
            warnings.append(f"Left out: attribute flips. {error}")
    for name in names:
        found += TABLES[name](context)
    for name in [name for name in TABLES if full and name not in names]:
        try:
            found += TABLES[name](context)
        except UserError as error:
            warnings.append(f"Left out: table {name}. {error}")
    return found


def discriminator(context: Context) -> list[Section]:
    """What the discriminator says on this split."""
    how = {"seed": context.seed, "draws": context.draws, "bar": context.bar}
    run, checkpoint = run_of(context), context.checkpoint
    return [discriminator_section(run, context.answers, checkpoint=checkpoint, **how)]  # type: ignore[arg-type]


def history(context: Context) -> list[Section]:
    """What the discriminator said over training."""
    return [history_section(run_of(context))]


def run_of(context: Context) -> Path:
    """The run, which two folders do not have."""
    if context.run is None:
        raise MissingPart("A discriminator is part of a run; two folders have none.")
    return context.run


def verification(context: Context) -> list[Section]:
    """Is the person still the same?"""
    return [verification_section(context.answers, seed=context.seed, bar=context.bar)]


def skin(context: Context) -> list[Section]:
    """Does the skin tone shift?"""
    return [skin_section(context.answers, seed=context.seed, bar=context.bar)]


def sift(context: Context) -> list[Section]:
    """Key points that match, with their anchors."""
    how = {"seed": context.seed, "folder": context.folder, "bar": context.bar}
    return [sift_section(context.answers, **how)]  # type: ignore[arg-type]


def floor(context: Context) -> list[Section]:
    """The same metrics against other subjects' pictures."""
    return [floor_section(context.answers, context.metrics, seed=context.seed, bar=context.bar)]


def memorisation(context: Context) -> list[Section]:
    """Does it repeat its training pictures?"""
    if context.dataset is None or context.extractor is None:
        raise MissingPart("Memorisation needs a run with its dataset, and a feature network.")
    train = context.dataset.split("train").domain("target")
    return [
        memorisation_section(
            context.answers, train, context.extractor, context.features, bar=context.bar
        )
    ]


def leak(context: Context) -> list[Section]:
    """Are subjects or pictures of this split in the training pictures?"""
    if context.dataset is None:
        raise MissingPart("Leaks are looked for in the dataset of a run.")
    return [leak_section(context.dataset.folder)]


TABLES: dict[str, Callable[[Context], list[Section]]] = {
    "leak": leak,
    "memorisation": memorisation,
    "discriminator": discriminator,
    "history": history,
    "verification": verification,
    "skin": skin,
    "sift": sift,
    "floor": floor,
}

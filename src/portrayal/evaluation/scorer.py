"""The one scorer: what validation during training and the test at the end have in common.

A picture is scored alone, from its 8-bit pixels, so that neither batch nor order nor the number of
pictures changes a value, and a file on disk scores what the picture in memory scored.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from torch import Tensor

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, pixels_of, signed, unit, unit_of
from portrayal.core.palette import CLASS_COLOURS
from portrayal.data.dataset import Pair
from portrayal.features.weights import KNOWN, locate
from portrayal.metrics import metrics

USUAL = ("l1", "psnr", "ssim")  # what every pair of pictures allows at once
Scores = dict[str, tuple[float, Literal["higher", "lower"]]]


class Pairs(Protocol):
    """Pictures with their truths: a split of a dataset."""

    def __len__(self) -> int: ...
    def row(self, index: int) -> dict[str, Any]:
        """Facts about one pair."""

    def rows(self) -> Iterable[dict[str, Any]]:
        """Facts about all pairs."""

    def pair(self, index: int) -> Pair:
        """One pair of pictures."""


class Translating(Protocol):
    """Whatever turns a signed (B, 3, H, W) batch into another: a recipe as it stands."""

    def translate(self, source: Tensor) -> Tensor:
        """Signed (B, 3, H, W) -> signed (B, 3, H, W)."""


def choose_metrics(wanted: Sequence[str] | None, classes: Iterable[object]) -> list[str]:
    """The metrics to compute: those asked for, or the usual ones.

    `classes` holds the class of every picture. Scores that need classes are added when each
    picture has one that core/palette.py knows.
    """
    if wanted:
        for name in wanted:
            card = metrics.card(name)  # an unknown name fails before any work,
            for weights in card.weights:
                locate(KNOWN[weights])  # and so do missing weights
            if card.needs == "sets":
                pairs = [other for other in metrics if metrics.card(other).needs != "sets"]
                raise BadOption(
                    f"{name} compares sets of pictures, not pairs; choose among {', '.join(pairs)}."
                )
        return list(dict.fromkeys(wanted))
    known = [isinstance(name, str) and name in CLASS_COLOURS for name in classes]
    if not (known and all(known)):
        return list(USUAL)
    fitting = [name for name in metrics if metrics.cards[name].needs == "classes"]
    return [*fitting, *USUAL]


def score_picture(
    chosen: Sequence[str], fake: Pixels, real: Pixels, row: Mapping[str, Any]
) -> dict[str, float | None]:
    """Scores of one picture against its truth, both (H, W, 3); None where it has no value."""
    made, truth = unit(fake)[None], unit(real)[None]
    scores: dict[str, float | None] = {}
    for name in chosen:
        more = [[class_of(row)]] if metrics.card(name).needs == "classes" else []
        value = float(metrics[name](made, truth, *more))
        scores[name] = None if math.isnan(value) else value
    return scores


def class_of(row: Mapping[str, Any]) -> str:
    """The class of a picture, or one line that says what is missing."""
    name = row.get("class")
    if not isinstance(name, str):
        raise BadData(
            f"{row.get('name')!r} has no class, which this score needs; leave it out, or add a "
            "column 'class' to metadata.jsonl."
        )
    return name


def validation_scorer(
    split: Pairs, chosen: Sequence[str] | None = None, *, limit: int = 100
) -> Callable[[Translating], Scores]:
    """A function that scores a recipe on the same pairs every time, spread over the split."""
    count = min(limit, len(split))
    indices = [round(i * (len(split) - 1) / max(1, count - 1)) for i in range(count)]
    names = choose_metrics(chosen, (split.row(index).get("class") for index in indices))

    def score(recipe: Translating) -> Scores:
        values: dict[str, list[float]] = {name: [] for name in names}
        for index in indices:
            pair = split.pair(index)
            fake = pixels_of(unit_of(recipe.translate(signed(pair.source)[None])[0]))
            for name, value in score_picture(names, fake, pair.target, pair.row).items():
                values[name] += [] if value is None else [value]
        return {
            name: (sum(found) / len(found), metrics.card(name).better)
            for name, found in values.items()
            if found  # a score that no picture has, such as of faces that are not found yet
        }

    return score

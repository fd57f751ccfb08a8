"""What a recogniser makes of translations, of inputs, and of real pictures, which are its ceiling.

The score that pix2pix calls FCN score, made generic: a class map or a class of any recogniser.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.recognition.labels import Map, is_painted, painted_map, require_fit
from portrayal.evaluation.recognition.recogniser import Recogniser, load_recogniser
from portrayal.evaluation.summary import clusters_of, known
from portrayal.inference.ahead import THREADS, ahead
from portrayal.metrics.calibration import calibration_error, expected_error
from portrayal.metrics.semantic import Absent, confusion, fcn_intervals
from portrayal.metrics.statistics import Interval, bootstrap_difference, bootstrap_mean, wilson
from portrayal.reports.results import Section

HEAD = ["score", "pictures", "value", "low", "high", "n"]
SIDES = {"fake": "translation", "source": "input", "target": "real"}
Maps = Callable[[str], Map | None]  # name of a picture -> its class map, if it has one
Reference = Literal["auto", "labels", "painted", "itself"]
Cells = list[str | float | None]
Out = TypeVar("Out")


@dataclass(frozen=True)
class Draws:
    """How intervals are drawn."""

    seed: int = 0
    draws: int = 10_000
    clusters: list[Hashable] | None = field(default=None)

    def options(self) -> dict[str, Any]:
        """As arguments of the functions of metrics/statistics.py."""
        return {"clusters": self.clusters, "draws": self.draws, "seed": self.seed}


def recogniser_section(
    answers: Answers,
    file: Path | Recogniser,
    *,
    maps: Maps | None = None,
    reference: Reference = "auto",
    absent: Absent = "skip",
    seed: int = 0,
    draws: int = 10_000,
    bar: Bar | None = None,
) -> Section:
    """Accuracies of a recogniser on translations, with those on inputs and on real pictures.

    `maps` finds the class map of a picture by its name: `partial(label_map, DATA/test)`. Without
    any, class maps are compared with what the recogniser sees in the real picture.
    """
    recogniser = file if isinstance(file, Recogniser) else load_recogniser(file)
    how = Draws(seed, draws, clusters_of(answers.rows))
    if recogniser.about.kind == "attribute":
        return attribute_section(answers, recogniser, how, bar)
    return maps_section(answers, recogniser, maps, reference, absent, how, bar)


def section(key: str, recogniser: Recogniser, rows: list[Cells], note: str) -> Section:
    """A table of a recogniser's scores, with what it is and how good it was when it was made."""
    about = recogniser.about
    what = f"column {about.column}" if about.column else "class of each pixel"
    score = about.held_out
    made = (
        f"Its own {score.score} on {score.n} held-out real pictures was {score.value:.3f}, "
        f"guessing gets {score.chance:.3f}. "
        if score
        else ""
    )
    return Section(
        key=key,
        title=f"Recogniser: {what}",
        note=f"{recogniser.label}. {made}{note}",
        head=HEAD,
        rows=rows,
    )


# class maps -------------------------------------------------------------------------------------


def maps_section(
    answers: Answers,
    recogniser: Recogniser,
    maps: Maps | None,
    reference: Reference,
    absent: Absent,
    how: Draws,
    bar: Bar | None,
) -> Section:
    """One confusion matrix of all pixels; intervals from matrices of single pictures."""
    chosen = choose_reference(answers, recogniser, maps, reference)
    classes = recogniser.classes

    def matrices(index: int) -> dict[str, Tensor]:
        pictures, row = answers.pictures(index), answers.rows[index]
        wanted = wanted_map(pictures, row, recogniser, maps, chosen)
        real = chosen != "itself"  # seen against itself it is always right
        sides = [side for side in SIDES if side in pictures and (real or side != "target")]
        empty = torch.zeros(len(classes), len(classes), dtype=torch.int64)
        return {
            side: empty
            if wanted is None
            else confusion(wanted, recogniser.map(pictures[side]), len(classes))
            for side in sides
        }

    found = over_pictures(matrices, len(answers), bar)
    each = {side: torch.stack([f[side] for f in found]) for side in SIDES if side in found[0]}
    rows = [row for name in each for row in map_rows(name, each, absent, how)]
    rows += class_rows(classes, each["fake"])
    said = {
        "labels": "Reference: the label maps of the dataset.",
        "painted": "Reference: where the truth is painted in the colour of its class.",
        "itself": "Reference: what the recogniser sees in the real picture (self-consistency), so "
        "real pictures would get 1 by definition and are no ceiling.",
    }[chosen]
    skipped = "are skipped" if absent == "skip" else "count as 0"
    note = f"{said} One confusion matrix of all pixels; classes that the truth lacks {skipped}."
    return section("recogniser_maps", recogniser, rows, note)


def choose_reference(
    answers: Answers, recogniser: Recogniser, maps: Maps | None, wanted: Reference
) -> Reference:
    """What predictions are compared with: the best that there is, or what was asked for."""
    names = [str(row["name"]) for row in answers.rows]
    have: dict[Reference, bool] = {
        "labels": maps is not None and any(maps(name) is not None for name in names),
        "painted": recogniser.about.maps == "painted"
        and answers.paired
        and is_painted(answers.rows),
        "itself": answers.paired,
    }
    for chosen, there in have.items():
        if there and wanted in ("auto", chosen):
            return chosen
    raise BadData(
        f"There is no reference ({wanted}) for class maps of these {len(names)} pictures: they "
        "have no label maps, and unpaired ones no truth. Use a recogniser of a column."
    )


def wanted_map(
    pictures: dict[str, Pixels],
    row: dict[str, Any],
    recogniser: Recogniser,
    maps: Maps | None,
    reference: Reference,
) -> Tensor | None:
    """The reference of one picture, (H, W) int64; None if it has none."""
    if reference == "itself":
        return recogniser.map(pictures["target"])
    labels = (
        painted_map(pictures["target"], row)
        if reference == "painted"
        else maps(row["name"])
        if maps
        else None
    )
    if labels is None:
        return None
    require_fit(row["name"], labels, pictures["fake"])
    return torch.from_numpy(np.array(labels, np.int64))


def map_rows(side: str, each: dict[str, Tensor], absent: Absent, how: Draws) -> Iterable[Cells]:
    """Three scores of one kind of pictures; of translations also what they exceed inputs by."""
    for name, interval in fcn_intervals(each[side], absent, **how.options()).items():
        yield cells(name.replace("_", " ").replace("iou", "IoU"), SIDES[side], interval)
    if side == "fake" and "source" in each:
        over = fcn_intervals(each["fake"], absent, against=each["source"], **how.options())
        for name, interval in over.items():
            yield cells(name.replace("_", " ").replace("iou", "IoU"), "difference", interval)


def class_rows(classes: Sequence[str], fakes: Tensor) -> Iterable[Cells]:
    """IoU of each class over all translations."""
    counts = fakes.sum(0).double()
    met, either = counts.diag(), counts.sum(0) + counts.sum(1) - counts.diag()
    for number, name in enumerate(classes):
        if either[number] > 0:
            n = int((fakes[:, number].sum(1) > 0).sum())
            iou = float(met[number] / either[number])
            yield [f"IoU of {name}", "translation", iou, None, None, float(n)]


# attributes -------------------------------------------------------------------------------------


def attribute_section(
    answers: Answers, recogniser: Recogniser, how: Draws, bar: Bar | None
) -> Section:
    """Accuracy, confidence and calibration against the pictures' own column."""
    labels = [recogniser.wanted(row) for row in answers.rows]
    kept = [index for index, label in enumerate(labels) if label is not None]
    require_labels(recogniser, len(kept), len(labels))

    def seen(place: int) -> dict[str, NDArray[np.float64]]:
        pictures = answers.pictures(kept[place])
        sides = [side for side in SIDES if side in pictures]
        return {side: recogniser.probabilities(pictures[side]).numpy() for side in sides}

    found = over_pictures(seen, len(kept), bar)
    wanted = np.array([labels[index] for index in kept])
    each = {side: np.stack([f[side] for f in found]) for side in SIDES if side in found[0]}
    clusters = None if how.clusters is None else [how.clusters[index] for index in kept]
    own = Draws(how.seed, how.draws, clusters)
    rows = [row for side in each for row in attribute_rows(SIDES[side], each[side], wanted, own)]
    if "source" in each:
        hits = [(each[side].argmax(1) == wanted).astype(float) for side in ("fake", "source")]
        over = bootstrap_difference(*hits, **own.options())
        rows.append(cells("accuracy", "difference", over))
    if not answers.paired:
        rows += real_rows(answers, recogniser, how, bar)
    left = f" {len(labels) - len(kept)} have none and are left out." if kept != labels else ""
    left = left if len(kept) < len(labels) else ""
    note = (
        f"The truth is what column {recogniser.about.column!r} says.{left} Calibration error: "
        "15 bins; of few pictures it is above 0 even if perfectly calibrated, as the row below "
        "says. The recogniser learned from real pictures only: inputs look strange to it."
    )
    return section("recogniser_attribute", recogniser, rows, note)


def require_labels(recogniser: Recogniser, count: int, total: int) -> None:
    """Refuse pictures that do not say what the recogniser looks for."""
    if count < 2:
        column = recogniser.about.column
        raise BadOption(
            f"{count} of {total} pictures have a value in column {column!r} that the recogniser "
            f"knows ({', '.join(recogniser.classes[:8])}); take the recogniser of another column."
        )


def real_rows(answers: Answers, recogniser: Recogniser, how: Draws, bar: Bar | None) -> list[Cells]:
    """The ceiling of unpaired data: other pictures, of the domain of the targets."""
    labels = [recogniser.wanted(row) for row in answers.reals]
    kept = [index for index, label in enumerate(labels) if label is not None]
    if len(kept) < 2:
        return []
    seen = over_pictures(
        lambda place: recogniser.probabilities(answers.real(kept[place])).numpy(), len(kept), bar
    )
    clusters = clusters_of([answers.reals[index] for index in kept])
    own = Draws(how.seed, how.draws, clusters)
    wanted = np.array([labels[index] for index in kept])
    return list(attribute_rows("real", np.stack(seen), wanted, own))


def attribute_rows(
    pictures: str, seen: NDArray[np.float64], wanted: NDArray[np.int64], how: Draws
) -> Iterable[Cells]:
    """Scores of probabilities (N, K) against classes (N,)."""
    right = (seen.argmax(1) == wanted).astype(float)
    sure = seen.max(1).clip(0, 1)
    yield cells("accuracy", pictures, share(right, how))
    yield cells("confidence", pictures, bootstrap_mean(sure, **how.options()))
    n = float(len(right))
    yield ["calibration error", pictures, calibration_error(sure, right), None, None, n]
    fair = expected_error(sure, seed=how.seed)
    yield ["calibration error if calibrated", pictures, fair, None, None, n]


def share(hits: Sequence[float] | NDArray[np.float64], how: Draws) -> Interval:
    """A share of pictures: Wilson's interval, or of several pictures per subject a bootstrap."""
    return wilson(hits) if how.clusters is None else bootstrap_mean(hits, **how.options())


def cells(score: str, pictures: str, interval: Interval) -> Cells:
    """One row of the table."""
    bounds = known(interval.low), known(interval.high)
    return [score, pictures, interval.value, *bounds, float(interval.n)]


def over_pictures(look: Callable[[int], Out], count: int, bar: Bar | None) -> list[Out]:
    """What `look` finds in each picture, in order, by several threads."""
    found = []
    with opened(bar, "Recognising", count) as advance, ThreadPoolExecutor(THREADS) as pool:
        for one in ahead(pool, look, range(count)):
            found.append(one)
            advance(1)
    return found

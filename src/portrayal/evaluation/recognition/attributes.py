"""What a recogniser of a column sees in translations, against what the column says."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.recognition.recogniser import Recogniser
from portrayal.evaluation.recognition.rows import (
    SIDES,
    Cells,
    Draws,
    cells,
    over_pictures,
    section,
    share,
)
from portrayal.evaluation.summary import clusters_of
from portrayal.metrics.calibration import calibration_error, expected_error
from portrayal.metrics.statistics import bootstrap_difference, bootstrap_mean
from portrayal.reports.results import Section


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
    without = len(labels) - len(kept)
    left = f" {without} have none and are left out." if without else ""
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

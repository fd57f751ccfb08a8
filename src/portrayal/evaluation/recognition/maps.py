"""What a recogniser of class maps sees in translations, against the maps they should have."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.recognition.labels import Map, is_painted, painted_map, require_fit
from portrayal.evaluation.recognition.recogniser import Recogniser
from portrayal.evaluation.recognition.rows import SIDES, Cells, Draws, cells, over_pictures, section
from portrayal.metrics.semantic import Absent, confusion, fcn_intervals
from portrayal.reports.results import Section

Maps = Callable[[str], Map | None]  # name of a picture -> its class map, if it has one
Reference = Literal["auto", "labels", "painted", "itself"]


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

"""Is the translation what it should be? Scores that know the class of a picture."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.linalg import vector_norm

from portrayal.core.errors import BadData, BadOption, UnknownName
from portrayal.core.palette import CLASS_COLOURS
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked
from portrayal.metrics.resampling import Numbers
from portrayal.metrics.statistics import Interval, bootstrap_sums

Absent = Literal["skip", "zero"]  # what a class that is not there counts
PAINTED = 20.0  # CIELAB distance to its class colour within which a pixel of the truth is filled
LINE = 50.0  # CIELAB lightness below which grey is drawn, and not paper


@metrics.described(
    Card(
        better="higher",
        needs="classes",
        title="Class colour",
        protocol="share of pictures of which, where the truth is painted in its class colour, more "
        "pixels are nearest (CIELAB) to it than to any other class colour or to a light grey, and "
        "at least a quarter; dark grey is line and speaks for nothing",
    )
)
def class_colour(fake: Tensor, target: Tensor, classes: Sequence[str]) -> Tensor:
    """1 where the outline is filled with the colour of its class, else 0. (B, 3, H, W) -> (B,)

    The rivals of a pixel are the other class colours and the grey of its own lightness, so that an
    outline left empty is wrong, whatever the class. Black lines inside are no filling: in a mean
    colour they would make brown of orange wherever a line is not where the truth has one.
    """
    fake, target = checked(fake, target)
    if fake.shape[1] != 3:
        raise BadData("class_colour needs RGB pictures, but these have 1 channel.")
    if len(classes) != len(fake):
        raise BadData(f"{len(fake)} pictures came with {len(classes)} class names; give one each.")
    for name in classes:
        if name not in CLASS_COLOURS:
            raise UnknownName("class", name, CLASS_COLOURS)
    colours = lab(torch.tensor(list(CLASS_COLOURS.values())).to(fake) / 255)  # (K, 3)
    places = [list(CLASS_COLOURS).index(name) for name in classes]
    wanted = torch.tensor(places, dtype=torch.long, device=fake.device)  # (B,)
    painted = _painted(target, colours[wanted])  # (B, H, W)
    votes = _votes(lab(fake.movedim(1, -1)), colours, painted)  # (B, K + 1)
    own = votes.gather(1, wanted[:, None])  # (B, 1)
    others = votes.scatter(1, wanted[:, None], -1)
    return ((own > others).all(1) & (own[:, 0] >= painted.sum((1, 2)) / 4)).double()


def _votes(pixels: Tensor, colours: Tensor, area: Tensor) -> Tensor:
    """How many pixels (B, H, W, 3) of an area (B, H, W, bool) are nearest to each colour (K, 3).

    One column more counts those that are nearest to a grey; lines are in none. (B, K + 1)
    """
    grey = pixels * pixels.new_tensor([1, 0, 0])
    away = [vector_norm(pixels - colour, dim=-1) for colour in (*colours, grey)]
    nearest = torch.stack(away).argmin(0)  # (B, H, W)
    line = (nearest == len(colours)) & (pixels[..., 0] < LINE)
    held = area & ~line
    return torch.stack([(held & (nearest == k)).sum((1, 2)) for k in range(len(away))], 1)


def _painted(target: Tensor, colours: Tensor) -> Tensor:
    """Where a truth (B, 3, H, W) has its class colour (B, 3 in CIELAB), (B, H, W) bool."""
    painted = _near(target, colours)
    if (empty := int((painted.sum((1, 2)) == 0).sum())) > 0:
        raise BadData(
            f"{empty} of {len(target)} truths hold no pixel of their class colour; class_colour is "
            "for the shapes data, leave it out here."
        )
    return painted


def _near(pictures: Tensor, colours: Tensor) -> Tensor:
    """Whether a pixel of (B, 3, H, W) has the colour of its picture (B, 3 in CIELAB). (B, H, W)"""
    strays = lab(pictures.movedim(1, -1)) - colours[:, None, None]  # (B, H, W, 3)
    distance: Tensor = vector_norm(strays, dim=-1)  # (B, H, W)
    return distance.lt(PAINTED)


def class_map(target: Tensor, of: str) -> Tensor:
    """Classes of the pixels of a generated truth, unit (3, H, W): (H, W) int64.

    1 + the place of `of` among the class colours where it is painted so, 0 (background) elsewhere.
    """
    if of not in CLASS_COLOURS:
        raise UnknownName("class", of, CLASS_COLOURS)
    colour = lab(torch.tensor(CLASS_COLOURS[of]).to(target) / 255)[None]
    return _near(target[None], colour)[0].long() * (1 + list(CLASS_COLOURS).index(of))


def lab(rgb: Tensor) -> Tensor:
    """CIELAB (D65) of sRGB colours in 0..1, channels last: (..., 3) -> (..., 3)."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = rgb.new_tensor(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    xyz = linear @ (to_xyz / to_xyz.sum(1, keepdim=True)).T  # white is (1, 1, 1)
    f = torch.where(xyz > (6 / 29) ** 3, xyz ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)


@dataclass(frozen=True)
class FcnScores:
    """What pix2pix calls the FCN score, from one confusion matrix of a whole data set.

    Say it of real pictures too: that is the ceiling which the recogniser sets.
    """

    pixel_accuracy: float  # share of labels met
    class_accuracy: float  # mean over classes of the share of its labels met
    class_iou: float  # mean over classes of intersection / union
    classes: int  # classes that the truth holds


def confusion(true: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """How often each true class (rows) was seen as each class (columns). (classes, classes) int64

    Integer labels of any shape, pixels or pictures; add the matrices of several batches. Where the
    truth is not one of 0 .. classes - 1 (void), nothing is counted.
    """
    for which, labels in (("true", true), ("predicted", predicted)):
        if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            kind = str(labels.dtype).removeprefix("torch.")
            raise BadData(f"The {which} labels are {kind}; give class numbers, argmax first.")
    if true.shape != predicted.shape:
        raise BadData(
            f"True labels of shape {tuple(true.shape)} do not fit predicted ones of shape "
            f"{tuple(predicted.shape)}; resize the prediction to the labels (nearest)."
        )
    if classes < 1:
        raise BadData(f"There is no confusion of {classes} classes; say how many there are.")
    rows, columns = true.long(), predicted.long()
    counted = (rows >= 0) & (rows < classes)
    rows, columns = rows[counted], columns[counted]
    if columns.numel() and not 0 <= int(columns.min()) <= int(columns.max()) < classes:
        raise BadData(
            f"Predicted labels span {int(columns.min())} to {int(columns.max())}, but there are "
            f"{classes} classes from 0; take the recogniser that knows these classes."
        )
    return torch.bincount(rows * classes + columns, minlength=classes**2).view(classes, classes)


def fcn_scores(matrix: Tensor, absent: Absent = "skip") -> FcnScores:
    """Accuracies and IoU of a confusion matrix (rows are the truth).

    A class that the truth never holds has no accuracy, and one that is in neither has no IoU: they
    are skipped, or count as 0, as in pix2pix's own code ("zero").
    """
    counts = matrix.double().cpu().numpy()
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1] or bool((counts < 0).any()):
        raise BadData(f"A matrix of shape {tuple(matrix.shape)} is no confusion; use confusion().")
    if counts.sum() == 0:
        raise BadData("No label was counted, so there is no score; look at the class numbers.")
    pixels, classes, iou = _rates(counts[None], absent)[0].tolist()
    return FcnScores(pixels, classes, iou, classes=int((counts.sum(1) > 0).sum()))


def fcn_intervals(
    matrices: Tensor,
    absent: Absent = "skip",
    *,
    against: Tensor | None = None,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> dict[str, Interval]:
    """The scores of the sum of one matrix per picture (N, K, K), pictures drawn again and again.

    With `against`, matrices of the same pictures, what they exceed theirs by. A picture without
    any label adds nothing and is not counted in n.
    """
    sets = [matrices] if against is None else [matrices, against]
    for each in sets:
        fcn_scores(each.sum(0), absent)  # refuses what is no confusion
    counts = np.stack([each.double().cpu().numpy() for each in sets], 1)  # (N, 1 or 2, K, K)
    some = (counts.sum((2, 3)) > 0).all(1)
    kept = None if clusters is None else [c for c, yes in zip(clusters, some, strict=True) if yes]
    shape = (-1, *counts.shape[1:])

    def scores(sums: Numbers) -> Numbers:
        first, *second = (_rates(c, absent) for c in sums.reshape(shape).swapaxes(0, 1))
        return first - second[0] if second else first

    parts = counts[some].reshape(int(some.sum()), -1)
    found = bootstrap_sums(parts, scores, clusters=kept, draws=draws, seed=seed)
    return dict(zip(("pixel_accuracy", "class_accuracy", "class_iou"), found, strict=True))


def _rates(counts: Numbers, absent: Absent) -> Numbers:
    """Pixel accuracy, class accuracy and class IoU of D matrices (D, K, K). (D, 3)"""
    if absent not in ("skip", "zero"):
        raise BadOption(f"Absent classes can be 'skip' or 'zero', not {absent!r}.")
    met = np.diagonal(counts, axis1=1, axis2=2)  # (D, K)
    true, seen = counts.sum(2), counts.sum(1)
    either = true + seen - met
    means = []
    for whole in (true, either):
        shares = (met / np.maximum(whole, 1)).sum(1)  # a class that is not there adds 0
        there = (whole > 0).sum(1) if absent == "skip" else counts.shape[1]
        means.append(shares / there)
    return np.stack([met.sum(1) / counts.sum((1, 2)), *means], axis=1)

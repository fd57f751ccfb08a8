"""Does the translator repeat its training pictures? Distances to the nearest one, with a null.

A real picture that was held out has a nearest training picture too. Only translations that lie
nearer than almost all held-out pictures do (their 1 % quantile) are suspicious.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from portrayal.core.errors import BadData
from portrayal.data.domains import Side
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.sets.networks import Extractor
from portrayal.evaluation.sets.store import features_of, stacked
from portrayal.metrics.sets import pieces, squared_distances
from portrayal.metrics.statistics import wilson
from portrayal.reports.results import Section

Numbers = NDArray[np.float64]
QUANTILE = 0.01
ENOUGH = 20  # held-out pictures that a null takes; its 1 % quantile is certain from 500 on


def memorisation_section(
    answers: Answers,
    train: Side,
    extractor: Extractor,
    folder: Path,
    *,
    bar: Bar | None = None,
) -> Section:
    """Share of translations nearer to a training picture than held-out real pictures are."""
    if len(answers.reals) < ENOUGH:
        raise BadData(
            f"{len(answers.reals)} held-out pictures make no null for memorisation; {ENOUGH} do."
        )
    sides = {
        "fake": [partial(fake_of, answers, index) for index in range(len(answers))],
        "real": [partial(answers.real, index) for index in range(len(answers.reals))],
        "train": [partial(train.picture, index) for index in range(len(train))],
    }
    found = {
        side: stacked(features_of(reads, [None] * len(reads), extractor, folder, bar=bar))
        for side, reads in sides.items()
    }
    known = found["train"][0]
    ours, theirs = (nearest(found[side][0], known) for side in ("fake", "real"))
    if not np.median(theirs[0]):
        raise BadData("The real pictures are training pictures: held-out ones make the null.")
    limit = float(np.quantile(theirs[0], QUANTILE))
    near = ours[0] < limit
    share = wilson(near.astype(float))
    names = [row["name"] for row, have in zip(answers.rows, found["fake"][1], strict=True) if have]
    rows: list[list[str | float | None]] = [
        ["share nearer than 99 % of held-out pictures", share.value, share.low, share.high],
        ["that distance", limit, None, None],
        ["median distance of translations", float(np.median(ours[0])), None, None],
        ["median distance of held-out pictures", float(np.median(theirs[0])), None, None],
    ]
    for index in np.argsort(ours[0])[:3]:
        partner = train.row(int(np.flatnonzero(found["train"][1])[ours[1][index]]))["name"]
        rows.append(
            [f"{names[index]} is nearest to train/{partner}", float(ours[0][index]), None, None]
        )
    return Section(
        key="memorisation",
        title="Does it repeat training pictures?",
        note=f"Distance to the nearest of {len(known):,} training targets in the features of "
        f"{extractor.title}; the null are {len(theirs[0]):,} real pictures held out from training. "
        "About 1 % is chance; far more means copies. Fewer says only that no whole picture is "
        "repeated, not that no part is.",
        head=["", "value", "low", "high"],
        rows=rows,
    )


def fake_of(answers: Answers, index: int) -> NDArray[np.uint8]:
    """One translation."""
    return answers.pictures(index)["fake"]


def nearest(
    rows: NDArray[np.float32], known: NDArray[np.float32]
) -> tuple[Numbers, NDArray[np.intp]]:
    """Distance to the nearest known row, and which one that is. (N,), (N,)"""
    a, b = (torch.from_numpy(side).double() for side in (rows, known))
    middle = b.mean(0)
    a, b = a - middle, b - middle
    places = torch.empty(len(a), dtype=torch.long)
    for piece in pieces(len(a), len(b)):
        places[piece] = squared_distances(a[piece], b).argmin(1)
    exact = (a - b[places]).square().sum(1).sqrt()
    return exact.numpy(), places.numpy()

"""What a score of pairs is worth: its floor, and for SIFT matches floor, ceiling and a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from portrayal.core.images import Pixels, encode, encode_png, read_pixels, unit
from portrayal.core.runs import write_atomically
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.pairs.match_drawing import drawing
from portrayal.evaluation.pairs.pairing import (
    NO_OTHERS,
    bounds,
    each,
    like,
    mean_of,
    other_subjects,
    reference,
    subjects,
)
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.summary import clusters_of
from portrayal.evaluation.translations import safe_name
from portrayal.metrics import metrics
from portrayal.metrics.keypoints import RATIO, Matches, match
from portrayal.reports.results import Section

JPEG = 90  # the quality of the ceiling
ANCHORS = ("translation", "ceiling", "floor")  # fields of Anchored
COUNTS = {
    "score": "score",
    "kp_real": "key points of the real picture",
    "kp_fake": "key points of the other one",
    "ratio": "pass the ratio test",
    "mutual": "and are mutual",
    "aligned": "and are in place",
    "ransac": "mutual and explained by one similarity",
}


def random_pair_floor(
    answers: Answers, names: Sequence[str], *, seed: int = 0, bar: Bar | None = None
) -> dict[str, list[float]] | None:
    """Scores of each translation against another subject's truth (or input), by metric.

    A derangement drawn from the seed: everybody's picture is used once, nobody meets himself. None
    if one subject has more than half of the pictures.
    """
    others = other_subjects(subjects(answers.rows), seed)
    if others is None:
        return None

    def score(index: int) -> dict[str, float]:
        fake = answers.pictures(index)["fake"]
        stranger = like(reference(answers, others[index]), fake)
        return scored(names, fake, stranger)

    scores = each(score, len(answers), "Floor", bar)
    return {name: [score[name] for score in scores] for name in names}


def floor_section(
    answers: Answers, names: Sequence[str], *, seed: int = 0, bar: Bar | None = None
) -> Section:
    """Each score of pairs beside the same score against another subject's picture, its floor."""
    chosen = [name for name in names if metrics.card(name).needs == "pairs"]
    clusters = clusters_of(answers.rows)
    floors = random_pair_floor(answers, chosen, seed=seed, bar=bar)
    rows = []
    if floors is not None:
        own = each(partial(_own, answers, chosen), len(answers), "Own pictures", bar)
        for name in chosen:
            card = metrics.card(name)
            title = card.title or name
            ours = mean_of([score[name] for score in own], seed, clusters)
            theirs = mean_of(floors[name], seed, clusters)
            counts = float(ours.n if ours else 0), float(theirs.n if theirs else 0)
            rows.append([title, *bounds(ours), counts[0], *bounds(theirs), counts[1], card.better])
    which = "truth" if answers.paired else "input"
    note = (
        f"The floor is the score of the same translations against another subject's {which}, drawn "
        f"with seed {seed}: what is no better than it says nothing about this picture."
    )
    return Section(
        key="floor",
        title="Against chance",
        note=note if floors is not None else NO_OTHERS,
        head=["score", f"own {which}", "low", "high", "n", "floor", "low", "high", "n", "better"],
        rows=rows,
    )


def _own(answers: Answers, chosen: Sequence[str], index: int) -> dict[str, float]:
    pictures = answers.pictures(index)
    return scored(chosen, pictures["fake"], reference(answers, index))


def scored(names: Sequence[str], fake: Pixels, real: Pixels) -> dict[str, float]:
    """Metrics of one pair of pictures (H, W, 3); NaN where one has no value."""
    made, truth = unit(fake)[None], unit(real)[None]
    return {name: float(metrics[name](made, truth)) for name in names}


@dataclass(frozen=True)
class Anchored:
    """Matches of one translation, and of its two anchors."""

    translation: Matches
    ceiling: Matches  # the real picture and itself after JPEG
    floor: Matches | None  # the translation and another subject's real picture


def sift_section(
    answers: Answers,
    *,
    ratio: float = RATIO,
    seed: int = 0,
    folder: Path | None = None,
    drawn: int = 3,
    bar: Bar | None = None,
) -> Section:
    """SIFT matches with counts, ceiling and floor.

    Below `folder`, if given, the matches of a few pictures are drawn: from the best to the worst.
    """
    others = other_subjects(subjects(answers.rows), seed)
    work = partial(_anchored, answers, others, ratio)
    found = each(work, len(answers), "SIFT matches", bar)
    clusters = clusters_of(answers.rows)
    rows = []
    for count, title in COUNTS.items():
        row: list[str | float | None] = [title]
        for anchor in ANCHORS:
            sides = [getattr(one, anchor) for one in found]
            values = [float(getattr(side, count)) for side in sides if side is not None]
            row += bounds(mean_of(values, seed, clusters if values else None))
        rows.append(row)
    empty = sum(min(one.translation.kp_real, one.translation.kp_fake) == 0 for one in found)
    which = "truth" if answers.paired else "input"
    note = (
        f"Means per picture; score = in place / fewer key points. {empty} of {len(found)} pairs "
        f"have a picture without key points and score 0. Ratio {ratio:g}, in place = within 8 "
        f"pixels in 256 of the {which}, similarity within 3. Ceiling: the {which} and itself after "
        f"JPEG {JPEG}; floor: the translation and another subject's {which}, seed {seed}."
    )
    return Section(
        key="sift",
        title="SIFT matches",
        note=note if others is not None else f"{note} {NO_OTHERS}",
        head=["mean of", *(word for anchor in ANCHORS for word in (anchor, "low", "high"))],
        rows=rows,
        pictures=_draw(answers, [one.translation for one in found], folder, drawn),
    )


def _anchored(answers: Answers, others: list[int] | None, ratio: float, index: int) -> Anchored:
    fake, real = answers.pictures(index)["fake"], reference(answers, index)
    stranger = None if others is None else like(reference(answers, others[index]), fake)
    return Anchored(
        translation=match(fake, real, ratio),
        ceiling=match(after_jpeg(real), real, ratio),
        floor=None if stranger is None else match(fake, stranger, ratio),
    )


def after_jpeg(pixels: Pixels, quality: int = JPEG) -> Pixels:
    """What is left of a picture after it was a JPEG file."""
    return read_pixels(encode(pixels, ".jpg", quality=quality))


def _draw(answers: Answers, found: list[Matches], folder: Path | None, drawn: int) -> list[str]:
    """Paths below `folder` of drawings, from the best to the worst score."""
    if folder is None or not found or drawn < 1:
        return []
    order = sorted(range(len(found)), key=lambda index: (-found[index].score, index))
    places = np.linspace(0, len(order) - 1, min(drawn, len(order))).round().astype(int)
    files = []
    for index in (order[place] for place in places):
        name = f"matches/{safe_name(str(answers.rows[index]['name']))}.png"
        picture = drawing(reference(answers, index), answers.pictures(index)["fake"], found[index])
        write_atomically(folder / name, encode_png(picture))
        files.append(name)
    return files

"""The pictures of one test set, scored: translated one after the other, compared, the worst kept.

RUN/robustness/SET.json keeps the pictures of a set that is through, with the mark of all they hang
on: an interrupted trial goes on, and a second one measures only what is new.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from portrayal import __version__
from portrayal.core.images import Pixels, encode_png
from portrayal.core.runs import read_json, write_atomically, write_json
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.robustness.trials import Trial
from portrayal.evaluation.scorer import score_picture
from portrayal.evaluation.sets.features import domain
from portrayal.evaluation.sets.networks import Extractor
from portrayal.evaluation.translations import safe_name
from portrayal.inference.ahead import THREADS, ahead
from portrayal.inference.translator import Translator
from portrayal.metrics import metrics
from portrayal.reports.results import Score
from portrayal.reports.robust import Worst

WORST = 3
RANKING = ("lpips_squeeze", "l1")  # of worst pictures and curves: the first that is measured
GAP = 4  # white pixels between the pictures of a strip
Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What every set is measured with."""

    run: Path  # where scores go: the run, or a folder for those of another search
    translator: Translator
    metrics: Sequence[str]
    bar: Bar | None = None

    @property
    def ranked_by(self) -> str:
        """The metric that says which pictures are worst."""
        return next((name for name in RANKING if name in self.metrics), self.metrics[0])


def measure(bench: Bench, trial: Trial) -> list[Row]:
    """Rows of all pictures of a set: those of an earlier trial if nothing changed since."""
    path = bench.run / "robustness" / f"{slug(trial.name)}.json"
    mark = mark_of(bench, trial)
    if path.exists() and (known := read_json(path)).get("mark") == mark:
        return list(known["pictures"])
    rows: list[Row] = []
    with (
        opened(bench.bar, trial.name, len(trial.rows)) as advance,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        for row in ahead(pool, partial(scored, bench.metrics), translated(bench, trial)):
            rows.append(row)
            advance(1)
    write_json(path, {"mark": mark, "pictures": rows})
    return rows


def mark_of(bench: Bench, trial: Trial) -> str:
    """SHA-256 of all that the scores of a set hang on."""
    model, chosen = bench.translator.model_hash, list(bench.metrics)
    names = [row["name"] for row in trial.rows]
    search = [bench.translator.search] if bench.translator.search else []
    parts = [__version__, model, chosen, trial.kind, names, list(trial.mark), *search]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def translated(bench: Bench, trial: Trial) -> Iterator[tuple[Row, dict[str, Pixels]]]:
    """Each picture of a set with its translation, in order.

    One after the other, as some recipes draw noise; those that search take some of a size at once.
    """
    most = getattr(bench.translator.recipe, "at_once", 1)
    shown = ((dict(row), trial.pictures(index)) for index, row in enumerate(trial.rows))
    for _, alike in groupby(shown, key=lambda pair: pair[1]["source"].shape):
        while group := list(islice(alike, most)):
            fakes = bench.translator.translate_all([pixels["source"] for _, pixels in group])
            for (row, pixels), fake in zip(group, fakes, strict=True):
                yield row, {**pixels, "fake": fake}


def scored(chosen: Sequence[str], work: tuple[Row, dict[str, Pixels]]) -> Row:
    """Scores of one picture: against its truth, beside the input's, or else against the input."""
    row, pixels = work
    found: Row = {"name": row["name"], "subject": row.get("subject")}
    if "target" not in pixels:
        content = score_picture(chosen, pixels["fake"], pixels["source"], row)
        return {**found, "content": content}
    for key, side in (("scores", "fake"), ("input", "source")):
        found[key] = score_picture(chosen, pixels[side], pixels["target"], row)
    return found


def looks(
    bench: Bench, trial: Trial, plain: Trial, extractor: Extractor, *, seed: int = 0
) -> list[Score]:
    """KID of the translations, and of the inputs, against the own truths: for sets without them."""
    drawing = Lock()  # some recipes draw noise, and features are computed by several threads

    def pictures(index: int) -> dict[str, Pixels]:
        source = trial.pictures(index)["source"]
        with drawing:
            return {"source": source, "fake": bench.translator.translate(source)}

    answers = Answers(
        [dict(row) for row in trial.rows],
        pictures,
        [dict(row) for row in plain.rows],
        lambda index: plain.pictures(index)["target"],
        paired=False,
    )
    found = domain(answers, ["kid"], extractor, bench.run / "features", seed=seed, bar=bench.bar)
    return [score for score in found.scores if score.answer != "real"]


def worst(bench: Bench, trial: Trial, rows: Sequence[Row]) -> list[Worst]:
    """Strips of the worst pictures below RUN/robustness, worst first."""
    key = "scores" if trial.paired else "content"
    values = [row[key][bench.ranked_by] for row in rows]
    known = [index for index, value in enumerate(values) if value is not None]
    sign = -1 if metrics.card(bench.ranked_by).better == "lower" else 1
    known.sort(key=lambda index: (sign * values[index], rows[index]["name"]))
    found = []
    for index in known[:WORST]:
        name = rows[index]["name"]
        file = f"robustness/{slug(trial.name)}/{safe_name(name)}.png"
        write_atomically(bench.run / file, encode_png(strip(bench, trial, index)))
        cells = 3 if trial.paired else 2
        found.append(Worst(name=name, file=file, value=values[index], cells=cells))
    return found


def strip(bench: Bench, trial: Trial, index: int) -> Pixels:
    """Input | output | truth of one picture, side by side."""
    pixels = trial.pictures(index)
    parts = [pixels["source"], bench.translator.translate(pixels["source"])]
    parts += [pixels["target"]] if trial.paired else []
    gap = np.full((parts[0].shape[0], GAP, 3), 255, np.uint8)
    spaced = [piece for part in parts for piece in (gap, part)][1:]
    return np.concatenate(spaced, axis=1)


def slug(name: str) -> str:
    """A file name for a set.

    >>> slug("noise 0.25"), slug("cartoon:levels=1")
    ('noise_0.25', 'cartoon_levels_1')
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip(".") or "_"

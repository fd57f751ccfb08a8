"""How a run holds up on pictures it was not made for: scores per test set, against doing nothing
and against its own test pictures.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from portrayal import __version__
from portrayal.core.environment import command, commit, machine, now
from portrayal.core.errors import BadData, BadOption
from portrayal.core.runs import write_json
from portrayal.evaluation.choice import present
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.robustness.scores import Bench, looks, measure, slug, worst
from portrayal.evaluation.robustness.trials import (
    Ground,
    Trial,
    cartoon_names,
    damaged,
    fewer,
    filtered,
    ground_of,
    of_folder,
    of_photos,
    own,
    usual_damages,
)
from portrayal.evaluation.scorer import choose_metrics
from portrayal.evaluation.sets.networks import Extractor, choose_extractor
from portrayal.evaluation.summary import answers_of, described, interval_of
from portrayal.evaluation.translations import dataset_of, otherwise, place_of
from portrayal.inference.load import load
from portrayal.inference.searching import with_search
from portrayal.reports.results import Question, Score
from portrayal.reports.robust import Robustness, SetScores
from portrayal.reports.robust_page import write_page

USUAL = ("lpips_squeeze", "l1", "ssim")
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which sets to measure, and how. None: all of a kind."""

    sets: Sequence[tuple[str, Path, Path | None]] = ()  # name, inputs, truths
    photos: Sequence[tuple[str, Path]] = ()  # name, photos
    filters: Sequence[str] | None = None
    damages: Sequence[str] | None = None
    strengths: Sequence[float] = STRENGTHS
    metrics: Sequence[str] | None = None
    pictures: int | None = None  # most of every set
    seed: int = 0
    draws: int = 10_000


def robustness(
    run: Path,
    wanted: Wanted = Wanted(),
    *,
    split: str = "test",
    checkpoint: str = "newest",
    data: Path | None = None,
    device: str | None = None,
    search: Sequence[str] = (),
    out: Path | None = None,
    extractor: Extractor | None = None,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Robustness:
    """Measure every set; writes robustness.json and robustness.html into the run, or into `out`.

    `search`: other settings of a search, as `name=value`, whose scores go to `out`.
    `extractor` of features for sets without truths; none: the first whose weights are here.
    """
    started = time.monotonic()
    translator = load(run, device=device, checkpoint=checkpoint, note=note)
    translator = with_search(translator, search, "--search")
    place = place_of(run, out, translator)
    dataset = dataset_of(run, translator.config, data, note)
    ground = ground_of(dataset, split, wanted.pictures)
    chosen = chosen_metrics(wanted.metrics, note)
    bench = Bench(place, translator, chosen, bar)
    trials = all_trials(ground, wanted)
    require_names(trials)
    measured = [(trial, measure(bench, trial)) for trial in trials]
    plain = measured[0][1]
    summaries = [summary(bench, trial, rows, plain, wanted) for trial, rows in measured]
    sets = [each for each, _ in summaries]
    if not all(each.paired for each in sets) and (
        extractor := extractor or choose_extractor(None, note)
    ):
        sets = [
            each if each.paired else looked(bench, each, trial, trials[0], extractor, wanted.seed)
            for each, trial in zip(sets, trials, strict=True)
        ]
    found = Robustness(
        split=split,
        ranked_by=bench.ranked_by,
        metrics=list(dict.fromkeys([*chosen, *(s.metric for each in sets for s in each.scores)])),
        sets=sets,
        interval="; ".join(dict.fromkeys(text for _, texts in summaries for text in texts)),
        seed=wanted.seed,
        data={"path": str(dataset.folder), "sha256": dataset.identity},
        model={
            "hash": translator.model_hash,
            "checkpoint": checkpoint,
            **otherwise(run, out, translator),
        },
        command=command(),
        version=__version__,
        commit=commit(),
        machine=machine(),
        seconds=round(time.monotonic() - started, 2),
        time=now(),
    )
    write_json(place / "robustness.json", found.model_dump())
    write_page(place, found)
    return found


def chosen_metrics(wanted: Sequence[str] | None, note: Callable[[str], None]) -> list[str]:
    """Those asked for, or the usual ones whose weights are here."""
    if wanted:
        return choose_metrics(wanted, ())
    here = set(present("pairs", lambda text: note(text) if text.startswith(USUAL) else None))
    return [name for name in USUAL if name in here]


def all_trials(ground: Ground, wanted: Wanted) -> list[Trial]:
    """The own pictures first, then folders, photos, other filters, damage."""
    filters = cartoon_names(ground) if wanted.filters is None else wanted.filters
    damages = usual_damages(ground) if wanted.damages is None else wanted.damages
    others = [
        *(of_folder(ground, *each) for each in wanted.sets),
        *(of_photos(ground, *each) for each in wanted.photos),
        *(filtered(ground, text) for text in filters),
        *(damaged(ground, d, s) for d in damages for s in sorted(set(wanted.strengths) - {0.0})),
    ]
    return [own(ground), *(fewer(trial, wanted.pictures) for trial in others)]


def require_names(trials: Sequence[Trial]) -> None:
    """Refuse two sets of one name, and sets with too few pictures."""
    files = [slug(trial.name).lower() for trial in trials]
    for trial, file in zip(trials, files, strict=True):
        if files.count(file) > 1:
            raise BadOption(f"Two sets are named {trial.name!r} or alike. Give each its own name.")
    for trial in trials:
        if len(trial.rows) < 2:
            raise BadData(
                f"The set {trial.name!r} holds {len(trial.rows)} picture; "
                "scores with intervals need at least 2."
            )


def summary(
    bench: Bench, trial: Trial, rows: Sequence[Row], plain: Sequence[Row], wanted: Wanted
) -> tuple[SetScores, list[str]]:
    """What one set says, and how its intervals were computed."""
    question: Question = "fidelity" if trial.paired else "content"
    scores, drops, methods = [], [], []
    for metric in bench.metrics:
        for answer, values in answers_of(rows, metric, question):
            if np.isfinite(values).sum() < 2:
                continue
            interval = interval_of(metric, answer, values, rows, wanted.seed, wanted.draws)
            lost = len(values) - interval.n
            scores.append(described(metric, answer, question, interval, lost))
            methods.append(interval.method)
        drops += drop(metric, rows, plain, wanted) if trial.own_truths else []
    found = SetScores(
        name=trial.name,
        kind=trial.kind,
        n=len(rows),
        paired=trial.paired,
        group=trial.group,
        strength=trial.strength,
        note=trial.note,
        scores=scores,
        drops=drops,
        worst=worst(bench, trial, rows) if shown(trial, wanted) else [],
    )
    return found, methods


def looked(
    bench: Bench, found: SetScores, trial: Trial, plain: Trial, extractor: Extractor, seed: int
) -> SetScores:
    """A set without truths, with the scores that need none."""
    more = looks(bench, trial, plain, extractor, seed=seed)
    return found.model_copy(update={"scores": [*found.scores, *more]})


def drop(metric: str, rows: Sequence[Row], plain: Sequence[Row], wanted: Wanted) -> list[Score]:
    """This set's score - the own score of the pictures with the same truths."""
    mine = {row["name"]: row["scores"][metric] for row in plain}
    both = [row for row in rows if None not in (row["scores"][metric], mine.get(row["name"]))]
    if len(both) < 2:
        return []
    values = np.array([row["scores"][metric] - mine[row["name"]] for row in both])
    interval = interval_of(metric, "difference", values, both, wanted.seed, wanted.draws)
    return [described(metric, "difference", "fidelity", interval, len(rows) - len(both))]


def shown(trial: Trial, wanted: Wanted) -> bool:
    """Whether its worst pictures are kept: of damage only at its strongest."""
    return trial.strength is None or trial.strength == max(wanted.strengths)

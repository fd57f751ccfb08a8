"""Scores of a run on a split, or of two folders: per picture, mean, interval, and against doing
nothing, which is returning the input as it is.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portrayal import __version__
from portrayal.core.environment import command, commit, machine, now
from portrayal.core.errors import BadData
from portrayal.core.leftovers import clear_leftovers
from portrayal.core.runs import write_atomically, write_json
from portrayal.data.dataset import Dataset
from portrayal.data.domains import SIDES
from portrayal.evaluation.folders import Matched, unmatched
from portrayal.evaluation.history import remember, warnings_of
from portrayal.evaluation.measuring import Measured, Request, Work, check_request, measure
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.sets.store import user_cache
from portrayal.evaluation.translations import (
    answers_of_run,
    dataset_of,
    otherwise,
    place_of,
    translate_split,
)
from portrayal.inference.load import load
from portrayal.inference.searching import with_search
from portrayal.inference.translator import Translator
from portrayal.reports.results import Results

__all__ = ["Request", "Scored", "evaluate_folders", "evaluate_run", "measure_run"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """The summary and the single pictures it stands on."""

    results: Results
    pictures: list[Row]


@dataclass(frozen=True)
class MeasuredRun:
    """What a run scores on a split, with the model and the data it stands on."""

    measured: Measured
    translator: Translator
    dataset: Dataset

    def model(self, checkpoint: str, *, reverse: bool) -> dict[str, Any]:
        """Which weights, for results.json."""
        return {
            "hash": self.translator.model_hash,
            "checkpoint": checkpoint,
            "step": self.translator.about.get("step"),
            **({"reverse": True} if reverse else {}),
        }


def measure_run(
    run: Path,
    request: Request = Request(),
    *,
    split: str,
    checkpoint: str = "newest",
    data: Path | None = None,
    reverse: bool = False,
    device: str | None = None,
    search: Sequence[str] = (),
    out: Path | None = None,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> MeasuredRun:
    """Translate a split into translations/SPLIT of the run, or of `out`, and measure it.

    Writes no scores. `search`: other settings of a search, as `name=value`.
    """
    check_request(request)
    translator = load(run, device=device, checkpoint=checkpoint, note=note)
    translator = with_search(translator, search)
    place = place_of(run, out, translator)
    for folder in (place, run / "features"):
        clear_leftovers(folder)
    dataset = dataset_of(run, translator.config, data, note)
    pairs = dataset.split(split)
    ours, theirs = (pairs.domain(side) for side in SIDES[:: -1 if reverse else 1])
    for domain in (ours, theirs):
        require_several(len(domain), f"the {split} split of {dataset.folder}")
    files = translate_split(place, split, ours, translator, bar, reverse=reverse)
    measured = measure(
        answers_of_run(place, pairs, files, reverse=reverse, redrawn=translator.redraws),
        request,
        run / "features",
        work=Work(run, dataset, translator.config, checkpoint, place),
        device=translator.device,
        bar=bar,
    )
    return MeasuredRun(measured, translator, dataset)


def evaluate_run(
    run: Path,
    request: Request = Request(),
    *,
    split: str = "test",
    checkpoint: str = "newest",
    data: Path | None = None,
    reverse: bool = False,
    device: str | None = None,
    search: Sequence[str] = (),
    out: Path | None = None,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Scored:
    """Score a run on a split and write it down. Goes on where it was stopped.

    `reverse`: from target to source, for recipes with two directions. `search`: other settings of
    a search, whose scores go to `out`. What was scored when is remembered in the run.
    """
    started = time.monotonic()
    found = measure_run(
        run,
        request,
        split=split,
        checkpoint=checkpoint,
        data=data,
        reverse=reverse,
        device=device,
        search=search,
        out=out,
        bar=bar,
        note=note,
    )
    results = Results(
        kind="run",
        split=split,
        data={"path": str(found.dataset.folder), "sha256": found.dataset.identity},
        model=found.model(checkpoint, reverse=reverse) | otherwise(run, out, found.translator),
        **conclusion(found.measured, request, started),
    )
    results.warnings.extend(warnings_of(run, results))
    remember(run, results)
    scored = Scored(results, found.measured.pictures)
    write_scored(out or run, scored)
    return scored


def evaluate_folders(
    fake: Path,
    real: Path,
    request: Request = Request(),
    *,
    source: Path | None = None,
    paired: bool = True,
    out: Path | None = None,
    bar: Bar | None = None,
) -> Scored:
    """Score the pictures in `fake` against those of the same names in `real`.

    Unpaired, only the two sets are compared, and each picture with its input if there is one.
    """
    started = time.monotonic()
    check_request(request)
    matched = Matched(fake, real, source)
    answers = matched.answers() if paired else unmatched(fake, real, source)
    require_several(len(answers), str(fake))
    require_several(len(answers.reals), str(real))
    measured = measure(answers, request, user_cache(), bar=bar)
    sides = {"fake": fake, "target": real, "source": source}
    results = Results(
        kind="folders",
        split="",
        data={
            **{side: str(folder.absolute()) for side, folder in sides.items() if folder},
            "sha256": measured.identity,
        },
        **conclusion(measured, request, started),
    )
    scored = Scored(results, measured.pictures)
    if out:
        write_scored(out, scored)
    return scored


def require_several(count: int, where: str) -> None:
    """One picture has no spread and no mean worth printing."""
    if count < 2:
        raise BadData(f"{where} holds {count} picture; scores with intervals need at least 2.")


def conclusion(measured: Measured, request: Request, started: float) -> dict[str, Any]:
    """The fields of results.json that a run and two folders share."""
    return {
        "n": len(measured.pictures),
        "scores": measured.scores,
        "sections": measured.sections,
        "warnings": measured.warnings,
        "interval": measured.interval,
        "seed": request.seed,
        "command": command(),
        "version": __version__,
        "commit": commit(),
        "machine": machine(),
        "seconds": round(time.monotonic() - started, 2),
        "time": now(),
    }


def write_scored(folder: Path, scored: Scored) -> None:
    """pictures.jsonl first: whoever sees results.json finds the pictures it stands on."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in scored.pictures)
    write_atomically(folder / "pictures.jsonl", "".join(lines))
    write_json(folder / "results.json", scored.results.model_dump())

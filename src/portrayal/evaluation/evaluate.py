"""Scores of a run on a split, or of two folders: per picture, mean, interval, and against doing
nothing, which is returning the input as it is.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from portrayal import __version__
from portrayal.core.environment import command, commit, machine, now
from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, pixels_hash, read_pixels
from portrayal.core.runs import write_atomically, write_json
from portrayal.data.dataset import Split
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.folders import Matched, require_same_size
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.scorer import choose_metrics, score_picture
from portrayal.evaluation.summary import summarise
from portrayal.evaluation.translations import dataset_of, translate_split
from portrayal.inference.files import THREADS, ahead
from portrayal.inference.load import load
from portrayal.reports.results import Results

Row = dict[str, Any]
Judge = Callable[[int], tuple[Row, str]]  # index -> its row of pictures.jsonl, hash of its truth


@dataclass(frozen=True)
class Request:
    """How to score, whatever is scored."""

    metrics: Sequence[str] | None = None  # None: all that fit
    seed: int = 0
    draws: int = 10_000


@dataclass(frozen=True)
class Scored:
    """The summary and the single pictures it stands on."""

    results: Results
    pictures: list[Row]


def evaluate_run(
    run: Path,
    request: Request = Request(),
    *,
    split: str = "test",
    checkpoint: str = "newest",
    data: Path | None = None,
    device: str | None = None,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Scored:
    """Translate a split into run/translations/SPLIT and score it. Goes on where it was stopped."""
    started = time.monotonic()
    translator = load(run, device=device, checkpoint=checkpoint, note=note)
    dataset = dataset_of(run, translator.config, data, note)
    pairs = dataset.split(split)
    rows = list(pairs.rows())
    chosen = choose_metrics(request.metrics, (row.get("class") for row in rows))
    require_several(len(rows), f"the {split} split of {dataset.folder}")
    files = translate_split(run, split, pairs, rows, translator, bar)
    answers = answers_of_run(run, pairs, rows, files)
    pictures, _ = judged(partial(judge, chosen, answers), len(answers), bar)
    results = Results(
        kind="run",
        split=split,
        data={"path": str(dataset.folder), "sha256": dataset.identity},
        model={
            "hash": translator.model_hash,
            "checkpoint": checkpoint,
            "step": translator.about.get("step"),
        },
        **conclusion(pictures, chosen, request, started),
    )
    scored = Scored(results, pictures)
    write_scored(run, scored)
    return scored


def evaluate_folders(
    fake: Path,
    real: Path,
    request: Request = Request(),
    *,
    source: Path | None = None,
    out: Path | None = None,
    bar: Bar | None = None,
) -> Scored:
    """Score the pictures in `fake` against those of the same names in `real`."""
    started = time.monotonic()
    matched = Matched(fake, real, source)
    answers = answers_of_folders(matched)
    chosen = choose_metrics(request.metrics, (row.get("class") for row in answers.rows))
    require_several(len(answers), str(fake))
    pictures, hashes = judged(partial(judge, chosen, answers), len(answers), bar)
    sides = {"fake": fake, "target": real, "source": source}
    results = Results(
        kind="folders",
        split="",
        data={
            **{side: str(folder.absolute()) for side, folder in sides.items() if folder},
            "sha256": hashlib.sha256("".join(hashes).encode()).hexdigest(),
        },
        **conclusion(pictures, chosen, request, started),
    )
    scored = Scored(results, pictures)
    if out:
        write_scored(out, scored)
    return scored


def require_several(count: int, where: str) -> None:
    """One picture has no spread and no mean worth printing."""
    if count < 2:
        raise BadData(f"{where} holds {count} picture; scores with intervals need at least 2.")


def answers_of_run(run: Path, pairs: Split, rows: Sequence[Row], files: Sequence[str]) -> Answers:
    """The translations of a split, with their pairs."""

    def pictures(index: int) -> dict[str, Pixels]:
        pair = pairs.pair(index)
        fake = read_pixels(run / files[index])
        return {"fake": fake, "target": pair.target, "source": pair.source}

    named = [{**row, "fake_file_name": file} for row, file in zip(rows, files, strict=True)]
    return Answers(named, pictures, rows, lambda index: pairs.pair(index).target)


def answers_of_folders(matched: Matched) -> Answers:
    """The pictures of two folders, and their inputs if there is a third."""
    rows = [matched.row(index) for index in range(len(matched.files))]
    real = partial(matched.picture, side="target")
    return Answers(rows, matched.pictures, rows, real)


def judge(chosen: Sequence[str], answers: Answers, index: int) -> tuple[Row, str]:
    """One row of pictures.jsonl, and the hash of its truth."""
    pixels, row = answers.pictures(index), answers.rows[index]
    require_same_size(row["name"], pixels)
    judged_row = {"name": row["name"]}
    judged_row["scores"] = score_picture(chosen, pixels["fake"], pixels["target"], row)
    if "source" in pixels:
        judged_row["input"] = score_picture(chosen, pixels["source"], pixels["target"], row)
    facts = {k: v for k, v in row.items() if k not in judged_row}
    return {**judged_row, **facts}, f"{row['name']} {pixels_hash(pixels['target'])}\n"


def judged(judge_one: Judge, count: int, bar: Bar | None) -> tuple[list[Row], list[str]]:
    """Rows of all pictures in order, scored by several threads, and the hashes of the truths."""
    rows, hashes = [], []
    with opened(bar, "Scoring", count) as advance, ThreadPoolExecutor(THREADS) as pool:
        for row, truth in ahead(pool, judge_one, range(count)):
            rows.append(row)
            hashes.append(truth)
            advance(1)
    return rows, hashes


def conclusion(
    pictures: Sequence[Row], chosen: Sequence[str], request: Request, started: float
) -> dict[str, Any]:
    """The fields of results.json that a run and two folders share."""
    scores, interval = summarise(pictures, chosen, seed=request.seed, draws=request.draws)
    return {
        "n": len(pictures),
        "scores": scores,
        "interval": interval,
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

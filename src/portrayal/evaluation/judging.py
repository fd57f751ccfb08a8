"""Every picture against its truth, and against its input: the rows of pictures.jsonl."""

import hashlib
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from portrayal.core.errors import UserError
from portrayal.core.images import Pixels, pixels_hash
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.choice import Choice
from portrayal.evaluation.folders import require_same_size
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.scorer import score_picture
from portrayal.inference.ahead import THREADS, ahead

Row = dict[str, Any]
Hashes = dict[str, str]  # side ("fake", "target", "source") -> hash of its pixels


@dataclass
class Judged:
    """Rows and hashes of all pictures in order, and why a metric refused the first it refused."""

    rows: list[Row] = field(default_factory=list)
    hashes: list[Hashes] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def judged(choice: Choice, answers: Answers, bar: Bar | None) -> Judged:
    """Every picture, scored by several threads."""
    found = Judged()
    judge_one = partial(judge, choice, answers)
    with opened(bar, "Scoring", len(answers)) as advance, ThreadPoolExecutor(THREADS) as pool:
        for row, hashes, refused in ahead(pool, judge_one, range(len(answers))):
            found.rows.append(row)
            found.hashes.append(hashes)
            found.refused = refused | found.refused
            advance(1)
    return found


def judge(choice: Choice, answers: Answers, index: int) -> tuple[Row, Hashes, dict[str, str]]:
    """One row: "scores" of the translation and "input" of its input, both against the truth,
    "content" of the translation against its input, and "known" of the input as it was drawn again.

    A metric that was not asked for by name may refuse a picture, which then has no value.
    """
    pixels, row = answers.pictures(index), answers.rows[index]
    require_same_size(row["name"], pixels)
    compared = {
        "scores": ("fake", "target", choice.pictures),
        "input": ("source", "target", choice.pictures),
        "content": ("fake", "source", choice.content),
        "known": ("known", "source", choice.known),
    }
    found: Row = {"name": row["name"]}
    refused: dict[str, str] = {}
    for key, (one, other, metrics) in compared.items():
        if metrics and one in pixels and other in pixels:
            scored, reasons = scores_of(metrics, pixels[one], pixels[other], row, choice.asked)
            found[key] = scored
            refused |= reasons
    facts = {k: v for k, v in row.items() if k not in compared and k != "name"}
    hashes = {side: pixels_hash(p) for side, p in pixels.items()}
    return {**found, **facts}, hashes, refused


def scores_of(
    metrics: Iterable[str], one: Pixels, other: Pixels, row: Row, asked: Container[str]
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Scores of a picture against another by metric, and why metrics not asked for refused it."""
    scores: dict[str, float | None] = {}
    refused: dict[str, str] = {}
    for name in metrics:
        try:
            scores |= score_picture([name], one, other, row)
        except UserError as error:
            if name in asked:
                raise
            refused[name], scores[name] = str(error), None
    return scores, refused


def data_hash(rows: Sequence[Row], hashes: Sequence[Hashes]) -> str:
    """SHA-256 over names and truths (inputs where there is no truth)."""
    content = hashlib.sha256()
    for row, found in zip(rows, hashes, strict=True):
        truth = found.get("target", found.get("source", ""))
        content.update(f"{row['name']} {truth}\n".encode())
    return content.hexdigest()

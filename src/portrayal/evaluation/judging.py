"""Every picture against its truth, and against its input: the rows of pictures.jsonl."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from portrayal.core.images import pixels_hash
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.choice import Choice
from portrayal.evaluation.folders import require_same_size
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.scorer import score_picture
from portrayal.inference.files import THREADS, ahead

Row = dict[str, Any]
Hashes = dict[str, str]  # side ("fake", "target", "source") -> hash of its pixels


def judged(choice: Choice, answers: Answers, bar: Bar | None) -> tuple[list[Row], list[Hashes]]:
    """Rows of all pictures in order, scored by several threads, and the hashes of their pixels."""
    rows, hashes = [], []
    judge_one = partial(judge, choice, answers)
    with opened(bar, "Scoring", len(answers)) as advance, ThreadPoolExecutor(THREADS) as pool:
        for row, found in ahead(pool, judge_one, range(len(answers))):
            rows.append(row)
            hashes.append(found)
            advance(1)
    return rows, hashes


def judge(choice: Choice, answers: Answers, index: int) -> tuple[Row, Hashes]:
    """One row: "scores" of the translation and "input" of its input, both against the truth, and
    "content" of the translation against its input.
    """
    pixels, row = answers.pictures(index), answers.rows[index]
    require_same_size(row["name"], pixels)
    judged_row: Row = {"name": row["name"]}
    compared = {"scores": ("fake", "target", choice.pictures)}
    compared |= {"input": ("source", "target", choice.pictures)}
    compared |= {"content": ("fake", "source", choice.content)}
    for key, (one, other, metrics) in compared.items():
        if metrics and one in pixels and other in pixels:
            judged_row[key] = score_picture(metrics, pixels[one], pixels[other], row)
    facts = {k: v for k, v in row.items() if k not in compared and k != "name"}
    return {**judged_row, **facts}, {side: pixels_hash(p) for side, p in pixels.items()}


def data_hash(rows: Sequence[Row], hashes: Sequence[Hashes]) -> str:
    """SHA-256 over names and truths (inputs where there is no truth)."""
    content = hashlib.sha256()
    for row, found in zip(rows, hashes, strict=True):
        truth = found.get("target", found.get("source", ""))
        content.update(f"{row['name']} {truth}\n".encode())
    return content.hexdigest()

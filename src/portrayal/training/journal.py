"""What a run writes down while it trains; a resumed run takes back what it will do again."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portrayal.core.runs import append_line, rows_and_ends, write_atomically, writing


class Journal:
    """log.jsonl, scores.jsonl and samples/ of a run; silent on all ranks but the first."""

    def __init__(self, run: Path, done: int, writes: bool) -> None:
        self.run, self.writes = run, writes
        if writes:
            with writing(run):
                run.mkdir(parents=True, exist_ok=True)
            for name in ("log.jsonl", "scores.jsonl"):
                forget_after(run / name, done)

    def log(self, step: int, numbers: Mapping[str, Any]) -> None:
        """One line of numbers for a step."""
        if self.writes:
            append_line(self.run / "log.jsonl", {"step": step, **numbers})

    def score(self, step: int, numbers: Mapping[str, Any]) -> None:
        """One line of validation scores for a step."""
        if self.writes:
            append_line(self.run / "scores.jsonl", {"step": step, **numbers})

    def sample(self, step: int, png: bytes) -> None:
        """One sheet of samples; all are kept."""
        if self.writes:
            write_atomically(self.run / "samples" / f"step_{step:08d}.png", png)


def forget_after(path: Path, step: int) -> None:
    """Cut off the lines written after the checkpoint a run resumes from: they will come again."""
    kept = 0
    for row, end in rows_and_ends(path):
        if row["step"] > step:  # steps only grow
            break
        kept = end
    if path.exists() and kept < path.stat().st_size:
        with writing(path):
            os.truncate(path, kept)


def is_sample_step(done: int, steps: int) -> bool:
    """Whether to draw samples after `done` steps: 1, 2, 5, 10, 20, 50, ... and at the end.

    >>> [done for done in range(1, 301) if is_sample_step(done, 300)]
    [1, 2, 5, 10, 20, 50, 100, 200, 300]
    """
    return done == steps or str(done).rstrip("0") in ("1", "2", "5")

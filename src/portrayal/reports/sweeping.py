"""What sweep.json holds, read from the run folders of the trials; the page is sweep_page.py."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from portrayal.core.errors import BadData
from portrayal.core.runs import read_json, read_lines, write_json
from portrayal.reports.results import Better, Results

FAILED = "failed.json"  # in the folder of a trial that cannot be trained
State = Literal["waiting", "begun", "finished", "failed"]


class Point(BaseModel):
    """A validation score and its step."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    value: float
    step: int


class Variable(BaseModel):
    """A setting that varies: its values, or its range."""

    model_config = ConfigDict(frozen=True)

    name: str
    values: list[str] = []
    span: tuple[float, float] | None = None


class Trial(BaseModel):
    """One run of the sweep."""

    model_config = ConfigDict(frozen=True)

    name: str  # of its folder
    values: dict[str, str]
    state: State = "waiting"
    reason: str = ""  # of a failure
    best: Point | None = None
    last: Point | None = None
    tested: bool = False  # whether it was scored on the test split

    @property
    def score(self) -> float | None:
        """What the sweep chooses by; None for a failure, and while it is not finished."""
        return self.best.value if self.best and self.state == "finished" else None


class Sweep(BaseModel):
    """sweep.json: what was tried, and what validation says of it."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    recipe: str
    preset: str
    fixed: list[str]
    varied: list[Variable]
    metric: str
    better: Better
    tuned: bool = False
    count: int  # trials in all
    trials: list[Trial] = []
    data: dict[str, Any] = {}
    command: str = ""
    version: str = ""
    commit: str | None = None

    def ranked(self) -> list[Trial]:
        """Scored trials from best to worst, then the others."""
        scored = [(trial.score, trial) for trial in self.trials if trial.score is not None]
        sign = -1 if self.better == "higher" else 1
        order = [
            trial for _, trial in sorted(scored, key=lambda pair: (sign * pair[0], pair[1].name))
        ]
        return order + [trial for trial in self.trials if trial.score is None]

    @property
    def best(self) -> Trial | None:
        """The trial that validation chooses."""
        first = self.ranked()[:1]
        return first[0] if first and first[0].score is not None else None


def read_trial(
    out: Path, name: str, values: Mapping[str, str], metric: str, better: Better
) -> Trial:
    """A trial as its run folder stands."""
    folder = out / name
    if (folder / FAILED).exists():
        reason = str(read_json(folder / FAILED).get("reason", ""))
        return Trial(name=name, values=dict(values), state="failed", reason=reason)
    points = validation(folder, metric)
    better_one = max if better == "higher" else min
    best = better_one(points, key=lambda point: point.value) if points else None
    return Trial(
        name=name,
        values=dict(values),
        state=state_of(folder),
        best=best,
        last=points[-1] if points else None,
        tested=results_of_test(folder) is not None,
    )


def validation(folder: Path, metric: str) -> list[Point]:
    """The validation scores of a run in one metric."""
    points = []
    for row in read_lines(folder / "scores.jsonl"):
        scores = row.get("scores")
        value = scores.get(metric) if isinstance(scores, dict) else None
        if isinstance(value, int | float) and isinstance(row.get("step"), int):
            points.append(Point(value=float(value), step=row["step"]))
    return points


def state_of(folder: Path) -> State:
    """How far a run is, by its newest whole checkpoint."""
    if not (folder / "config.json").exists():
        return "waiting"
    steps = read_json(folder / "config.json").get("steps")
    done = [
        int(path.parent.name)
        for path in (folder / "checkpoints").glob("*/about.json")
        if re.fullmatch(r"\d{8}", path.parent.name)
    ]
    return "finished" if isinstance(steps, int) and max(done, default=0) >= steps else "begun"


def results_of_test(folder: Path) -> Results | None:
    """Scores of a run on the test split, if it was ever evaluated there."""
    try:
        results = Results.model_validate(read_json(folder / "results.json"))
    except (BadData, ValueError):
        return None
    return results if results.split == "test" else None


def write_sweep(out: Path, sweep: Sweep) -> Path:
    """Write sweep.json and sweep.html. Returns the page."""
    from portrayal.core.runs import write_atomically
    from portrayal.reports.sweep_page import page

    write_json(out / "sweep.json", sweep.model_dump())
    write_atomically(out / "sweep.html", page(sweep, out))
    return out / "sweep.html"

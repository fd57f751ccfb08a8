"""What sweep.json holds, read from the run folders of the trials; the page is sweep_page.py."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from portrayal.core.errors import BadData
from portrayal.core.runs import read_json, read_lines
from portrayal.reports.results import Better, Question, Results, Score

FAILED = "failed.json"  # in the folder of a trial that cannot be trained
VALIDATION = "validation.json"  # in the folder of a trial that was scored after its training
QUESTIONS: tuple[Question, ...] = get_args(Question)  # the first that a metric answers
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


class Validation(BaseModel):
    """validation.json: what a finished trial scores on validation; no times, so equal bytes."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    step: int
    model: str  # hash of the weights
    data: str  # SHA-256 of the dataset
    features: str | None = None  # network of the scores of sets
    scores: list[Score] = []
    interval: str = ""
    warnings: list[str] = []

    def score(self, name: str) -> Score | None:
        """The score of the translations that a metric's plain name means."""
        found = {
            score.question: score
            for score in self.scores
            if score.answer == "translation" and score.metric == self.full_name(name, score)
        }
        return next((found[question] for question in QUESTIONS if question in found), None)

    def full_name(self, name: str, score: Score) -> str:
        """Scores of sets carry their network in their name, unless it is the standard one."""
        carried = f"{name}_{self.features}"
        return carried if score.question == "domain" and score.metric == carried else name


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
    scores: dict[str, Score] = {}  # by plain name, of those the sweep asks for after the training

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
    scores: list[str] = []  # asked of every trial after its training; none: training's own count
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
    out: Path,
    name: str,
    values: Mapping[str, str],
    metric: str,
    better: Better,
    scores: Sequence[str] = (),
) -> Trial:
    """A trial as its run folder stands; with `scores` it is judged by these alone."""
    folder = out / name
    if (folder / FAILED).exists():
        reason = str(read_json(folder / FAILED).get("reason", ""))
        return Trial(name=name, values=dict(values), state="failed", reason=reason)
    state, found = state_of(folder), dict[str, Score]()
    if scores and state == "finished" and (judged := read_validation(folder)):
        found = {each: score for each in scores if (score := judged.score(each))}
        points = final_points(found.get(metric), judged.step)
    else:
        points = [] if scores else validation(folder, metric)
    better_one = max if better == "higher" else min
    best = better_one(points, key=lambda point: point.value) if points else None
    return Trial(
        name=name,
        values=dict(values),
        state=state,
        best=best,
        last=points[-1] if points else None,
        tested=results_of_test(folder) is not None,
        scores=found,
    )


def final_points(score: Score | None, step: int) -> list[Point]:
    """The one score after the training as validations during it look; none if it has no value."""
    value = score.value if score else None
    return [] if value is None else [Point(value=value, step=step)]


def read_validation(folder: Path) -> Validation | None:
    """What was scored after the training; None if nothing was, or not by this program."""
    try:
        return Validation.model_validate(read_json(folder / VALIDATION))
    except (BadData, ValueError):
        return None


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

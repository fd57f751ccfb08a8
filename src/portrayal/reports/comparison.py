"""What comparison.json holds: models x metrics with intervals, and which differences hold.

`portrayal compare` writes it, the page reads it. A row is one metric by one protocol and network:
scores computed in two ways are never put beside each other as if they were one.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from portrayal.reports.results import Better, Question, Score, decimals
from portrayal.reports.votes import VoteResults

LEVEL = 0.05  # of the whole family of tests
QUESTIONS: dict[Question, tuple[str, str]] = {
    "fidelity": ("Fidelity", "Is it the right picture? Translation against its truth."),
    "content": ("Content", "Does it keep what the input shows? Translation against its input."),
    "known": ("Known half", "Does it draw its input again? What it drew against its input."),
    "domain": ("Domain", "Do they look real as a set? Translations against real pictures."),
}


class Cost(BaseModel):
    """What a model costs. None: not known."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    parameters: dict[str, int] = {}  # trainable numbers by network
    size: list[int] | None = None  # height, width of the picture that was translated
    flops: int | None = None  # of one translation at that size; an addition and a product are two
    seconds: float | None = None  # per picture, median
    timing: str = ""  # device, threads and machine of `seconds`
    step_flops: int | None = None  # of one training step
    training_seconds: float | None = None
    training_steps: int | None = None
    training_machine: str = ""

    @property
    def training_flops(self) -> int | None:
        """Of the whole training."""
        if self.step_flops is None or self.training_steps is None:
            return None
        return self.step_flops * self.training_steps


class Model(BaseModel):
    """One column: a run, or a scored folder."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    name: str
    folder: str
    recipe: str = ""
    preset: str = ""
    kind: str = ""  # of its training data: paired, unpaired
    step: int | None = None
    checkpoint: str = ""
    hash: str = ""
    search: str = ""  # settings of its search that are not the run's own
    n: int = 0
    cost: Cost = Cost()


class Difference(BaseModel):
    """Two models on the same pictures in one metric."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    first: str
    second: str
    value: float  # mean of first - second
    low: float | None
    high: float | None
    n: int  # pictures for which both have a value
    p: float  # paired permutation test, two-sided
    corrected: float  # by Holm, over all tests of the comparison

    @property
    def holds(self) -> bool:
        """Whether it is told apart from chance after the correction."""
        return self.corrected <= LEVEL


class Row(BaseModel):
    """One metric over all models."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    metric: str
    question: Question
    better: Better
    title: str = ""
    unit: str = ""
    protocol: str = ""
    network: str = ""
    cells: dict[str, Score]  # by model; a model without a cell has no such score
    input: Score | None = None  # the input itself as an answer
    real: Score | None = None  # what real pictures get
    differences: list[Difference] = []
    untested: str = ""  # why there are none
    letters: dict[str, str] = {}  # models that share a letter are not told apart

    @property
    def name(self) -> str:
        """What a table prints."""
        return f"{self.title or self.metric}{f' ({self.unit})' if self.unit else ''}"

    @property
    def digits(self) -> int:
        """Digits after the point for this row."""
        beside = [score for score in (self.input, self.real) if score]
        return decimals([*self.cells.values(), *beside])

    def best(self) -> list[str]:
        """Models from best to worst; those without a value are left out."""
        valued = {name: s.value for name, s in self.cells.items() if s.value is not None}
        return sorted(valued, key=lambda name: valued[name], reverse=self.better == "higher")


class Comparison(BaseModel):
    """comparison.json: all numbers, and all that makes them repeatable."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    models: list[Model]
    rows: list[Row]
    split: str
    data: str  # SHA-256 of the test data, empty if it differs and only shared pictures count
    names: list[str]  # of the pictures
    warnings: list[str] = []
    test: str = ""  # how the differences were tested
    interval: str = ""
    seed: int = 0
    command: str = ""
    version: str = ""
    commit: str | None = None
    machine: str = ""
    time: str = ""
    tests: int = Field(0, ge=0)  # how many the correction is over
    votes: VoteResults | None = None  # of people

    def of(self, question: Question) -> list[Row]:
        """Rows that answer one question."""
        return [row for row in self.rows if row.question == question]


def letters(ranked: Sequence[str], apart: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Models share a letter exactly when they are not told apart; "a" begins at the best.

    Insert and absorb (Piepho 2004): start with one group of all, split it at every difference.

    >>> letters(["x", "y", "z"], [("x", "z")])
    {'x': 'a', 'y': 'ab', 'z': 'b'}
    """
    groups = [frozenset(ranked)] if ranked else []
    for one, other in apart:
        split = [g - {drop} for g in groups if {one, other} <= g for drop in (one, other)]
        kept = [group for group in groups if not {one, other} <= group]
        for group in split:
            if not any(group <= there for there in kept):
                kept = [there for there in kept if not there <= group] + [group]
        groups = kept
    place = {name: index for index, name in enumerate(ranked)}
    groups.sort(key=lambda group: sorted(place[name] for name in group))
    return {
        name: "".join(letter(i) for i, group in enumerate(groups) if name in group)
        for name in ranked
    }


def letter(index: int) -> str:
    """a, b, ... z, then a1, b1, ..."""
    return chr(ord("a") + index % 26) + (str(index // 26) if index >= 26 else "")


def verdict(comparison: Comparison) -> str:
    """One sentence: who is best where, and whether that holds."""
    alone: dict[str, list[str]] = {}
    level: list[str] = []
    untested = 0
    titles = told_apart(comparison.rows)
    for row in comparison.rows:
        order = row.best()
        if len(order) < 2:
            continue
        if not row.differences:
            untested += 1
            continue
        leader = order[0]
        beaten = [d for d in row.differences if leader in (d.first, d.second) and d.holds]
        target = alone.setdefault(leader, []) if len(beaten) == len(order) - 1 else level
        target.append(titles[row.question, row.metric])
    parts = [f"{name} is best on {_listed(metrics)}" for name, metrics in alone.items()]
    if level:
        parts.append(f"the best is not told apart from the next on {_listed(level)}")
    if untested:
        sets = "1 score of whole sets is" if untested == 1 else f"{untested} scores of sets are"
        parts.append(f"{sets} not tested in pairs: see the intervals")
    if not parts:
        return "No metric was scored for two of these models."
    text = "; ".join(parts)
    return f"{text[0].upper() if not alone else text[0]}{text[1:]}."


def told_apart(rows: Sequence[Row]) -> dict[tuple[Question, str], str]:
    """Titles for a sentence; of metrics that answer several questions with the question."""
    questions: dict[str, set[Question]] = {}
    for row in rows:
        questions.setdefault(row.metric, set()).add(row.question)
    return {
        (row.question, row.metric): (row.title or row.metric)
        + (f" ({row.question})" if len(questions[row.metric]) > 1 else "")
        for row in rows
    }


def as_csv(comparison: Comparison) -> str:
    """One line per metric and model, for a spreadsheet."""
    out = io.StringIO()
    head = ("question", "metric", "unit", "better", "model", "value", "low", "high", "n")
    table = csv.writer(out, lineterminator="\n")
    table.writerow((*head, "missing", "letters", "network"))
    for row in comparison.rows:
        beside = {"input itself": row.input, "real pictures": row.real}
        columns: Mapping[str, Any] = {
            **{model.name: row.cells.get(model.name) for model in comparison.models},
            **{name: score for name, score in beside.items() if score},
        }
        for name, score in columns.items():
            facts = (row.question, row.metric, row.unit, row.better, name)
            values = ("", "", "", 0, "")
            if score:
                values = (score.value, score.low, score.high, score.n, score.missing)
            table.writerow((*facts, *values, row.letters.get(name, ""), row.network))
    return out.getvalue()


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}"

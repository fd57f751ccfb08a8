"""What robustness.json holds, and what it says in words."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from portrayal.reports.results import Results, Score, apart, comparison, search_text

Kind = Literal["own", "folder", "photos", "filter", "damage"]


class Worst(BaseModel):
    """One of the worst pictures: a strip of input, output and truth, if there is one."""

    model_config = ConfigDict(frozen=True)

    name: str
    file: str  # below the run
    value: float
    cells: int = 3


class SetScores(BaseModel):
    """One test set: its scores, and its drop against the own test pictures."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Kind
    n: int = Field(ge=0)
    paired: bool = True  # has truths
    group: str = ""  # the kind of damage
    strength: float | None = None
    note: str = ""
    scores: list[Score] = []
    drops: list[Score] = []  # this set - own, paired by picture
    worst: list[Worst] = []

    def score(self, metric: str, answer: str = "translation") -> Score | None:
        """One score, if it was computed."""
        same = (s for s in self.scores if (s.metric, s.answer) == (metric, answer))
        return next(same, None)

    def drop(self, metric: str) -> Score | None:
        """How much the score changed against the same pictures as they are."""
        return next((score for score in self.drops if score.metric == metric), None)

    def verdict(self, metric: str) -> str:
        """How the translation stands to the input: judgement, reason."""
        return comparison(Results(kind="run", split="", n=self.n, scores=self.scores), metric)


class Robustness(BaseModel):
    """robustness.json."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    split: str
    ranked_by: str  # metric of curves and worst pictures
    metrics: list[str]
    sets: list[SetScores]  # own first
    interval: str = ""
    seed: int = 0
    data: dict[str, Any] = {}
    model: dict[str, Any] = {}
    command: str = ""
    version: str = ""
    commit: str | None = None
    machine: str = ""
    seconds: float = 0.0
    time: str = ""


def headline(found: Robustness) -> str:
    """One sentence: where it beats doing nothing, and where it fails."""
    metric = found.ranked_by
    judged = [s for s in found.sets if s.score(metric) and s.score(metric, "input")]
    if not judged:
        return "No set has truths: see how much the translations keep of their inputs."
    won = [s.name for s in judged if wins(s, metric)]
    lost = [s.name for s in judged if s.verdict(metric).startswith("worse")]
    title = next(s.name for s in judged[0].scores if s.metric == metric)
    text = f"{title}: better than the input itself on {len(won)} of {len(judged)} sets"
    text += " with intervals apart"
    text += f" (searched with {search})" if (search := search_text(found.model)) else ""
    return f"{text}; worse on {len(lost)}: {listed(lost)}." if lost else f"{text}; worse on none."


def wins(found: SetScores, metric: str) -> bool:
    """Whether the translation beats the input with intervals apart."""
    ours, theirs = found.score(metric), found.score(metric, "input")
    return ours is not None and theirs is not None and apart(ours, theirs)


def listed(names: Sequence[str], most: int = 6) -> str:
    """The first names, and how many more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def title_of(found: Robustness, metric: str) -> str:
    """What tables print for a metric."""
    names = (s.name for each in found.sets for s in each.scores if s.metric == metric)
    return next(names, metric)

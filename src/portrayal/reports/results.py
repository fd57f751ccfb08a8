"""What results.json holds, and how its numbers are put into words.

`portrayal evaluate` writes it, reports read it: one shape, checked on both sides.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Better = Literal["higher", "lower"]
# difference: translation - input, paired; real: what real pictures get, a ceiling
Answer = Literal["translation", "input", "difference", "real"]
# fidelity: to the truth; content: to the input; domain: of the set to the set of real pictures;
# known: of the input as the model drew it again to the input, of recipes that draw both
Question = Literal["fidelity", "content", "domain", "known"]
APART, OVERLAP = "intervals apart", "intervals overlap"
LISTED = 8  # names in one sentence
MEASURES = ("value", "low", "high")


class Score(BaseModel):
    """A mean and its 95 % interval; None stands for unknown (the bounds of a lone picture)."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    metric: str
    answer: Answer
    value: float | None
    low: float | None
    high: float | None
    n: int = Field(ge=0)
    better: Better
    title: str = ""
    unit: str = ""
    protocol: str = ""
    question: Question = "fidelity"
    missing: int = 0  # pictures that have no value, which n does not count
    why: str = ""  # they have none: "no face found"
    network: str = ""  # name and first digits of the SHA-256 of the feature network

    @property
    def name(self) -> str:
        """What a table prints."""
        return self.title or self.metric

    @property
    def count(self) -> str:
        """How many pictures it stands on: "100", or "88 of 100 (no face found)"."""
        if not self.missing:
            return f"{self.n:,}"
        reason = f" ({self.why})" if self.why else ""
        return f"{self.n:,} of {self.n + self.missing:,}{reason}"


class Section(BaseModel):
    """A table of its own beside the scores: groups, verification, recogniser, discriminator."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    key: str  # "verification"
    title: str
    note: str = ""  # what the numbers can and cannot say, in a sentence or two
    head: list[str]
    rows: list[list[str | float | None]]  # numbers are printed with 4 significant digits
    pictures: list[str] = []  # PNG files below the folder of results.json


class Results(BaseModel):
    """results.json: scores with all that makes them repeatable."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    kind: Literal["run", "folders"]
    split: str
    n: int = Field(ge=0)
    scores: list[Score]
    sections: list[Section] = []
    warnings: list[str] = []  # one line each, printed and reported
    interval: str = ""  # how the intervals were computed
    seed: int = 0
    data: dict[str, Any] = {}
    model: dict[str, Any] = {}
    command: str = ""
    version: str = ""
    commit: str | None = None
    machine: str = ""
    seconds: float = 0.0
    time: str = ""

    def score(
        self, metric: str, answer: Answer = "translation", question: Question | None = None
    ) -> Score | None:
        """One score, if it was computed. Without a question: that of the first one it answers."""
        asked = question or next((q for q, name in self.asked() if name == metric), None)
        wanted = (asked, metric, answer)
        return next((s for s in self.scores if (s.question, s.metric, s.answer) == wanted), None)

    def asked(self) -> list[tuple[Question, str]]:
        """Each question with each of its metrics, in the order in which they were computed."""
        return list(dict.fromkeys((score.question, score.metric) for score in self.scores))

    def of(self, question: Question) -> list[Score]:
        """The scores that answer one question."""
        return [score for score in self.scores if score.question == question]

    def metrics(self) -> list[str]:
        """Metrics in the order in which they were computed."""
        return list(dict.fromkeys(score.metric for score in self.scores))


def search_text(model: Mapping[str, Any]) -> str:
    """Settings of a search that are not the run's own, as they are typed.

    >>> search_text({"search": {"starts": 512, "saturating": True}}), search_text({})
    ('starts=512, saturating=true', '')
    """
    return ", ".join(search_settings(model))


def search_settings(model: Mapping[str, Any]) -> list[str]:
    """The same one by one."""
    search = model.get("search")
    pairs = search.items() if isinstance(search, dict) else ()
    return [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in pairs
    ]


def apart(translation: Score, other: Score) -> bool:
    """Whether the translation is better and the two intervals do not touch."""
    higher, lower = translation.low, other.high
    if translation.better == "lower":
        higher, lower = other.low, translation.high
    return higher is not None and lower is not None and higher > lower


def comparison(results: Results, metric: str, question: Question | None = None) -> str:
    """How the translation stands to the input in one metric: judgement, reason."""
    ours, theirs = (results.score(metric, a, question) for a in ("translation", "input"))
    if ours is None or theirs is None or (ours.question == "domain" and ours.low is None):
        return ""  # a score of sets without an interval tells nothing apart
    if apart(ours, theirs):
        return f"better, {APART}"
    if apart(theirs, ours):
        return f"worse, {APART}"
    difference = results.score(metric, "difference", question)
    if difference is None or difference.low is None or difference.high is None:
        return f"not told apart, {OVERLAP}"
    if difference.low <= 0 <= difference.high:
        return "not told apart, difference may be 0"
    won = (difference.low > 0) == (ours.better == "higher")
    return f"{'better' if won else 'worse'} in pairs, {OVERLAP}"


def decimals(scores: list[Score]) -> int:
    """Digits after the point that show the narrowest interval with two digits."""
    halves = [(s.high - s.low) / 2 for s in scores if s.low is not None and s.high is not None]
    if halves := [half for half in halves if half > 0]:
        return two_digits(min(halves))
    sizes = [abs(s.value) for s in scores if s.value and s.question == "domain"]
    return min(5, max(0, 2 - math.floor(math.log10(min(sizes))))) if sizes else 3


def two_digits(half: float) -> int:
    """Digits after the point that show half an interval with two digits.

    >>> two_digits(0.021), two_digits(3.0), two_digits(450.0)
    (3, 1, 0)
    """
    return min(5, max(0, 1 - math.floor(math.log10(half))))


def number(value: float | None, digits: int, *, sign: bool = False) -> str:
    """A value as printed: with a true minus sign, and a question mark for None."""
    if value is None:
        return "?"
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def cell_text(cell: str | float | None) -> str:
    """A cell of a section: four significant digits, a dash for None.

    >>> cell_text(0.123456), cell_text(1234.0), cell_text(-2.0), cell_text(None)
    ('0.1235', '1234', '−2', '–')
    """
    if cell is None:
        return "–"
    return cell if isinstance(cell, str) else f"{cell:.4g}".replace("-", "−")


def interval_text(value: float | None, low: float | None, high: float | None) -> str:
    """A value with its bounds, where they are known, in digits that suit them.

    >>> interval_text(0.37172, 0.34527, 0.3981), interval_text(2.0, None, None)
    ('0.372 [0.345, 0.398]', '2')
    """
    if value is None or low is None or high is None or high <= low:
        return cell_text(value)
    digits = two_digits((high - low) / 2)
    value_text, *bounds = (number(each, digits) for each in (value, low, high))
    return f"{value_text} [{', '.join(bounds)}]"


def with_interval(score: Score, digits: int) -> str:
    """`0.713 [0.693, 0.733]`, signed for a difference; of a set without an interval the value."""
    sign = score.answer == "difference"
    if score.question == "domain" and score.low is None:
        return number(score.value, digits)
    value, low, high = (number(getattr(score, m), digits, sign=sign) for m in MEASURES)
    return f"{value} [{low}, {high}]"


def leading_metric(results: Results) -> str | None:
    """The metric a one-line verdict speaks of: a class score, else SSIM, else the first."""
    names = results.metrics()
    preferred = [name for name in ("class_colour", "ssim") if name in names]
    return (preferred + names)[0] if names else None


def verdict(results: Results) -> str:
    """One sentence built from the numbers."""
    metric = leading_metric(results)
    ours = results.score(metric) if metric else None
    if metric is None or ours is None:
        return "No scores were computed."
    theirs = results.score(metric, "input")
    digits = decimals([score for score in (ours, theirs) if score])
    what = {"test": "held-out pictures", "": "pictures"}.get(
        results.split, f"{results.split} pictures"
    )
    what += " from target to source" if results.model.get("reverse") else ""
    search = search_text(results.model)
    what += f" searched with {search}" if search else ""
    unit = f" {ours.unit}" if ours.unit else ""
    against = f" against {with_interval(theirs, digits)} for the input itself" if theirs else ""
    to = " against the input" if ours.question == "content" else ""
    return f"On {ours.n} {what}, {ours.name}{to} {with_interval(ours, digits)}{unit}{against}."


def standing(results: Results) -> str:
    """A second sentence: in which metrics the translator beats doing nothing."""
    places: dict[str, list[str]] = {}
    for question, metric in results.asked():
        ours = results.score(metric, question=question)
        if ours and (place := comparison(results, metric, question)):
            places.setdefault(place, []).append(ours.name)
    if not places:
        return ""
    parts = []
    for place, names in places.items():
        judgement, reason = place.split(", ")
        parts.append(f"{judgement} on {_listed(names)} ({reason})")
    return f"Compared with returning the input unchanged: {'; '.join(parts)}."


def _listed(names: list[str]) -> str:
    if len(names) > LISTED:
        return f"{', '.join(names[: LISTED - 2])} and {len(names) - LISTED + 2} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

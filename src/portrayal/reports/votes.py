"""What votes.json holds: the votes of people on pictures by several models.

`portrayal study results` writes it; a run folder that has one gets a table in its report.
"""

import math
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from portrayal.core.errors import BadData
from portrayal.core.runs import read_json

FILE = "votes.json"
Kind = Literal["choice", "real_or_fake", "rating"]
ALPHA = 0.05


class Bounds(BaseModel):
    """A value with its 95 % interval; None stands for unknown."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, value: float, low: float, high: float) -> "Bounds":
        """From numbers of which some may be NaN."""
        return cls(
            **{
                key: float(number) if math.isfinite(number) else None
                for key, number in (("value", value), ("low", low), ("high", high))
            }
        )


class ModelVotes(BaseModel):
    """One model: share of votes, share taken for real, or mean rating."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    name: str
    votes: int
    shown: int
    value: float
    same: Bounds  # were these voters asked again; votes taken as independent
    other: Bounds  # were other voters asked
    chance: float | None = None
    p_chance: float | None = None  # corrected for the number of models
    strength: Bounds | None = None  # log-odds, sum 0
    strength_other: Bounds | None = None


class PairVotes(BaseModel):
    """Two models; p-values are corrected for the number of pairs (Holm)."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    first: str
    second: str
    values: tuple[float, float]
    p_same: float
    p_other: float
    needed: int | None = None  # votes in all, for 80 % power, if shares are as seen


class VoteResults(BaseModel):
    """votes.json."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    kind: Kind
    title: str = ""
    question: str = ""
    voters: int
    votes: int
    left_out: list[str] = []  # voters who failed checks
    votes_left_out: int = 0
    unfinished: int = 0
    models: list[ModelVotes]
    pairs: list[PairVotes]
    agreement: Bounds
    agreement_note: str = ""
    smallest_p: float
    places: list[int] = []
    median_ms: float | None = None
    warnings: list[str] = []
    seed: int = 0
    command: str = ""
    version: str = ""
    time: str = ""

    @property
    def ranked(self) -> list[ModelVotes]:
        """Models from the highest value to the lowest."""
        return sorted(self.models, key=lambda model: -model.value)

    def holding(self, *, other: bool = False) -> list[PairVotes]:
        """Pairs told apart: among these voters, or for other voters too."""
        return [p for p in self.pairs if (p.p_other if other else p.p_same) < ALPHA]


def read_votes(path: Path) -> VoteResults:
    """votes.json, refused in one line."""
    try:
        return VoteResults.model_validate(read_json(path))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise BadData(f"{path} does not fit this version: {place}.") from None


def find_votes(folder: Path) -> VoteResults | None:
    """The votes that a run folder holds; None if nobody has judged it."""
    return read_votes(folder / FILE) if (folder / FILE).exists() else None


def study_votes(folder: Path) -> VoteResults:
    """The votes of a study folder, or of a folder of its results."""
    for place in (folder, folder / "results"):
        if (found := find_votes(place)) is not None:
            return found
    raise BadData(f"{folder} holds no {FILE}: portrayal study results {folder} counts the votes.")

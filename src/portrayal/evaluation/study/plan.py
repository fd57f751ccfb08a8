"""A blind study: what voters see, and in which order. Needs neither torch nor the key.

STUDY/study.json    the plan, with pictures under blinded names
STUDY/pictures/     BLINDED.png, all written alike, without any text in them
STUDY/key.json      which blinded name is whose, and the answers of the checks; never served
STUDY/votes.sqlite  the votes (votes.py)

The trials of voter 0, 1, 2 ... are a function of the seed and that number, so that nothing about
them has to be stored, and every model is shown equally often, on every side, beside every other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from math import comb, lcm
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portrayal.core.errors import BadData, BadOption
from portrayal.core.runs import read_json
from portrayal.core.seeds import mix, numpy_rng

Kind = Literal["choice", "real_or_fake", "rating"]
Role = Literal["scored", "practice", "check"]
REAL = "real"  # the model behind real pictures, listed last
MOST_SUBSETS = 5000
REAL_OR_FAKE = ("real", "fake")


class Item(BaseModel):
    """One motif: a picture of it by every model, in the order of the key's models."""

    model_config = ConfigDict(frozen=True)

    id: str
    options: tuple[str, ...]  # blinded names
    input: str | None = None
    reference: str | None = None
    role: Role = "scored"


class Study(BaseModel):
    """study.json."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    kind: Kind
    title: str
    question: str
    consent: str
    seed: int
    ways: int = Field(ge=1)  # pictures to choose among; 1 where one picture is judged
    trials: int = Field(ge=1)  # scored ones per voter
    seconds: float | None = None  # a picture is shown no longer; None = until answered
    levels: tuple[str, ...] = ()  # of a rating, lowest first
    items: tuple[Item, ...]

    def of(self, role: Role) -> list[Item]:
        """Items of one role, in order."""
        return [item for item in self.items if item.role == role]

    @property
    def answers(self) -> tuple[str, ...]:
        """Answers to one picture; () where a picture itself is the answer."""
        if self.kind == "rating":
            return tuple(str(number + 1) for number in range(len(self.levels)))
        return REAL_OR_FAKE if self.kind == "real_or_fake" else ()


@dataclass(frozen=True)
class Trial:
    """One question to one voter; `id` names it among theirs."""

    id: str
    item: str
    role: Role
    shown: tuple[str, ...]  # blinded names from left to right
    input: str | None
    reference: str | None


def read_study(folder: Path) -> Study:
    """The plan in a study folder, refused in one line."""
    path = folder / "study.json"
    if not path.exists():
        raise BadData(f"{folder} is no finished study: it has no study.json. Run study create.")
    try:
        return Study.model_validate(read_json(path))
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise BadData(f"{path} does not fit this version: {place}: {wrong['msg']}.") from None


def read_key(folder: Path) -> dict[str, Any]:
    """What unblinds a study."""
    return read_json(folder / "key.json")


def subsets(kind: Kind, models: int, ways: int, seed: int) -> list[tuple[int, ...]]:
    """Which models are shown together, each combination once, in an order drawn from the seed.

    Of real or fake the last model is the real one, and every second picture is real.
    """
    every: Sequence[tuple[int, ...]]
    if kind == "real_or_fake":
        fakes = range(models - 1)
        every = [(model,) for model in fakes] + [(models - 1,) for _ in fakes]
    elif not 1 <= ways <= models:
        raise BadOption(f"{models} models cannot be shown {ways} at a time; choose --ways 2.")
    elif comb(models, ways) > MOST_SUBSETS:
        raise BadOption(
            f"{ways} of {models} models can be shown in {comb(models, ways):,} combinations, more "
            f"than {MOST_SUBSETS:,}: no design balances that. Choose --ways 2 or fewer models."
        )
    else:
        every = list(combinations(range(models), ways))
    order = numpy_rng(seed, "subsets").permutation(len(every))
    return [every[index] for index in order]


def trials_of(study: Study, voter: int) -> list[Trial]:
    """All trials of one voter: practice, then the scored ones with the checks among them."""
    scored = scored_trials(study, voter)
    order = numpy_rng(study.seed, "order", voter).permutation(len(scored))
    rest = [scored[index] for index in order]
    checks = study.of("check")
    bounds = [round(len(rest) * k / max(1, len(checks))) for k in range(len(checks) + 1)]
    rng = numpy_rng(study.seed, "checks", voter)
    places = [int(rng.integers(a, b + 1)) for a, b in pairwise(bounds)]
    for item, place in reversed(list(zip(checks, places, strict=True))):
        rest.insert(place, (item, mixed(study, item, voter, item.options)))
    first = [
        (item, mixed(study, item, voter, practised(study, item))) for item in study.of("practice")
    ]
    return [
        Trial(f"{number:04d}", item.id, item.role, shown, item.input, item.reference)
        for number, (item, shown) in enumerate([*first, *rest])
    ]


def scored_trials(study: Study, voter: int) -> list[tuple[Item, tuple[str, ...]]]:
    """The scored items of a voter, each with what is shown from left to right.

    Voters go on through the shuffled items where the one before them stopped, and so through the
    combinations; where both would begin again together, one combination is skipped, so that each
    item meets every one. Within `ways` neighbouring items, and for one item from round to round,
    sides rotate.
    """
    items = study.of("scored")
    shuffled, groups = _design(study)
    found = []
    for g in range(voter * study.trials, (voter + 1) * study.trials):
        rounds, rank = divmod(g, len(items))
        item = items[shuffled[rank]]
        combination = (g + g // lcm(len(items), len(groups))) % len(groups)
        group = groups[combination]
        ways = len(group)
        again = rounds // len(groups)
        sides = numpy_rng(study.seed, "sides", rank // ways, again // ways).permutation(ways)
        turn = rank + again + mix(study.seed, "turn", combination)
        order = [int(sides[(place + turn) % ways]) for place in range(ways)]
        found.append((item, tuple(item.options[group[index]] for index in order)))
    return found


def practised(study: Study, item: Item) -> Sequence[str]:
    """As many of a practice item's pictures as a trial shows."""
    drawn = numpy_rng(study.seed, "practice", item.id).permutation(len(item.options))
    return [item.options[index] for index in drawn[: study.ways]]


def mixed(study: Study, item: Item, voter: int, options: Sequence[str]) -> tuple[str, ...]:
    """Pictures of a check or of practice from left to right, for one voter."""
    order = numpy_rng(study.seed, "shown", item.id, voter).permutation(len(options))
    return tuple(options[index] for index in order)


@cache
def _design(study: Study) -> tuple[list[int], list[tuple[int, ...]]]:
    """The shuffled items and combinations, the same for all voters."""
    items = study.of("scored")
    shuffled = numpy_rng(study.seed, "items").permutation(len(items))
    groups = subsets(study.kind, len(items[0].options), study.ways, study.seed)
    return [int(index) for index in shuffled], groups

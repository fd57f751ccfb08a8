"""Do the translations look as if drawn from the real pictures? Features, and who is in them.

Three answers are compared with the real pictures: the translations, the inputs themselves, and real
pictures (one half of them against the other, no person in both): what a perfect translator gets.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.sets.crowds import Crowd, halves
from portrayal.evaluation.sets.networks import STANDARD, Extractor
from portrayal.evaluation.sets.scores import Estimate, estimates, two_sample_p
from portrayal.evaluation.sets.store import features_of, stacked
from portrayal.evaluation.summary import known
from portrayal.metrics import metrics
from portrayal.reports.results import Answer, Score, Section

ENOUGH = 2048  # pictures from which FID says something about equal numbers of others
NAMES = {"fid": "Frechet distance", "kid": "Kernel distance"}  # with another network than Inception
Row = dict[str, Any]


@dataclass
class Domain:
    """Scores of sets, the tests beside them, and what could not be computed."""

    scores: list[Score] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)


def domain(
    answers: Answers,
    chosen: Sequence[str],
    extractor: Extractor,
    folder: Path,
    *,
    hashes: Sequence[dict[str, str]] = (),
    asked: frozenset[str] = frozenset(),
    seed: int = 0,
    bar: Bar | None = None,
) -> Domain:
    """All set scores of all answers. `hashes` of the pictures by side, if they are known."""
    crowds = crowds_of(answers, extractor, folder, hashes, bar)
    reals = crowds.pop("real")
    found = Domain()
    if min(len(crowds["translation"].units), len(reals.units)) < ENOUGH:
        chosen = sorted(chosen, key="fid".__eq__)  # KID and all others first
    half = halves(reals.units, seed)
    crowds["real"] = reals.part(half, inside=True)
    others = reals.part(half, inside=False)
    for name in chosen:
        for answer, crowd in crowds.items():
            against = others if answer == "real" else reals
            try:
                values = estimates(name, crowd, against, half, seed=seed)
            except BadData as error:
                if answer == "translation" and name in asked:
                    raise
                found.warnings.append(f"Left out: {name} of {answer}. {error}")
                continue
            for value in values if answer != "real" else of_halves(values):
                found.scores.append(described(value, answer, crowd, against, extractor))
                found.methods += [value.method] if value.method else []
    if "mmd" in chosen:
        found.sections.append(two_sample_section(crowds, reals, others, half, seed))
    if "fid" in chosen and (n := min(len(crowds["translation"].units), len(reals.units))) < ENOUGH:
        found.warnings.append(
            f"FID is biased upwards with {n:,} pictures (below {ENOUGH:,}) and compares only with "
            "scores of as many; read KID, which is not."
        )
    return found


def of_halves(values: list[Estimate]) -> list[Estimate]:
    """Real against real is halves already: a biased score compares with that of halves alone."""
    if len(values) == 2 and values[1].key.endswith("_halves"):
        return [replace(values[1], value=values[0].value, n=0, m=0)]
    return values


def crowds_of(
    answers: Answers,
    extractor: Extractor,
    folder: Path,
    hashes: Sequence[dict[str, str]],
    bar: Bar | None,
) -> dict[Answer, Crowd]:
    """Features of the translations, of the inputs if there are any, and of the real pictures."""
    known_hashes = list(hashes) or [{}] * len(answers)
    sides = ["fake", *(["source"] if "source" in answers.pictures(0) else [])]
    crowds: dict[Answer, Crowd] = {}
    for side in sides:
        reads = [partial(side_of, answers, index, side) for index in range(len(answers))]
        names = [each.get(side) for each in known_hashes]
        units = [unit_of(row, "source", answers.paired) for row in answers.rows]
        answer: Answer = "translation" if side == "fake" else "input"
        crowds[answer] = crowd(reads, names, units, extractor, folder, bar)
    reals = [partial(answers.real, index) for index in range(len(answers.reals))]
    same = answers.paired and len(answers.reals) == len(answers)
    names = [each.get("target") for each in known_hashes] if same else [None] * len(reals)
    units = [unit_of(row, "target", answers.paired) for row in answers.reals]
    crowds["real"] = crowd(reals, names, units, extractor, folder, bar)
    return crowds


def crowd(
    reads: Sequence[Callable[[], Pixels]],
    hashes: Sequence[str | None],
    units: Sequence[Hashable],
    extractor: Extractor,
    folder: Path,
    bar: Bar | None,
) -> Crowd:
    """One set, without the pictures that have no features."""
    features, have = stacked(features_of(reads, hashes, extractor, folder, bar=bar))
    kept = [unit for unit, keep in zip(units, have, strict=True) if keep]
    return Crowd(features, kept, missing=int((~have).sum()))


def side_of(answers: Answers, index: int, side: str) -> Pixels:
    """One picture of one side."""
    return answers.pictures(index)[side]


def unit_of(row: Row, side: str, paired: bool) -> Hashable:
    """Who is in a picture: its subject, else its name, which in unpaired data each side has."""
    if row.get("subject") is not None:
        return ("subject", str(row["subject"]))
    return ("pair" if paired else side, str(row["name"]))


def described(
    value: Estimate, answer: Answer, crowd: Crowd, against: Crowd, extractor: Extractor
) -> Score:
    """A score with the name that this network allows it."""
    standard = extractor.name == STANDARD
    card = metrics.card(value.name)
    title = NAMES.get(value.name, card.title) if not standard else card.title
    title += value.words
    bare = standard and value.name in NAMES
    counts = f"{value.n or len(crowd.units):,} against {value.m or len(against.units):,} pictures"
    return Score(
        metric=value.key if standard else f"{value.key}_{extractor.name}",
        answer=answer,
        question="domain",
        value=value.value,
        low=known(value.low),
        high=known(value.high),
        n=value.n or len(crowd.units),
        missing=crowd.missing,
        why="no face found" if crowd.missing else "",
        better=card.better,
        title=title if bare else f"{title} ({extractor.title})",
        unit=card.unit,
        protocol=f"{value.protocol or card.protocol}; {extractor.protocol}; {counts}",
        network=f"{extractor.title} {extractor.sha256[:12]}",
    )


def two_sample_section(
    crowds: dict[Answer, Crowd], reals: Crowd, others: Crowd, half: set[Hashable], seed: int
) -> Section:
    """The permutation test: p-values of "from one distribution", pictures of other persons."""
    rows: list[list[str | float | None]] = []
    for answer, crowd in crowds.items():
        against = others if answer == "real" else reals
        try:
            p, n, m = two_sample_p(crowd, against, half, seed=seed)
        except BadData:
            p, n, m = None, 0, 0
        rows.append([answer, "real", p, n, m])
    return Section(
        key="two_sample",
        title="Could the sets come from one distribution?",
        note="Permutation test of the unbiased MMD², 1000 mixtures, one picture per person and no "
        "person on both sides. A small p says that the sets differ, not how much; a large one that "
        "so few pictures do not show it.",
        head=["set", "against", "p", "pictures", "real pictures"],
        rows=rows,
    )

"""Paired tests between models on the same pictures, corrected for how many they are.

Every pair of models is tested in every metric by flipping signs of paired differences. The p-values
of all these tests together are corrected by Holm, so that a large table finds nothing by chance.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from portrayal.evaluation.comparison.shared import Scored, number
from portrayal.evaluation.summary import clusters_of, known
from portrayal.metrics.statistics import bootstrap_difference, holm, permutation_test
from portrayal.reports.comparison import LEVEL, Difference, Row, letters


@dataclass(frozen=True)
class Pending:
    """One test that was made and waits for the correction over all of them."""

    row: int
    first: str
    second: str
    value: float
    low: float | None
    high: float | None
    n: int
    p: float


def how_many(rows: Sequence[Row], scored: Sequence[Scored]) -> int:
    """Tests to make, which the correction is over."""
    return sum(len(list(combinations(row.cells, 2))) for row in rows if tested(row, scored))


def enough(draws: int, tests: int) -> int:
    """Sign flips with which the smallest possible p-value can pass the correction."""
    return max(draws, round(2 / LEVEL) * tests)


def values_of(each: Scored, row: Row, name: str) -> float | None:
    """The score of one picture in this row, if it has one."""
    scores = each.pictures[name].get("scores" if row.question == "fidelity" else row.question)
    return number(scores, row.metric)


def tested(row: Row, scored: Sequence[Scored]) -> bool:
    """Whether single pictures have scores that can be paired; those of whole sets have none."""
    holders = [each for each in scored if each.name in row.cells]
    return len(holders) > 1 and all(
        any(values_of(each, row, name) is not None for name in each.pictures) for each in holders
    )


def all_tests(
    rows: Sequence[Row],
    scored: Sequence[Scored],
    names: Sequence[str],
    seed: int,
    draws: int,
    advance: Callable[[int], None],
) -> Iterator[Pending]:
    """Every pair of models in every row, on the pictures for which both have a value."""
    every: Any = clusters_of([scored[0].pictures[name] for name in names])
    clusters: list[Hashable] = every or [None] * len(names)
    for place, row in enumerate(rows):
        if not tested(row, scored):
            continue
        columns = {
            each.name: [values_of(each, row, name) for name in names]
            for each in scored
            if each.name in row.cells
        }
        for one, other in combinations(columns, 2):
            both = [
                (a, b, c)
                for a, b, c in zip(columns[one], columns[other], clusters, strict=True)
                if a is not None and b is not None
            ]
            if both:
                yield pending(place, one, other, both, seed, draws)
            advance(1)


def pending(
    place: int,
    one: str,
    other: str,
    both: Sequence[tuple[float, float, Hashable]],
    seed: int,
    draws: int,
) -> Pending:
    """One test: the mean difference, its interval, and p before the correction."""
    a, b, clusters = zip(*both, strict=True)
    interval = bootstrap_difference(a, b, clusters=clusters, seed=seed)
    p = permutation_test(a, b, clusters=clusters, draws=draws, seed=seed)
    low, high = known(interval.low), known(interval.high)
    return Pending(place, one, other, interval.value, low, high, len(both), p)


def with_differences(
    rows: Sequence[Row], tests: Sequence[Pending], scored: Sequence[Scored]
) -> list[Row]:
    """The rows with corrected differences and letters."""
    corrected = holm([test.p for test in tests]).tolist() if tests else []
    by_row: dict[int, list[Difference]] = {}
    for test, p in zip(tests, corrected, strict=True):
        facts = {k: v for k, v in vars(test).items() if k != "row"}
        by_row.setdefault(test.row, []).append(Difference(**facts, corrected=p))
    done = []
    for place, row in enumerate(rows):
        found = by_row.get(place, [])
        apart = [(d.first, d.second) for d in found if d.holds]
        whole = len(found) == len(row.cells) * (len(row.cells) - 1) // 2
        news: dict[str, Any] = {
            "differences": found,
            "letters": letters(row.best(), apart) if found and whole else {},
            "untested": "" if found else untested(row),
        }
        done.append(row.model_copy(update=news))
    return done


def untested(row: Row) -> str:
    """Why a row has no differences."""
    if len(row.cells) < 2:
        return "scored for one model only"
    return "a score of the whole set: compare the intervals"

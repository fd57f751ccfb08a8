"""Several scored runs beside each other: one table, with what is known of each model."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from portrayal import __version__
from portrayal.core.environment import command, commit, machine, now
from portrayal.core.errors import BadData, BadOption, UnknownName
from portrayal.evaluation.comparison.differences import (
    all_tests,
    enough,
    how_many,
    with_differences,
)
from portrayal.evaluation.comparison.shared import Scored, common_pictures, restricted, unique_names
from portrayal.evaluation.progress import Bar
from portrayal.reports.collect import collect
from portrayal.reports.comparison import LEVEL, Comparison, Cost, Model, Row
from portrayal.reports.results import Score

DRAWS = 10_000
Key = tuple[str, str, str, str]  # question, metric, protocol, network


@dataclass(frozen=True)
class Plan:
    """How to compare."""

    metrics: Sequence[str] | None = None  # None: all that were scored
    shared_only: bool = False  # restrict to the pictures that all runs were scored on
    seed: int = 0
    draws: int = DRAWS


def compare(
    folders: Sequence[Path],
    plan: Plan = Plan(),
    *,
    cost: Callable[[Path], Cost] | None = None,
    bar: Bar | None = None,
) -> Comparison:
    """Compare scored runs. `cost` measures what a model costs; without it only the log is read."""
    scored = read_scored(folders)
    names, warnings = common_pictures(scored, plan.shared_only)
    if any(len(names) < len(each.pictures) for each in scored):
        scored = [restricted(each, names, seed=plan.seed, draws=plan.draws) for each in scored]
        warnings.append(
            f"Only the {len(names)} pictures that all runs share are compared; scores of whole "
            "sets are left out, for they were computed on other pictures too."
        )
    rows = table(scored, plan.metrics)
    warnings += two_ways(rows)
    tests = how_many(rows, scored)
    draws = enough(plan.draws, tests)
    if tests and 2.0 ** (1 - len(names)) * tests > LEVEL:
        warnings.append(
            f"{len(names)} pictures are too few: no difference could hold after correcting for "
            f"{tests} tests."
        )
    with bar("Testing", tests, "tests") if bar else nullcontext(ignore) as advance:
        pending = list(all_tests(rows, scored, names, plan.seed, draws, advance))
    return Comparison(
        models=models(scored, cost, bar),
        rows=with_differences(rows, pending, scored),
        split=scored[0].results.split,
        data="" if len({s.identity for s in scored}) > 1 else scored[0].identity,
        names=names,
        warnings=warnings,
        test=f"paired permutation tests, {draws} sign flips, seed {plan.seed}; corrected by Holm "
        f"over {tests} tests, level {LEVEL:g}",
        tests=tests,
        interval=scored[0].results.interval,
        seed=plan.seed,
        command=command(),
        version=__version__,
        commit=commit(),
        machine=machine(),
        time=now(),
    )


def read_scored(folders: Sequence[Path]) -> list[Scored]:
    """The runs with their scores, or one line that says which were not evaluated."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise BadOption("The same run is named twice; name each once.")
    if len(folders) < 2:
        raise BadOption(f"Only {len(folders)} run is named; a comparison needs two or more.")
    runs = [collect(folder) for folder in folders]
    if without := [str(run.folder) for run in runs if run.results is None or not run.pictures]:
        raise BadData(
            f"{len(without)} of {len(runs)} runs have no readable scores yet "
            f"({', '.join(without[:8])}): portrayal evaluate {without[0]}, or add --evaluate."
        )
    names = unique_names([run.folder for run in runs])
    return [
        Scored(name, run, run.results, {row["name"]: row for row in run.pictures})
        for name, run in zip(names, runs, strict=True)
        if run.results
    ]


def table(scored: Sequence[Scored], metrics: Sequence[str] | None) -> list[Row]:
    """One row per question, metric, protocol and network, in the order of the first run."""
    everywhere = dict.fromkeys(s.metric for each in scored for s in each.results.scores)
    for name in metrics or ():
        if name not in everywhere:
            raise UnknownName("scored metric", name, everywhere)
    found: dict[Key, dict[str, Score]] = {}
    beside: dict[tuple[Key, str], Score] = {}
    for each in scored:
        for score in each.results.scores:
            key = (score.question, score.metric, score.protocol, score.network)
            if metrics and score.metric not in metrics:
                continue
            if score.answer == "translation":
                found.setdefault(key, {})[each.name] = score
            else:
                beside.setdefault((key, score.answer), score)
    return [
        Row(
            metric=key[1],
            question=first.question,
            better=first.better,
            title=first.title,
            unit=first.unit,
            protocol=first.protocol,
            network=first.network,
            cells=cells,
            input=beside.get((key, "input")),
            real=beside.get((key, "real")),
        )
        for key, cells in found.items()
        for first in [next(iter(cells.values()))]
    ]


def two_ways(rows: Sequence[Row]) -> list[str]:
    """A warning for every metric that was computed by several protocols or networks."""
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        seen[row.question, row.metric] = seen.get((row.question, row.metric), 0) + 1
    return [
        f"{metric} was computed in {count} ways, which stand in rows of their own: evaluate these "
        "runs again with one version and the same weights."
        for (_, metric), count in seen.items()
        if count > 1
    ]


def models(
    scored: Sequence[Scored], cost: Callable[[Path], Cost] | None, bar: Bar | None
) -> list[Model]:
    """The columns, with what is known of each run."""
    showing = bar("Measuring cost", len(scored), "models") if bar and cost else nullcontext(ignore)
    with showing as advance:
        done = []
        for each in scored:
            done.append(each.model(cost))
            advance(1)
    return done


def ignore(amount: int = 1) -> None:
    """Progress that nobody looks at."""

"""Optuna proposes the settings of a trial from the validation scores of those before it.

A proposal is a function of (seed, number, scores so far): a sweep that was stopped and started
again goes through the finished trials, which are read and not repeated, and then proposes what it
would have proposed. No database is needed, and none can disagree with the runs.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Literal

from portrayal.core.errors import BadOption, MissingPart
from portrayal.core.seeds import mix
from portrayal.evaluation.search.grid import Space, Varied

Propose = Callable[[int, Sequence[float | None]], dict[str, str]]
DIGITS = 3  # of a drawn number: names stay readable


def proposer(
    space: Space,
    better: Literal["higher", "lower"],
    *,
    seed: int = 0,
    package: str = "optuna",
) -> Propose:
    """A function (number, scores of all trials before) -> values; a score of None failed."""
    optuna = optional(package)
    if not space.varied:
        raise BadOption("Nothing to tune; write --vary name=v1,v2 or --vary name=low..high.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {each.name: distribution(optuna, each) for each in space.varied}
    history: list[dict[str, Any]] = []

    def propose(number: int, scores: Sequence[float | None]) -> dict[str, str]:
        sampler = optuna.samplers.TPESampler(seed=mix(seed, "tune", number) % 2**32)
        direction = "maximize" if better == "higher" else "minimize"
        study = optuna.create_study(sampler=sampler, direction=direction)
        for params, score in zip(history, scores, strict=True):
            states = optuna.trial.TrialState
            state = states.FAIL if score is None else states.COMPLETE
            study.add_trial(
                optuna.trial.create_trial(
                    params=params, distributions=distributions, value=score, state=state
                )
            )
        params = study.ask(distributions).params
        history.append({each.name: rounded(each, params[each.name]) for each in space.varied})
        return {name: str(value) for name, value in history[-1].items()}

    return propose


def optional(package: str) -> Any:
    """An optional package, or one line with the way to get it."""
    try:
        return import_module(package)
    except ImportError:
        raise MissingPart(
            f"--tune needs {package}, which is not installed: pip install 'portrayal[tune]'."
        ) from None


def distribution(optuna: Any, varied: Varied) -> Any:
    """What Optuna may choose from."""
    if varied.span is None:
        return optuna.distributions.CategoricalDistribution(varied.values)
    low, high = varied.span
    if varied.whole:
        log = varied.logarithmic
        return optuna.distributions.IntDistribution(round(low), round(high), log=log)
    return optuna.distributions.FloatDistribution(low, high, log=varied.logarithmic)


def rounded(varied: Varied, value: Any) -> Any:
    """A drawn number with few digits, still inside its range."""
    if varied.span is None or isinstance(value, int):
        return value
    low, high = varied.span
    return min(high, max(low, float(f"{value:.{DIGITS}g}")))

"""The page of a sweep: trials by validation score, and each score against every varied setting."""

from pathlib import Path
from typing import Any

from portrayal.core.runs import write_atomically, write_json
from portrayal.reports.collect import collect
from portrayal.reports.curves import ARROWS
from portrayal.reports.pages import templates
from portrayal.reports.score_tables import QuestionTable, questions
from portrayal.reports.sweep_plots import parallel, scatter, trade_off
from portrayal.reports.sweep_scores import (
    columns,
    leading,
    protocols,
    series_of,
    spread_digits,
)
from portrayal.reports.sweeping import Sweep, results_of_test


def write_sweep(out: Path, sweep: Sweep) -> Path:
    """Write sweep.json and sweep.html. Returns the page."""
    write_json(out / "sweep.json", sweep.model_dump())
    write_atomically(out / "sweep.html", page(sweep, out))
    return out / "sweep.html"


def page(sweep: Sweep, out: Path) -> str:
    """The whole page as a string."""
    scores = [trial.score for trial in sweep.trials if trial.score is not None]
    best, series = sweep.best, series_of(sweep)
    first = leading(sweep, series)
    several = len(scores) > 1 and len(sweep.varied) > 1
    content: dict[str, Any] = {
        "sweep": sweep,
        "name": out.resolve().name,
        "ranked": sweep.ranked(),
        "best": best,
        "digits": spread_digits(scores),
        "columns": columns(sweep),
        "protocols": protocols(sweep),
        "scatters": [scatter(sweep, each, v.name) for v in sweep.varied for each in series],
        "trade_off": trade_off(sweep, *series[:2]) if len(series) > 1 else None,
        "parallel": parallel(sweep, first) if several and first else None,
        "arrow": ARROWS[sweep.better],
        "tested": [trial.name for trial in sweep.trials if trial.tested],
        "test": tested_table(out / best.name) if best and best.tested else [],
        "done": sum(trial.state in ("finished", "failed") for trial in sweep.trials),
    }
    return templates().get_template("sweep.html").render(**content)


def tested_table(folder: Path) -> list[QuestionTable]:
    """Test scores of the chosen trial."""
    return questions(collect(folder)) if results_of_test(folder) else []

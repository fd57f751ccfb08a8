"""`portrayal sweep`: many runs of one recipe, compared on validation."""

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.options import With

if TYPE_CHECKING:
    from portrayal.evaluation.search.grid import Space
    from portrayal.evaluation.search.sweep import Aim, Propose, Train
    from portrayal.reports.sweeping import Sweep

TRIALS = 20  # of a tuner


Vary = Annotated[
    list[str] | None,
    typer.Option(help="Values, first:last for a pair. E.g. --vary l1=100,10,100:10"),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Fixed, as in train; or v1,v2. E.g. --set width=16,32"),
]
Tune = Annotated[
    str | None,
    typer.Option(metavar="METRIC", help="Let Optuna choose the values. E.g. --tune ssim"),
]
Trials = Annotated[
    int | None, typer.Option(min=1, help="Of --tune; 20 if not given. E.g. --trials 40")
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Validation score that orders the table; none: ssim, or the first --score. "
        "E.g. --metric l1"
    ),
]
Scores = Annotated[
    list[str] | None,
    typer.Option(
        "--score",
        metavar="METRIC",
        help="Compute it on validation after each training; may be repeated. E.g. --score kid",
    ),
]
Recipe = Annotated[str, typer.Argument(help="Method of the catalogue. E.g. pix2pix")]
Data = Annotated[Path, typer.Argument(help="Dataset folder. E.g. datasets/faces")]
Out = Annotated[Path, typer.Option(help="Folder of the trials. E.g. --out sweeps/faces")]
PresetName = Annotated[str, typer.Option(help="Named choices. E.g. --preset quick_128")]
EvaluateBest = Annotated[
    bool, typer.Option("--evaluate-best", help="Test the best one. E.g. --evaluate-best")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="List the trials, train nothing. E.g. --dry-run")
]


def sweep(
    recipe: Recipe,
    data: Data,
    out: Out,
    preset: PresetName = "paper",
    vary: Vary = None,
    overrides: Overrides = None,
    tune: Tune = None,
    trials: Trials = None,
    metric: Metric = None,
    score: Scores = None,
    evaluate_best: EvaluateBest = False,
    seed: Annotated[int, typer.Option(help="Of --tune. E.g. --seed 1")] = 0,
    dry_run: DryRun = False,
    with_files: With = None,
) -> None:
    """Train a recipe with many settings and compare them on validation.

    --vary name=v1,v2,v3 lists values; inside a value a colon makes the pair of a line, 100:10.
    With --tune METRIC Optuna proposes them, also from a range: --vary learning_rate=1e-5..1e-2.
    Each trial is an ordinary run, OUT/l1=10,width=32. The same command goes on after a stop. The
    test split is never touched, except with --evaluate-best, by the best trial alone.

    Training itself scores pairs only. Any other score, and all of unpaired data, are computed once
    when a trial is trained: --score. Metrics of pictures then compare with the truth, or with the
    input where there are no pairs; kid, one_nn and their kin compare sets.

    Example: portrayal sweep pix2pix datasets/faces --out sweeps/l1 --vary l1=100,10 --set epochs=20
    """
    from functools import partial

    from portrayal.cli.progress import bar, say, warn
    from portrayal.data.dataset import Dataset
    from portrayal.evaluation.search.grid import space
    from portrayal.evaluation.search.scoring import judge
    from portrayal.evaluation.search.sweep import Watch, aim_of
    from portrayal.evaluation.search.sweep import sweep as swept

    made = space(recipe, preset, overrides or [], vary or [])
    dataset = Dataset(data)
    aim = aim_of(dataset, tune or metric, score or ())
    count, propose = proposals(made, aim, tune is not None, trials, seed)
    if dry_run:
        names = [] if tune else [made.name(propose(n, [])) for n in range(count)]
        steps = steps_text(made, dataset.split("train").epoch(), tune is None)
        say("\n".join([*names, f"{count} trials, {steps}"]))
        return
    done = swept(
        out,
        made,
        dataset,
        aim,
        count=count,
        propose=propose,
        train=trainer(recipe, data, preset, with_files or []),
        judge=partial(judge, names=aim.scores, dataset=dataset, bar=bar, note=warn),
        watch=Watch(announcer(count), warn),
        tuned=tune is not None,
    )
    if evaluate_best:
        done = evaluate_chosen(done, out)
    show(done)
    say(f"Wrote {out}/sweep.html: open it in a browser")


def proposals(
    made: "Space", aim: "Aim", tuned: bool, trials: int | None, seed: int
) -> "tuple[int, Propose]":
    """How many trials, and what each tries."""
    from portrayal.core.errors import BadOption
    from portrayal.evaluation.search.grid import each_alone, grid
    from portrayal.evaluation.search.scoring import check_judges

    if tuned:
        from portrayal.evaluation.search.tuning import proposer

        check_judges(aim.scores, each_alone(made))
        return trials or TRIALS, proposer(made, aim.better, seed=seed)
    if trials is not None:
        raise BadOption("--trials is for --tune METRIC; a grid has as many trials as combinations.")
    combinations = grid(made)
    check_judges(aim.scores, (made.chosen(values)[0] for values in combinations))
    return len(combinations), lambda number, scores: combinations[number]


def steps_text(made: "Space", pictures: int, known: bool) -> str:
    """How long all of it is, where every trial is known."""
    from portrayal.evaluation.search.grid import grid

    if not known:
        return "chosen one after the other"
    steps = sum(made.chosen(values)[1].total_steps(pictures) for values in grid(made))
    return f"{steps:,} steps in all"


def trainer(recipe: str, data: Path, preset: str, with_files: list[Path]) -> "Train":
    """Train one trial by the code of `portrayal train`, recorded as the command it stands for."""
    from portrayal.cli.demo import typed
    from portrayal.cli.train import train

    def one(folder: Path, overrides: list[str]) -> None:
        chosen = [word for override in overrides for word in ("--set", override)]
        extra = [word for path in with_files for word in ("--with", str(path))]
        words = ["train", recipe, str(data), "--out", str(folder), "--preset", preset, *chosen]
        with typed([*words, *extra]), redirect_stdout(StringIO()):
            train(recipe, data, folder, preset, overrides)

    return one


def announcer(count: int) -> Callable[[int, str, str], None]:
    """A bar over the trials, one line before each: it stays while the trial's own bar runs."""
    import time

    from portrayal.cli.progress import clock_time, say

    state = {"begun": 0.0, "trained": 0}

    def begin(number: int, name: str, status: str) -> None:
        width = 20
        filled = width * number // count
        left = ""
        if status in ("waiting", "begun"):
            now = time.monotonic()
            if state["trained"]:
                pace = (now - state["begun"]) / state["trained"]
                left = f", about {clock_time(pace * (count - number))} left"
            else:
                state["begun"] = now
            state["trained"] += 1
        word = {"finished": ", is finished", "failed": ", has failed", "begun": ", goes on"}
        drawn = "█" * filled + "░" * (width - filled)
        say(f"{drawn} trial {number + 1} of {count}: {name}{word.get(status, '')}{left}")

    return begin


def evaluate_chosen(done: "Sweep", out: Path) -> "Sweep":
    """Score the chosen trial, and only that, on the test split."""
    from portrayal.cli.progress import bar, warn
    from portrayal.core.errors import BadData
    from portrayal.evaluation.evaluate import Request, evaluate_run
    from portrayal.evaluation.search.sweep import read_again
    from portrayal.reports.sweep_page import write_sweep

    best = done.best
    if best is None:
        raise BadData("No trial was scored on validation, so there is none to test.")
    checkpoint = "newest" if done.scores else f"best_{done.metric}"
    request = Request(done.scores or None)
    evaluate_run(out / best.name, request, checkpoint=checkpoint, bar=bar, note=warn)
    trials = [read_again(out, done, trial.name, trial.values) for trial in done.trials]
    done = done.model_copy(update={"trials": trials})
    write_sweep(out, done)
    return done


def show(done: "Sweep") -> None:
    """The trials from best to worst."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from portrayal.reports.sweep_scores import columns

    arrow = "↑" if done.better == "higher" else "↓"
    table = Table(box=box.SIMPLE, caption=f"Validation, ordered by {done.metric} {arrow}")
    table.add_column("trial", overflow="fold")
    for column in columns(done):
        table.add_column(escape(column.title), justify="right")
    for trial in done.ranked():
        failed = f" ({trial.state})" if trial.state != "finished" else ""
        cells = [column.text(trial) for column in columns(done)]
        lines = [cell.replace(" [", "\n[").replace("] n", "]\nn") for cell in cells]
        table.add_row(escape(trial.name + failed), *map(escape, lines))
    Console().print(table)
    tested = [trial.name for trial in done.trials if trial.tested]
    touched = f"Tested: {', '.join(tested)}." if tested else "The test split was not touched."
    best = done.best
    typer.echo(f"Best on validation: {best.name}. {touched}" if best else touched)

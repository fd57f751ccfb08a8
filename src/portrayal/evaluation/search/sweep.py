"""Many runs of one recipe, with settings from a grid or from a tuner, chosen on validation only.

Every trial is an ordinary run folder. What is finished, failed or waiting is read from the folders
alone, so that a sweep can be stopped, killed and started again at any moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from portrayal import __version__
from portrayal.core.environment import command, commit
from portrayal.core.errors import BadData, BadOption, Interrupted, NotFinite, UnknownName
from portrayal.core.runs import read_json, write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.scorer import choose_metrics
from portrayal.evaluation.search.grid import Space
from portrayal.metrics import metrics
from portrayal.reports.results import Better
from portrayal.reports.sweeping import FAILED, Sweep, Trial, Variable, read_trial, write_sweep
from portrayal.training.run import refuse_changes

Propose = Callable[[int, Sequence[float | None]], dict[str, str]]
Train = Callable[[Path, list[str]], None]  # run folder, overrides
MISTAKES = (NotFinite, BadOption)  # of one trial, which others need not share


@dataclass(frozen=True)
class Aim:
    """What the validation has to say."""

    metric: str
    better: Better


@dataclass(frozen=True)
class Watch:
    """Who looks on."""

    begin: Callable[[int, str, str], None] = lambda number, name, state: None
    note: Callable[[str], None] = lambda text: None


def aim_of(dataset: Dataset, metric: str) -> Aim:
    """The metric to choose by, refused if validation during training does not compute it."""
    split = dataset.split("val")
    if not split.paired:
        raise BadData(
            f"The validation split of {dataset.folder} has no pairs, so that training computes no "
            "scores to choose by; prepare paired validation pictures."
        )
    known = choose_metrics(None, (row.get("class") for row in split.rows()))
    if metric not in known:
        raise UnknownName("validation score", metric, known)
    return Aim(metric, metrics.card(metric).better)


def sweep(
    out: Path,
    space: Space,
    dataset: Dataset,
    aim: Aim,
    *,
    count: int,
    propose: Propose,
    train: Train,
    watch: Watch = Watch(),
    tuned: bool = False,
) -> Sweep:
    """Train `count` trials in `out`, those that are finished excepted. Goes on after failures.

    `propose(number, scores)` names the values of a trial, given the scores of all before it.
    """
    check_place(out, dataset)
    made = Sweep(
        recipe=space.recipe,
        preset=space.preset,
        fixed=list(space.fixed),
        varied=[Variable(name=v.name, values=list(v.values), span=v.span) for v in space.varied],
        metric=aim.metric,
        better=aim.better,
        tuned=tuned,
        count=count,
        data={"path": str(dataset.folder), "sha256": dataset.identity},
        command=command(),
        version=__version__,
        commit=commit(),
    )
    trials: list[Trial] = []
    try:
        for number in range(count):
            values = propose(number, [trial.score for trial in trials])
            name = space.name(values)
            trial = read_trial(out, name, values, aim.metric, aim.better)
            watch.begin(number, name, trial.state)
            if trial.state == "finished":
                check_same(out / name, space, values, dataset)
            elif trial.state != "failed":
                attempt(train, out / name, space.overrides(values), watch)
                trial = read_trial(out, name, values, aim.metric, aim.better)
            trials.append(trial)
            made = made.model_copy(update={"trials": distinct(trials)})
            write_sweep(out, made)
    except Interrupted as stop:
        raise Interrupted(stopped(str(stop), len(trials), count), stop.code) from None
    except KeyboardInterrupt:
        raise Interrupted(stopped("Stopped.", len(trials), count), 130) from None
    return made


def attempt(train: Train, folder: Path, overrides: list[str], watch: Watch) -> None:
    """Train one trial; a mistake of its own settings is written down, not raised."""
    from torch import OutOfMemoryError

    try:
        train(folder, overrides)
    except MISTAKES as error:
        reason = str(error)
    except OutOfMemoryError as error:
        reason = f"not enough memory on the device ({str(error).splitlines()[0][:200]})"
    else:
        return
    write_json(folder / FAILED, {"reason": reason})
    watch.note(f"{folder.name} failed, the sweep goes on: {reason}")


def check_place(out: Path, dataset: Dataset) -> None:
    """Refuse a folder that is a run, or a sweep over other data."""
    if (out / "config.json").exists():
        raise BadOption(f"{out} is a run; a sweep needs a folder of its own: choose another --out.")
    if not (out / "sweep.json").exists():
        return
    before = read_json(out / "sweep.json").get("data")
    known = before.get("sha256") if isinstance(before, dict) else None
    if known not in (None, dataset.identity):
        raise BadData(
            f"{out} is a sweep on other data ({str(known)[:12]}, now {dataset.identity[:12]}). "
            "Use the same data to go on, or another --out."
        )


def check_same(folder: Path, space: Space, values: dict[str, str], dataset: Dataset) -> None:
    """Refuse a finished trial of the same name that was trained with other fixed settings."""
    config, settings = space.chosen(values)
    new = {
        "recipe": space.recipe,
        "config": config.model_dump(),
        "settings": settings.model_dump(),
        "data": dataset.summary(),
    }
    refuse_changes(folder, read_json(folder / "config.json"), new)


def distinct(trials: Sequence[Trial]) -> list[Trial]:
    """Every run once: a tuner may propose the same settings again."""
    return list({trial.name: trial for trial in trials}.values())


def stopped(what: str, done: int, count: int) -> str:
    """What to tell who stopped a sweep."""
    return f"{what} {done} of {count} trials of the sweep are done; the same sweep goes on."

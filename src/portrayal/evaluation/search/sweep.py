"""Many runs of one recipe, with settings from a grid or from a tuner, chosen on validation only.

Every trial is an ordinary run folder. What is finished, failed or waiting is read from the folders
alone, so that a sweep can be stopped, killed and started again at any moment. What orders them is
computed during training, from pairs, or once after it (scoring.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portrayal import __version__
from portrayal.core.environment import command, commit
from portrayal.core.errors import BadData, BadOption, Interrupted, NotFinite, UnknownName
from portrayal.core.leftovers import clear_leftovers
from portrayal.core.runs import read_json, write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.scorer import choose_metrics
from portrayal.evaluation.search.grid import Space
from portrayal.evaluation.search.scoring import check_scores
from portrayal.metrics import metrics
from portrayal.reports.results import Better
from portrayal.reports.sweep_page import write_sweep
from portrayal.reports.sweeping import (
    FAILED,
    Sweep,
    Trial,
    Variable,
    read_trial,
    state_of,
)
from portrayal.training.run import refuse_changes

Propose = Callable[[int, Sequence[float | None]], dict[str, str]]
Train = Callable[[Path, list[str]], None]  # run folder, overrides
Judge = Callable[[Path], None]  # of a run folder: scores it, unless it has its scores
USUAL = "ssim"  # orders the trials if nothing else is asked for
MISTAKES = (NotFinite, BadOption)  # of one trial, which others need not share


@dataclass(frozen=True)
class Aim:
    """What the validation has to say."""

    metric: str
    better: Better
    scores: tuple[str, ...] = ()  # computed after each training; none: those computed during it


@dataclass(frozen=True)
class Watch:
    """Who looks on."""

    begin: Callable[[int, str, str], None] = lambda number, name, state: None
    note: Callable[[str], None] = lambda text: None


def aim_of(dataset: Dataset, metric: str | None, scores: Sequence[str] = ()) -> Aim:
    """The metric to choose by, refused if nothing will compute it.

    With `scores`, which are computed after each training, it is one of them: the first, if none is
    named.
    """
    if scores:
        check_scores(scores, dataset)
        if metric is not None and metric not in scores:
            raise BadOption(
                f"The trials cannot be ordered by {metric}, which is not among the scores asked "
                f"for ({', '.join(scores)}); add --score {metric}."
            )
        chosen = metric or scores[0]
        return Aim(chosen, metrics.card(chosen).better, tuple(dict.fromkeys(scores)))
    split = dataset.split("val")
    if not split.paired:
        raise BadData(
            f"The validation split of {dataset.folder} has no pairs, so that training computes no "
            "scores to choose by; say what to compute after it: --score ssim --score kid."
        )
    known = choose_metrics(None, (row.get("class") for row in split.rows()))
    metric = metric or USUAL
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
    judge: Judge | None = None,
    watch: Watch = Watch(),
    tuned: bool = False,
) -> Sweep:
    """Train `count` trials in `out`, those that are finished excepted. Goes on after failures.

    `propose(number, scores)` names the values of a trial, given the scores of all before it;
    `judge` computes the scores of a trained one, if the aim asks for such.
    """
    check_place(out, dataset)
    made = planned(space, dataset, aim, count=count, tuned=tuned)
    trials: list[Trial] = []
    clear_leftovers(out)
    try:
        for number in range(count):
            values = propose(number, [trial.score for trial in trials])
            name = space.name(values)
            state = read_again(out, made, name, values).state
            clear_leftovers(out / name)
            watch.begin(number, name, state)
            if state == "finished":
                check_same(out / name, space, values, dataset)
            elif state != "failed":
                attempt(train, out / name, space.overrides(values), watch)
            if judge and aim.scores and state_of(out / name) == "finished":
                judge(out / name)
            trials.append(read_again(out, made, name, values))
            made = made.model_copy(update={"trials": distinct(trials)})
            write_sweep(out, made)
    except Interrupted as stop:
        raise Interrupted(stopped(str(stop), len(trials), count), stop.code) from None
    except KeyboardInterrupt:
        raise Interrupted(stopped("Stopped.", len(trials), count), 130) from None
    return made


def planned(space: Space, dataset: Dataset, aim: Aim, *, count: int, tuned: bool) -> Sweep:
    """The sweep before its first trial."""
    return Sweep(
        recipe=space.recipe,
        preset=space.preset,
        fixed=list(space.fixed),
        varied=[Variable(name=v.name, values=list(v.values), span=v.span) for v in space.varied],
        metric=aim.metric,
        better=aim.better,
        scores=list(aim.scores),
        tuned=tuned,
        count=count,
        data={"path": str(dataset.folder), "sha256": dataset.identity},
        command=command(),
        version=__version__,
        commit=commit(),
    )


def read_again(out: Path, made: Sweep, name: str, values: Mapping[str, str]) -> Trial:
    """A trial as it stands now."""
    return read_trial(out, name, values, made.metric, made.better, made.scores)


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

"""What a sweep asks of every trained trial, on validation pictures: TRIAL/validation.json.

Training computes scores of pairs while it goes on; these are computed once, of the final weights,
and so may compare sets, persons, or unpaired pictures with their own inputs. The test split, and
the run's own results.json, stay untouched.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel

from portrayal.core.errors import BadData, BadOption
from portrayal.core.palette import CLASS_COLOURS
from portrayal.core.runs import write_json
from portrayal.data.dataset import Dataset
from portrayal.data.domains import SIDES
from portrayal.evaluation.choice import check_names
from portrayal.evaluation.evaluate import Request, measure_run, require_several
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.sets.networks import USUAL, choose_extractor, is_here
from portrayal.metrics import metrics
from portrayal.metrics.judges import refuse_trained_judge
from portrayal.reports.sweeping import VALIDATION, Validation, read_validation

SPLIT = "val"


def check_scores(names: Sequence[str], dataset: Dataset) -> None:
    """Refuse, before any training, what could not be computed after it."""
    check_names(names)
    split = dataset.split(SPLIT)
    for side in SIDES:
        require_several(len(split.domain(side)), f"The {SPLIT} split of {dataset.folder}")
    for name in names:
        if metrics.card(name).needs == "classes" and not has_classes(dataset):
            raise BadOption(
                f"--score {name} needs pairs with a known class each, which {dataset.folder} does "
                "not have; ask for another score."
            )
    if network_of(names) is None and (of_sets := sets_of(names)):
        notes: list[str] = []
        choose_extractor(None, notes.append)
        raise BadOption(f"--score {of_sets[0]} needs a feature network. {notes[-1]}")


def has_classes(dataset: Dataset) -> bool:
    """Whether each pair of the validation split has a class that has a colour."""
    split = dataset.split(SPLIT)
    return split.paired and all(row.get("class") in CLASS_COLOURS for row in split.rows())


def sets_of(names: Iterable[str]) -> list[str]:
    """Those that compare sets of pictures."""
    return [name for name in names if metrics.card(name).needs == "sets"]


def network_of(names: Iterable[str]) -> str | None:
    """The feature network that the scores of sets would be computed with now."""
    return next((each for each in USUAL if is_here(each)), None) if sets_of(names) else None


def check_judges(names: Sequence[str], configs: Iterable[BaseModel]) -> None:
    """Refuse a judge that some trial would be trained to please."""
    for config in configs:
        for name in names:
            refuse_trained_judge({"config": config.model_dump()}, name)


def judge(
    folder: Path,
    names: Sequence[str],
    dataset: Dataset,
    *,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> None:
    """Score a finished trial and write it down, unless that was done before."""
    features = network_of(names)
    if is_judged(read_validation(folder), names, dataset, features):
        return
    request = Request(names, features=features)
    found = measure_run(folder, request, split=SPLIT, data=dataset.folder, bar=bar, note=note)
    model = found.model("newest", reverse=False)
    if not isinstance(model["step"], int):
        raise BadData(f"{folder} does not say at which step it is; train it again.")
    for warning in found.measured.warnings:
        note(warning)
    validation = Validation(
        step=model["step"],
        model=model["hash"],
        data=dataset.identity,
        features=features,
        scores=found.measured.scores,
        interval=found.measured.interval,
        warnings=found.measured.warnings,
    )
    write_json(folder / VALIDATION, validation.model_dump())


def is_judged(
    known: Validation | None, names: Sequence[str], dataset: Dataset, features: str | None
) -> bool:
    """Whether all that is asked for is known, of these data and by this network."""
    return (
        known is not None
        and known.data == dataset.identity
        and (features is None or known.features == features)
        and all(known.score(name) for name in names)
    )

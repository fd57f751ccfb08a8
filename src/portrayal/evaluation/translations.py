"""Translations of a split, beside the run that made them: run/translations/SPLIT/NAME.png."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from portrayal.core.errors import BadData
from portrayal.core.runs import dataset_places
from portrayal.data.dataset import Dataset, Split
from portrayal.evaluation.progress import Bar, opened
from portrayal.inference.files import translate_files
from portrayal.inference.jobs import Job
from portrayal.inference.load import Translator

Row = dict[str, Any]


def dataset_of(
    run: Path, config: Mapping[str, Any], data: Path | None, note: Callable[[str], None]
) -> Dataset:
    """The dataset a run was trained on, or `data`; says so when it is not the same any more."""
    known = config.get("data", {})
    places = [data] if data else dataset_places(run, known)
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        place = places[0] if places else "its place"
        raise BadData(
            f"The dataset of {run} is not at {place} any more. Say where it is: --data FOLDER."
        )
    dataset = Dataset(folder)
    if known.get("sha256") not in (None, dataset.identity):
        note(f"{folder} is not the dataset that {run} was trained on: its identity differs.")
    return dataset


def translate_split(
    run: Path,
    split: str,
    pairs: Split,
    rows: Sequence[Row],
    translator: Translator,
    bar: Bar | None,
) -> list[str]:
    """Write the translations that are not there yet. Returns their paths below the run."""
    names = [f"translations/{split}/{safe_name(row['name'])}.png" for row in rows]
    jobs = [
        Job(pairs.folder / row["source_file_name"], run / name, row["name"])
        for row, name in zip(rows, names, strict=True)
    ]
    failed = []
    with opened(bar, "Translating", len(jobs)) as advance:
        for outcome in translate_files(translator, jobs):
            advance(1)
            if outcome.kind == "failed":
                failed.append(outcome)
    if failed:
        first = min(failed, key=lambda outcome: outcome.name)
        raise BadData(
            f"{len(failed)} of {len(jobs)} pictures could not be translated, first "
            f"{first.name!r}: {first.reason}."
        )
    return names


def safe_name(name: str) -> str:
    """A name that stays inside its folder; metadata may come from strangers."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise BadData(f"{name!r} is no name for a picture: it leads out of its folder.")
    return name

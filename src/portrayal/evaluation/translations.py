"""Translations of a split, beside the run that made them: RUN/translations/SPLIT/NAME.png.

Those of the other direction, target to source, lie in SPLIT_reverse. Models of joint pictures draw
their input again beside the answer: that half lies in SPLIT_known.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, read_pixels
from portrayal.core.runs import dataset_places
from portrayal.data.dataset import Dataset, Split
from portrayal.data.domains import SIDES, Side
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar, opened
from portrayal.inference.jobs import Job
from portrayal.inference.streams import translate_files
from portrayal.inference.translator import How, Translator
from portrayal.reports.results import search_text

Row = dict[str, Any]


def dataset_of(
    run: Path, config: Mapping[str, Any], data: Path | None, note: Callable[[str], None]
) -> Dataset:
    """The dataset a run was trained on, or `data`; says so when it is not the same any more."""
    known = config.get("data", {})
    places = [data] if data else dataset_places(run, known)
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        if not places:
            raise BadData(f"{run} does not know its dataset. Say which to take: --data FOLDER.")
        place = places[0]
        raise BadData(
            f"The dataset of {run} is not at {place} any more. Say where it is: --data FOLDER."
        )
    dataset = Dataset(folder)
    if known.get("sha256") not in (None, dataset.identity):
        note(f"{folder} is not the dataset that {run} was trained on: its identity differs.")
    return dataset


def place_of(run: Path, out: Path | None, translator: Translator) -> Path:
    """Where scores and translations go; those of another search never where the run's own are."""
    if out is None and translator.search:
        raise BadOption(
            f"Scores of another search ({search_text({'search': translator.search})}) would "
            f"replace those of {run}: say where they go with --out FOLDER."
        )
    if out and (out / "config.json").exists():
        raise BadOption(f"--out {out} is a run with scores of its own: give another folder.")
    if out and out.exists() and not out.is_dir():
        raise BadOption(f"--out {out} is a file: give a folder.")
    return out or run


def otherwise(run: Path, out: Path | None, translator: Translator) -> dict[str, Any]:
    """What results add of their model where the search, or the folder, is not the run's own."""
    search = {"search": translator.search} if translator.search else {}
    return {**search, **({"run": str(run.absolute())} if out else {})}


def translate_split(
    place: Path,
    split: str,
    domain: Side,
    translator: Translator,
    bar: Bar | None,
    *,
    reverse: bool = False,
) -> list[str]:
    """Write the translations of a domain that are not there yet. Returns paths below `place`."""
    folder = f"translations/{split}{'_reverse' if reverse else ''}"
    rows = list(domain.rows())
    names = [f"{folder}/{safe_name(row['name'])}.png" for row in rows]
    known = [place / known_half(name) if translator.redraws else None for name in names]
    jobs = [
        Job(domain.folder / row["file_name"], place / name, row["name"], drawn)
        for row, name, drawn in zip(rows, names, known, strict=True)
    ]
    failed = []
    with opened(bar, "Translating", len(jobs)) as advance:
        for outcome in translate_files(translator, jobs, How(reverse=reverse)):
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


def answers_of_run(
    place: Path,
    split: Split,
    files: Sequence[str],
    *,
    reverse: bool = False,
    redrawn: bool = False,
) -> Answers:
    """The translations of a split, with their truths if it has pairs."""
    ours, theirs = (split.domain(side) for side in SIDES[:: -1 if reverse else 1])

    def pictures(index: int) -> dict[str, Pixels]:
        found = {"fake": read_pixels(place / files[index])}
        if redrawn:
            found["known"] = read_pixels(place / known_half(files[index]))
        if split.paired:
            pair = split.pair(index)
            sides = (pair.target, pair.source) if reverse else (pair.source, pair.target)
            return found | {"target": sides[1], "source": sides[0]}
        return found | {"source": ours.picture(index)}

    def row(index: int) -> Row:
        known = {k: v for k, v in ours.row(index).items() if k != "file_name"}
        known["source_file_name"] = ours.row(index)["file_name"]
        if split.paired:
            known["target_file_name"] = theirs.row(index)["file_name"]
        return known | {"fake_file_name": files[index]}

    rows = [row(index) for index in range(len(ours))]
    how = {"paired": split.paired, "redrawn": redrawn}
    return Answers(rows, pictures, list(theirs.rows()), theirs.picture, **how)


def known_half(name: str) -> str:
    """Where the input of a translation lies as it was drawn again.

    >>> known_half("translations/test/a/b.png")
    'translations/test_known/a/b.png'
    """
    translations, split, *rest = PurePosixPath(name).parts
    return str(PurePosixPath(translations, f"{split}_known", *rest))


def safe_name(name: str) -> str:
    """A name that stays inside its folder; metadata may come from strangers."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise BadData(f"{name!r} is no name for a picture: it leads out of its folder.")
    return name

"""Test sets of a robustness trial, read one picture at a time and brought to the run's size.

Made from the run's own test pictures (as they are, damaged, or their truths through other filters),
or from folders: inputs with truths of the same names, or photos that become inputs by the filter
the run was trained on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, read_pixels
from portrayal.core.seeds import mix
from portrayal.data.dataset import Dataset, Split
from portrayal.data.item import Item
from portrayal.data.manifest import of_drawings
from portrayal.data.options import Options, parse_filter
from portrayal.data.write import fitted, pair_of, plain_chain, resized
from portrayal.evaluation.folders import pictures_by_name
from portrayal.filters.degrade import DAMAGES, rotation, shift
from portrayal.filters.freehand_damage import STROKE_DAMAGES
from portrayal.reports.robust import Kind

MOVING = (shift.__name__, rotation.__name__)  # the truth is moved with the input
HARMS = {damage.__name__: damage for damage in (*DAMAGES, *STROKE_DAMAGES)}
NO_CARTOONS = (*HARMS, "tone", "clean_drawing")
PREPARED = ("filter", "work_size", "geometry", "background")  # options that make a picture's look


@dataclass(frozen=True)
class Trial:
    """One test set. `pictures(i)` has "source", and "target" (its truth) if `paired`."""

    name: str
    kind: Kind
    rows: Sequence[Mapping[str, Any]]  # "name", and "subject" where it is known
    pictures: Callable[[int], dict[str, Pixels]]
    mark: Sequence[object]  # what its pictures hang on: the same mark, the same pictures
    paired: bool = True
    group: str = ""  # the kind of damage
    strength: float | None = None
    own_truths: bool = False  # the names and truths are those of the own test pictures
    note: str = ""


@dataclass(frozen=True)
class Ground:
    """The run's own test pictures, and how its data was prepared."""

    split: Split
    rows: Sequence[Mapping[str, Any]]
    options: Options
    identity: str  # of the dataset
    drawn: bool  # its sources are strokes

    def size(self) -> tuple[int, int]:
        """Height and width of the run's pictures."""
        return self.options.height_width()

    def fit(self, pixels: Pixels) -> Pixels:
        """A picture in the run's size, by the geometry of its data."""
        return fitted(pixels, self.options, self.size())


def ground_of(dataset: Dataset, split: str, most: int | None) -> Ground:
    """At most `most` test pictures, spread over the split."""
    pairs = dataset.split(split)
    pairs.require_pairs("robustness")
    count = min(most or len(pairs), len(pairs))
    rows = [
        {**pairs.row(index), "index": index}
        for index in (round(i * (len(pairs) - 1) / max(1, count - 1)) for i in range(count))
    ]
    height, width = pairs.size()
    known = dataset.manifest.get("options", {})
    names = {field.name for field in fields(Options)} & set(PREPARED) & set(known)
    options = Options(**{name: known[name] for name in names}, size=f"{width}x{height}")
    return Ground(pairs, rows, options, dataset.identity, of_drawings(dataset.manifest))


def own(ground: Ground) -> Trial:
    """The test pictures as they are: in distribution."""

    def pictures(index: int) -> dict[str, Pixels]:
        pair = ground.split.pair(ground.rows[index]["index"])
        return {"source": pair.source, "target": pair.target}

    return Trial("own", "own", ground.rows, pictures, [ground.identity])


def damaged(ground: Ground, damage: str, strength: float) -> Trial:
    """The own inputs, damaged; what moves the input moves its truth."""
    function = HARMS.get(damage)
    if function is None:
        raise BadOption(f"No damage named {damage!r}. Choose among {', '.join(HARMS)}.")
    seeded = "seed" in (function.__kwdefaults__ or {})
    plain = own(ground)

    def pictures(index: int) -> dict[str, Pixels]:
        name = str(ground.rows[index]["name"])
        seed = {"seed": mix("damage", damage, name) % (1 << 31)} if seeded else {}
        found = plain.pictures(index)
        harm = {"source", "target"} if damage in MOVING else {"source"}
        return {
            side: function(pixels, strength=strength, **seed) if side in harm else pixels
            for side, pixels in found.items()
        }

    return Trial(
        f"{damage} {strength:g}",
        "damage",
        ground.rows,
        pictures,
        [ground.identity, damage, strength],
        group=damage,
        strength=strength,
        own_truths=True,
        note="truths are moved with the inputs" if damage in MOVING else "",
    )


def filtered(ground: Ground, text: str) -> Trial:
    """The own truths through another filter, at the working size of the data."""
    apply = parse_filter(text)
    work = ground.options.work()
    plain = own(ground)

    def pictures(index: int) -> dict[str, Pixels]:
        target = plain.pictures(index)["target"]
        return {"source": resized(apply(resized(target, work)), ground.size()), "target": target}

    note = f"made from the truths at {work[1]} x {work[0]} pixels"
    mark = [ground.identity, text, work]
    return Trial(text, "filter", ground.rows, pictures, mark, own_truths=True, note=note)


def of_folder(ground: Ground, name: str, inputs: Path, truths: Path | None) -> Trial:
    """A folder of inputs, with truths of the same names in `truths` or among the own truths."""
    files = pictures_by_name(inputs)
    if truths is None:
        every = enumerate(ground.split.rows())
        theirs: Mapping[str, Any] = {row["name"]: {**row, "index": i} for i, row in every}
    else:
        theirs = pictures_by_name(truths)
    shared = sorted(files.keys() & theirs.keys())
    if truths is not None and not shared:
        raise BadData(
            f"--set {name}: {inputs} and {truths} have no names in common, e.g. "
            f"{min(files)!r} and {min(theirs)!r}. Name them alike, without truths leave them out."
        )

    def truth(picture: str) -> Pixels:
        if truths is None:
            return ground.split.pair(theirs[picture]["index"]).target
        return ground.fit(read_pixels(theirs[picture]))

    names = shared or sorted(files)

    def pictures(index: int) -> dict[str, Pixels]:
        found = {"source": ground.fit(read_pixels(files[names[index]]))}
        return {**found, "target": truth(names[index])} if shared else found

    lost = len(files) - len(names)
    rows = [dict(theirs[each]) if truths is None and shared else {"name": each} for each in names]
    mark = [*stamps(files, names), *(stamps(theirs, names) if truths else [ground.identity])]
    note = f"{lost} inputs have no truth and are left out" if lost else ""
    note = note if shared else "no truths: compared with the inputs themselves"
    ours = bool(shared) and truths is None
    paired = bool(shared)
    return Trial(name, "folder", rows, pictures, mark, paired=paired, own_truths=ours, note=note)


def of_photos(ground: Ground, name: str, photos: Path) -> Trial:
    """A folder of photos: each is a truth, and its input is made as the run's data was made."""
    chain = plain_chain(ground.options)
    if not chain:
        raise BadOption(
            f"--photos {name}: the run's data was not made by a filter, so photos cannot become "
            "inputs. Give inputs: --set NAME=INPUTS:TRUTHS"
        )
    files = pictures_by_name(photos)
    names = sorted(files)

    def pictures(index: int) -> dict[str, Pixels]:
        item = Item(names[index], read_pixels(files[names[index]]))
        source, target = pair_of(item, ground.options, None, chain)
        return {"source": source, "target": target}

    rows = [{"name": each} for each in names]
    note = "inputs made by " + ", then ".join(ground.options.filter or ())
    return Trial(name, "photos", rows, pictures, [*stamps(files, names), note], note=note)


def cartoon_names(ground: Ground) -> list[str]:
    """Every filter that draws, but the one the run was trained on."""
    from portrayal.filters import filters

    mine = [text.partition(":")[0] for text in ground.options.filter or ()]
    return [name for name in filters if name not in (*NO_CARTOONS, *mine)]


def stamps(files: Mapping[str, Path], names: Sequence[str]) -> list[object]:
    """Where each picture lies, its size and when it was written."""
    states = ((files[name], files[name].stat()) for name in names)
    return [[str(file.absolute()), state.st_size, state.st_mtime_ns] for file, state in states]


def fewer(trial: Trial, most: int | None) -> Trial:
    """At most `most` pictures, spread over the set."""
    if most is None or len(trial.rows) <= most:
        return trial
    kept = [round(i * (len(trial.rows) - 1) / max(1, most - 1)) for i in range(most)]
    rows = [trial.rows[index] for index in kept]
    return replace(
        trial, rows=rows, pictures=lambda i: trial.pictures(kept[i]), mark=[*trial.mark, most]
    )


def usual_damages(ground: Ground) -> list[str]:
    """Damage that every picture may meet, and that of strokes where the inputs are drawings."""
    strokes = STROKE_DAMAGES if ground.drawn else ()
    return [damage.__name__ for damage in (*DAMAGES, *strokes)]

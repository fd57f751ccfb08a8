"""Two folders of pictures that have nothing to do with each other: a source and a target domain.

Also the layout of CycleGAN, one folder with trainA and trainB, testA and testB.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

from portrayal.core.errors import BadData
from portrayal.core.images import find_pictures
from portrayal.data.domains import SIDES
from portrayal.data.item import Item
from portrayal.data.options import colour
from portrayal.data.sources import Source, folder, sources
from portrayal.data.sources.pairs import How, splits_of

Places = dict[str, tuple[Path, str, str]]  # first part of a key -> folder, domain, split or ""


@sources
def domains(
    first: Annotated[Path, "Folder of source pictures, or one folder with trainA and trainB, ..."],
    second: Annotated[Path | None, "Folder of target pictures; as many as there are."] = None,
    *,
    limit: float = 100,
    background: str = "white",
) -> Source:
    """Two unpaired domains: folders of unrelated pictures, or trainA/trainB/testA/testB."""
    places = places_of(first, second)
    title = f"domains {first}" + (f" {second}" if second else "")
    how = (limit, colour(background))
    return Source(title, partial(names, places), partial(load, places, how), apart=True)


def places_of(first: Path, second: Path | None) -> Places:
    """Where the pictures of each domain lie. Keys: "source/a.png", or "trainA/a.png"."""
    for given in (first, second):
        if given is not None and not given.is_dir():
            raise BadData(f"{given} is not a folder. Give the folder that holds the pictures.")
    if second is not None:
        if first.resolve() == second.resolve():
            raise BadData(f"Both domains are {first}. Give two folders of different pictures.")
        return {"source": (first, "source", ""), "target": (second, "target", "")}
    if not (first / "trainA").is_dir():
        raise BadData(
            f"{first} has no trainA and trainB folders. Give two folders: portrayal prepare "
            "domains SOURCES TARGETS"
        )
    return {
        place.name: (place, side, split)
        for split, *sides in splits_of(first)
        for side, place in zip(SIDES, sides, strict=True)
    }


def names(places: Places) -> Iterator[str]:
    """Files of all folders, each named by its domain. Refuses an empty folder."""
    for label, (place, side, _) in places.items():
        empty = True
        for path in find_pictures(place):
            empty = False
            yield f"{label}/{path.relative_to(place).as_posix()}"
        if empty:
            seen = folder.seen_instead(place)
            raise BadData(f"The {side} domain is empty: no pictures in {place}, {seen}.")


def load(places: Places, how: How, name: str) -> Item:
    """One picture, called by its domain and its path without the suffix."""
    label, path = name.split("/", 1)
    place, side, split = places[label]
    plain = folder.plain_name(path)
    meta = {"domain": side, **({"split": split} if split else {})}
    inner = f"{split}/{plain}" if split else plain
    return Item(f"{side}/{inner}", folder.read(place, path, *how), meta=meta)

"""Pairs that exist already, in the three layouts people have.

side_by_side  one folder of pictures A|B, each with both halves
folders       two folders with the same names
ab            one folder with trainA and trainB, testA and testB, maybe valA and valB

Where the pictures are already split (train/, val/ and test/ folders, or trainA, testA, ...), the
given test and val pictures stay what they are.
"""

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Literal

from portrayal.core.errors import BadData, BadOption, BadPicture
from portrayal.core.images import Pixels, find_pictures, is_picture_name, stem_of
from portrayal.data.item import Item
from portrayal.data.options import colour
from portrayal.data.sources import Source, folder, sources

Layout = Literal["auto", "side_by_side", "folders", "ab"]
SPLIT_FOLDERS = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


@sources
def pairs(
    first: Annotated[Path, "Folder of pairs, or of the first pictures of each pair."],
    second: Annotated[Path | None, "Folder of the second pictures, with the same names."] = None,
    *,
    layout: Annotated[
        Layout,
        "How the pairs lie: side_by_side (A|B in one picture), folders (two folders), ab (trainA, "
        "trainB, testA, testB). E.g. --layout side_by_side",
    ] = "auto",
    source_side: Annotated[
        Literal["left", "right"],
        "Which side is the source: left (first folder, A) or right. E.g. --source-side right",
    ] = "left",
    limit: float = 100,
    background: str = "white",
) -> Source:
    """Pairs of pictures: A|B side by side, two folders, or trainA/trainB/testA/testB."""
    found = settled(first, second, layout)
    how = (limit, colour(background))
    if found == "side_by_side":
        listing = partial(folder.names, first)
        return Source(f"pairs {first}", listing, partial(load_halves, first, source_side, how))
    places = [("", first, second)] if second else splits_of(first)
    if source_side == "right":
        places = [(split, b, a) for split, a, b in places]
    title = f"pairs {first}" + (f" {second}" if second else "")
    return Source(title, partial(names, places), partial(load_two, dict_of(places), how))


Places = list[tuple[str, Path, Path]]  # split or "", folder of sources, folder of targets
How = tuple[float, tuple[int, int, int]]  # limit, background


def settled(first: Path, second: Path | None, layout: Layout) -> Layout:
    """The layout, from what is there when it is not said."""
    for given in (first, second):
        if given is not None and not given.is_dir():
            raise BadData(f"{given} is not a folder. Give the folder that holds the pictures.")
    if layout == "auto":
        if second:
            return "folders"
        return "ab" if (first / "trainA").is_dir() else "side_by_side"
    if (layout == "folders") != (second is not None):
        wanted = "two folders" if layout == "folders" else "one folder"
        raise BadOption(f"--layout {layout} needs {wanted}, e.g. portrayal prepare pairs A B.")
    return layout


def splits_of(top: Path) -> Places:
    """The A and B folders of every split below `top`."""
    found = []
    for split in ("train", "val", "test"):
        a, b = top / f"{split}A", top / f"{split}B"
        if a.is_dir() != b.is_dir():
            here, missing = (a, b) if a.is_dir() else (b, a)
            raise BadData(f"{top} has {here.name} but no {missing.name}; a pair needs both.")
        if a.is_dir():
            found.append((split, a, b))
    if not found:
        raise BadData(f"{top} has no trainA and trainB folders. Choose another --layout.")
    return found


def names(places: Places) -> Iterator[str]:
    """Source files, prefixed by their split. Refuses folders that do not match one to one."""
    for split, ours, theirs in places:
        refuse_mismatch(ours, theirs)
        for path in find_pictures(ours):
            yield f"{split}:{path.relative_to(ours).as_posix()}" if split else str_of(path, ours)


def str_of(path: Path, top: Path) -> str:
    """The path below `top`, with "/"."""
    return path.relative_to(top).as_posix()


def refuse_mismatch(ours: Path, theirs: Path) -> None:
    """One line saying how many pictures have no partner, and which is the first."""
    count, alone, first = 0, 0, ""
    for here, there in ((ours, theirs), (theirs, ours)):
        for path in find_pictures(here):
            count += 1
            if partner(there, str_of(path, here)) is None:
                alone += 1
                first = first or str(path)
    if alone:
        raise BadData(
            f"{ours} and {theirs} must hold the same names, but {alone} of {count} pictures have "
            f"no partner, first {first}. Add or remove them, use one folder with a --filter, or "
            "take them as they are, without pairs: portrayal prepare domains"
        )
    if not count:
        raise BadData(f"No pictures in {ours}: {folder.seen_instead(ours)}.")


def partner(top: Path, name: str) -> str | None:
    """The picture below `top` with the same path, whatever its suffix."""
    if (top / name).is_file():
        return name
    parent = Path(name).parent
    found = stems(top / parent).get(stem_of(name))
    return (parent / found).as_posix() if found else None


@lru_cache(maxsize=4)  # the folder at hand, not the whole tree
def stems(folder: Path) -> dict[str, str]:
    """Picture files of one folder by their name without suffix."""
    if not folder.is_dir():
        return {}
    files = sorted(p.name for p in folder.iterdir() if is_picture_name(p) and p.is_file())
    return {stem_of(name): name for name in reversed(files)}


def dict_of(places: Places) -> dict[str, tuple[Path, Path]]:
    """Folders of sources and targets by split."""
    return {split: (ours, theirs) for split, ours, theirs in places}


def load_two(places: dict[str, tuple[Path, Path]], how: How, name: str) -> Item:
    """A pair from two folders."""
    split, path = name.split(":", 1) if "" not in places else ("", name)
    ours, theirs = places[split]
    other = partner(theirs, path)
    if other is None:
        raise BadPicture(name, "its partner is gone")
    source, target = folder.read(ours, path, *how), folder.read(theirs, other, *how)
    plain = folder.plain_name(path)
    if not split:
        return Item(plain, source, target)
    return Item(f"{split}/{plain}", source, target, {"split": split})


def load_halves(top: Path, source_side: str, how: How, name: str) -> Item:
    """A pair from the two halves of one picture."""
    whole: Pixels = folder.read(top, name, *how)
    width = whole.shape[1]
    if width % 2:
        raise BadPicture(name, f"odd width {width}: not two pictures side by side")
    halves = whole[:, : width // 2], whole[:, width // 2 :]
    source, target = halves if source_side == "left" else halves[::-1]
    split = SPLIT_FOLDERS.get(re.split("/", name)[0]) if "/" in name else None
    return Item(folder.plain_name(name), source, target, {"split": split} if split else {})

"""Single pictures in a folder and its sub-folders. The picture is the target; a filter makes the
source."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

from portrayal.core.errors import BadData, BadPicture
from portrayal.core.images import Pixels, find_pictures, read_pixels, stem_of
from portrayal.data.item import Item
from portrayal.data.options import colour
from portrayal.data.sources import Source, sources


@sources
def folder(
    pictures: Annotated[Path, "Folder of pictures; sub-folders are read too."],
    *,
    limit: float = 100,
    background: str = "white",
) -> Source:
    """Single pictures: each becomes a target, and its source is made by --filter."""
    return Source(
        f"folder {pictures}",
        partial(names, pictures),
        partial(load, pictures, limit, colour(background)),
        single=True,
    )


def names(pictures: Path) -> Iterator[str]:
    """Paths below the folder, with "/", in the order of `find_pictures`."""
    empty = True
    for path in find_pictures(pictures):
        empty = False
        yield path.relative_to(pictures).as_posix()
    if empty:
        raise BadData(f"No pictures in {pictures}: {seen_instead(pictures)}.")


def load(pictures: Path, limit: float, background: tuple[int, int, int], name: str) -> Item:
    """One picture, called by its path without the suffix."""
    return Item(plain_name(name), read(pictures, name, limit, background))


def read(folder: Path, name: str, limit: float, background: tuple[int, int, int]) -> Pixels:
    """The pixels of one file below a folder; its errors name it by its path below the folder."""
    try:
        return read_pixels(folder / name, limit=limit, background=background)
    except BadPicture as error:
        raise BadPicture(name, error.reason) from None


def plain_name(name: str) -> str:
    """The path below the folder without the suffix.

    >>> plain_name("00001/00001_fa.ppm.bz2")
    '00001/00001_fa'
    """
    return (Path(name).parent / stem_of(name)).as_posix()


def seen_instead(folder: Path) -> str:
    """What a folder without pictures holds, for an error message."""
    suffixes = Counter(
        path.suffix.lower() or "no suffix" for path in folder.rglob("*") if path.is_file()
    )
    if not suffixes:
        return "it is empty"
    listed = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(4))
    return f"it holds {sum(suffixes.values())} other files ({listed})"

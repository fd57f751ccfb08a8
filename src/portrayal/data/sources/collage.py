"""Collages of a photo and three cartoons of it: every cartoon with the photo is a pair.

The pairs of a collage have one subject, so they stay in one split.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Literal

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.data.collages import (
    QUADRANTS,
    NoCollage,
    Quadrant,
    panels_of,
    parsed_badge,
    photo_among,
    without_badge,
)
from portrayal.data.item import Item, SetAside
from portrayal.data.options import colour
from portrayal.data.sources import Source, folder, sources

Place = Literal["auto", "tl", "tr", "bl", "br"]
Panels = Literal["all", "tl", "tr", "bl", "br"]
Badge = tuple[Quadrant, float] | None


@sources
def collage(
    pictures: Annotated[Path, "Folder of 2 x 2 collages: one photo, three cartoons of it."],
    *,
    real: Annotated[
        Place,
        "Where the photo is: tl, tr, bl, br; auto: the panel least like a cartoon, and a collage "
        "without a clear one is set aside. E.g. --real tl",
    ] = "auto",
    panels: Annotated[
        Panels, "Which cartoons become sources: all three, or those of one place. E.g. --panels br"
    ] = "all",
    badge: Annotated[
        str | None,
        "Corner and share of the side of each panel that holds an app's badge; it is cut away from "
        "cartoon and photo. E.g. --badge bl:0.18",
    ] = None,
    limit: float = 100,
    background: str = "white",
) -> Source:
    """2 x 2 collages of a photo and cartoons: cartoon as source, photo as target."""
    if real == panels:
        raise BadOption(f"--real {real} and --panels {panels}: a photo is no cartoon of itself.")
    how = (limit, colour(background))
    reading = partial(load, pictures, real, parsed_badge(badge), how)
    return Source(f"collages {pictures}", partial(names, pictures, panels), reading)


def names(pictures: Path, panels: Panels) -> Iterator[str]:
    """Collages with the number, or the place, of one of their cartoons: "a.jpg#1"."""
    for name in folder.names(pictures):
        for which in ("1", "2", "3") if panels == "all" else (panels,):
            yield f"{name}#{which}"


def load(
    pictures: Path, real: Place, badge: Badge, how: tuple[float, tuple[int, int, int]], key: str
) -> Item:
    """One cartoon of one collage with the photo."""
    name, which = key.rsplit("#", 1)
    try:
        panels, photo = taken_apart(pictures, name, real, how)
    except NoCollage as error:
        raise SetAside(key, str(error)) from None
    by_name: dict[str, Quadrant] = {place: place for place in QUADRANTS}
    cartoons = [place for place in QUADRANTS if place != photo]
    if which == photo:
        raise SetAside(key, f"this panel is the photo: {photo}")
    place = cartoons[int(which) - 1] if which.isdecimal() else by_name[which]
    source, target = (without_badge(panels[each], badge) for each in (place, photo))
    plain = folder.plain_name(name)
    return Item(
        f"{plain}-{place}", source, target, {"subject": plain, "panel": place, "real": photo}
    )


@lru_cache(maxsize=2)  # the cartoons of a collage are asked for one after the other
def taken_apart(
    pictures: Path, name: str, real: Place, how: tuple[float, tuple[int, int, int]]
) -> tuple[dict[Quadrant, Pixels], Quadrant]:
    """The panels of a collage and the place of its photo. Raises NoCollage and BadPicture."""
    panels = panels_of(folder.read(pictures, name, *how))
    return panels, photo_among(panels) if real == "auto" else real

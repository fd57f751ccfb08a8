"""Generated pictures of five classes: red basic shapes, dark-brown animals, green trees, orange
flowers, blue ships. The outline is the source, the same outline painted is the target.

Picture i depends on the seed and i only, so any part of the set can be made anywhere.
"""

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.core.palette import CLASS_COLOURS
from portrayal.core.seeds import numpy_rng
from portrayal.data import drawn_animals, drawn_made, drawn_plants  # noqa: F401 they fill DRAWINGS
from portrayal.data.drawings import DRAWINGS, Part, Points, Rng, turned
from portrayal.data.item import Item
from portrayal.data.sources import Source, sources

LIGHTER, TINTED = 0.07, 4  # how far a colour strays: share of brightness, levels per channel


@sources
def shapes(
    *,
    count: Annotated[int, "How many pictures. E.g. --count 1000"] = 1000,
    size: Annotated[int, "Side of the square picture in pixels. E.g. --size 128"] = 64,
    seed: Annotated[
        int, "Another seed draws other pictures and splits otherwise. E.g. --seed 1"
    ] = 0,
) -> Source:
    """Generated drawings of five classes: outline as source, painted as target."""
    if count < 1:
        raise BadOption(f"--count must be at least 1, not {count}.")
    if not 16 <= size <= 2048:
        raise BadOption(f"Shapes are drawn on 16 to 2048 pixels, not {size}.")
    return Source(
        f"shapes ({count} pictures)",
        partial(names, count),
        partial(draw, size, seed),
        distinct=True,
    )


def names(count: int) -> Iterator[str]:
    """shape_000000, shape_000001, ..."""
    return (f"shape_{index:06d}" for index in range(count))


def draw(size: int, seed: int, name: str) -> Item:
    """The drawing called `name`: two (size, size, 3) pictures, class and kind."""
    rng = numpy_rng(seed, "shapes", int(name.rsplit("_", 1)[1]))
    of = list(CLASS_COLOURS)[rng.integers(len(CLASS_COLOURS))]
    kind = list(DRAWINGS[of])[rng.integers(len(DRAWINGS[of]))]
    parts = DRAWINGS[of][kind](rng)
    placed = place([wobbled(part.points, rng) for part in parts], rng)
    parts = [Part(points, part.kind) for points, part in zip(placed, parts, strict=True)]
    width = rng.uniform(0.018, 0.028)  # of the side
    colour = np.array(CLASS_COLOURS[of]) * rng.uniform(1 - LIGHTER, 1 + LIGHTER)
    colour = (colour + rng.uniform(-TINTED, TINTED, 3)).clip(0, 255)
    outline = paint(parts, size, width, (255, 255, 255))
    painted = paint(parts, size, width, tuple(colour.tolist()))
    return Item(name, outline, painted, {"class": of, "kind": kind, "subject": name})


def wobbled(points: Points, rng: Rng) -> Points:
    """Points as a free hand draws them: moved by a few slow waves along the line."""
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    along = np.linspace(0, 2 * np.pi, len(points), endpoint=False)[:, None, None]
    waves = rng.integers(1, 6, (1, 2, 3))  # whole turns, so that closed lines stay closed
    phase = rng.uniform(0, 2 * np.pi, (1, 2, 3))
    height = rng.normal(0, 0.009 * min(1.0, length / 2), (1, 2, 3))
    return np.asarray(points + (height * np.sin(waves * along + phase)).sum(axis=2))


def place(lines: list[Points], rng: Rng) -> list[Points]:
    """Mirror, stretch, turn and move a drawing at random so that it lies inside 0..1."""
    mirror = rng.choice([-1.0, 1.0])
    stretch = rng.uniform(0.88, 1.12)
    angle = rng.uniform(-0.25, 0.25)
    lines = [turned(points * (mirror * stretch, 1 / stretch), angle) for points in lines]
    every = np.concatenate(lines)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = rng.uniform(0.76, 0.91) / (high - low).max()
    room = 0.92 - (high - low) * scale
    corner = 0.04 + room * rng.uniform(0, 1, 2)
    return [(points - low) * scale + corner for points in lines]


def paint(
    parts: list[Part],
    size: int,
    width: float,
    fill: tuple[float, ...],
) -> Pixels:
    """Paint parts in order on white with black lines, larger than wanted, and shrink."""
    ink = (0, 0, 0)
    import cv2

    fine = 4 if size <= 128 else 2
    canvas = np.full((size * fine, size * fine, 3), 255, np.uint8)
    stroke = max(1, round(width * size * fine))
    for part in parts:
        points = [np.round(part.points * size * fine * 16).astype(np.int32)]
        if part.kind == "dot":
            cv2.fillPoly(canvas, points, ink, cv2.LINE_AA, shift=4)
            continue
        if part.kind == "area":
            cv2.fillPoly(canvas, points, fill, cv2.LINE_AA, shift=4)
        cv2.polylines(canvas, points, part.kind == "area", ink, stroke, cv2.LINE_AA, shift=4)
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.uint8)

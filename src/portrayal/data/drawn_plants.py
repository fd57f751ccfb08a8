"""Trees and flowers for the generated shapes."""

import numpy as np

from portrayal.data.drawings import (
    Part,
    Points,
    Rng,
    areas,
    band,
    drawing,
    ellipse,
    lines,
    moved,
    scallops,
    smooth,
    straight,
    turned,
)


def mirrored(*points: tuple[float, float]) -> list[tuple[float, float]]:
    """Points on the other side of the middle."""
    return [(-x, y) for x, y in points]


def trunk(top: float, wide: float, bottom: float = 0.98) -> Points:
    """A stem that widens towards the ground."""
    return straight((-wide, top), (wide, top), (1.5 * wide, bottom), (-1.5 * wide, bottom))


@drawing("tree")
def broadleaf(rng: Rng) -> list[Part]:
    """Round bumpy crown on a stem."""
    crown = scallops(
        0, -0.32, rng.uniform(0.6, 0.78), rng.uniform(0.54, 0.64), int(rng.integers(7, 11))
    )
    leaves = [
        smooth((x - 0.09, y), (x, y + 0.09), (x + 0.09, y), closed=False)
        for x, y in rng.uniform((-0.35, -0.65), (0.35, 0), (3, 2))
    ]
    return [*areas(trunk(0.1, 0.1), crown), *lines(*leaves)]


@drawing("tree")
def fir(rng: Rng) -> list[Part]:
    """Three skirts, the upper ones over the lower ones."""
    wide = rng.uniform(0.52, 0.7)
    skirts = [
        straight((0, top - 0.02), (wide * w, bottom), (-wide * w, bottom))
        for top, bottom, w in ((-0.3, 0.72, 1), (-0.66, 0.3, 0.8), (-1.0, -0.16, 0.58))
    ]
    return areas(trunk(0.6, 0.09), *skirts)


@drawing("tree")
def poplar(rng: Rng) -> list[Part]:
    """Slim and pointed."""
    wide = rng.uniform(0.3, 0.4)
    low = (wide * 0.95, 0.3), (wide * 0.5, 0.52), (0, 0.58)
    crown = smooth(
        (0, -1.0),
        (wide * 0.6, -0.55),
        (wide, -0.05),
        *low,
        *mirrored(*low[1::-1]),
        (-wide, -0.05),
        (-wide * 0.6, -0.55),
    )
    twigs = [
        smooth((x - 0.07, y), (x, y + 0.08), (x + 0.07, y), closed=False)
        for x, y in ((-0.1, -0.3), (0.1, 0.02), (-0.08, 0.28))
    ]
    return [*areas(trunk(0.4, 0.1), crown), *lines(*twigs)]


@drawing("tree")
def palm(rng: Rng) -> list[Part]:
    """Curved stem, hanging leaves."""
    bend = rng.uniform(0.1, 0.3)
    stem = band(smooth((-bend, 0.98), (0.02, 0.4), (0.08, -0.3), closed=False), 0.22, 0.12)
    leaf = smooth((0, 0), (0.35, -0.2), (0.72, -0.04), (0.9, 0.3), (0.62, 0.16), (0.32, 0.06))
    flips = (np.array([1, 1]), np.array([-1, 1]))
    leaves = [
        turned(leaf, side * a) * flip
        for a in (0.55, 0.0, -0.55)
        for side, flip in zip((1, 1), flips, strict=True)
    ]
    top = turned(leaf, -1.25)
    return areas(stem, *(moved(points, 0.08, -0.34) for points in (top, *leaves)))


@drawing("tree")
def oak(rng: Rng) -> list[Part]:
    """Several tufts on a forked stem."""
    fork = straight(
        (-0.12, 0.98),
        (-0.1, 0.35),
        (-0.42, 0.0),
        (-0.3, -0.06),
        (0, 0.22),
        (0.3, -0.06),
        (0.42, 0.0),
        (0.1, 0.35),
        (0.14, 0.98),
    )
    shift = rng.uniform(-0.06, 0.06, (3, 2))
    tufts = [
        scallops(x + dx, y + dy, 0.42, 0.34, 7)
        for (x, y), (dx, dy) in zip(((-0.46, -0.14), (0.46, -0.14), (0, -0.55)), shift, strict=True)
    ]
    return areas(fork, *tufts)


def stem_and_leaves(rng: Rng, top: float) -> list[Points]:
    """A stem from `top` to the ground with two leaves."""
    lean = rng.uniform(-0.12, 0.12)
    stem = band(smooth((0, top), (lean, 0.6), (lean / 2, 1.0), closed=False), 0.07, 0.09)
    leaf = smooth((0, 0), (0.22, -0.2), (0.5, -0.22), (0.32, 0.0))
    return [moved(leaf, lean, 0.82), moved(leaf * (-1, 1), lean, 0.72), stem]


def petals(count: int, shape: Points, y: float) -> list[Points]:
    """Copies of a petal (pointing up from (0, 0)) around (0, y)."""
    return [moved(turned(shape, i * 2 * np.pi / count), 0, y) for i in range(count)]


@drawing("flower")
def daisy(rng: Rng) -> list[Part]:
    """Long round petals around a disc."""
    count = int(rng.integers(7, 10))
    around = petals(count, ellipse(0, -0.36, 0.15, 0.25), -0.35)
    return areas(*stem_and_leaves(rng, -0.3), *around, ellipse(0, -0.35, 0.19))


@drawing("flower")
def tulip(rng: Rng) -> list[Part]:
    """A cup of three petals."""
    wide = rng.uniform(0.36, 0.46)
    side = smooth((0, 0.12), (-wide, -0.1), (-wide, -0.8), (-0.05, -0.3))
    middle = smooth((0, 0.12), (-0.24, -0.2), (0, -0.85), (0.24, -0.2))
    leaf = smooth((0, 1.0), (-0.4, 0.5), (-0.46, 0.1), (-0.16, 0.5))
    stem = band(straight((0, 0.1), (0, 1.0), closed=False), 0.08, 0.1)
    return areas(leaf, leaf * (-1, 1), stem, side, side * (-1, 1), middle)


@drawing("flower")
def sunflower(rng: Rng) -> list[Part]:
    """Pointed petals around a large disc."""
    petal = smooth((-0.13, -0.25), (-0.14, -0.42), (0, -0.66), (0.14, -0.42), (0.13, -0.25))
    around = petals(int(rng.integers(9, 11)), petal, -0.32)
    return areas(*stem_and_leaves(rng, -0.2), *around, ellipse(0, -0.32, 0.3))


@drawing("flower")
def poppy(rng: Rng) -> list[Part]:
    """Five broad petals that overlap, and a small heart."""
    petal = smooth((0, 0), (-0.34, -0.28), (-0.26, -0.58), (0, -0.52), (0.26, -0.58), (0.34, -0.28))
    around = petals(5, petal, -0.35)
    return areas(*stem_and_leaves(rng, -0.2), *around, ellipse(0, -0.35, 0.13))

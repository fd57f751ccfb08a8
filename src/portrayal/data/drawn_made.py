"""Basic shapes and ships for the generated shapes."""

import numpy as np

from portrayal.data.drawings import (
    Part,
    Rng,
    areas,
    band,
    drawing,
    ellipse,
    lines,
    regular,
    smooth,
    straight,
)


@drawing("shape")
def circle(rng: Rng) -> list[Part]:
    """A circle."""
    return areas(ellipse(0, 0, 0.9))


@drawing("shape")
def square(rng: Rng) -> list[Part]:
    """A square, upright."""
    return areas(straight((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)))


@drawing("shape")
def triangle(rng: Rng) -> list[Part]:
    """An isosceles triangle."""
    top = rng.uniform(-0.35, 0.35)
    return areas(straight((top, -0.85), (0.92, 0.72), (-0.92, 0.72)))


@drawing("shape")
def star(rng: Rng) -> list[Part]:
    """A star of five points."""
    return areas(regular(5, inner=rng.uniform(0.38, 0.5)))


@drawing("shape")
def pentagon(rng: Rng) -> list[Part]:
    """A regular pentagon."""
    return areas(regular(5) * 0.95)


@drawing("shape")
def hexagon(rng: Rng) -> list[Part]:
    """A regular hexagon."""
    return areas(regular(6) * 0.95)


@drawing("shape")
def diamond(rng: Rng) -> list[Part]:
    """A rhombus on its tip."""
    wide = rng.uniform(0.5, 0.8)
    return areas(straight((0, -0.95), (wide, 0), (0, 0.95), (-wide, 0)))


@drawing("shape")
def cross(rng: Rng) -> list[Part]:
    """A plus sign."""
    a, b = rng.uniform(0.24, 0.36), 0.9
    return areas(
        straight(
            (-a, -b),
            (a, -b),
            (a, -a),
            (b, -a),
            (b, a),
            (a, a),
            (a, b),
            (-a, b),
            (-a, a),
            (-b, a),
            (-b, -a),
            (-a, -a),
        )
    )


@drawing("shape")
def heart(rng: Rng) -> list[Part]:
    """A heart."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return areas(np.stack([x, y], axis=1) / 17)


@drawing("ship")
def sailboat(rng: Rng) -> list[Part]:
    """Two sails on one mast."""
    mast = straight((0, 0.5), (0, -0.98), closed=False)
    hull = smooth((-0.98, 0.42), (0, 0.5), (0.98, 0.42), (0.66, 0.84), (0, 0.9), (-0.6, 0.84))
    reach = rng.uniform(0.55, 0.75)
    large = straight((0.07, -0.92), (reach, 0.3), (0.07, 0.34))
    small = straight((-0.07, -0.74), (-0.07, 0.32), (-reach, 0.3))
    return [*lines(mast), *areas(hull, large, small)]


@drawing("ship")
def steamer(rng: Rng) -> list[Part]:
    """Funnels, a cabin and portholes."""
    count = int(rng.integers(1, 4))
    funnels = [
        straight((x - 0.1, -0.2), (x - 0.07, -0.8), (x + 0.11, -0.8), (x + 0.1, -0.2))
        for x in np.linspace(-0.3, 0.32, count + 2)[1:-1]
    ]
    cabin = straight((-0.52, -0.28), (0.5, -0.28), (0.58, 0.16), (-0.58, 0.16))
    hull = straight((-1.0, 0.12), (0.98, 0.16), (0.76, 0.78), (-0.7, 0.78))
    stripes = [
        straight((x - 0.09, -0.64), (x + 0.1, -0.64), closed=False)
        for x in np.linspace(-0.3, 0.32, count + 2)[1:-1]
    ]
    holes = [ellipse(x, 0.42, 0.07) for x in (-0.5, -0.17, 0.16, 0.49)]
    windows = [
        straight((x, -0.12), (x + 0.16, -0.12), (x + 0.16, 0.02), (x, 0.02))
        for x in (-0.36, -0.08, 0.2)
    ]
    return [*areas(*funnels, cabin, hull), *lines(*stripes), *areas(*holes, *windows)]


@drawing("ship")
def paper_boat(rng: Rng) -> list[Part]:
    """Folded from paper."""
    high = rng.uniform(0.55, 0.8)
    peak = straight((0, -high), (0.5, 0.32), (-0.5, 0.32))
    hull = straight(
        (-1.0, -0.14), (-0.5, 0.24), (0.5, 0.24), (1.0, -0.14), (0.62, 0.72), (-0.62, 0.72)
    )
    fold = straight((0, -high), (0, 0.24), closed=False)
    return [*areas(peak), *lines(fold), *areas(hull)]


@drawing("ship")
def galleon(rng: Rng) -> list[Part]:
    """Square sails on two masts, a flag, a high stern."""
    masts = [straight((x, 0.4), (x, -0.96), closed=False) for x in (-0.34, 0.3)]
    belly = rng.uniform(0.06, 0.16)
    sails = [
        smooth(
            (x - w, y),
            (x, y - 0.03),
            (x + w, y),
            (x + w - belly, y + 0.24),
            (x + w, y + 0.46),
            (x, y + 0.42),
            (x - w, y + 0.46),
            (x - w - belly, y + 0.24),
        )
        for x in (-0.34, 0.3)
        for y, w in ((-0.84, 0.2), (-0.3, 0.27))
    ]
    flag = straight((0.3, -0.98), (0.62, -0.9), (0.3, -0.8))
    sprit = straight((-0.74, 0.36), (-1.0, 0.02), closed=False)
    hull = smooth(
        (-0.9, 0.3),
        (-0.3, 0.42),
        (0.45, 0.38),
        (0.6, 0.12),
        (0.98, 0.06),
        (0.88, 0.5),
        (0.66, 0.88),
        (-0.3, 0.92),
        (-0.7, 0.74),
    )
    plank = smooth((-0.78, 0.54), (0, 0.64), (0.84, 0.46), closed=False)
    return [*lines(*masts, sprit), *areas(flag, *sails, hull), *lines(plank)]


@drawing("ship")
def submarine(rng: Rng) -> list[Part]:
    """Tower, periscope and screw."""
    x = rng.uniform(-0.2, 0.1)
    scope = band(
        straight((x + 0.05, -0.3), (x + 0.05, -0.82), (x - 0.16, -0.82), closed=False), 0.08, 0.08
    )
    tower = straight((x - 0.26, 0.0), (x - 0.2, -0.42), (x + 0.2, -0.42), (x + 0.28, 0.0))
    screw = [ellipse(0.92, 0.22 + s * 0.17, 0.07, 0.16) for s in (-1, 1)]
    hull = smooth(
        (-0.98, 0.24),
        (-0.78, -0.06),
        (-0.2, -0.14),
        (0.5, -0.08),
        (0.9, 0.22),
        (0.5, 0.54),
        (-0.2, 0.6),
        (-0.78, 0.52),
    )
    holes = [ellipse(h, 0.2, 0.09) for h in (-0.52, -0.14, 0.24)]
    return areas(scope, tower, *screw, hull, *holes)

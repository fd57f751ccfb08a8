"""Animals for the generated shapes. They look left; `place` mirrors half of them."""

from portrayal.data.drawings import (
    Part,
    Rng,
    areas,
    band,
    drawing,
    ellipse,
    eye,
    lines,
    moved,
    smooth,
    straight,
    turned,
)


@drawing("animal")
def cat(rng: Rng) -> list[Part]:
    """Sitting, seen from the front, tail to the side."""
    lift = rng.uniform(-0.15, 0.15)
    tail = band(
        smooth((0.25, 0.8), (0.7, 0.85), (0.85, 0.4 + lift), (0.72, 0.1 + lift), closed=False),
        0.2,
        0.12,
    )
    body = smooth(
        (0, -0.2),
        (0.3, 0.1),
        (0.46, 0.62),
        (0.34, 0.92),
        (0, 0.96),
        (-0.34, 0.92),
        (-0.46, 0.62),
        (-0.3, 0.1),
    )
    head = smooth(
        (-0.4, -0.95), (-0.2, -0.72), (0, -0.75), (0.2, -0.72), (0.4, -0.95), (0.46, -0.5),
        (0.36, -0.2), (0, -0.06), (-0.36, -0.2), (-0.46, -0.5),
    )  # fmt: skip
    whiskers = [
        straight((s * 0.16, -0.28), (s * 0.6, y), closed=False)
        for s in (-1, 1)
        for y in (-0.36, -0.2)
    ]
    paws = [
        smooth((s * 0.1, 0.94), (s * 0.12, 0.6), (s * 0.12, 0.45), closed=False) for s in (-1, 1)
    ]
    nose = smooth((-0.08, -0.22), (0, -0.27), (0.08, -0.22), closed=False)
    return [
        *areas(tail, body, head),
        *lines(nose, *paws, *whiskers),
        eye(-0.18, -0.48),
        eye(0.18, -0.48),
    ]


@drawing("animal")
def rabbit(rng: Rng) -> list[Part]:
    """Crouching, long ears."""
    tilt = rng.uniform(-0.2, 0.2)
    ears = [
        moved(turned(ellipse(0, -0.42, 0.12, 0.42), a + tilt), -0.42, -0.35) for a in (0.45, 0.05)
    ]
    tail = ellipse(0.82, 0.45, 0.17)
    body = smooth(
        (-0.35, 0.1), (0.1, -0.2), (0.6, -0.05), (0.82, 0.45), (0.65, 0.85), (0, 0.88), (-0.45, 0.8)
    )
    foot = ellipse(0.3, 0.86, 0.36, 0.12)
    paw = ellipse(-0.42, 0.84, 0.2, 0.1)
    head = smooth(
        (-0.92, 0.02), (-0.7, -0.3), (-0.35, -0.38), (-0.08, -0.1), (-0.25, 0.22), (-0.65, 0.26)
    )
    thigh = smooth((0.15, 0.75), (0.12, 0.4), (0.42, 0.22), (0.68, 0.42), closed=False)
    return [*areas(*ears, tail, body, foot, paw, head), *lines(thigh), eye(-0.5, -0.1, 0.065)]


@drawing("animal")
def fish(rng: Rng) -> list[Part]:
    """Swimming to the left."""
    fat = rng.uniform(0.4, 0.56)
    tail = straight((0.45, 0), (1.0, -0.5), (0.84, 0), (1.0, 0.5))
    top = smooth((-0.25, -fat + 0.04), (0.1, -fat - 0.32), (0.45, -0.2))
    body = smooth(
        (-0.98, 0.05),
        (-0.62, -fat * 0.75),
        (-0.1, -fat),
        (0.4, -0.26),
        (0.66, 0),
        (0.4, 0.26),
        (-0.1, fat),
        (-0.62, fat * 0.75),
    )
    fin = smooth((-0.1, 0.08), (0.28, 0.02), (0.22, 0.3))
    gill = smooth((-0.45, -0.26), (-0.34, 0), (-0.45, 0.26), closed=False)
    return [*areas(tail, top, body, fin), *lines(gill), eye(-0.66, -0.1, 0.065)]


@drawing("animal")
def bird(rng: Rng) -> list[Part]:
    """Standing, wing folded."""
    step = rng.uniform(0.0, 0.12)
    legs = [
        straight((x, 0.4), (x - 0.02, 0.9), (x - 0.2, 0.94), closed=False)
        for x in (-0.05 - step, 0.16)
    ]
    tail = straight((0.45, 0.0), (1.0, 0.1), (0.96, 0.36), (0.4, 0.32))
    beak = straight((-0.68, -0.6), (-1.0, -0.45), (-0.66, -0.38))
    body = smooth(
        (-0.45, -0.84),
        (-0.12, -0.6),
        (0.1, -0.22),
        (0.55, 0.05),
        (0.45, 0.4),
        (0, 0.52),
        (-0.42, 0.3),
        (-0.6, -0.15),
        (-0.74, -0.56),
    )
    wing = smooth((-0.2, -0.08), (0.2, -0.06), (0.72, 0.18), (0.2, 0.34), (-0.12, 0.22))
    return [*lines(*legs), *areas(tail, beak, body, wing), eye(-0.46, -0.56)]


@drawing("animal")
def elephant(rng: Rng) -> list[Part]:
    """Standing, trunk down."""
    swing = rng.uniform(-0.12, 0.12)
    tail = smooth((0.86, -0.2), (0.98, 0.05), (0.92, 0.35), closed=False)
    legs = [
        straight((x, 0.1), (x + 0.24, 0.1), (x + 0.25, 0.86), (x - 0.02, 0.86))
        for x in (0.02, 0.34, -0.24, 0.6)
    ]
    body = smooth(
        (-0.35, -0.4),
        (0.1, -0.62),
        (0.65, -0.5),
        (0.9, -0.1),
        (0.84, 0.36),
        (0.25, 0.44),
        (-0.3, 0.36),
    )
    trunk = band(
        smooth(
            (-0.72, -0.1), (-0.9, 0.3), (-0.88 + swing, 0.62), (-0.98 + swing, 0.8), closed=False
        ),
        0.34,
        0.15,
    )
    head = ellipse(-0.56, -0.3, 0.34, 0.36)
    ear = smooth(
        (-0.42, -0.58), (-0.1, -0.62), (0.06, -0.3), (-0.08, 0.1), (-0.36, 0.04), (-0.44, -0.25)
    )
    return [*lines(tail), *areas(*legs, body, trunk, head, ear), eye(-0.7, -0.36)]


@drawing("animal")
def turtle(rng: Rng) -> list[Part]:
    """Walking, shell with plates."""
    high = rng.uniform(0.5, 0.72)
    legs = [smooth((x, 0.3), (x + 0.3, 0.3), (x + 0.24, 0.7), (x - 0.04, 0.7)) for x in (-0.5, 0.3)]
    head = smooth(
        (-0.5, 0.26), (-0.62, -0.02), (-0.8, -0.24), (-1.02, -0.06), (-0.92, 0.14), (-0.7, 0.34)
    )
    tail = straight((0.66, 0.26), (1.0, 0.42), (0.66, 0.42))
    shell = smooth(
        (-0.72, 0.32),
        (-0.6, -0.1),
        (-0.3, 0.2 - high),
        (0.15, 0.16 - high),
        (0.55, -0.06),
        (0.78, 0.32),
        (0.35, 0.42),
        (-0.35, 0.42),
    )
    plates = [
        smooth((x, 0.4), (x + 0.05, 0.1), (0.6 * x, 0.2 - high), closed=False)
        for x in (-0.34, 0.02, 0.38)
    ]
    rim = smooth((-0.64, 0.14), (0, 0.22), (0.68, 0.14), closed=False)
    return [*areas(*legs, head, tail, shell), *lines(*plates, rim), eye(-0.84, -0.06)]

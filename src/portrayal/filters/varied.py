"""Filters drawn at random: a cartoon recipe per picture, as texts of `--filter`, in their order.

A translator that has seen one cartoonizer learns to undo that one. Drawn are the algorithm, its
constants, shifts of tone and light damage, wide around what hand-written cartoonizers do, from
nearly the photo to a few flat colours under black lines.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from portrayal.core.errors import UnknownName
from portrayal.core.seeds import numpy_rng

Draw = Callable[[np.random.Generator], list[str]]


def drawn(*parts: int | str, styles: Sequence[str] = ()) -> list[str]:
    """The recipe fixed by its parts, e.g. `drawn(seed, name, variant)`: one to four filters.

    `styles`: names of filters to draw from in equal shares; none: all in the shares of STYLES.
    """
    rng = numpy_rng("varied", *parts)
    chosen = {named(each): 1.0 for each in styles} or STYLES
    shares = np.array(list(chosen.values()))
    style = list(chosen)[int(rng.choice(len(chosen), p=shares / shares.sum()))]
    recipe = style(rng)
    if rng.random() < 0.8:
        recipe.append(tones(rng))
    if rng.random() < 0.25:
        recipe.append(damage(rng))
    return recipe


def beyeler(rng: np.random.Generator) -> list[str]:
    """`cartoon` with other constants."""
    constants = {
        "levels": int(rng.integers(0, 3)),
        "bilateral_repeats": int(rng.integers(3, 10)),
        "d": int(rng.choice([5, 7, 9])),
        "sigma_color": _between(rng, 6, 30),
        "sigma_space": _between(rng, 4, 10),
        "median": int(rng.choice([3, 5, 7])),
        "block": int(rng.choice([7, 9, 11, 13])),
        "c": _between(rng, 1.5, 6),
        "method": str(rng.choice(["mean", "gaussian"])),
    }
    return [_text("cartoon", constants)]


def perturbed(rng: np.random.Generator) -> list[str]:
    """`cartoon_perturbed` with its own constants, a few of them moved."""
    repeats, c = int(rng.integers(5, 11)), _between(rng, 2.5, 6)
    return [_text("cartoon_perturbed", {"bilateral_repeats": repeats, "c": c})]


def poster(rng: np.random.Generator) -> list[str]:
    """A palette, with lines in two of three."""
    constants = {"colours": int(rng.integers(6, 20)), "smoothing": int(rng.integers(1, 5))}
    lines = _between(rng, 0.2, 1) if rng.random() < 0.67 else 0
    return [_text("cartoon_poster", {**constants, "lines": lines})]


def regions(rng: np.random.Generator) -> list[str]:
    """Flat regions, half of them with outlines drawn together afterwards."""
    constants = {
        "cell": int(rng.integers(4, 11)),
        "merge": _between(rng, 3, 14),
        "detail": _between(rng, 0, 0.5),
        **_lines(rng),
    }
    recipe = [_text("flat_regions", constants)]
    if rng.random() < 0.5:
        recipe.append(_text("flat_flow", {"repeats": 2, "sigma": _between(rng, 1, 2.5)}))
    return recipe


def flow(rng: np.random.Generator) -> list[str]:
    """Strokes, after some smoothing in half of them."""
    recipe = []
    if rng.random() < 0.5:
        recipe.append(_text("flat_smooth", {"edge": _between(rng, 0.02, 0.07)}))
    constants = {
        "sigma": _between(rng, 1, 3.5),
        "repeats": int(rng.integers(2, 6)),
        "strength": _between(rng, 0.4, 1),
        **_lines(rng),
    }
    return [*recipe, _text("flat_flow", constants)]


def shifted(rng: np.random.Generator) -> list[str]:
    """Mean shift."""
    space, colour = _between(rng, 3, 7), _between(rng, 12, 35)
    return [_text("flat_shift", {"space": space, "colour": colour, **_lines(rng)})]


def mild(rng: np.random.Generator) -> list[str]:
    """Nearly the photo: light smoothing under thin lines."""
    constants = {
        "radius": int(rng.integers(1, 5)),
        "edge": _between(rng, 0.01, 0.06),
        "repeats": int(rng.integers(1, 4)),
        "lines": _between(rng, 0, 0.7),
        "width": _between(rng, 0.7, 1.2),
    }
    return [_text("flat_smooth", constants)]


def grey_pencil(rng: np.random.Generator) -> list[str]:
    """Pencil."""
    return [_text("pencil", {"kernel": int(rng.choice([9, 15, 21, 31]))})]


def grey_ink(rng: np.random.Generator) -> list[str]:
    """Ink."""
    constants = {"sigma": _between(rng, 0.7, 1.5), "p": _between(rng, 8, 20)}
    return [_text("xdog", {**constants, "epsilon": _between(rng, 0.25, 0.6)})]


def grey_copy(rng: np.random.Generator) -> list[str]:
    """Photocopy."""
    constants = {"sigma": _between(rng, 2, 7), "threshold": _between(rng, 0.02, 0.06)}
    return [_text("photocopy", {**constants, "soft": _between(rng, 0.02, 0.1)})]


def grey_edges(rng: np.random.Generator) -> list[str]:
    """Edges."""
    low = int(rng.integers(15, 50))
    constants = {
        "sigma": _between(rng, 1, 2.2),
        "low": low,
        "high": low + int(rng.integers(20, 70)),
    }
    return [_text("edges", {**constants, "width": int(rng.integers(1, 3))})]


STYLES: dict[Draw, float] = {  # shares
    beyeler: 0.2,
    perturbed: 0.04,
    poster: 0.1,
    regions: 0.24,
    flow: 0.18,
    shifted: 0.08,
    mild: 0.1,
    grey_pencil: 0.03,
    grey_ink: 0.03,
}
NAMED: dict[str, Draw] = {  # by the filter that gives the look
    "cartoon": beyeler,
    "cartoon_perturbed": perturbed,
    "cartoon_poster": poster,
    "flat_regions": regions,
    "flat_flow": flow,
    "flat_shift": shifted,
    "flat_smooth": mild,
    "pencil": grey_pencil,
    "xdog": grey_ink,
    "photocopy": grey_copy,
    "edges": grey_edges,
}


def named(name: str) -> Draw:
    """The style of a filter, or the nearest name."""
    if name not in NAMED:
        raise UnknownName("style", name, NAMED)
    return NAMED[name]


def tones(rng: np.random.Generator) -> str:
    """Other contrast, lightness and colours, for the whole picture."""
    constants = {
        "contrast": _between(rng, 0.85, 1.3),
        "gamma": _between(rng, 0.75, 1.25),
        "saturation": _between(rng, 0.5, 1.25),
        "red": _between(rng, -0.04, 0.04),
        "blue": _between(rng, -0.04, 0.04),
        "local": max(0.0, _between(rng, -0.2, 0.5)),
    }
    return _text("tone", constants)


def damage(rng: np.random.Generator) -> str:
    """A little noise, blur, JPEG or loss of pixels."""
    kind = str(rng.choice(["noise", "blur", "jpeg", "downscale"]))
    constants: dict[str, float] = {"strength": _between(rng, 0.02, 0.18)}
    if kind == "noise":
        constants["seed"] = int(rng.integers(1 << 31))
    return _text(kind, constants)


def _lines(rng: np.random.Generator) -> dict[str, float]:
    """Lines in two of three."""
    if rng.random() < 0.33:
        return {}
    return {"lines": _between(rng, 0.2, 1), "width": _between(rng, 0.7, 1.4)}


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Two digits, so that the text says exactly what was done."""
    return round(float(rng.uniform(low, high)), 2)


def _text(name: str, constants: Mapping[str, object]) -> str:
    return f"{name}:" + ",".join(f"{key}={value}" for key, value in constants.items())

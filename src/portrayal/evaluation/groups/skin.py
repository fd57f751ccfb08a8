"""Does a translator lighten or darken faces, and whose? Signed shifts of the skin tone by group."""

from collections.abc import Collection, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData
from portrayal.core.images import unit
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.summary import clusters_of, known
from portrayal.inference.ahead import THREADS, ahead
from portrayal.metrics.skin import LEAST, TONES, UNKNOWN, ita, median_colour, skin_of, tone_name
from portrayal.metrics.statistics import bootstrap_mean
from portrayal.reports.results import Section

NOTE = (
    "ITA of the translation minus ITA of the {reference} (or input), in degrees, at the same skin "
    "pixels; above 0 is lighter. Groups are ITA bins of the {reference}: photographs without a "
    "colour chart, so lamps and make-up count as skin, and groups are not people. A translator "
    "that returns an average face moves light groups down and dark groups up: read 'all' for a "
    f"bias of the whole. {UNKNOWN}: no face found, or under {LEAST} pixels of it look like skin."
)
SIDES = {"target": "truth", "source": "input"}
Numbers = NDArray[np.float64]
Cell = str | float | None


def skin_section(
    answers: Answers,
    *,
    least: int = 10,
    seed: int = 0,
    draws: int = 10_000,
    bar: Bar | None = None,
) -> Section:
    """Mean signed shift from the truth and from the input, of all pictures and by skin tone."""
    angles = skin_angles(answers, bar)
    reference = reference_of(angles)
    tones = np.array([tone_name(angle) for angle in angles[reference]])
    rows: list[list[Cell]] = []
    for side in (side for side in SIDES if side in angles):
        shifts = angles["fake"] - angles[side]
        for group in ("all", *TONES):
            mine = np.isfinite(shifts) & ((tones == group) | (group == "all"))
            people = clusters_of([answers.rows[int(i)] for i in np.flatnonzero(mine)])
            if mine.any():
                found = judged_shift(shifts[mine], people, least, seed, draws)
                rows.append([SIDES[side], group, int(mine.sum()), *found])
    if missing := int((tones == UNKNOWN).sum()):
        rows.append([SIDES[reference], UNKNOWN, missing, None, None, None, "no value"])
    return Section(
        key="skin_tone",
        title="Skin tone shift",
        note=NOTE.format(reference=SIDES[reference]),
        head=["against the", "skin tone", "n", "shift in degrees", "low", "high", ""],
        rows=rows,
    )


def judged_shift(
    shifts: Numbers,
    clusters: Sequence[Hashable] | None,
    least: int,
    seed: int,
    draws: int,
) -> list[Cell]:
    """Mean, bounds, and in a word what they say; nothing of fewer than `least` pictures."""
    if len(shifts) < least:
        return [None, None, None, f"too few to judge (under {least})"]
    found = bootstrap_mean(shifts, clusters=clusters, seed=seed, draws=draws)
    word = "lightened" if found.low > 0 else "darkened" if found.high < 0 else "may be none"
    return [found.value, known(found.low), known(found.high), word]


def skin_tones(answers: Answers, bar: Bar | None = None) -> list[str]:
    """The tone of each picture's truth (without one: of its input), a column to slice by."""
    angles = skin_angles(answers, bar, only_reference=True)
    return [tone_name(angle) for angle in angles[reference_of(angles)]]


def reference_of(sides: Collection[str]) -> str:
    """What decides the group: the truth, and where there is none, the input."""
    for side in SIDES:
        if side in sides:
            return side
    raise BadData("Skin tone is compared with a truth or an input, but there is neither.")


def skin_angles(
    answers: Answers, bar: Bar | None = None, *, only_reference: bool = False
) -> dict[str, Numbers]:
    """ITA in degrees of each side, (N,), at the skin pixels of the reference; NaN without."""
    rows = []
    measure = partial(_angles, answers, only_reference)
    with (
        opened(bar, "Measuring skin", len(answers)) as advance,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        for angles in ahead(pool, measure, range(len(answers))):
            rows.append(angles)
            advance(1)
    return {side: np.array([row[side] for row in rows]) for side in (rows[0] if rows else ())}


def _angles(answers: Answers, only_reference: bool, index: int) -> dict[str, float]:
    sides = {side: unit(pixels) for side, pixels in answers.pictures(index).items()}
    reference = reference_of(sides)
    skin = skin_of(sides[reference])
    wanted = [reference] if only_reference else list(sides)
    return {side: float(ita(median_colour(sides[side], skin))) for side in wanted}
